import { type ChildProcessByStdio, spawn } from "node:child_process";
import { once } from "node:events";
import path from "node:path";
import readline from "node:readline";
import type { Readable, Writable } from "node:stream";
import type { Answers, CommandOf, Mode } from "../clients/protocol";
import { now } from "../clients/serve";
import { type Usage, usageOf } from "./usage";

/** For whatever never answers: longer than any part takes. */
const patienceMs = 900_000;

/** How a party is started, as often as it is wanted. */
export interface PartyPlan {
	readonly name: string;
	readonly command: string;
	readonly args: readonly string[];
}

/** One of bench/clients. */
export function client(name: string, file: string): PartyPlan {
	const program = path.join(__dirname, "..", "clients", `${file}.js`);
	return { name, command: process.execPath, args: ["--expose-gc", program] };
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

	static start({ name, command, args }: PartyPlan): Party {
		const child = spawn(command, args, { stdio: ["pipe", "pipe", "inherit"] });
		// One that is gone is noticed by its missing answer.
		child.on("error", () => {});
		child.stdin.on("error", () => {});
		return new Party(name, child);
	}

	/** @throws Error with what the party says, or when it ends instead of answering or is ended for its silence */
	async ask<M extends Mode>(mode: M, command: Omit<CommandOf<M>, "mode">): Promise<Answers[M]> {
		this.#child.stdin.write(`${JSON.stringify({ mode, ...command })}\n`);
		const silent = setTimeout(() => this.#child.kill("SIGKILL"), patienceMs);
		const line = await this.#lines.next().finally(() => clearTimeout(silent));
		if (line.done) throw new Error(`${this.name} ended instead of answering ${mode}`);
		const answer = JSON.parse(line.value) as Answers[M] & { readonly error?: string };
		if (answer.error !== undefined) throw new Error(`${this.name}, ${mode}: ${answer.error}`);
		return answer;
	}

	/** Undefined where the system does not tell. */
	usage(): Usage | undefined {
		return this.#child.pid === undefined ? undefined : usageOf(this.#child.pid);
	}

	/**
	 * Times of two processes are compared: that is only honest if they read one clock. A reading of the party's that
	 * is not between two of ours is another clock's.
	 */
	async checkClock(): Promise<void> {
		for (let nth = 0; nth < 10; nth++) {
			const before = now();
			const { ns } = await this.ask("clock", {});
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
