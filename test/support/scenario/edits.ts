import type { Timeline } from "etcd-watch-lab";
import type { Delivery, LifeEvent, WatcherRecord } from "#lib/timeline";

/**
 * A timeline of the model with something done to it, as it would have been recorded, or nothing where it does not fit.
 * `below`: a number by chance, from 0 to below a limit.
 */
export type Edit = (timeline: Timeline, below: (limit: number) => number) => Timeline | undefined;

/** Waited from its start to the end of the run. */
function isOpen({ kind, life }: WatcherRecord): boolean {
	return (
		(kind === "watch" || kind === "stream") &&
		life.every((event) => event.kind === "asked") &&
		(kind === "watch" || life.length === 1)
	);
}

function edited(
	timeline: Timeline,
	fits: (watcher: WatcherRecord) => boolean,
	edit: (watcher: WatcherRecord) => WatcherRecord,
): Timeline | undefined {
	return timeline.watchers.some(fits)
		? { ...timeline, watchers: timeline.watchers.map((one) => (fits(one) ? edit(one) : one)) }
		: undefined;
}

/** The model has no servers that could fail: these make of its runs what a fault would have. */
export const edits: Readonly<Record<string, Edit>> = {
	asItWas: (timeline) => timeline,
	/** The member stood still and was sent the whole store: what happened in between was told to nobody who waited. */
	snapshot: (timeline, below) => {
		const from = below(timeline.lastIndex + 1);
		const to = from + below(timeline.lastIndex - from + 1);
		const isWhole = (watcher: WatcherRecord) => isOpen(watcher) && (watcher.life[0]?.at ?? to) <= from;
		const skipped = ({ index, fromHistory }: Delivery) => !fromHistory && index > from && index <= to;
		const watchers = timeline.watchers
			.filter(isWhole)
			.map((one) => ({ ...one, deliveries: one.deliveries.filter((event) => !skipped(event)) }));
		const faults = [
			{ kind: "pause" as const, at: from },
			{ kind: "resume" as const, at: to },
			{ kind: "snapshot" as const, at: to },
		];
		return watchers.length === 0 ? undefined : { ...timeline, watchers, faults };
	},
	/** The server drops a stream whose reader is too slow, with or without a pause of its own, and tells nobody. */
	dropped: (timeline, below) => {
		const from = below(timeline.lastIndex + 1);
		const isPaused = below(2) === 0;
		return edited(
			timeline,
			(one) => one.kind === "stream" && isOpen(one) && (one.life[0]?.at ?? 0) <= from,
			(one) => ({
				...one,
				deliveries: one.deliveries.filter(({ index }) => index <= from),
				life: isPaused ? [...one.life, ...stopped(from, timeline.lastIndex)] : one.life,
				proof: "gone",
			}),
		);
	},
	/** Nobody knows what else was on its way at the end. */
	unproven: (timeline, below) => {
		const from = below(timeline.lastIndex + 1);
		return edited(timeline, isOpen, (one) => ({
			...one,
			deliveries: one.deliveries.filter(({ index }) => index <= from),
			proof: "none",
		}));
	},
	/** An expiry that no step waited for, and that nobody recorded. */
	unseenExpiry: (timeline) => {
		const writes = timeline.writes.filter(({ operation }) => operation !== "expire");
		return writes.length < timeline.writes.length ? { ...timeline, writes } : undefined;
	},
	/** Somebody else's write on a shared server, or etcd's own as a member comes up again. */
	foreignWrite: (timeline, below) => {
		if (timeline.watchers.some(({ life }) => life.some((event) => "gap" in event))) return undefined;
		const after = below(timeline.lastIndex + 1);
		const isRestart = below(2) === 0;
		const shifted = shift(timeline, after) as Timeline;
		const faults = [
			{ kind: "kill" as const, at: after },
			{ kind: "restart" as const, at: after },
		];
		// A kill would have ended the watchers' connections.
		return isRestart ? { ...shifted, watchers: [], faults } : shifted;
	},
	/** A write that was carried out, and whose answer was lost. */
	unanswered: (timeline, below) => {
		const at = below(timeline.writes.length);
		const outcome = { kind: "failed" as const, message: "the connection was cut", maybeApplied: true };
		const writes = timeline.writes.map((write, nth) =>
			nth === at && write.outcome.kind === "accepted" && write.operation !== "expire"
				? { ...write, outcome }
				: write,
		);
		return { ...timeline, writes };
	},
};

function stopped(from: number, to: number): LifeEvent[] {
	return [
		{ kind: "paused", at: from },
		{ kind: "resumed", at: to },
	];
}

const indexes: ReadonlySet<string> = new Set(
	"index triedAt at etcdIndex modifiedIndex createdIndex lastIndex".split(" "),
);

/** The same run with an index after `after` that is somebody else's. */
function shift(value: unknown, after: number): unknown {
	if (Array.isArray(value)) return value.map((one) => shift(one, after));
	if (typeof value !== "object" || value === null) return value;
	const moved = (index: number) => (index > after ? index + 1 : index);
	return Object.fromEntries(
		Object.entries(value).map(([name, one]: [string, unknown]) => {
			if (typeof one !== "number") return [name, shift(one, after)];
			if (name === "waitIndex") return [name, moved(one - 1) + 1];
			return [name, indexes.has(name) ? moved(one) : one];
		}),
	);
}

/** A follower was told of a gap in place of the events in it. */
export const toldOfGap: Edit = (timeline, below) => {
	const from = 1 + below(timeline.lastIndex);
	const to = from + below(timeline.lastIndex - from + 1);
	const gap = { kind: "gap", at: to, from, to, why: "cleared", added: [], changed: [], keys: [] } as const;
	return edited(
		timeline,
		({ kind, life }) =>
			kind === "follow" &&
			life.every((event) => event.kind === "asked" || event.kind === "listed") &&
			(life[0]?.at ?? to) < from,
		(one) => ({
			...one,
			deliveries: one.deliveries.filter(({ index }) => index < from || index > to),
			life: [...one.life, gap],
		}),
	);
};
