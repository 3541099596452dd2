import type { Scenario } from "etcd-watch-lab";
import { scenario } from "#lib/scenario";

/** Numbers that look random and are the same for the same seed (mulberry32). */
export function random(seed: number): (below: number) => number {
	let state = seed >>> 0;
	return (below) => {
		state = (state + 0x6d2b79f5) >>> 0;
		let mixed = Math.imul(state ^ (state >>> 15), state | 1);
		mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
		return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
	};
}

type Kind = "watch" | "stream" | "poll" | "pollLoop" | "follow";

/** What can be done to the watchers' member, and what mends it. */
const breaking = [
	["kill", "restart"],
	["pause", "resume"],
	["cutOff", "heal"],
] as const;

export interface RandomOptions {
	readonly steps: number;
	/** Bursts of 1,001, which throw a watcher out of the history. */
	readonly floods?: boolean;
	/** Pauses of streams: the model has no buffers, so its streams lose nothing by them. */
	readonly pauses?: boolean;
	/** Kills, pauses and cuts of the watchers' member, each mended before the next, and wipes of all members. */
	readonly faults?: boolean;
	/** Two bursts of 2,700 while the member is cut off, after which it is sent the whole store. */
	readonly snapshots?: boolean;
	/** Compactions, which v2 has not, and watches that want to be told of progress. */
	readonly compactions?: boolean;
	/** Expiries after a second. */
	readonly expiries?: boolean;
}

const keys = ["/a", "/a/b", "/a/b/c", "/a/_h", "/a/_h/x", "/a/k", "/ab", "/ab/c", "/z"];
const watched = ["/", "/a", "/a", "/a", "/a/b", "/a/k", "/ab", "/abc", "/a/_h", "/z"];

/** A scenario by chance, of every kind of watcher and write; a step that the builder refuses is left out. */
export function randomScenario(seed: number, options: RandomOptions): Scenario {
	const below = random(seed);
	const oneOf = <T>(some: readonly T[]): T => some[below(some.length)] as T;
	const open = new Map<string, { kind: Kind; state: "open" | "paused" | "cut" }>();
	let run = scenario(`random ${seed}`).set("/z", "0");
	let broken: (typeof breaking)[number][1] | undefined;
	let writes = 1;
	const attempt = (step: (run: Scenario) => Scenario) => {
		try {
			run = step(run);
			return true;
		} catch {
			return false;
		}
	};
	const write = () => {
		const key = oneOf(keys);
		writes++;
		const value = `v${writes}`;
		const steps: ((one: Scenario) => Scenario)[] = [
			(one) => one.delete(key),
			(one) => one.delete(key),
			(one) => one.mkdir(key),
			(one) => one.rmdir(key, { recursive: true }),
			(one) => one.update(key, value),
			(one) => one.create(key, value),
			(one) => one.createInOrder(key, value),
			(one) => one.set(key, value, { ttl: 1000 }).refresh(key, 1000),
			(one) => one.compareAndDelete(key, { prevValue: `v${writes - 1}` }),
			(one) => one.burst(oneOf(["/a/n", "/n"]), { count: 12, connections: 1, keyCount: 3 }),
		];
		return attempt(steps[below(14)] ?? ((one) => one.set(key, value)));
	};
	const opening = () => {
		const kind = oneOf<Kind>(["watch", "watch", "stream", "poll", "pollLoop", "follow"]);
		const name = `${kind} ${open.size + 1}`;
		const past = below(3) === 0 ? { afterIndex: below(2) } : {};
		const progress = kind === "watch" && options.compactions ? { progressNotify: below(2) === 0 } : {};
		const how = { recursive: below(3) > 0, ...(kind === "pollLoop" ? {} : past), ...progress };
		if (attempt((one) => one[kind](name, oneOf(watched), how))) open.set(name, { kind, state: "open" });
	};
	const later = () => {
		const [name, watcher] = oneOf([...open]) ?? [];
		if (name === undefined || watcher === undefined) return;
		if (watcher.state === "cut") {
			if (attempt((one) => one.reconnect(name))) watcher.state = "open";
			return;
		}
		if (watcher.state === "paused") {
			if (attempt((one) => one.resume(name))) watcher.state = "open";
			return;
		}
		if (below(4) === 0 && attempt((one) => one.close(name))) open.delete(name);
		else if (watcher.kind === "stream" && options.pauses && below(2) === 0) {
			if (attempt((one) => one.pause(name))) watcher.state = "paused";
		} else if (watcher.kind !== "poll" && attempt((one) => one.cut(name))) watcher.state = "cut";
	};
	/** What ends connections leaves watchers to be reconnected, as far as they have not gone to another member. */
	const cuts = () => {
		for (const watcher of open.values()) if (watcher.kind !== "follow") watcher.state = "cut";
	};
	const fault = () => {
		const mends = broken;
		if (mends !== undefined) {
			if (attempt((one) => one.fault(mends))) broken = undefined;
			return;
		}
		if (below(8) === 0) {
			if (attempt((one) => one.fault("wipe"))) cuts();
			return;
		}
		const [breaks, mend] = oneOf(breaking);
		if (!attempt((one) => one.fault(breaks))) return;
		broken = mend;
		if (breaks === "kill") cuts();
	};
	// Polls of a key that only this writes: each has been answered before the next.
	if (below(2) === 0) {
		const next = [{}, { afterIndex: 0 }, { goOnAfter: "event" }, { goOnAfter: "response" }] as const;
		attempt((one) =>
			one.poll("polls", "/p").set("/p", "1").set("/p", "2").poll("polls", oneOf(next)).set("/p", "3"),
		);
	}
	if (options.floods && below(2) === 0)
		attempt((one) =>
			one
				.poll("quiet", "/q")
				.set("/q", "1")
				.burst("/noise", { count: 1001, connections: 1 })
				.poll("quiet", { goOnAfter: "event" })
				.recover("quiet")
				.set("/q", "2"),
		);
	for (let step = 0; step < options.steps; step++) {
		const what = below(20);
		if (what < 4) opening();
		else if (what < 8) later();
		else if (what === 8 && options.floods)
			attempt((one) => one.burst("/noise", { count: 1001, connections: 1 }));
		else if (what === 9 && options.compactions) attempt((one) => one.set("/z", "kept").compact());
		else if ((what === 9 || what === 10) && options.faults) fault();
		else if (what === 11 && options.expiries) {
			const key = oneOf(keys);
			attempt((one) => one.set(key, "mortal", { ttl: 1 }).awaitExpiry(key));
		} else write();
	}
	const mends = broken;
	// One in four ends with its member broken.
	if (mends !== undefined && below(4) > 0 && attempt((one) => one.fault(mends))) broken = undefined;
	if (options.snapshots && broken === undefined) {
		const flood = { count: 2700, keyCount: 10, connections: 8 };
		attempt((one) =>
			one
				.fault("cutOff")
				.burst("/noise", flood)
				.set("/a/k", "between")
				.burst("/noise", flood)
				.fault("heal")
				.set("/a/k", "after"),
		);
	}
	return run;
}
