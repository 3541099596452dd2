import { ArgumentError } from "../../http/errors";
import {
	type ModelDelivery,
	type ModelEvent,
	type ModelNode,
	ModelStore,
	type Refusal,
	type WaitingWatcher,
	type WatchRequest,
} from "../../model";
import { depthBelow, isHidden } from "../../timeline/scope";
import type {
	Accepted,
	Delivery,
	LifeEvent,
	NodeRecord,
	Proof,
	Timeline,
	WatcherRecord,
	WithoutCounterpart,
	WriteRecord,
} from "../../timeline/timeline";
import { errorCodes } from "../../v2";
import { checkOptions, checkV2Keys } from "../checks";
import { withoutCounterpart } from "../counterparts";
import { cutValue } from "../record";
import type { Scenario } from "../scenario";
import type { BurstStep, OpenStep, Step, WriteStep } from "../steps";

export interface ModelRunOptions {
	/** The etcd version whose rules apply; "3.5" unless given. */
	readonly version?: string;
	/**
	 * A real run of the same scenario. Of a burst's writes nobody can say which took which index: the model then
	 * takes them in the order in which this run's server did.
	 */
	readonly like?: Timeline;
}

/**
 * Runs a scenario on the model instead of a server: at once, with nothing started. What it gives has the form of a
 * real timeline and says in its `server` that it is the model's.
 */
export function runOnModel(scenario: Scenario, options: ModelRunOptions = {}): Timeline {
	checkOptions("runOnModel", options, ["version", "like"]);
	checkVersion(options.version ?? "3.5");
	const run = new ModelRun(scenario, options);
	scenario.steps.forEach((step, at) => {
		run.take(step, at + 1);
	});
	return run.timeline();
}

/** The model is held against 3.4 and 3.5; etcd has no v2 store since 3.6. */
function checkVersion(version: unknown): void {
	if (typeof version === "string" && /^3\.[45](\.\d+)?(-.*)?$/.test(version)) return;
	throw new ArgumentError(
		`the model has the rules of "3.4" and "3.5" (also such as "3.5.1"), not of ${JSON.stringify(version)}`,
	);
}

/** A watcher as the model's run knows it. */
class ModelWatcher {
	readonly step: OpenStep;
	readonly deliveries: Delivery[] = [];
	readonly life: LifeEvent[] = [];
	waiting: WaitingWatcher | undefined;
	proof: Proof | undefined;
	/** What its client would go on from. */
	carried: number | undefined;
	last: Delivery | undefined;
	/** What a follower knows of its tree when its process ends: it is saved with the position. */
	known: readonly NodeRecord[] = [];

	constructor(step: OpenStep) {
		this.step = step;
	}

	record(): WatcherRecord {
		const { watcher, key, step, recursive } = this.step;
		return {
			name: watcher,
			key,
			kind: step === "pollLoop" ? "poll" : step,
			recursive,
			deliveries: this.deliveries,
			life: this.life,
			// The model has nothing on its way.
			proof: this.proof ?? "fence",
		};
	}
}

class ModelRun {
	readonly #name: string;
	readonly #options: ModelRunOptions;
	readonly #store: ModelStore;
	readonly #writes: WriteRecord[] = [];
	readonly #watchers = new Map<string, ModelWatcher>();
	readonly #without: readonly WithoutCounterpart[];
	/** Milliseconds since the start: it moves only when the scenario waits for an expiry. */
	#now = 0;

	constructor({ name, steps }: Scenario, options: ModelRunOptions) {
		checkV2Keys(steps);
		this.#name = name;
		this.#without = withoutCounterpart(steps, "v2").map(({ step, what, why }) => ({ step, what, why }));
		this.#options = options;
		const { version } = options;
		this.#store = new ModelStore(version === undefined ? {} : { version });
	}

	timeline(): Timeline {
		return {
			format: "etcd-watch-lab/timeline",
			version: 1,
			name: this.#name,
			api: "v2",
			server: `the model of ${this.#options.version ?? "3.5"}`,
			origin: 0,
			lastIndex: this.#store.index,
			writes: this.#writes,
			watchers: [...this.#watchers.values()].map((watcher) => watcher.record()),
			fences: [],
			...(this.#without.length === 0 ? {} : { withoutCounterpart: this.#without }),
		};
	}

	take(step: Step, number: number): void {
		switch (step.step) {
			case "write":
				this.#write(step, undefined);
				return;
			case "burst":
				this.#burst(step, number);
				return;
			case "awaitExpiry":
				this.#awaitExpiry(step.key);
				return;
			case "awaitDelivery":
				return;
			case "compact":
			case "awaitProgress":
				return;
			case "fault":
				throw new RangeError("the model is one server, which does not fail: faults need a cluster");
			case "watch":
			case "follow":
			case "poll":
			case "pollLoop":
			case "stream":
				this.#open(step);
				return;
			default: {
				const watcher = this.#watchers.get(step.watcher);
				if (!watcher) return;
				if (step.step === "pause") watcher.life.push({ kind: "paused", at: this.#store.index });
				else if (step.step === "resume") watcher.life.push({ kind: "resumed", at: this.#store.index });
				else if (step.step === "close") this.#drop(watcher, "closed");
				else if (step.step === "cut") this.#drop(watcher, "cut");
				else if (step.step === "reconnect") this.#ask(watcher, watcher.carried);
				else this.#recover(watcher);
			}
		}
	}

	#open(step: OpenStep): void {
		const before = this.#watchers.get(step.watcher);
		const watcher = before ?? new ModelWatcher(step);
		if (!before) this.#watchers.set(step.watcher, watcher);
		const { last } = watcher;
		const afterIndex =
			step.goOnAfter === undefined
				? step.afterIndex
				: step.goOnAfter === "event"
					? last?.index
					: last?.etcdIndex;
		if (step.step === "follow") this.#follow(watcher, afterIndex);
		else this.#ask(watcher, afterIndex);
	}

	/** A follower lists first, and goes on from there. */
	#follow(watcher: ModelWatcher, afterIndex: number | undefined): void {
		if (afterIndex === undefined)
			watcher.life.push({ kind: "listed", at: this.#store.index, keys: this.#files(watcher) });
		watcher.carried = afterIndex ?? this.#store.index;
		this.#ask(watcher, watcher.carried);
	}

	/** One request, and for a loop one after the other until it has to wait. */
	#ask(watcher: ModelWatcher, afterIndex: number | undefined): void {
		const { key, recursive, step } = watcher.step;
		let after = afterIndex;
		watcher.proof = undefined;
		for (let first = true; ; first = false) {
			const request: WatchRequest = {
				key,
				recursive,
				stream: step === "stream",
				...(after === undefined ? {} : { waitIndex: after + 1 }),
			};
			const watched = this.#store.watch(request);
			if (watched.kind === "refused" && step === "follow") {
				this.#gap(watcher, after ?? 0);
				after = this.#store.index;
				watcher.carried = after;
				continue;
			}
			if (watched.kind === "refused") {
				this.#refusedWatch(watcher, watched, after ?? 0);
				return;
			}
			if (first || step === "pollLoop") {
				const waitIndex = request.waitIndex === undefined ? {} : { waitIndex: request.waitIndex };
				watcher.life.push({ kind: "asked", at: this.#store.index, ...waitIndex });
			}
			if (watched.kind === "waiting") {
				watcher.waiting = watched.watcher;
				return;
			}
			this.#deliver(watcher, watched.event, watched.etcdIndex);
			if (step !== "watch" && step !== "follow") {
				// A stream from the history is registered nowhere: the server has no such watcher.
				if (step === "stream") watcher.proof = "gone";
				return;
			}
			after = watched.event.index;
		}
	}

	#refusedWatch(watcher: ModelWatcher, refusal: Refusal, after: number): void {
		const oldest = this.#store.oldestKept;
		watcher.life.push({
			kind: "error",
			at: refusal.index,
			code: refusal.code,
			message: textOf(refusal.code),
			cause: refusal.cause,
			gap: { from: after + 1, to: oldest - 1 },
		});
		watcher.proof = "error";
	}

	/** What the history no longer holds, by what the follower knew and what is there now. */
	#gap(watcher: ModelWatcher, after: number): void {
		const at = this.#store.index;
		const keys = this.#files(watcher);
		const before = new Map(watcher.known.map((node) => [node.key, node]));
		const now = new Set(keys.map(({ key }) => key));
		watcher.life.push({
			kind: "gap",
			at,
			from: after + 1,
			to: at,
			why: "cleared",
			added: keys.filter(({ key }) => !before.has(key)),
			changed: keys.filter(
				({ key, modifiedIndex }) => (before.get(key)?.modifiedIndex ?? modifiedIndex) !== modifiedIndex,
			),
			removed: watcher.known.filter(({ key }) => !now.has(key)),
			keys,
		});
	}

	#files({ step: { key, recursive } }: ModelWatcher): NodeRecord[] {
		const found = this.#store.get(key, { recursive, now: this.#now });
		return "kind" in found ? [] : filesOf(found).map(recordOf);
	}

	#deliver(watcher: ModelWatcher, event: ModelEvent, etcdIndex: number): void {
		const { action, index, node, prevNode } = event;
		const isFollower = watcher.step.step === "follow";
		if (isFollower) {
			watcher.carried = index;
			if (!isFollowed(watcher.step, event)) return;
		}
		const delivery: Delivery = {
			index,
			action,
			key: node.key,
			node: recordOf(node),
			...(prevNode ? { prevNode: recordOf(prevNode) } : {}),
			etcdIndex: isFollower ? index : etcdIndex,
			fromHistory: !isFollower && index <= etcdIndex,
		};
		watcher.deliveries.push(delivery);
		watcher.last = delivery;
		const { step } = watcher.step;
		if (step === "watch") watcher.carried = index;
		if (step === "poll" || step === "pollLoop") {
			watcher.life.push({ kind: "answered", at: Math.max(index, etcdIndex) });
			watcher.proof = "answered";
		}
	}

	/** Hands out what a write set off, and lets the loops ask again. */
	#heard(deliveries: readonly ModelDelivery[]): void {
		const again: ModelWatcher[] = [];
		for (const { watcher: id, event } of deliveries) {
			const watcher = [...this.#watchers.values()].find(({ waiting }) => waiting?.id === id);
			if (!watcher?.waiting) continue;
			this.#deliver(watcher, event, watcher.waiting.startIndex);
			const { step } = watcher.step;
			if (step === "stream") continue;
			watcher.waiting = undefined;
			if (step !== "poll") again.push(watcher);
		}
		for (const watcher of again)
			this.#ask(watcher, watcher.step.step === "pollLoop" ? undefined : watcher.carried);
	}

	#drop(watcher: ModelWatcher, kind: "closed" | "cut"): void {
		if (watcher.waiting) this.#store.unwatch(watcher.waiting);
		watcher.waiting = undefined;
		if (watcher.proof !== undefined && watcher.proof !== "gone") return;
		watcher.life.push({ kind, at: this.#store.index });
		watcher.known = this.#files(watcher);
		watcher.proof = "closed";
	}

	#recover(watcher: ModelWatcher): void {
		watcher.life.push({ kind: "listed", at: this.#store.index, keys: this.#files(watcher) });
		this.#ask(watcher, this.#store.index);
	}

	#write(step: WriteStep, burst: number | undefined): void {
		const { by, operation, key, value } = step;
		const triedAt = this.#store.index;
		const { outcome, deliveries } = this.#store.apply(step, this.#now);
		this.#writes.push({
			id: this.#writes.length + 1,
			by,
			operation,
			key,
			triedAt,
			...(burst === undefined ? (value === undefined ? {} : { value }) : { burst }),
			outcome:
				outcome.kind === "accepted"
					? acceptedOf(outcome.event)
					: { kind: "refused", code: outcome.code, message: textOf(outcome.code), cause: outcome.cause },
		});
		this.#heard(deliveries);
	}

	#burst(step: BurstStep, number: number): void {
		const { by, directory, keyCount, valueBytes, count } = step;
		const above = directory === "/" ? "" : directory;
		const value = "x".repeat(valueBytes);
		const took = (this.#options.like?.writes ?? [])
			.filter((write) => write.burst === number && write.outcome.kind === "accepted")
			.sort((one, two) => indexOf(one) - indexOf(two))
			.map(({ key }) => key);
		for (let at = 0; at < count; at++) {
			const key = took[at] ?? `${above}/${at % keyCount}`;
			this.#write({ step: "write", by, operation: "set", key, value }, number);
		}
	}

	/** Moves the clock to the moment at which the key expires; others whose time comes before go, too. */
	#awaitExpiry(key: string): void {
		const node = this.#store.get(key, { now: this.#now });
		if ("kind" in node || node.ttl === undefined) return;
		this.#now += node.ttl * 1000;
		for (const { event, deliveries } of this.#store.expire(this.#now)) {
			const id = this.#writes.length + 1;
			const triedAt = event.index - 1;
			this.#writes.push({
				id,
				by: "etcd",
				operation: "expire",
				key: event.node.key,
				triedAt,
				outcome: acceptedOf(event),
			});
			this.#heard(deliveries);
		}
	}
}

/** What only the replay shows is not handed on. */
function isFollowed({ key }: OpenStep, { node }: ModelEvent): boolean {
	return depthBelow(node.key, key) === undefined
		? depthBelow(key, node.key) !== undefined
		: !isHidden(node.key, key);
}

function acceptedOf({ action, index, node, prevNode, refresh }: ModelEvent): Accepted {
	return {
		kind: "accepted",
		index,
		raisesEvent: !refresh,
		action,
		node: recordOf(node),
		...(prevNode ? { prevNode: recordOf(prevNode) } : {}),
	};
}

function recordOf({ key, value, dir, modifiedIndex, createdIndex, ttl }: ModelNode): NodeRecord {
	return {
		key,
		...(value === undefined ? {} : { value: cutValue(value) }),
		dir,
		modifiedIndex,
		createdIndex,
		...(ttl === undefined ? {} : { ttl }),
	};
}

function filesOf(node: ModelNode): ModelNode[] {
	return node.dir ? (node.nodes ?? []).flatMap(filesOf) : [node];
}

function indexOf({ outcome }: WriteRecord): number {
	return outcome.kind === "accepted" ? outcome.index : 0;
}

function textOf(code: number): string {
	return errorCodes.get(code)?.text ?? "";
}
