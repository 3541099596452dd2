/** One output in several forms: a notebook's front end shows the richest that it can draw. */
export interface Bundle {
	/** Always there: for terminals, for screen readers, for a diff. */
	readonly "text/plain": string;
	readonly "text/html"?: string;
	readonly "image/svg+xml"?: string;
	/** A Vega-Lite 5 specification. */
	readonly "application/vnd.vegalite.v5+json"?: Readonly<Record<string, unknown>>;
}

export interface ShowOptions {
	/** Names the output, so that it can be replaced later. */
	readonly displayId?: string;
	/** True to replace the output of this name instead of adding one. */
	readonly update?: boolean;
}

type Write = (data: { data: Bundle; metadata: object; transient: object }, update: boolean) => void;

/**
 * The kernel's own way to send an output, looked up at each call since each run of a cell replaces it; undefined
 * when no tslab kernel runs in this process. Only a tslab that is loaded already is looked at: loading another
 * would not find the kernel. Two can be loaded, a global one that started and the project's that took over.
 */
function kernel(): Write | undefined {
	for (const file in require.cache) {
		if (!/[\\/]tslab[\\/]dist[\\/]jupyter\.js$/.test(file)) continue;
		const loaded: unknown = require.cache[file]?.exports;
		if (typeof loaded !== "object" || loaded === null || !("lastWriteDisplayData" in loaded)) continue;
		const write = loaded.lastWriteDisplayData;
		if (typeof write === "function") return (data, update) => void write(data, update);
	}
	return undefined;
}

/** True when this runs in a notebook's kernel. */
export function inNotebook(): boolean {
	return kernel() !== undefined;
}

/**
 * Shows an output under the running cell. Outside a notebook (a test, plain node) its text form is printed to
 * stdout instead, also for an update.
 */
export function show(bundle: Bundle, options: ShowOptions = {}): void {
	const write = kernel();
	if (!write) {
		process.stdout.write(`${bundle["text/plain"].replace(/\n*$/, "")}\n`);
		return;
	}
	const transient = options.displayId === undefined ? {} : { display_id: options.displayId };
	write({ data: bundle, metadata: {}, transient }, options.update === true);
}
