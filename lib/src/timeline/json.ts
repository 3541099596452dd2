import { z } from "zod";
import { LabError } from "../http";
import { modelOperations } from "../model/types";
import { actions } from "../v2/node";
import { checkTimeline } from "./account";
import { faultKinds, type Timeline } from "./timeline";

/** A text that is no timeline; the message names the place of each fault. */
export class TimelineFormatError extends LabError {
	/** Where, such as "writes[2].outcome.index", and what is wrong there. */
	readonly faults: readonly { readonly path: string; readonly fault: string }[];
	constructor(faults: TimelineFormatError["faults"], options?: { cause?: unknown }) {
		const shown = faults.slice(0, 5).map(({ path, fault }) => `${path}: ${fault}`);
		super(`not a timeline of etcd-watch-lab: ${shown.join("; ")}`, options);
		this.faults = faults;
	}
}

const index = z.int();
const action = z.enum([...actions, "put"]);
const node = z.strictObject({
	key: z.string(),
	value: z.string().exactOptional(),
	dir: z.boolean(),
	modifiedIndex: index,
	createdIndex: index,
	version: index.exactOptional(),
	ttl: z.int().exactOptional(),
});
const outcome = z.discriminatedUnion("kind", [
	z.strictObject({
		kind: z.literal("accepted"),
		index,
		raisesEvent: z.boolean(),
		action,
		node,
		prevNode: node.exactOptional(),
		others: z.array(z.strictObject({ node, prevNode: node.exactOptional() })).exactOptional(),
	}),
	z.strictObject({ kind: z.literal("refused"), code: z.int(), message: z.string(), cause: z.string() }),
	z.strictObject({
		kind: z.literal("failed"),
		message: z.string(),
		maybeApplied: z.boolean(),
		answered: z.literal(true).exactOptional(),
	}),
]);
const at = index;
const life = z.discriminatedUnion("kind", [
	z.strictObject({
		kind: z.literal("asked"),
		at,
		waitIndex: index.exactOptional(),
		ofWiped: z.literal(true).exactOptional(),
	}),
	z.strictObject({ kind: z.literal("answered"), at }),
	z.strictObject({ kind: z.enum(["paused", "resumed"]), at }),
	z.strictObject({ kind: z.literal("cut"), at }),
	z.strictObject({ kind: z.literal("closed"), at }),
	z.strictObject({
		kind: z.literal("error"),
		at,
		code: z.int(),
		message: z.string(),
		cause: z.string(),
		gap: z.strictObject({ from: index, to: index }).exactOptional(),
	}),
	z.strictObject({ kind: z.literal("listed"), at, keys: z.array(node) }),
	z.strictObject({
		kind: z.literal("gap"),
		at,
		from: index,
		to: index,
		why: z.string(),
		added: z.array(node),
		changed: z.array(node),
		removed: z.array(node).exactOptional(),
		keys: z.array(node),
	}),
	z.strictObject({
		kind: z.literal("reset"),
		at,
		lastIndex: index,
		why: z.string(),
		keys: z.array(node),
	}),
	z.strictObject({ kind: z.literal("bookmarked"), at }),
]);
const shape: z.ZodType<Timeline> = z.strictObject({
	format: z.literal("etcd-watch-lab/timeline"),
	version: z.literal(1),
	name: z.string(),
	api: z.enum(["v2", "v3"]),
	server: z.string(),
	origin: z.int().min(0),
	lastIndex: index.min(0),
	writes: z.array(
		z.strictObject({
			id: z.int().min(1),
			by: z.string(),
			operation: z.enum([...modelOperations, "expire"]),
			key: z.string(),
			value: z.string().exactOptional(),
			triedAt: index,
			outcome,
			burst: z.int().exactOptional(),
		}),
	),
	watchers: z.array(
		z.strictObject({
			name: z.string(),
			key: z.string(),
			kind: z.enum(["watch", "poll", "stream", "follow"]),
			recursive: z.boolean(),
			deliveries: z.array(
				z.strictObject({
					index,
					action,
					key: z.string(),
					node,
					prevNode: node.exactOptional(),
					etcdIndex: index,
					fromHistory: z.boolean(),
				}),
			),
			life: z.array(life),
			proof: z.enum(["fence", "answered", "closed", "error", "gone", "none"]),
		}),
	),
	fences: z.array(z.strictObject({ index, action, key: z.string() })),
	faults: z.array(z.strictObject({ kind: z.enum([...faultKinds, "snapshot"]), at })).exactOptional(),
	compactions: z.array(z.strictObject({ at, index })).exactOptional(),
	withoutCounterpart: z
		.array(z.strictObject({ step: z.int().min(1), what: z.string(), why: z.string() }))
		.exactOptional(),
	recorded: z.string().exactOptional(),
});

/** What no run can give though each field is right by itself: who reads by name, id or index would read one of two. */
const schema = shape.superRefine(({ api, lastIndex, writes, watchers }, context) => {
	const wrong = (message: string, path: PropertyKey[]) => context.addIssue({ code: "custom", message, path });
	// What is wrong by itself has been named.
	const isLate = (index: number) => lastIndex >= 0 && index > lastIndex && Number.isSafeInteger(index);
	const isPut = (action: string) => api === "v2" && action === "put";
	const [ids, names, indexes] = [new Set<number>(), new Set<string>(), new Set<number>()];
	for (const [at, { id, outcome }] of writes.entries()) {
		if (ids.has(id)) wrong(`another write has the id ${id}`, ["writes", at, "id"]);
		else if (Number.isSafeInteger(id) && id >= 1 && id !== at + 1)
			wrong(`the ids are 1, 2, …: this is write ${at + 1}`, ["writes", at, "id"]);
		ids.add(id);
		if (outcome.kind !== "accepted") continue;
		const { index, action } = outcome;
		const place = ["writes", at, "outcome", "index"];
		if (index < 1 || isLate(index)) wrong(`a write's index is from 1 to lastIndex, ${lastIndex}`, place);
		if (indexes.has(index)) wrong(`another write has the index ${index}`, place);
		indexes.add(index);
		if (isPut(action)) wrong("v2 has no put", ["writes", at, "outcome", "action"]);
	}
	for (const [at, { name, deliveries, life }] of watchers.entries()) {
		if (names.has(name)) wrong(`another watcher is called "${name}"`, ["watchers", at, "name"]);
		names.add(name);
		for (const [nth, { index, action }] of deliveries.entries()) {
			const place = ["watchers", at, "deliveries", nth];
			if (isLate(index)) wrong(`an event after lastIndex, ${lastIndex}`, [...place, "index"]);
			if (isPut(action)) wrong("v2 has no put", [...place, "action"]);
		}
		for (const [nth, event] of life.entries())
			if (event.kind === "gap" && event.from > event.to)
				wrong("a gap ends before it begins", ["watchers", at, "life", nth, "to"]);
		const answered = life.findIndex(({ kind }) => kind === "answered");
		if (answered >= 0 && !life.slice(0, answered).some(({ kind }) => kind === "asked"))
			wrong("answered before anything was asked", ["watchers", at, "life", answered]);
	}
});

/** The timeline as JSON text, to be read back by `loadTimeline`. @throws TypeError for what is no timeline */
export function saveTimeline(timeline: Timeline): string {
	checkTimeline(timeline);
	return `${JSON.stringify(timeline, null, "\t")}\n`;
}

/** Reads what `saveTimeline` wrote. @throws TimelineFormatError with the path of each fault */
export function loadTimeline(text: string): Timeline {
	let json: unknown;
	try {
		json = JSON.parse(text);
	} catch (cause) {
		throw new TimelineFormatError([{ path: "text", fault: "not JSON, or cut short" }], { cause });
	}
	const result = schema.safeParse(json);
	if (result.success) return result.data;
	throw new TimelineFormatError(
		result.error.issues.flatMap((issue) =>
			issue.code === "unrecognized_keys"
				? issue.keys.map((key) => ({ path: dotted([...issue.path, key]), fault: "no such field" }))
				: [{ path: dotted(issue.path), fault: issue.message }],
		),
	);
}

function dotted(path: readonly PropertyKey[]): string {
	if (path.length === 0) return "timeline";
	return path.reduce<string>(
		(text, part) =>
			typeof part === "number" ? `${text}[${part}]` : text === "" ? String(part) : `${text}.${String(part)}`,
		"",
	);
}
