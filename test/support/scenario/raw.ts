import type { LifeEvent, NodeRecord, Timeline, WatcherRecord } from "#lib/timeline";

/** An event as its writer's answer has it. */
interface Written {
	readonly index: number;
	readonly key: string;
	readonly isRemoval: boolean;
	/** What was there just before it, the directories on the way included. */
	readonly there: ReadonlySet<string>;
}

/** What a reader finds who knows nothing of the account: the record alone, and the rules that everybody knows. */
export interface RawReading {
	/** What was due, and never came. */
	readonly missed: readonly number[];
	/** Of those what no gap, no reset and no refusal has told of. */
	readonly inSilence: readonly number[];
	/** Of which nobody can say by these rules alone whether it was due. */
	readonly open: ReadonlySet<number>;
}

/** Reads a record once for each of its watchers, by the simplest means: every event at every watcher. */
export function rawReadings(timeline: Timeline): (watcher: WatcherRecord) => RawReading {
	const events = writtenIn(timeline);
	const doubtful = timeline.writes.filter(({ outcome }) => outcome.kind === "failed" && outcome.maybeApplied);
	return (watcher) => {
		const missed: number[] = [];
		const open = new Set<number>();
		const asked = watcher.life.filter((event) => event.kind === "asked");
		const first = Math.min(...asked.filter(({ ofWiped }) => !ofWiped).map(fromOf));
		// It had asked for that, too, though only the refusal is in the record.
		const isRefused = (index: number) =>
			watcher.life.some((event) => event.kind === "error" && tells(event, index));
		for (const event of events) {
			const came = watcher.deliveries.some(({ index, key }) => index === event.index && key === event.key);
			if (came) continue;
			const { index } = event;
			const isOfWatched = isRelated(timeline, watcher, event);
			const isPast = asked.some(
				(one) => one.waitIndex !== undefined && index <= one.at && fromOf(one) <= index,
			);
			const isDoubtful = doubtful.some(({ key }) => isInside(key, event.key) || isInside(event.key, key));
			// The history's own rules are the model's matter.
			const isOpen =
				asked.length === 0 || (timeline.api === "v2" && (isDoubtful || (isPast && !isOfWatched)));
			if (isOpen) open.add(index);
			else if (isOfWatched && (index >= first || isRefused(index))) missed.push(index);
		}
		const isTold = (index: number) => watcher.life.some((event) => tells(event, index));
		return { missed, inSilence: missed.filter((index) => !isTold(index)), open };
	};
}

function fromOf({ at, waitIndex }: { readonly at: number; readonly waitIndex?: number }): number {
	return waitIndex ?? at + 1;
}

function tells(event: LifeEvent, index: number): boolean {
	if (event.kind === "reset") return index > event.lastIndex && index <= event.at;
	const range = event.kind === "gap" ? event : event.kind === "error" ? event.gap : undefined;
	return range !== undefined && range.from <= index && index <= range.to;
}

/** The key itself, or inside it. */
function isInside(key: string, of: string): boolean {
	return key === of || key.startsWith(of === "/" ? "/" : `${of}/`);
}

function isRelated({ api }: Timeline, { key, recursive }: WatcherRecord, event: Written): boolean {
	if (event.key === key) return true;
	if (isInside(event.key, key)) {
		const names = event.key.slice(key === "/" ? 1 : key.length + 1).split("/");
		return recursive && (api === "v3" || !names.some((name) => name.startsWith("_")));
	}
	return api === "v2" && event.isRemoval && isInside(key, event.key) && event.there.has(key);
}

const removing: ReadonlySet<string> = new Set(["delete", "expire", "compareAndDelete"]);

function writtenIn(timeline: Timeline): Written[] {
	const wipes = (timeline.faults ?? []).flatMap(({ kind, at }) => (kind === "wipe" ? [at] : []));
	const there = new Set<string>();
	return timeline.writes
		.flatMap(({ outcome }) => (outcome.kind === "accepted" ? [outcome] : []))
		.sort((one, other) => one.index - other.index)
		.flatMap((outcome) => {
			while ((wipes[0] ?? Number.POSITIVE_INFINITY) < outcome.index) {
				wipes.shift();
				there.clear();
			}
			const isRemoval = removing.has(outcome.action);
			const before = isRemoval ? new Set(there) : there;
			const nodes: readonly NodeRecord[] = [outcome.node, ...(outcome.others ?? []).map(({ node }) => node)];
			for (const { key } of nodes) change(there, timeline.api, key, isRemoval);
			if (!outcome.raisesEvent) return [];
			return nodes.map(({ key }) => ({ index: outcome.index, key, isRemoval, there: before }));
		});
}

function change(there: Set<string>, api: Timeline["api"], key: string, isRemoval: boolean): void {
	if (!isRemoval) {
		there.add(key);
		if (api === "v3") return;
		for (let at = key.lastIndexOf("/"); at > 0; at = key.lastIndexOf("/", at - 1))
			there.add(key.slice(0, at));
	} else if (api === "v3") there.delete(key);
	else for (const one of [...there]) if (isInside(one, key)) there.delete(one);
}
