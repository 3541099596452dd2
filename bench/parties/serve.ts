import readline from "node:readline";
import type { CatchUpAnswer, ClockAnswer, Command, DeliverAnswer, Usage, WatchAnswer } from "./protocol";

type Of<Mode extends Command["mode"]> = Extract<Command, { readonly mode: Mode }>;

/** What a party can do. */
export interface Modes {
	catchUp?(command: Of<"catch-up">): Promise<CatchUpAnswer>;
	watch?(command: Of<"watch">): Promise<WatchAnswer>;
	write?(command: Of<"write">): Promise<object>;
	open?(command: Of<"open">): Promise<Usage>;
	deliver?(command: Of<"deliver">): Promise<DeliverAnswer>;
	shut?(): Promise<void>;
}

/** The machine's monotonic clock: exact as a double for the first hundred days after a start. */
export function now(): number {
	return Number(process.hrtime.bigint());
}

export function usage(): Usage {
	globalThis.gc?.();
	const { user, system } = process.cpuUsage();
	const { rss, heapUsed, external } = process.memoryUsage();
	return { cpuMs: (user + system) / 1_000, rssBytes: rss, heapBytes: heapUsed + external };
}

/** Answers the commands on stdin until it ends, and then ends the process whatever is open. */
export function serve(modes: Modes): void {
	const lines = readline.createInterface({ input: process.stdin });
	lines.on("close", () => process.exit(0));
	lines.on("line", (line) => {
		answer(modes, JSON.parse(line) as Command).then(
			(found) => process.stdout.write(`${JSON.stringify(found)}\n`),
			(error: unknown) => process.stdout.write(`${JSON.stringify({ error: String(error) })}\n`),
		);
	});
}

async function answer(modes: Modes, command: Command): Promise<object> {
	const found = await ask(modes, command);
	if (found === undefined) throw new Error(`this party has no mode ${command.mode}`);
	return found;
}

async function ask(modes: Modes, command: Command): Promise<object | undefined> {
	switch (command.mode) {
		case "clock":
			return { ns: now() } satisfies ClockAnswer;
		case "catch-up":
			return await modes.catchUp?.(command);
		case "watch":
			return await modes.watch?.(command);
		case "write":
			return await modes.write?.(command);
		case "open":
			return await modes.open?.(command);
		case "deliver":
			return await modes.deliver?.(command);
		case "shut":
			await modes.shut?.();
			return {};
	}
}
