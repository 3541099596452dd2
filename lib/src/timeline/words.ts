import { printable, shortened } from "./printable";
import type {
	Accepted,
	CompactionRecord,
	FaultRecord,
	LifeEvent,
	NodeRecord,
	Timeline,
	WithoutCounterpart,
	WriteRecord,
} from "./timeline";
import { type Unit, unitOf, watcherWords } from "./vocabulary";

export * from "./vocabulary";

/** What a write ended in that took no index: refused, or without an answer. */
export type Unaccepted = Exclude<WriteRecord["outcome"], Accepted>;

/** "104 Not a directory", "no answer", or "not known" of an answer that does not tell; in short "104". What v3 answered with "OK" has no number. */
export function refusalLabel(outcome: Unaccepted, short = false): string {
	if (outcome.kind === "failed") return outcome.answered ? "not known" : "no answer";
	if (outcome.code === 0) return short ? "nothing done" : printable(outcome.message);
	return short ? String(outcome.code) : `${outcome.code} ${printable(outcome.message)}`;
}

/** "refused with 104 Not a directory (/a/b)", or "left without an answer (…), and may have been carried out". */
export function refusalWords(outcome: Unaccepted): string {
	if (outcome.kind === "failed") {
		const maybe = outcome.maybeApplied ? ", and may have been carried out" : "";
		const how = outcome.answered ? "answered with an error" : "left without an answer";
		return `${how} (${printable(outcome.message)})${maybe}`;
	}
	if (outcome.code === 0) return `nothing done (${printable(outcome.message)})`;
	const cause = outcome.cause === "" ? "" : ` (${printable(outcome.cause)})`;
	return `refused with ${refusalLabel(outcome)}${cause}`;
}

/** Accepted writes by their index, the others where they were tried: writes under way together are tried in any order. */
export function inOrder({ writes }: Timeline): WriteRecord[] {
	const place = ({ outcome, triedAt }: WriteRecord) =>
		outcome.kind === "accepted" ? outcome.index : triedAt + 0.5;
	return [...writes].sort((a, b) => place(a) - place(b) || a.id - b.id);
}

/** "etcd 3.5.1", or what else a run was on: "the model of 3.5.1". */
export function serverWords({ server }: Timeline): string {
	return /^\d/.test(server) ? `etcd ${server}` : server;
}

/** True of a run on the model, which has no buffers and no time. */
export function isOfModel({ server }: Timeline): boolean {
	return server.startsWith("the model of ");
}

/** "event 2 is gone", "events 2 to 9 are gone". */
export function gapWords({ from, to }: { readonly from: number; readonly to: number }): string {
	return `${eventsWords(from, to)} ${from === to ? "is" : "are"} gone`;
}

/** "event 2", "events 2 to 9". */
export function eventsWords(from: number, to: number): string {
	return `event${from === to ? "" : "s"} ${rangeWords(from, to)}`;
}

/** "2", "2 to 9". */
export function rangeWords(from: number, to: number): string {
	return from === to ? `${from}` : `${from} to ${to}`;
}

/** What happened to a watcher, as one clause. */
export function lifeWords(event: LifeEvent, unit: Unit = "index"): string {
	switch (event.kind) {
		case "asked":
			return event.waitIndex === undefined
				? `asked at ${unit} ${event.at}, for what comes from now on`
				: `asked at ${unit} ${event.at}, from ${unit} ${event.waitIndex} on`;
		case "answered":
			return unit === "index"
				? `answered at index ${event.at}: the poll was over`
				: `closed at revision ${event.at}, after its first event`;
		case "paused":
			return `stopped reading at ${unit} ${event.at}`;
		case "resumed":
			return `went on reading at ${unit} ${event.at}`;
		case "cut":
			return `its connection was cut at ${unit} ${event.at}`;
		case "closed":
			return `closed at ${unit} ${event.at}`;
		case "error": {
			const gap = event.gap ? `: ${gapWords(event.gap)}` : "";
			const cause = event.cause === "" ? "" : ` (${printable(event.cause)})`;
			const code = unit === "index" ? ` ${event.code}` : "";
			return `error${code} at ${unit} ${event.at}, ${printable(event.message)}${cause}${gap}`;
		}
		case "listed":
			return `read the ${unit === "index" ? "tree" : "range"} at ${unit} ${event.at}: ${keysWords(event.keys)}`;
		case "gap":
			return `was told of a gap at ${unit} ${event.at}, ${rangeWords(event.from, event.to)} (${printable(event.why)}): ${differenceWords(event)}; it goes on from there with ${keysWords(event.keys)}`;
		case "reset":
			return `was told of a reset after ${unit} ${event.lastIndex} (${printable(event.why)}): another store, with ${keysWords(event.keys)}`;
		case "bookmarked":
			return `made sure at ${unit} ${event.at} that it had missed nothing`;
	}
}

function keysWords(keys: readonly NodeRecord[]): string {
	return keys.length === 1 ? "1 key" : `${keys.length} keys`;
}

/** "changed /a/k", "added /a/x, removed /a/y and 3 more", "nothing changed". */
export function differenceWords(gap: Extract<LifeEvent, { kind: "gap" }>): string {
	const parts = [
		["added", gap.added],
		["changed", gap.changed],
		["removed", gap.removed ?? []],
	] as const;
	const words = parts.flatMap(([what, nodes]) => {
		if (nodes.length === 0) return [];
		const some = nodes.slice(0, 3).map(({ key }) => shortened(key, 40));
		const more = nodes.length > 3 ? ` and ${nodes.length - 3} more` : "";
		return [`${what} ${some.join(", ")}${more}`];
	});
	return words.length === 0 ? "nothing changed" : words.join(", ");
}

/** What was done to the servers, in a word or two. */
export function faultWords({ kind }: FaultRecord): string {
	const words: Readonly<Record<FaultRecord["kind"], string>> = {
		kill: "kill -9",
		restart: "restarted",
		pause: "paused",
		resume: "resumed",
		cutOff: "cut off",
		heal: "healed",
		wipe: "wiped",
		snapshot: "sent the whole store",
	};
	return words[kind];
}

/** "5 writes tried, 3 accepted, 2 refused". */
export function countsInWords(timeline: Timeline): string {
	const own = timeline.writes.filter(({ operation }) => operation === "expire").length;
	const tried = timeline.writes.length - own;
	const count = (kind: string) => timeline.writes.filter((write) => write.outcome.kind === kind).length;
	const answered = timeline.writes.filter(({ outcome }) => "answered" in outcome).length;
	const failed = count("failed") - answered;
	const more =
		(failed > 0 ? `, ${grouped(failed)} without an answer` : "") +
		(answered > 0 ? `, ${grouped(answered)} with an answer that does not tell` : "");
	const nothing = count("refused") === 0 ? "" : `, ${grouped(count("refused"))} changed nothing`;
	const refused = timeline.api === "v3" ? nothing : `, ${grouped(count("refused"))} refused`;
	const without = (timeline.withoutCounterpart ?? []).length;
	const less = without === 0 ? "" : `; ${counted(without, "thing")} without a counterpart`;
	const expired = own === 0 ? "" : `, ${grouped(own)} by etcd itself`;
	return `${counted(tried, "write")} tried, ${grouped(count("accepted") - own)} accepted${refused}${more}${expired}${less}`;
}

/** "1 write", "3 writes", "12,000 writes". */
export function counted(count: number, noun: string): string {
	return `${grouped(count)} ${noun}${count === 1 ? "" : "s"}`;
}

function grouped(count: number): string {
	return count < 10_000 ? String(count) : String(count).replace(/\B(?=(\d{3})+$)/g, ",");
}

/** The first and the last of many, and between them what says how many are left out. */
export function ends<T>(all: readonly T[], most: number, between: (left: number) => T): readonly T[] {
	if (all.length <= most) return all;
	const head = Math.ceil(most / 2);
	const tail = Math.max(1, most - head);
	return [...all.slice(0, head), between(all.length - head - tail), ...all.slice(-tail)];
}

/** "1, 3 to 5" for ascending numbers; of more than `max` stretches the first and the last, and how many there are besides. */
export function stretchesInWords(numbers: readonly number[], max = 8): string {
	const stretches: [number, number][] = [];
	for (const number of numbers) {
		const last = stretches.at(-1);
		if (last && number === last[1] + 1) last[1] = number;
		else if (!last || number > last[1]) stretches.push([number, number]);
	}
	const words = stretches.map(([from, to]) => (to === from + 1 ? `${from}, ${to}` : rangeWords(from, to)));
	return ends(words, max, (left) => `… ${left} more stretches …`).join(", ");
}

/** What a screen reader says of a whole run. */
export function runInWords(timeline: Timeline): string {
	const unit = unitOf(timeline);
	const watchers = timeline.watchers.map((watcher) => {
		const got = watcher.deliveries.map((delivery) => delivery.index).sort((a, b) => a - b);
		const gaps = watcher.life
			.filter(({ kind }) => kind === "error" || kind === "gap" || kind === "reset")
			.map((event) => lifeWords(event, unit));
		const what =
			got.length === 0 ? "no event" : `${counted(got.length, "event")}, ${unit} ${stretchesInWords(got)}`;
		const some = ends(gaps, 4, (left) => `… ${left} more …`);
		return [`${printable(watcher.name)} (${watcherWords(watcher, unit)}) got ${what}`, ...some].join("; ");
	});
	const faults = (timeline.faults ?? []).map((fault) => `${faultWords(fault)} at ${unit} ${fault.at}`);
	const broken = faults.length === 0 ? "" : ` The member that they are at was ${faults.join(", ")}.`;
	const compacted = (timeline.compactions ?? []).map((compaction) => ` ${compactionWords(compaction)}.`);
	return `${countsInWords(timeline)}. ${watchers.join(". ")}${watchers.length > 0 ? "." : ""}${broken}${compacted.join("")}`;
}

/** "compacted at revision 5: what is older than 3 is forgotten". */
export function compactionWords({ at, index }: CompactionRecord): string {
	return `compacted at revision ${at}: what is older than ${index} is forgotten`;
}

/** "step 3, mkdir /a: no counterpart, since v3 has no directories". */
export function withoutWords({ step, what, why }: WithoutCounterpart): string {
	return `step ${step}, ${shortened(what, 60)}: no counterpart (${printable(why)})`;
}

/** What may be a record that stands in for a run, and then says so. */
export interface MaybeRecorded {
	readonly recorded?: string | undefined;
}

/** What of these is a record, and of which server: a sentence each, and none for what was run live. */
export function recordedIn(all: readonly MaybeRecorded[]): readonly string[] {
	const found = all.flatMap(({ recorded }) => (recorded === undefined ? [] : [printable(recorded)]));
	return [...new Set(found)];
}
