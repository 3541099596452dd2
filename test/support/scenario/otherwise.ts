import type { Timeline } from "etcd-watch-lab";
import type { Delivery, FaultRecord, LifeEvent, NodeRecord, Proof, WatcherRecord } from "#lib/timeline";

/**
 * A run with something in it otherwise, in words: "w missed 2, 3; w proof none; member pause 1". The model has no faults,
 * and etcd loses nothing without them, so that most of what refutes a claim has to be made.
 *
 * `NAME missed INDEX, …`: these did not come. `NAME got EVENT, …` or `got nothing`: what came in their place, an event being
 * `INDEX[@HEADER][ ACTION KEY[=VALUE]][ replayed]`: the header where it is not where the watch began, the rest where it is
 * not as written; a directory's key ends in a slash. `NAME lived EVENT, …`: its life, such as "asked 0, cut 1, asked 4 from
 * 2, error 401 4 2-3, listed 4 /a/1@1+/a/2@2". `NAME proof PROOF`. `member FAULT INDEX`. `write ID FIELD VALUE`, a field being
 * one of its node or `key`, `cause` and `index`; `write ID unanswered`, `doubtful`, `undone` or `new`. `api v3`.
 */
export function otherwise(run: Timeline, words: string): Timeline {
	return words.split("; ").reduce(edited, run);
}

function edited(run: Timeline, words: string): Timeline {
	const [name = "", verb = "", ...rest] = words.split(" ");
	if (name === "api") return onV3(run);
	if (name === "member") {
		const fault = { kind: verb, at: Number(rest[0]) } as FaultRecord;
		return { ...run, faults: [...(run.faults ?? []), fault] };
	}
	if (name === "write") return rewritten(run, Number(verb), rest[0] ?? "", rest[1] ?? "");
	if (!run.watchers.some((one) => one.name === name)) throw new Error(`no watcher of "${words}"`);
	const items = rest.join(" ").split(", ");
	const watchers = run.watchers.map((one) =>
		one.name === name ? { ...one, ...changed(run, one, verb, items) } : one,
	);
	return { ...run, watchers };
}

function changed(run: Timeline, one: WatcherRecord, verb: string, items: string[]): Partial<WatcherRecord> {
	switch (verb) {
		case "missed":
			return { deliveries: one.deliveries.filter(({ index }) => !items.includes(String(index))) };
		case "got":
			return { deliveries: items[0] === "nothing" ? [] : items.map((item) => deliveryOf(run, one, item)) };
		case "lived":
			return { life: items.map(lifeOf) };
		case "proof":
			return { proof: items[0] as Proof };
	}
	throw new Error(`a watcher can't be made to have "${verb}"`);
}

function deliveryOf(run: Timeline, { life }: WatcherRecord, words: string): Delivery {
	const fromHistory = words.endsWith(" replayed");
	const [numbers = "", ...event] = words.replace(" replayed", "").split(" ");
	const [index = 0, header] = numbers.split("@").map(Number);
	const began = life.findLast((one) => one.kind === "asked" && one.at >= index === fromHistory)?.at;
	const told = { etcdIndex: header ?? began ?? index - 1, fromHistory };
	const [action, written = ""] = event;
	if (action !== undefined) {
		const [path = "", value] = written.split("=");
		const node = { ...file(path.replace(/\/$/, ""), index, value), dir: path.endsWith("/") };
		return { index, action: action as Delivery["action"], key: node.key, node, ...told };
	}
	const outcome = run.writes
		.map((write) => write.outcome)
		.find((one) => one.kind === "accepted" && one.index === index);
	if (outcome?.kind !== "accepted") throw new Error(`no write has the index of "${words}"`);
	const { node, prevNode } = outcome;
	const before = prevNode === undefined ? {} : { prevNode };
	return { index, action: outcome.action, key: node.key, node, ...before, ...told };
}

function lifeOf(words: string): LifeEvent {
	const [kind, first = "", second, third = ""] = words.split(" ");
	const at = Number(first);
	switch (kind) {
		case "asked":
			return { kind, at, ...(second === "from" ? { waitIndex: Number(third) } : {}) };
		case "listed":
			return { kind, at, keys: second === undefined ? [] : second.split("+").map(listedFile) };
		case "error": {
			const [from, to] = third.split("-").map(Number);
			const gap = from === undefined || to === undefined ? {} : { gap: { from, to } };
			return { kind, at: Number(second), code: at, message: "", cause: "", ...gap };
		}
		case "answered":
		case "cut":
		case "closed":
		case "paused":
		case "resumed":
			return { kind, at };
	}
	throw new Error(`no event of a watcher's life: "${words}"`);
}

function listedFile(words: string): NodeRecord {
	const [key = "", index] = words.split("@");
	return file(key, Number(index), "");
}

function file(key: string, index: number, value: string | undefined): NodeRecord {
	const of = value === undefined ? {} : { value };
	return { key, ...of, dir: false, modifiedIndex: index, createdIndex: index };
}

function rewritten(run: Timeline, id: number, field: string, value: string): Timeline {
	const write = run.writes[id - 1];
	if (write === undefined) throw new Error(`there is no write ${id}`);
	const { outcome } = write;
	const be = (to: Partial<typeof write>) => ({
		...run,
		writes: run.writes.with(id - 1, { ...write, ...to }),
	});
	if (field === "cause" && outcome.kind === "refused") return be({ outcome: { ...outcome, cause: value } });
	if (outcome.kind !== "accepted") return be({ [field]: value });
	if (field === "unanswered" || field === "undone")
		return be({ outcome: { kind: "failed", message: "cut", maybeApplied: field === "unanswered" } });
	if (field === "doubtful")
		return be({ outcome: { kind: "failed", message: "time-out", maybeApplied: true, answered: true } });
	if (field === "again") return { ...run, writes: [...run.writes, { ...write, id: run.writes.length + 1 }] };
	if (field === "new") return be({ outcome: { ...outcome, prevNode: undefined } as never });
	if (field === "key")
		return be({ key: value, outcome: { ...outcome, node: { ...outcome.node, key: value } } });
	const to = field === "dir" ? value === "true" : Number(value);
	if (field !== "index") return be({ outcome: { ...outcome, node: { ...outcome.node, [field]: to } } });
	return shifted(run, outcome.index, Number(value));
}

/** The write of that index took another one, and so did its event and all that was made by it. */
function shifted(run: Timeline, from: number, to: number): Timeline {
	const indexes = new Set(["index", "modifiedIndex", "createdIndex"]);
	const moved = (name: string, value: unknown) => (indexes.has(name) && value === from ? to : value);
	return JSON.parse(JSON.stringify({ ...run, lastIndex: Math.max(run.lastIndex, to) }, moved)) as Timeline;
}

function onV3(run: Timeline): Timeline {
	const put = (name: string, value: unknown) => (name === "action" && value === "set" ? "put" : value);
	return { ...(JSON.parse(JSON.stringify(run, put)) as Timeline), api: "v3" };
}
