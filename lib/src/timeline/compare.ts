import { checkTimeline } from "./account";
import type { NodeRecord, Timeline, WatcherRecord, WriteRecord } from "./timeline";
import { eventsWords, inOrder, isOfModel } from "./words";

/** A place where two timelines of one scenario say different things. */
export interface Difference {
	/** Such as "write 2" or "recursive, event 3"; of many events in a row "recursive, events 3 to 90". */
	readonly where: string;
	/** The same as a number of its kind, where there are several: write 2, of "write". */
	readonly nth?: { readonly of: string; readonly number: number };
	/** What each of the two says, as text; "nothing" where it says nothing. */
	readonly one: string;
	readonly other: string;
	/** Which fields that is about, by their paths. */
	readonly fields: readonly string[];
	/** Why more is not compared: the runs are of two scenarios, or one is the model's, which has no buffers and no time. */
	readonly notCompared?: string;
}

/**
 * Compares two runs of one scenario, event by event: every write's writer and outcome by the order of the indexes, each
 * watcher's key and kind, every delivery by its order at the watcher, with nodes and response indexes, what was listed,
 * and what was done to the servers. What depends on the moment is left out: seconds of a ttl left, whether an event under
 * a burst, or where the servers were disturbed, came live or out of the history, and when a watcher asked. Runs of two scenarios are one
 * difference, with no more said. From where a loop on a server was outrun by a burst, or a reader that paused was
 * dropped, there is one difference, too, with why the model can't say the same.
 */
export function compareTimelines(one: Timeline, other: Timeline): readonly Difference[] {
	for (const run of [one, other]) checkTimeline(run);
	const differences: Difference[] = [];
	const compare = (of: string, left: unknown, right: unknown, number?: number) => {
		const [mine, theirs] = [fieldsOf(left), fieldsOf(right)];
		const fields = [...new Set([...mine.keys(), ...theirs.keys()])].filter(
			(field) => mine.get(field) !== theirs.get(field),
		);
		if (fields.length === 0) return;
		const place = number === undefined ? { where: of } : { where: `${of} ${number}`, nth: { of, number } };
		differences.push({ ...place, one: words(mine, fields), other: words(theirs, fields), fields });
	};
	const others = otherScenario(one, other);
	if (others !== undefined) return [others];
	compare("the run", runOf(one), runOf(other));
	const bursts = one.writes.some(({ burst }) => burst !== undefined);
	// A server that goes on takes over what it missed while its loops ask again.
	const isPaced = !bursts && !one.faults?.length;
	const [mine, theirs] = [inOrder(one), inOrder(other)];
	for (let at = 0; at < Math.max(mine.length, theirs.length); at++) {
		const number = mine[at]?.id ?? theirs[at]?.id;
		compare("write", writeOf(mine[at], bursts), writeOf(theirs[at], bursts), number);
	}
	const names = new Set([...one.watchers, ...other.watchers].map(({ name }) => name));
	for (const name of names) {
		const left = one.watchers.find((watcher) => watcher.name === name);
		const right = other.watchers.find((watcher) => watcher.name === name);
		compare(`"${name}"`, watcherOf(left), watcherOf(right));
		const beyond = beyondModel(one, other, name);
		if (beyond !== undefined) differences.push(beyond.difference);
		const count = Math.max(left?.deliveries.length ?? 0, right?.deliveries.length ?? 0);
		for (let at = 0; at < Math.min(count, beyond?.from ?? count); at++) {
			compare(`"${name}", event`, deliveryOf(left, at, isPaced), deliveryOf(right, at, isPaced), at + 1);
		}
		if (beyond === undefined) compare(`"${name}", errors`, errorsOf(left), errorsOf(right));
	}
	return differences;
}

export const twoScenarios = "these are runs of two scenarios";

/**
 * The first watcher that is another, or the first write that was another operation or on another key. Of a run that
 * ended early, what it has; on two APIs a step can be without a counterpart.
 */
function otherScenario(one: Timeline, other: Timeline): Difference | undefined {
	if (one.api !== other.api) return undefined;
	const watchers = (run: Timeline) =>
		run.watchers.map(({ name, key, kind }) => `${kind} "${name}" on ${key}`);
	const writes = (run: Timeline) =>
		run.writes
			.filter(({ by, burst }) => by !== "etcd" && burst === undefined)
			.map(({ operation, key }) => `${operation} ${key}`);
	for (const [what, steps] of [
		["watcher", watchers],
		["write", writes],
	] as const) {
		const theirs = steps(other);
		for (const [at, mine] of steps(one).entries()) {
			const met = theirs[at];
			if (met === undefined || met === mine) continue;
			const where = `the scenario, ${what} ${at + 1}`;
			return { where, one: mine, other: met, fields: [], notCompared: twoScenarios };
		}
	}
	return undefined;
}

/** Where a watcher of a server's run, beside the model's, lost what no model can say: from its event so many on. */
function beyondModel(
	one: Timeline,
	other: Timeline,
	name: string,
): { readonly from: number; readonly difference: Difference } | undefined {
	const [isOne, isOther] = [one, other].map(isOfModel);
	const real = isOne ? other : one;
	if (isOne === isOther) return undefined;
	const watcher = (isOne ? one : other).watchers.find((each) => each.name === name);
	const met = real.watchers.find((each) => each.name === name);
	if (watcher === undefined || met === undefined) return undefined;
	const [from, all] = [met.deliveries.length, watcher.deliveries.length];
	if (from >= all) return undefined;
	const isOutrun =
		real.writes.some(({ burst }) => burst !== undefined) &&
		met.life.some((event) => event.kind === "error" && event.code === 401) &&
		!watcher.life.some(({ kind }) => kind === "error");
	const isSlow = met.kind === "stream" && met.life.some(({ kind }) => kind === "paused");
	if (!isOutrun && !isSlow) return undefined;
	const [few, many] = [`ended with a 401 after ${from}`, `${all - from} more`];
	const said = isOutrun ? few : `dropped after ${from}`;
	const difference = {
		where: `"${name}", ${eventsWords(from + 1, all)}`,
		...(isOne ? { one: many, other: said } : { one: said, other: many }),
		fields: [],
		notCompared: isOutrun
			? "the model's loop is never outrun: it asks again before the next write"
			: "the model has no buffers: whoever stops reading there loses nothing",
	};
	return { from, difference };
}

/** What is the same in every run of one scenario on one API. */
function runOf({ api, faults = [], compactions = [], withoutCounterpart = [] }: Timeline): unknown {
	return { api, faults: faults.map(({ kind }) => kind), compactions, withoutCounterpart };
}

function watcherOf(watcher: WatcherRecord | undefined): unknown {
	if (watcher === undefined) return undefined;
	const { key, kind, recursive, life } = watcher;
	const listed = life.flatMap((event) =>
		event.kind === "listed" ? [{ count: event.keys.length, keys: event.keys.map(without) }] : [],
	);
	return { key, kind, recursive, listed };
}

function writeOf(write: WriteRecord | undefined, bursts: boolean): unknown {
	if (!write) return undefined;
	const { by, operation, key, outcome } = write;
	if (outcome.kind !== "accepted") return { by, operation, key, ...outcome };
	// A key's earlier write in a burst may have been tried later.
	const { node, prevNode, ...rest } = outcome;
	return {
		by,
		operation,
		key,
		...rest,
		node: without(node),
		...(bursts ? {} : { prevNode: previous(rest.action, prevNode) }),
	};
}

function deliveryOf(watcher: WatcherRecord | undefined, at: number, isPaced: boolean): unknown {
	const delivery = watcher?.deliveries[at];
	if (!delivery) return undefined;
	const { index, action, key, node, prevNode, etcdIndex, fromHistory } = delivery;
	const event = { index, action, key, node: without(node), prevNode: previous(action, prevNode) };
	return isPaced ? { ...event, etcdIndex, fromHistory } : event;
}

function errorsOf(watcher: WatcherRecord | undefined): unknown {
	return watcher?.life.filter(({ kind }) => kind === "error" || kind === "gap" || kind === "reset");
}

/** Seconds of a ttl left depend on the moment; that there is one does not. */
function without({ ttl, ...rest }: NodeRecord): unknown {
	return { ...rest, expires: ttl !== undefined };
}

/** At its expiry a key's ttl is at 0, where etcd leaves it out, or just past it. */
function previous(action: string, node: NodeRecord | undefined): unknown {
	if (!node) return undefined;
	const { ttl, ...rest } = node;
	return action === "expire" ? rest : { ...rest, expires: ttl !== undefined };
}

/** Every field by its path, such as "node.createdIndex"; none for nothing. */
function fieldsOf(value: unknown, path = ""): Map<string, string> {
	if (value === undefined) return new Map();
	if (typeof value !== "object" || value === null) return new Map([[path, String(value)]]);
	const inside = Object.entries(value).flatMap(([name, part]) => [
		...fieldsOf(part, path === "" ? name : `${path}.${name}`),
	]);
	return new Map(inside);
}

/** The fields that differ, as one side has them. */
function words(fields: ReadonlyMap<string, string>, differ: readonly string[]): string {
	if (fields.size === 0) return "nothing";
	return differ.map((field) => `${field}: ${fields.get(field) ?? "nothing"}`).join(", ");
}
