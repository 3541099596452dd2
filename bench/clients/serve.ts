import readline from "node:readline";
import type {
	Answers,
	CatchUpAnswer,
	Command,
	CommandOf,
	Ending,
	Mode,
	WatchAnswer,
	Watched,
} from "./protocol";

/** Is given each event; true says that it was the last one wanted. */
export type Take = (index: number, key: string) => boolean;

/** What a client is measured by: it hands each event on as it comes, until `take` has had the last, and closes. */
export type Watch = (watched: Watched, take: Take) => Promise<Ending>;

type Modes = { [M in Mode]?: (command: CommandOf<M>) => Promise<Answers[M]> };

/** The machine's monotonic clock: exact as a double for the first hundred days after a start. */
export function now(): number {
	return Number(process.hrtime.bigint());
}

/** Answers all that can be asked of who watches; `own` comes first. Until stdin ends, as `serve`. */
export function serveWatch(watch: Watch, own: Modes = {}): void {
	let heard = 0;
	let onHeard: (() => void) | undefined;
	let failure: unknown;
	serve({
		"catch-up": (command) => catchUp(watch, command),
		watch: (command) => watchUntil(watch, command),
		async open({ watches, key, ...rest }) {
			for (let nth = 0; nth < watches; nth++) {
				let had = false;
				const take = () => {
					if (!had) heard++;
					had = true;
					onHeard?.();
					return false;
				};
				watch({ ...rest, key: `${key}/${nth}` }, take).catch((error: unknown) => {
					failure ??= error;
					onHeard?.();
				});
			}
			return {};
		},
		async heard({ count }) {
			if (count === 0) globalThis.gc?.();
			await new Promise<void>((resolve, reject) => {
				onHeard = () => {
					if (failure !== undefined) reject(failure);
					else if (heard >= count) resolve();
				};
				onHeard();
			});
			return {};
		},
		...own,
	});
}

async function catchUp(watch: Watch, { count, ...watched }: CommandOf<"catch-up">): Promise<CatchUpAnswer> {
	const begin = performance.now();
	let ms = 0;
	let events = 0;
	let lastIndex = watched.afterIndex;
	const { gaps, stopped } = await watch(watched, (index) => {
		if (index <= lastIndex) throw new Error(`${index} came after ${lastIndex}`);
		lastIndex = index;
		if (++events < count) return false;
		// Closing is no part of reading.
		ms = performance.now() - begin;
		return true;
	});
	if (gaps > 0) throw new Error(stopped ?? "the history was cleared");
	return { ms, events, lastIndex };
}

async function watchUntil(watch: Watch, { lastKey, ...watched }: CommandOf<"watch">): Promise<WatchAnswer> {
	const indexes: number[] = [];
	const ns: number[] = [];
	const ending = await watch(watched, (index, key) => {
		indexes.push(index);
		ns.push(now());
		return key === lastKey;
	});
	return { indexes, ns, ...ending };
}

/** Answers the commands on stdin until it ends, and then ends the process whatever is open. */
export function serve(modes: Modes): void {
	const lines = readline.createInterface({ input: process.stdin });
	lines.on("close", () => process.exit(0));
	lines.on("line", (line) => {
		answer({ clock: async () => ({ ns: now() }), ...modes }, JSON.parse(line) as Command).then(
			(found) => process.stdout.write(`${JSON.stringify(found)}\n`),
			(error: unknown) => process.stdout.write(`${JSON.stringify({ error: String(error) })}\n`),
		);
	});
}

async function answer(modes: Modes, command: Command): Promise<object> {
	// The compiler can't see that a command's mode and the function found by it belong together.
	const mode = modes[command.mode] as ((command: Command) => Promise<object>) | undefined;
	if (mode === undefined) throw new Error(`this client has no mode ${command.mode}`);
	return await mode(command);
}

/** A function that makes one thing for each endpoint, and gives the same one for the same. */
export function oncePerEndpoint<T>(make: (endpoint: string) => T): (endpoint: string) => T {
	const made = new Map<string, T>();
	return (endpoint) => {
		const one = made.get(endpoint) ?? make(endpoint);
		made.set(endpoint, one);
		return one;
	};
}
