import { checkIndex, kindOf } from "../http/checks";
import { ArgumentError } from "../http/errors";
import { historyCapacity } from "../model/history";
import type { FaultKind } from "../timeline/timeline";
import { checkValue, isBelow, keyPath } from "../v2/key";
import { bytesOf, toText } from "../v3/bytes";
import { type OpenStep, type Step, stepWords, type WriteStep } from "./steps";

/** In the place of an option that a step does not have: the compiler says these words. */
type Instead<Words extends string> = Words;

export interface OpenOptions {
	/** Also what happens below the key. */
	readonly recursive?: boolean;
	/** Only events after this index of the run; 0 is the run's start. Left out: from now on. */
	readonly afterIndex?: number;
	/** The wire's name for it: `afterIndex` is one less. */
	readonly waitIndex?: Instead<"write { afterIndex: waitIndex - 1 }">;
}

export interface WatchingOptions extends OpenOptions {
	/**
	 * v3 only: the server is to say now and then how far the store is while nothing happens on the key, every 10 minutes
	 * unless it was started with another --experimental-watch-progress-notify-interval. See `awaitProgress`.
	 */
	readonly progressNotify?: boolean;
}

export interface NextPollOptions {
	/** Only events after this index of the run. Left out: from now on. */
	readonly afterIndex?: number;
	/**
	 * Go on where the poll before left off: after its event's index (right), or after the X-Etcd-Index of its
	 * response (wrong: that is where it began). Left out: from now on.
	 */
	readonly goOnAfter?: "event" | "response";
}

export type PollOptions = OpenOptions & NextPollOptions;

export interface BurstOptions {
	/** How many writes, from 1 to 100 000. */
	readonly count: number;
	/** How many different keys they go round; 1 unless given. */
	readonly keyCount?: number;
	/** How many are under way at the same time, from 1 to 64; 8 unless given. */
	readonly connections?: number;
	/** The length of each value, up to 1 000 000; 1 unless given. */
	readonly valueBytes?: number;
	/** The pace in writes a second; as fast as etcd answers unless given. */
	readonly perSecond?: number;
}

export interface DeleteOptions {
	readonly recursive?: Instead<"a directory goes by .rmdir(key, { recursive: true })">;
}

export interface TtlOption {
	/** Whole seconds until it expires. */
	readonly ttl?: number;
}

const booleans: ReadonlySet<string> = new Set(["recursive", "progressNotify"]);

/** What to write instead of a name that comes from elsewhere. */
const instead: ReadonlyMap<string, string> = new Map([
	["waitIndex", "write { afterIndex: waitIndex - 1 }"],
	["after", "write afterIndex"],
	["prevExist", "create is for a key that must not exist, update for one that must"],
	["prevValue", "use compareAndSwap or compareAndDelete"],
	["prevIndex", "use compareAndSwap or compareAndDelete"],
	["dir", "a directory is made by mkdir and removed by rmdir"],
	["stream", "open it by .stream()"],
	["version", 'run has { api: "v2" } or { api: "v3" }, and runOnModel { version: "3.5" }'],
	["next poll recursive", "a poll has its key and recursive from its first"],
	["delete recursive", "a directory and all in it go by .rmdir(key, { recursive: true })"],
]);

const open = ["recursive", "afterIndex"];
const ttl = ["ttl"];
const comparison = ["prevValue", "prevIndex"];

/** The options of each step, and of what runs them. */
const optionsOf = {
	...{ watch: [...open, "progressNotify"], stream: open, follow: open, pollLoop: ["recursive"] },
	...{ poll: [...open, "goOnAfter"], "next poll": ["afterIndex", "goOnAfter"] },
	...{ set: ttl, create: ttl, createInOrder: ttl, update: ttl, mkdir: ttl, updateDirectory: ttl },
	...{ delete: [], rmdir: ["recursive"], refresh: [] },
	...{ compareAndSwap: comparison, compareAndDelete: comparison },
	burst: ["count", "keyCount", "connections", "valueBytes", "perSecond"],
	run: ["api", "signal", "onChange", "onWritten", "stepTimeoutMs", "onWait"],
	runOnModel: ["version", "like"],
} satisfies Record<string, readonly string[]>;

/** @throws ArgumentError for what is no object, has an option that there is not, or no boolean where one belongs */
export function checkOptions(step: keyof typeof optionsOf, options: unknown): void {
	const known: readonly string[] = optionsOf[step];
	if (typeof options !== "object" || options === null || Array.isArray(options))
		throw new ArgumentError(`${step} takes its options as an object, not ${kindOf(options)}`);
	for (const [name, value] of Object.entries(options)) {
		if (value === undefined) continue;
		if (!known.includes(name)) {
			const near = known.find((one) => one.toLowerCase() === name.toLowerCase());
			const hint =
				near === undefined ? (instead.get(`${step} ${name}`) ?? instead.get(name)) : `write ${near}`;
			const has = known.length === 0 ? "it has none" : `it has ${known.join(", ")}`;
			throw new ArgumentError(`${step} has no option "${name}": ${hint ?? has}`);
		}
		if (booleans.has(name) && typeof value !== "boolean")
			throw new ArgumentError(`${name} is true or false, not ${kindOf(value)}`);
	}
}

/** What opens a watcher, or polls again. @throws ArgumentError */
export function openStep(
	step: OpenStep["step"],
	watcher: string,
	key: string,
	options: PollOptions & WatchingOptions,
): OpenStep {
	const { recursive = false, afterIndex, goOnAfter, progressNotify } = options;
	if (afterIndex !== undefined && goOnAfter !== undefined)
		throw new ArgumentError("afterIndex and goOnAfter both say where to begin: give one of them");
	if (afterIndex !== undefined) checkIndex("afterIndex", afterIndex);
	if (goOnAfter !== undefined && goOnAfter !== "event" && goOnAfter !== "response")
		throw new ArgumentError(`goOnAfter is "event" or "response", not ${JSON.stringify(goOnAfter)}`);
	return {
		...{ step, watcher, key, recursive },
		...(afterIndex === undefined ? {} : { afterIndex }),
		...(goOnAfter === undefined ? {} : { goOnAfter }),
		...(progressNotify ? { progressNotify } : {}),
	};
}

/** @throws ArgumentError for a name that is empty or no text */
export function checkTitle(what: string, name: unknown): void {
	if (typeof name !== "string")
		throw new ArgumentError(`${what} has a text as its name, not ${kindOf(name)}`);
	if (name === "") throw new ArgumentError(`${what} needs a name`);
}

/**
 * v3's keys and values are bytes, of which text is one kind; what v2 can't have of that is refused when it is run. Gives
 * it as etcd's answers do: what pieces of text are joined to may spell its bytes otherwise.
 */
export function checkText(what: "key" | "value", given: string): string {
	if (typeof given !== "string") throw new ArgumentError(`a ${what} is a string, not ${kindOf(given)}`);
	if (what === "key" && given === "") throw new ArgumentError('the key is empty: a key looks like "/a/b"');
	return toText(bytesOf(what, given));
}

export function checkRange(name: string, value: number, least: number, most: number): void {
	checkIndex(name, value, least);
	if (value > most) throw new ArgumentError(`${name} is at most ${most}, not ${value}`);
}

/**
 * Refuses a step with a key or a value that v2 can't have: keys begin with a slash there and have no empty part, and both
 * are text; in v3 they are bytes. And a write of /: that is the run's own directory, which etcd lets one write, and the
 * store's root it does not.
 * @throws ArgumentError that names the step
 */
export function checkV2Keys(steps: readonly Step[]): void {
	for (const [at, step] of steps.entries()) {
		const key = "key" in step ? step.key : "directory" in step ? step.directory : undefined;
		if (key === undefined) continue;
		try {
			keyPath(key);
			if (key !== "/" && key.endsWith("/"))
				throw new ArgumentError(
					`the key ${JSON.stringify(key)} ends in a slash: etcd would clean it to ${JSON.stringify(key.slice(0, -1))}; write that one`,
				);
			if (key === "/" && "operation" in step && step.operation !== "createInOrder")
				throw new ArgumentError(
					"/ is the run's own directory here, and etcd's root can't be written (107, see 07): write a key below it",
				);
			if ("value" in step && step.value !== undefined) checkValue(step.value);
		} catch (error) {
			if (!(error instanceof ArgumentError)) throw error;
			throw new ArgumentError(
				`step ${at + 1}, ${stepWords(step)}: ${error.message}. v3 takes it: .run(etcd, { api: "v3" })`,
			);
		}
	}
}

/** @throws ArgumentError when the steps so far leave nothing at the key that could expire */
export function checkCanExpire(steps: readonly Step[], key: string): void {
	const never = (why: string) => new ArgumentError(`${key} would never expire: ${why}`);
	const ofKey = steps.filter((step): step is WriteStep => step.step === "write" && step.key === key);
	if (!ofKey.some(({ operation, ttl }) => operation !== "createInOrder" && ttl !== undefined))
		throw new ArgumentError(`nothing gave ${key} a ttl before: it would never expire`);
	const isDirectory = ofKey.some(({ operation }) => operation === "mkdir");
	for (const [at, step] of [...steps.entries()].reverse()) {
		const words = `step ${at + 1}, ${stepWords(step)},`;
		if (step.step === "awaitExpiry" && step.key === key) throw never(`${words} waits for that already`);
		if (step.step !== "write" || step.operation === "createInOrder") continue;
		const { operation, ttl } = step;
		if (operation === "rmdir" && step.recursive && (step.key === key || isBelow(key, step.key)))
			throw never(`${words} removes it before`);
		if (step.key !== key) continue;
		if (ttl !== undefined) return;
		// What may be refused leaves the ttl as it was.
		if (isDirectory) continue;
		if (operation === "delete") throw never(`${words} removes it before`);
		if (operation === "set" || operation === "update")
			throw never(`${words} gives it no ttl, which takes away the one that it had`);
	}
}

/** @throws ArgumentError when nothing in the steps so far can have ended a watch with an error */
export function checkCanRecover(steps: readonly Step[], watcher: string): void {
	if (steps.some(({ step }) => step === "fault" || step === "compact")) return;
	const writes = writeCount(steps);
	if (writes > historyCapacity) return;
	throw new ArgumentError(
		`"${watcher}" was not refused: the history holds the last ${historyCapacity} events, and ${writes} writes clear none of it. recover is for after a 401`,
	);
}

export function writeCount(steps: readonly Step[]): number {
	return steps.reduce(
		(sum, step) => sum + (step.step === "burst" ? step.count : step.step === "write" ? 1 : 0),
		0,
	);
}

type WatcherState = "open" | "paused" | "cut" | "maybe cut" | "closed";

const stateAfter: Partial<Record<Step["step"], WatcherState>> = {
	...{ poll: "open", reconnect: "open", recover: "open", resume: "open" },
	...{ pause: "paused", cut: "cut", close: "closed" },
};

/** Faults that end the connections to the member, as far as the watchers have not gone to another one. */
const cutting: ReadonlySet<FaultKind> = new Set<FaultKind>(["kill", "wipe"]);

/** What a step is for: the kinds of watcher, their states, and those in words. */
interface Possible {
	readonly kinds: readonly OpenStep["step"][];
	readonly states: readonly WatcherState[];
	readonly words: string;
}

const lasting: Possible["kinds"] = ["watch", "pollLoop", "stream", "follow"];

const possible: Partial<Record<Step["step"], Possible>> = {
	pause: { kinds: ["stream"], states: ["open", "maybe cut"], words: "reading" },
	resume: { kinds: ["stream"], states: ["paused", "maybe cut"], words: "paused" },
	cut: { kinds: lasting, states: ["open", "paused", "maybe cut"], words: "open" },
	reconnect: { kinds: lasting, states: ["cut", "maybe cut"], words: "cut, or that a fault may have cut" },
	close: {
		kinds: [...lasting, "poll"],
		states: ["open", "paused", "cut", "maybe cut"],
		words: "not closed yet",
	},
	recover: { kinds: ["watch", "poll"], states: ["open", "cut", "maybe cut"], words: "not closed" },
};

const stateWords: Readonly<Record<WatcherState, string>> = {
	open: "open",
	paused: "paused already",
	cut: "cut already",
	"maybe cut": "open",
	closed: "closed",
};

/** @throws ArgumentError for a step that is not for this kind of watcher, or not for what the steps so far made of it */
export function checkWatcherStep(steps: readonly Step[], step: Step["step"], opened: OpenStep): void {
	const rule = possible[step];
	if (rule === undefined) return;
	const { watcher, step: kind } = opened;
	if (!rule.kinds.includes(kind)) {
		const why = kind === "poll" && step === "cut" ? ". A poll is one request: close it, and poll again" : "";
		throw new ArgumentError(`"${watcher}" is a ${kind}: ${step} is for ${rule.kinds.join(" and ")}${why}`);
	}
	const state = stateOf(steps, watcher);
	if (!rule.states.includes(state))
		throw new ArgumentError(`"${watcher}" is ${stateWords[state]}: ${step} is for one that is ${rule.words}`);
}

/** What the steps so far have made of a watcher; a fault may have cut it. */
function stateOf(steps: readonly Step[], watcher: string): WatcherState {
	let state: WatcherState = "open";
	for (const step of steps) {
		if (step.step === "fault") {
			if (cutting.has(step.fault) && state !== "closed" && state !== "cut") state = "maybe cut";
		} else if ("watcher" in step && step.watcher === watcher) state = stateAfter[step.step] ?? state;
	}
	return state;
}
