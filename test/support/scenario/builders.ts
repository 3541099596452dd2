import type { Timeline } from "etcd-watch-lab";
import type {
	Accepted,
	Delivery,
	LifeEvent,
	NodeRecord,
	Proof,
	WatcherRecord,
	WriteRecord,
} from "#lib/timeline";

type Action = Accepted["action"];

/** A write as a test words it: `timelineOf` gives it its index and its node, as etcd would. */
export interface WriteSketch {
	readonly operation: string;
	readonly key: string;
	readonly action?: Action;
	readonly value?: string;
	readonly by?: string;
	readonly dir?: boolean;
	readonly ttl?: number;
	readonly raisesEvent?: boolean;
	/** Where the store's index jumped over what others wrote; one more than the write before unless given. */
	readonly index?: number;
	readonly burst?: number;
	/** The key had gone unseen before it: an expiry that nobody recorded. */
	readonly isNew?: boolean;
	/** What etcd would not send. */
	readonly node?: Partial<NodeRecord>;
	readonly refused?: { readonly code: number; readonly message: string; readonly cause: string };
	readonly failed?: { readonly message: string; readonly maybeApplied: boolean };
}

type More = Partial<WriteSketch>;

const valued =
	(action: Action) =>
	(key: string, value = "v", more: More = {}): WriteSketch =>
		bare(action, action, { value })(key, more);
const bare =
	(operation: string, action: Action, of: More = {}) =>
	(key: string, more: More = {}): WriteSketch => ({ operation, action, key, ...of, ...more });

export const set = valued("set");
export const update = valued("update");
export const swap = valued("compareAndSwap");
export const mkdir = bare("mkdir", "create", { dir: true });
export const remove = bare("delete", "delete");
export const rmdir = bare("rmdir", "delete");
export const expire = bare("expire", "expire", { by: "etcd" });
/** A ttl renewed: it takes an index and raises no event. */
export const refresh = bare("refresh", "update", { value: "v", ttl: 60, raisesEvent: false });

/** Refused because a part of its path is a file. */
export function refused(operation: string, key: string, cause: string, code = 104): WriteSketch {
	return { operation, key, refused: { code, message: "Not a directory", cause } };
}

/** Sent, and never answered. */
export function unanswered(operation: string, key: string, maybeApplied = true): WriteSketch {
	return { operation, key, failed: { message: "the connection was cut", maybeApplied } };
}

/** So many sets of keys in a directory, as other people's writes. */
export function crowd(count: number, directory = "/noise"): WriteSketch[] {
	return Array.from({ length: count }, (_, at) => set(`${directory}/${at % 10}`, "x", { by: "crowd" }));
}

/** An event that a watcher was sent: the one of the write with that index, or what a test says of it. */
export type SentSketch = number | (Partial<Delivery> & { readonly index: number });

/** The event of that index out of the history, to a watch that began at `began`. */
export function replayed(index: number, began: number): SentSketch {
	return { index, etcdIndex: began, fromHistory: true };
}

export interface WatcherSketch {
	readonly name: string;
	readonly key: string;
	readonly kind: WatcherRecord["kind"];
	readonly recursive?: boolean;
	readonly sent?: readonly SentSketch[];
	/** Asked before everything, from now on, unless given. */
	readonly life?: readonly LifeEvent[];
	/** "answered" for a poll whose last life event says so, "fence" for every other watcher, unless given. */
	readonly proof?: Proof;
}

type Watching = Omit<WatcherSketch, "name" | "key" | "kind">;

const watching =
	(kind: WatcherSketch["kind"]) =>
	(name: string, key: string, more: Watching = {}): WatcherSketch => ({ name, key, kind, ...more });

export const watch = watching("watch");
export const poll = watching("poll");
export const stream = watching("stream");

/** Registered when the store stood at `at`, from now on or with an index. */
export function asked(at: number, waitIndex?: number): LifeEvent {
	return { kind: "asked", at, ...(waitIndex === undefined ? {} : { waitIndex }) };
}

const lived =
	<Kind extends "answered" | "cut" | "closed" | "paused" | "resumed">(kind: Kind) =>
	(at: number) => ({ kind, at });

export const answered = lived("answered");
export const cut = lived("cut");
export const closed = lived("closed");
export const paused = lived("paused");
export const resumed = lived("resumed");

/** A 401: the store stands at `at`, the events `from` to `to` can't be had. */
export function cleared(at: number, from: number, to: number): LifeEvent {
	return {
		kind: "error",
		at,
		code: 401,
		message: "The event in requested index is outdated and cleared",
		cause: `the requested history has been cleared [${to + 1}/${from}]`,
		gap: { from, to },
	};
}

export function listed(at: number, keys: readonly NodeRecord[]): LifeEvent {
	return { kind: "listed", at, keys };
}

export function file(key: string, modifiedIndex: number, more: Partial<NodeRecord> = {}): NodeRecord {
	return { key, value: "v", dir: false, modifiedIndex, createdIndex: modifiedIndex, ...more };
}

export interface TimelineSketch {
	readonly name?: string;
	readonly origin?: number;
	readonly writes?: readonly WriteSketch[];
	readonly watchers?: readonly WatcherSketch[];
	readonly fences?: Timeline["fences"];
	readonly faults?: Timeline["faults"];
	readonly api?: Timeline["api"];
}

/** The timeline that a run of these writes in front of these watchers would record. */
export function timelineOf({
	name = "by hand",
	origin = 100,
	writes: sketches = [],
	watchers: waiting = [],
	fences = [],
	faults,
	api = "v2",
}: TimelineSketch): Timeline {
	const store = new Store();
	const writes: WriteRecord[] = [];
	let index = 0;
	for (const sketch of sketches) {
		const { operation, key, value, by = "writer", burst } = sketch;
		const triedAt = index;
		let outcome: WriteRecord["outcome"];
		if (sketch.refused) outcome = { kind: "refused", ...sketch.refused };
		else if (sketch.failed) outcome = { kind: "failed", ...sketch.failed };
		else {
			index = sketch.index ?? index + 1;
			outcome = store.write(sketch, index);
		}
		writes.push({
			id: writes.length + 1,
			by,
			operation,
			key,
			...(value === undefined ? {} : { value }),
			triedAt,
			outcome,
			...(burst === undefined ? {} : { burst }),
		});
	}
	return {
		format: "etcd-watch-lab/timeline",
		version: 1,
		name,
		api,
		server: "3.5.1",
		origin,
		lastIndex: index,
		writes,
		watchers: waiting.map((sketch) => watcherOf(sketch, writes)),
		fences,
		...(faults === undefined ? {} : { faults }),
	};
}

/** What is in the store while a sketch is written out. */
class Store {
	readonly #nodes = new Map<string, NodeRecord>();

	write(sketch: WriteSketch, index: number): Accepted {
		const { key, action = "set", value, dir = false, ttl, raisesEvent = true, isNew = false } = sketch;
		const prevNode = isNew ? undefined : this.#nodes.get(key);
		const removes = ["delete", "expire", "compareAndDelete"].includes(action);
		const keeps = removes || action === "update" || action === "compareAndSwap";
		const node: NodeRecord = {
			key,
			...(value === undefined || removes ? {} : { value }),
			dir: removes ? (prevNode?.dir ?? false) : dir,
			modifiedIndex: index,
			createdIndex: keeps ? (prevNode?.createdIndex ?? index) : index,
			...(ttl === undefined ? {} : { ttl }),
			...sketch.node,
		};
		if (removes) this.#remove(key);
		else this.#put(node);
		return { kind: "accepted", index, raisesEvent, action, node, ...(prevNode ? { prevNode } : {}) };
	}

	#remove(key: string): void {
		for (const there of [...this.#nodes.keys()]) {
			if (there === key || there.startsWith(`${key}/`)) this.#nodes.delete(there);
		}
	}

	#put(node: NodeRecord): void {
		const parts = node.key.split("/").slice(1, -1);
		parts.forEach((_, at) => {
			const parent = `/${parts.slice(0, at + 1).join("/")}`;
			const { modifiedIndex, createdIndex } = node;
			if (!this.#nodes.has(parent))
				this.#nodes.set(parent, { key: parent, dir: true, modifiedIndex, createdIndex });
		});
		this.#nodes.set(node.key, node);
	}
}

function watcherOf(sketch: WatcherSketch, writes: readonly WriteRecord[]): WatcherRecord {
	const { name, key, kind, recursive = false, sent = [], life = [asked(0)] } = sketch;
	const over = kind === "poll" && life.at(-1)?.kind === "answered";
	const { proof = over ? "answered" : "fence" } = sketch;
	return {
		name,
		key,
		kind,
		recursive,
		deliveries: sent.map((one) => deliveryOf(typeof one === "number" ? { index: one } : one, life, writes)),
		life,
		proof,
	};
}

function deliveryOf(
	sketch: Exclude<SentSketch, number>,
	life: readonly LifeEvent[],
	writes: readonly WriteRecord[],
): Delivery {
	const { index } = sketch;
	const outcome = writes
		.map((write) => write.outcome)
		.find((one) => one.kind === "accepted" && one.index === index);
	const event = outcome?.kind === "accepted" ? outcome : undefined;
	const began = life.findLast((one) => one.kind === "asked" && one.at < index)?.at ?? index - 1;
	const node = sketch.node ?? event?.node;
	if (!node) throw new Error(`no write has the index ${index}: say which node its event carries`);
	return {
		action: event?.action ?? "set",
		key: node.key,
		node,
		...(event?.prevNode ? { prevNode: event.prevNode } : {}),
		etcdIndex: began,
		fromHistory: false,
		...sketch,
	};
}
