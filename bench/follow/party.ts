import { type ChildProcessByStdio, spawn } from "node:child_process";
import { once } from "node:events";
import path from "node:path";
import readline from "node:readline";
import type { Readable, Writable } from "node:stream";
import type {
	CatchUpAnswer,
	ClockAnswer,
	Command,
	DeliverAnswer,
	Usage,
	WatchAnswer,
	WriteAnswer,
} from "../parties/protocol";
import { now } from "../parties/serve";

interface Answers {
	readonly clock: ClockAnswer;
	readonly "catch-up": CatchUpAnswer;
	readonly watch: WatchAnswer;
	readonly write: WriteAnswer;
	readonly open: Usage;
	readonly deliver: DeliverAnswer;
	readonly shut: object;
}

/** The bench's side of a party: a process that is asked one thing at a time. */
export class Party {
	readonly name: string;
	readonly #child: ChildProcessByStdio<Writable, Readable, null>;
	readonly #lines: AsyncIterator<string>;

	private constructor(name: string, child: ChildProcessByStdio<Writable, Readable, null>) {
		this.name = name;
		this.#child = child;
		this.#lines = readline.createInterface({ input: child.stdout })[Symbol.asyncIterator]();
	}

	static start(name: string, command: string, args: readonly string[]): Party {
		const child = spawn(command, args, { stdio: ["pipe", "pipe", "inherit"] });
		// One that is gone is noticed by its missing answer.
		child.on("error", () => {});
		child.stdin.on("error", () => {});
		return new Party(name, child);
	}

	/** Starts one of bench/parties. */
	static node(name: string, file: string): Party {
		const program = path.join(__dirname, "..", "parties", `${file}.js`);
		return Party.start(name, process.execPath, ["--expose-gc", program]);
	}

	async ask<C extends Command>(command: C): Promise<Answers[C["mode"]]> {
		this.#child.stdin.write(`${JSON.stringify(command)}\n`);
		const line = await this.#lines.next();
		if (line.done) throw new Error(`${this.name} ended instead of answering ${command.mode}`);
		const answer = JSON.parse(line.value) as Answers[C["mode"]] & { readonly error?: string };
		if (answer.error !== undefined) throw new Error(`${this.name}, ${command.mode}: ${answer.error}`);
		return answer;
	}

	/**
	 * Times of two processes are compared: that is only honest if they read one clock. A reading of the party's that
	 * is not between two of ours is another clock's.
	 */
	async checkClock(): Promise<void> {
		for (let nth = 0; nth < 10; nth++) {
			const before = now();
			const { ns } = await this.ask({ mode: "clock" });
			const after = now();
			if (ns < before || ns > after) {
				throw new Error(`${this.name} has another clock: ${ns} is not from ${before} to ${after}`);
			}
		}
	}

	/** Ends the process: its stdin ends, and it with it. */
	async close(): Promise<void> {
		if (this.#child.pid === undefined || this.#child.exitCode !== null || this.#child.signalCode !== null)
			return;
		const exited = once(this.#child, "exit");
		const late = setTimeout(() => this.#child.kill("SIGKILL"), 2_000);
		this.#child.stdin.end();
		await exited;
		clearTimeout(late);
	}
}
