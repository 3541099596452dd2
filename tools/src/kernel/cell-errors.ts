import fs from "node:fs";
import { SourceMap } from "node:module";
import { inspect } from "node:util";

/** One line of an error's stack. */
interface Frame {
	readonly text: string;
	readonly file: string;
	/** From 1, as V8 counts. */
	readonly line: number;
	readonly column: number;
}

/** A cell that ran, by its name in a stack. */
interface CompiledCell {
	/** How many lines it has as compiled; what is below is the kernel's call of it. */
	readonly lines: number;
	/** Where each line came from: first a line of TypeScript's output, then one of the cell. */
	readonly maps: readonly SourceMap[];
}

/** What is kept of the cells that ran: a cell of long ago can have made the function that throws now. */
const MOST_CELLS = 500;

/**
 * What a notebook shows of an error: for the lab's own the sentence alone, for any other the stack without what
 * is the kernel's and Node's; each with the line of the cell. ETCD_WATCH_LAB_DEBUG=1 shows the whole error.
 */
export class CellErrors {
	readonly #lib: string;
	readonly #cells = new Map<string, CompiledCell>();
	#running = "";
	/** The lines of the running cell that have an await, from 1. */
	#awaits: readonly number[] = [];

	/** @param lib the folder of the lab's compiled code */
	constructor(lib: string) {
		this.#lib = lib;
	}

	/**
	 * A cell is about to run.
	 * @param count its number, as the notebook shows it
	 * @param source what stands in it
	 * @param output the same as tslab compiled it
	 * @returns that with a name for stacks, and without the maps that were in it
	 */
	began(count: number, source: string, output: string): string {
		const maps: SourceMap[] = [];
		let code = output;
		for (let text: string | undefined = output; text !== undefined; ) {
			const found = /\n?\/\/# sourceMappingURL=data:application\/json;base64,([\w+/=]+)\s*$/.exec(text);
			if (found?.[1] === undefined) break;
			if (maps.length === 0) code = text.slice(0, found.index);
			const payload = JSON.parse(Buffer.from(found[1], "base64").toString());
			maps.push(new SourceMap(payload));
			text = payload.sourcesContent?.[0];
		}
		this.#running = `cell-${count}`;
		this.#awaits = source
			.split("\n")
			.flatMap((line, at) => (/\bawait\b/.test(line.replace(/\/\/.*/, "")) ? [at + 1] : []));
		this.#cells.delete(this.#running);
		this.#cells.set(this.#running, { lines: code.split("\n").length, maps });
		const [oldest] = this.#cells.keys();
		if (this.#cells.size > MOST_CELLS && oldest !== undefined) this.#cells.delete(oldest);
		return `${code}\n//# sourceURL=${this.#running}`;
	}

	/** What to print for what the running cell threw. */
	said(thrown: unknown): string {
		if (process.env["ETCD_WATCH_LAB_DEBUG"]) return inspect(thrown);
		if (!(thrown instanceof Error)) return `thrown: ${inspect(thrown)}`;
		if (isInterrupt(thrown)) return "Interrupted.";
		const frames = this.#framesOf(thrown);
		const frame = frames.find(({ file }) => this.#cells.has(file));
		// An error that comes out of a wait has no stack: then it is one of the lines that wait.
		const lines = this.#awaits.length === 0 ? "" : `line ${this.#awaits.join(" or ")}`;
		const where = frame === undefined ? lines : this.#placeInWords(frame);
		const place = where === "" ? "" : `${where}: `;
		if (this.#isOfLab(thrown, frames)) return `${place}${thrown.name}: ${thrown.message}`;
		this.#tidy(thrown);
		return `${place}${inspect(thrown)}`;
	}

	/** What to print for what was thrown by something that no cell waits for. */
	saidAside(thrown: unknown): string {
		this.#awaits = [];
		return this.said(thrown);
	}

	/** Takes what is the kernel's and Node's out of the stack, and out of those of the errors behind it. */
	#tidy(error: Error, depth = 0): void {
		const kept = this.#framesOf(error).flatMap((frame) => {
			if (this.#cells.has(frame.file)) return [`    at ${this.#placeInWords(frame)}`];
			return /^node:|[\\/]node_modules[\\/]tslab[\\/]|[\\/]tools[\\/]dist[\\/]kernel[\\/]kernel\.js$/.test(
				frame.file,
			)
				? []
				: [frame.text];
		});
		error.stack = [`${error.name}: ${error.message}`, ...kept].join("\n");
		if (depth === 8) return;
		const behind = [error.cause, ...("errors" in error && Array.isArray(error.errors) ? error.errors : [])];
		for (const one of behind) if (one instanceof Error) this.#tidy(one, depth + 1);
	}

	#framesOf(error: Error): Frame[] {
		return framesOf(error).filter(({ file, line }) => line <= (this.#cells.get(file)?.lines ?? line));
	}

	#placeInWords({ file, line, column }: Frame): string {
		let at = { line: line - 1, column: column - 1 };
		for (const map of this.#cells.get(file)?.maps ?? []) {
			const { originalLine = at.line, originalColumn = at.column } = { ...map.findEntry(at.line, at.column) };
			at = { line: originalLine, column: originalColumn };
		}
		// The first line of what tslab compiles is its own "export {};".
		const where = `line ${Math.max(1, at.line)}`;
		return file === this.#running ? where : `${where} of cell [${file.replace("cell-", "")}]`;
	}

	/** True for what the lab says on purpose, not for a fault in its code. */
	#isOfLab(error: Error, [first]: readonly Frame[]): boolean {
		for (let type = Object.getPrototypeOf(error); type !== null; type = Object.getPrototypeOf(type))
			if (type.constructor?.name === "LabError") return true;
		if (!first?.file.startsWith(this.#lib)) return false;
		// A RangeError that it throws itself stands where it is made; V8 throws its own anywhere else.
		const line = fs.readFileSync(first.file, "utf8").split("\n")[first.line - 1] ?? "";
		return /^new [\w.]*Error\b/.test(line.slice(first.column - 1));
	}
}

/** Interrupt while the cell waits, or while it computes. */
function isInterrupt(error: Error): boolean {
	const code = "code" in error ? error.code : undefined;
	return error.message === "Interrupted asynchronously" || code === "ERR_SCRIPT_EXECUTION_INTERRUPTED";
}

function framesOf({ stack = "" }: Error): Frame[] {
	return stack.split("\n").flatMap((text) => {
		const found = /^\s+at (?:.*\()?(.*?):(\d+):(\d+)\)?$/.exec(text);
		if (!found) return [];
		const [, file = "", line, column] = found;
		return [
			{ text, file: file.replace(/^(async )?(file:\/\/)?/, ""), line: Number(line), column: Number(column) },
		];
	});
}
