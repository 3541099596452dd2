import { ArgumentError } from "../http";
import { checkIndex } from "../http/checks";
import { type FaultKind, faultKinds, type Timeline } from "../timeline/timeline";
import type { Comparison } from "../v2";
import { checkComparison, checkTtl } from "../v2/key";
import { bytesOf } from "../v3/bytes";
import { type RunOptions, runScenario } from "./run";
import type { BurstStep, OpenStep, Operation, Step, WatcherStep, WriteStep } from "./steps";
import type { Target } from "./target";

export interface OpenOptions {
	/** Also what happens below the key. */
	readonly recursive?: boolean;
	/** Only events after this index of the run; 0 is the run's start. Left out: from now on. */
	readonly afterIndex?: number;
}

export interface WatchingOptions extends OpenOptions {
	/**
	 * v3 only: the server is to say now and then how far the store is while nothing happens on the key, every 10 minutes
	 * unless it was started with another --experimental-watch-progress-notify-interval. See `awaitProgress`.
	 */
	readonly progressNotify?: boolean;
}

export interface PollOptions extends OpenOptions {
	/**
	 * Go on where the poll before left off: after its event's index (right), or after the X-Etcd-Index of its
	 * response (wrong: that is where it began). Left out: from now on.
	 */
	readonly goOnAfter?: "event" | "response";
}

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

interface TtlOption {
	/** Whole seconds until it expires. */
	readonly ttl?: number;
}

/**
 * An experiment: steps in order, each done when what it depends on has happened. A write comes after the watchers
 * named before it are registered at the server, a poll after the one before it was answered. No step sleeps.
 * Every method gives a new scenario and leaves this one as it was.
 */
export class Scenario {
	readonly name: string;
	readonly steps: readonly Step[];
	readonly #writer: string;

	constructor(name: string, steps: readonly Step[] = [], writer = "writer") {
		this.name = name;
		this.steps = steps;
		this.#writer = writer;
	}

	/** A loop over `next()`, which carries its index on from its first event, as the Go client's does. */
	watch(watcher: string, key: string, options: WatchingOptions = {}): Scenario {
		this.#isNew(watcher);
		return this.#open({ step: "watch", watcher, key, ...open(options) });
	}

	/** A connection that stays open (`stream=true`). */
	stream(watcher: string, key: string, options: OpenOptions = {}): Scenario {
		this.#isNew(watcher);
		return this.#open({ step: "stream", watcher, key, ...open(options) });
	}

	/** The hand-written loop: long polls one after the other, each from now on, until the run ends. */
	pollLoop(watcher: string, key: string, options: { readonly recursive?: boolean } = {}): Scenario {
		this.#isNew(watcher);
		return this.#open({ step: "pollLoop", watcher, key, ...open(options) });
	}

	/**
	 * The lab's follower, from now on unless `afterIndex` is given. It heals its connection by itself; `cut` ends it
	 * with its position saved, and `reconnect` goes on from there.
	 */
	follow(watcher: string, key: string, options: OpenOptions = {}): Scenario {
		this.#isNew(watcher);
		return this.#open({ step: "follow", watcher, key, ...open(options) });
	}

	/**
	 * One long poll, which forgets. With the name of an earlier poll it is that watcher's next one, on the same key:
	 * `.poll("w", "/a", { recursive: true })`, later `.poll("w")` or `.poll("w", { goOnAfter: "event" })`.
	 */
	poll(watcher: string, keyOrOptions?: string | PollOptions, options: PollOptions = {}): Scenario {
		if (typeof keyOrOptions === "string") {
			this.#isNew(watcher);
			return this.#open({ step: "poll", watcher, key: keyOrOptions, ...open(options) });
		}
		const before = this.#opened(watcher);
		if (before.step !== "poll") {
			throw new ArgumentError(`"${watcher}" is a ${before.step}: only a poll can be polled again`);
		}
		const { key, recursive } = before;
		return this.#open({ step: "poll", watcher, key, ...open({ recursive, ...keyOrOptions }) });
	}

	/** A stream's reader stops reading; the connection stays open. */
	pause(watcher: string): Scenario {
		return this.#does("pause", watcher, ["stream"]);
	}

	/** It reads again. */
	resume(watcher: string): Scenario {
		return this.#does("resume", watcher, ["stream"]);
	}

	/** The watcher is over. */
	close(watcher: string): Scenario {
		return this.#does("close", watcher, ["watch", "poll", "pollLoop", "stream", "follow"]);
	}

	/** Waits until the watcher has been sent so many events in all, before the next step. */
	awaitDelivery(watcher: string, count: number): Scenario {
		this.#opened(watcher);
		inRange("count", count, 1, 1_000_000);
		return this.#then({ step: "awaitDelivery", watcher, count });
	}

	/**
	 * v3 only: waits until a `watch` with `progressNotify` was told that up to now there is nothing that it has not seen.
	 * It carries that revision on.
	 */
	awaitProgress(watcher: string): Scenario {
		if (this.#opened(watcher).progressNotify !== true)
			throw new ArgumentError(
				`"${watcher}" was not opened with { progressNotify: true }: it would wait for ever`,
			);
		return this.#then({ step: "awaitProgress", watcher });
	}

	/** The connection of a watcher goes, until `reconnect`; an event that is still on its way is lost with it. */
	cut(watcher: string): Scenario {
		return this.#does("cut", watcher, ["watch", "pollLoop", "stream", "follow"]);
	}

	/**
	 * After `cut`, or a fault that cut it: asks again as its client would, a `watch` from the index that it carries,
	 * a follower from its position, the others from now on.
	 */
	reconnect(watcher: string): Scenario {
		return this.#does("reconnect", watcher, ["watch", "pollLoop", "stream", "follow"]);
	}

	/** After a 401: reads the tree with a quorum and watches from that read's index on (list and watch). */
	recover(watcher: string): Scenario {
		return this.#does("recover", watcher, ["watch", "poll"]);
	}

	/**
	 * Does something to the member that the watchers are at. Done when it has really happened: a member that was put
	 * right has caught up, connections that it cost are gone, a follower has found its way.
	 */
	fault(fault: FaultKind): Scenario {
		if (!faultKinds.includes(fault)) {
			throw new ArgumentError(`there is no fault "${fault}": it is one of ${faultKinds.join(", ")}`);
		}
		return this.#then({ step: "fault", fault });
	}

	/**
	 * v3 only: the server forgets what is older than this index of the run; left out: than the last one so far. A watch
	 * from before it is refused. In v2 the history is its last 1000 events, and nobody can shorten it.
	 */
	compact(index?: number): Scenario {
		if (index === undefined) return this.#then({ step: "compact" });
		return this.#then({ step: "compact", index: checkIndex("index", index, 1) });
	}

	/** The writes after this are another client's, drawn in a lane of its own. */
	by(writer: string): Scenario {
		if (writer === "") throw new ArgumentError("a writer needs a name");
		return new Scenario(this.name, this.steps, writer);
	}

	set(key: string, value = "", options: TtlOption = {}): Scenario {
		return this.#write("set", key, { value, ...options });
	}

	create(key: string, value = "", options: TtlOption = {}): Scenario {
		return this.#write("create", key, { value, ...options });
	}

	/** A file named by its index, in a directory. */
	createInOrder(directory: string, value = "", options: TtlOption = {}): Scenario {
		return this.#write("createInOrder", directory, { value, ...options });
	}

	update(key: string, value = "", options: TtlOption = {}): Scenario {
		return this.#write("update", key, { value, ...options });
	}

	delete(key: string): Scenario {
		return this.#write("delete", key, {});
	}

	mkdir(key: string, options: TtlOption = {}): Scenario {
		return this.#write("mkdir", key, options);
	}

	/** A directory's new ttl: works on 3.4; 3.5 answers 300. */
	updateDirectory(key: string, options: TtlOption = {}): Scenario {
		return this.#write("updateDirectory", key, options);
	}

	/** An empty directory; with `recursive` all that is in it too. */
	rmdir(key: string, options: { readonly recursive?: boolean } = {}): Scenario {
		return this.#write("rmdir", key, options);
	}

	/** `prevIndex` is an index of the run. */
	compareAndSwap(key: string, value: string, expected: Comparison): Scenario {
		return this.#write("compareAndSwap", key, { value, expected });
	}

	/** `prevIndex` is an index of the run. */
	compareAndDelete(key: string, expected: Comparison): Scenario {
		return this.#write("compareAndDelete", key, { expected });
	}

	/** A ttl renewed, in whole seconds: takes an index, raises no event. */
	refresh(key: string, ttl: number): Scenario {
		return this.#write("refresh", key, { ttl });
	}

	/** Sets of `directory/0`, `directory/1`, …, several at once. */
	burst(directory: string, options: BurstOptions): Scenario {
		checkName("key", directory);
		const { count, keyCount = 1, connections = 8, valueBytes = 1, perSecond } = options;
		inRange("count", count, 1, 100_000);
		inRange("keyCount", keyCount, 1, 100_000);
		inRange("connections", connections, 1, 64);
		inRange("valueBytes", valueBytes, 0, 1_000_000);
		if (perSecond !== undefined) inRange("perSecond", perSecond, 1, 1_000_000);
		const burst: BurstStep = {
			step: "burst",
			by: this.#writer,
			directory,
			count,
			keyCount,
			connections,
			valueBytes,
			...(perSecond === undefined ? {} : { perSecond }),
		};
		return this.#then(burst);
	}

	/** Waits until the server has let the key expire, and records that as a write by "etcd". */
	awaitExpiry(key: string): Scenario {
		checkName("key", key);
		const hasTtl = this.steps.some(
			(step) => step.step === "write" && step.key === key && step.ttl !== undefined,
		);
		if (!hasTtl) throw new ArgumentError(`nothing gave ${key} a ttl before: it would never expire`);
		return this.#then({ step: "awaitExpiry", key });
	}

	/**
	 * Runs it on a server, below a new random prefix, and ends with a fence that every watcher still open has to see.
	 * Servers that a fault broke are put right at the end.
	 *
	 * With `{ api: "v3" }` each step is its counterpart of the v3 API of the same server: `counterparts(scenario)` says
	 * which, and the timeline's `withoutCounterpart` what had none and was left out.
	 * @throws ScenarioError for a step that waits for what never comes, and for faults on a server that is no
	 * `atMember`, or where no write has a counterpart; SharedServerError; ConnectionError; AbortedError after `options.signal` or the kernel's Interrupt. No watcher is left open, however it ends.
	 */
	run(target: Target, options: RunOptions = {}): Promise<Timeline> {
		return runScenario(this.name, this.steps, target, options);
	}

	#open(step: OpenStep): Scenario {
		checkName("key", step.key);
		if (step.afterIndex !== undefined) checkIndex("afterIndex", step.afterIndex);
		return this.#then(step);
	}

	#write(operation: Operation, key: string, fields: Partial<WriteStep>): Scenario {
		checkName("key", key);
		if (fields.value !== undefined) checkName("value", fields.value);
		if (fields.ttl !== undefined) checkTtl(fields.ttl);
		if (fields.expected !== undefined) checkComparison(fields.expected);
		return this.#then({ step: "write", by: this.#writer, operation, key, ...fields });
	}

	#does(step: WatcherStep["step"], watcher: string, kinds: readonly OpenStep["step"][]): Scenario {
		const { step: kind } = this.#opened(watcher);
		if (!kinds.includes(kind)) {
			throw new ArgumentError(`"${watcher}" is a ${kind}: ${step} is for ${kinds.join(" and ")}`);
		}
		const states = possibleIn[step];
		const state = this.#stateOf(watcher);
		if (states !== undefined && !states.includes(state)) {
			throw new ArgumentError(
				`"${watcher}" is ${stateWords[state]}: ${step} is for one that is ${forWords[step]}`,
			);
		}
		return this.#then({ step, watcher });
	}

	/** What the steps so far have made of a watcher; a fault may have cut it. */
	#stateOf(watcher: string): WatcherState {
		let state: WatcherState = "open";
		for (const step of this.steps) {
			if (step.step === "fault") {
				if (cutting.has(step.fault) && state !== "closed" && state !== "cut") state = "maybe cut";
			} else if ("watcher" in step && step.watcher === watcher) state = stateAfter[step.step] ?? state;
		}
		return state;
	}

	#then(step: Step): Scenario {
		return new Scenario(this.name, [...this.steps, step], this.#writer);
	}

	#isNew(watcher: string): void {
		if (watcher === "") throw new ArgumentError("a watcher needs a name");
		if (this.#find(watcher))
			throw new ArgumentError(`there is a watcher "${watcher}" already: choose another name`);
	}

	#opened(watcher: string): OpenStep {
		const found = this.#find(watcher);
		if (!found) throw new ArgumentError(`no watcher is called "${watcher}": open it first, with a key`);
		return found;
	}

	#find(watcher: string): OpenStep | undefined {
		return this.steps.find(
			(step): step is OpenStep => "key" in step && "watcher" in step && step.watcher === watcher,
		);
	}
}

type WatcherState = "open" | "paused" | "cut" | "maybe cut" | "closed";

const stateAfter: Partial<Record<Step["step"], WatcherState>> = {
	...{ poll: "open", reconnect: "open", recover: "open", resume: "open" },
	...{ pause: "paused", cut: "cut", close: "closed" },
};

/** Faults that end the connections to the member, as far as the watchers have not gone to another one. */
const cutting: ReadonlySet<FaultKind> = new Set<FaultKind>(["kill", "wipe"]);

const possibleIn: Partial<Record<Step["step"], readonly WatcherState[]>> = {
	pause: ["open", "maybe cut"],
	resume: ["paused", "maybe cut"],
	cut: ["open", "paused", "maybe cut"],
	reconnect: ["cut", "maybe cut"],
	close: ["open", "paused", "cut", "maybe cut"],
	recover: ["open", "cut", "maybe cut"],
};

const stateWords: Readonly<Record<WatcherState, string>> = {
	open: "open",
	paused: "paused already",
	cut: "cut already",
	"maybe cut": "open",
	closed: "closed",
};

const forWords: Partial<Record<Step["step"], string>> = {
	pause: "reading",
	resume: "paused",
	cut: "open",
	reconnect: "cut, or that a fault may have cut",
	close: "not closed yet",
	recover: "not closed",
};

/** A new experiment, without steps. The name is the title of its chart. */
export function scenario(name: string): Scenario {
	return new Scenario(name);
}

function open(options: PollOptions & WatchingOptions): Omit<OpenStep, "step" | "watcher" | "key"> {
	const { recursive = false, afterIndex, goOnAfter, progressNotify } = options;
	if (afterIndex !== undefined && goOnAfter !== undefined) {
		throw new ArgumentError("afterIndex and goOnAfter both say where to begin: give one of them");
	}
	return {
		recursive,
		...(afterIndex === undefined ? {} : { afterIndex }),
		...(goOnAfter === undefined ? {} : { goOnAfter }),
		...(progressNotify ? { progressNotify } : {}),
	};
}

/** v3's keys and values are bytes, of which text is one kind; what v2 can't have of that is refused when it is run. */
function checkName(what: "key" | "value", given: string): void {
	if (typeof given !== "string") throw new ArgumentError(`a ${what} is a string, not ${typeof given}`);
	if (what === "key" && given === "") throw new ArgumentError('the key is empty: a key looks like "/a/b"');
	bytesOf(what, given);
}

function inRange(name: string, value: number, least: number, most: number): void {
	checkIndex(name, value, least);
	if (value > most) throw new ArgumentError(`${name} is at most ${most}, not ${value}`);
}
