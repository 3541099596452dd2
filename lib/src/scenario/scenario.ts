import { checkIndex, kindOf } from "../http/checks";
import { ArgumentError } from "../http/errors";
import { type FaultKind, faultKinds, type Timeline } from "../timeline/timeline";
import type { Comparison } from "../v2/client";
import { checkComparison, checkTtl } from "../v2/key";
import type { RunOptions, Target } from "./api";
import {
	type BurstOptions,
	checkCanExpire,
	checkCanRecover,
	checkOptions,
	checkRange,
	checkText,
	checkTitle,
	checkWatcherStep,
	type DeleteOptions,
	type NextPollOptions,
	type OpenOptions,
	openStep,
	type PollOptions,
	type TtlOption,
	type WatchingOptions,
} from "./checks";
import { runOnServer } from "./server";
import type { OpenStep, Operation, Step, WatcherStep, WriteStep } from "./steps";

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
		if (typeof name !== "string") throw new ArgumentError(`a scenario's name is a text, not ${kindOf(name)}`);
		this.name = name;
		this.steps = steps;
		this.#writer = writer;
	}

	/** A loop over `next()`, which carries its index on from its first event, as the Go client's does. */
	watch(watcher: string, key: string, options: WatchingOptions = {}): Scenario {
		return this.#open("watch", watcher, key, options);
	}

	/** A connection that stays open (`stream=true`). */
	stream(watcher: string, key: string, options: OpenOptions = {}): Scenario {
		return this.#open("stream", watcher, key, options);
	}

	/** The hand-written loop: long polls one after the other, each from now on, until the run ends. */
	pollLoop(watcher: string, key: string, options: { readonly recursive?: boolean } = {}): Scenario {
		return this.#open("pollLoop", watcher, key, options);
	}

	/**
	 * The lab's follower, from now on unless `afterIndex` is given. It heals its connection by itself; `cut` ends it
	 * with its position saved, and `reconnect` goes on from there.
	 */
	follow(watcher: string, key: string, options: OpenOptions = {}): Scenario {
		return this.#open("follow", watcher, key, options);
	}

	/**
	 * One long poll. What happens before the next one is lost, unless that says where to go on. With the name of an earlier
	 * poll it is that watcher's next one, on the same key:
	 * `.poll("w", "/a", { recursive: true })`, later `.poll("w")` or `.poll("w", { goOnAfter: "event" })`.
	 */
	poll(watcher: string, key: string, options?: PollOptions): Scenario;
	poll(watcher: string, options?: NextPollOptions): Scenario;
	poll(watcher: string, keyOrOptions: string | NextPollOptions = {}, options: PollOptions = {}): Scenario {
		if (typeof keyOrOptions === "string") return this.#open("poll", watcher, keyOrOptions, options);
		const { step, key, recursive } = this.#opened(watcher);
		if (step !== "poll")
			throw new ArgumentError(`"${watcher}" is a ${step}: only a poll can be polled again`);
		checkOptions("next poll", keyOrOptions);
		return this.#then(openStep("poll", watcher, key, { recursive, ...keyOrOptions }));
	}

	/** A stream's reader stops reading; the connection stays open. */
	pause(watcher: string): Scenario {
		return this.#does("pause", watcher);
	}

	/** It reads again. */
	resume(watcher: string): Scenario {
		return this.#does("resume", watcher);
	}

	/** The watcher is over. */
	close(watcher: string): Scenario {
		return this.#does("close", watcher);
	}

	/** Waits until the watcher has been sent so many events in all, before the next step. */
	awaitDelivery(watcher: string, count: number): Scenario {
		this.#opened(watcher);
		checkRange("count", count, 1, 1_000_000);
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
		return this.#does("cut", watcher);
	}

	/**
	 * After `cut`, or a fault that cut it: asks again as its client would, a `watch` from the index that it carries,
	 * a follower from its position, the others from now on.
	 */
	reconnect(watcher: string): Scenario {
		return this.#does("reconnect", watcher);
	}

	/** After a 401: reads the tree with a quorum and watches from that read's index on (list and watch). */
	recover(watcher: string): Scenario {
		const recovered = this.#does("recover", watcher);
		checkCanRecover(this.steps, watcher);
		return recovered;
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
		checkTitle("a writer", writer);
		return new Scenario(this.name, this.steps, writer);
	}

	set(key: string, value = "", options: TtlOption = {}): Scenario {
		return this.#write("set", key, options, { value });
	}

	create(key: string, value = "", options: TtlOption = {}): Scenario {
		return this.#write("create", key, options, { value });
	}

	/** A file named by its index, in a directory. */
	createInOrder(directory: string, value = "", options: TtlOption = {}): Scenario {
		return this.#write("createInOrder", directory, options, { value });
	}

	update(key: string, value = "", options: TtlOption = {}): Scenario {
		return this.#write("update", key, options, { value });
	}

	/** A file. A directory goes by `rmdir`. */
	delete(key: string, options: DeleteOptions = {}): Scenario {
		return this.#write("delete", key, options);
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
		return this.#write("compareAndSwap", key, {}, { value, expected });
	}

	/** `prevIndex` is an index of the run. */
	compareAndDelete(key: string, expected: Comparison): Scenario {
		return this.#write("compareAndDelete", key, {}, { expected });
	}

	/** A ttl renewed, in whole seconds: takes an index, raises no event. */
	refresh(key: string, ttl: number): Scenario {
		return this.#write("refresh", key, {}, { ttl });
	}

	/** Sets of `directory/0`, `directory/1`, …, several at once. */
	burst(directory: string, options: BurstOptions): Scenario {
		const named = checkText("key", directory);
		checkOptions("burst", options);
		const { count, keyCount = 1, connections = 8, valueBytes = 1, perSecond } = options;
		checkRange("count", count, 1, 100_000);
		checkRange("keyCount", keyCount, 1, 100_000);
		checkRange("connections", connections, 1, 64);
		checkRange("valueBytes", valueBytes, 0, 1_000_000);
		if (perSecond !== undefined) checkRange("perSecond", perSecond, 1, 1_000_000);
		const pace = perSecond === undefined ? {} : { perSecond };
		const burst = { directory: named, count, keyCount, connections, valueBytes, ...pace };
		return this.#then({ step: "burst", by: this.#writer, ...burst });
	}

	/**
	 * Waits until the server has let the key expire. Every expiry is recorded as a write by "etcd", those that no step
	 * waits for too.
	 */
	awaitExpiry(key: string): Scenario {
		const named = checkText("key", key);
		checkCanExpire(this.steps, named);
		return this.#then({ step: "awaitExpiry", key: named });
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
		return runOnServer(this.name, this.steps, target, options);
	}

	/** A watcher's first step. */
	#open(step: OpenStep["step"], watcher: string, key: string, options: PollOptions): Scenario {
		checkOptions(step, options);
		checkTitle("a watcher", watcher);
		if (this.#find(watcher))
			throw new ArgumentError(`there is a watcher "${watcher}" already: choose another name`);
		return this.#then(openStep(step, watcher, checkText("key", key), options));
	}

	#write(operation: Operation, key: string, options: object, fields: Partial<WriteStep> = {}): Scenario {
		const given = { step: "write", by: this.#writer, operation, key: checkText("key", key) } as const;
		checkOptions(operation, fields.expected ?? options);
		const named: WriteStep = { ...given, ...fields, ...options };
		const step = named.value === undefined ? named : { ...named, value: checkText("value", named.value) };
		if (step.ttl !== undefined) checkTtl(step.ttl);
		if (step.expected !== undefined) checkComparison(step.expected);
		return this.#then(step);
	}

	#does(step: WatcherStep["step"], watcher: string): Scenario {
		checkWatcherStep(this.steps, step, this.#opened(watcher));
		return this.#then({ step, watcher });
	}

	#then(step: Step): Scenario {
		return new Scenario(this.name, [...this.steps, step], this.#writer);
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

/** A new experiment, without steps. The name is the title of its chart. */
export function scenario(name: string): Scenario {
	return new Scenario(name);
}
