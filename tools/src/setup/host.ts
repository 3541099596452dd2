/** How a set-up step is run: see setup.mjs, which is plain JavaScript because it runs before anything is compiled. */
export interface RunOptions {
	/** The line to show while it runs; without one it runs in silence. */
	title?: string;
	cwd?: string;
	env?: NodeJS.ProcessEnv;
	/** Sees each line of output; what it returns is shown behind the title. */
	progress?: (line: string) => string | undefined;
}

/** How a command ended. `output` is the last 200 kB of what it printed. */
export interface Finished {
	code: number;
	output: string;
	seconds: number;
}

/** What setup.mjs lends to the compiled tools, so that it is written once. */
export interface Host {
	/** The checkout. */
	readonly root: string;
	/** Where the output of the set-up's commands is kept. */
	readonly logFile: string;
	/** Prints one line. */
	say(line: string): void;
	/** Runs a command to its end; rejects with a Problem when the reader interrupts it. */
	run(command: string, args: readonly string[], options: RunOptions): Promise<Finished>;
	/** What went wrong and what to do about it, if the output (of npm, pip, the system) tells. */
	explain(output: string): string | undefined;
	/** Runs `work` while no other process sets this folder up. */
	exclusive<T>(work: () => Promise<T>): Promise<T>;
	/** Compiles these folders with `tsc -b`; rejects with a Problem that carries the compiler's findings. */
	compile(projects: readonly string[]): Promise<void>;
}
