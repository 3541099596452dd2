import type { Timeline } from "etcd-watch-lab";
import type { Accepted, Delivery, LifeEvent, NodeRecord, WatcherRecord, WriteRecord } from "#lib/timeline";
import {
	answered,
	asked,
	cleared,
	cut,
	expire,
	file,
	listed,
	paused,
	poll,
	refused as refusedAt,
	resumed,
	set,
	stream,
	swap,
	timelineOf,
	watch,
} from "../scenario/builders";

/** Timelines written by hand, in the words of the experiments that would record them. */

const origin = 479127;
const recursive = true;
/** Its event says nothing of what was there. */
const isNew = { isNew: true };

export function node(key: string, index: number, rest: Partial<NodeRecord> = {}): NodeRecord {
	return { key, dir: false, modifiedIndex: index, createdIndex: index, ...rest };
}

export function accepted(
	id: number,
	action: Accepted["action"],
	key: string,
	index: number,
	rest: Partial<Accepted> & {
		readonly by?: string;
		readonly value?: string;
		readonly operation?: string;
	} = {},
): WriteRecord {
	const { by = "writer", value, operation = action, ...outcome } = rest;
	return {
		id,
		by,
		operation,
		key,
		...(value === undefined ? {} : { value }),
		triedAt: index - 1,
		outcome: {
			kind: "accepted",
			index,
			raisesEvent: true,
			action,
			node: node(key, index, value === undefined ? {} : { value }),
			...outcome,
		},
	};
}

export function refused(
	id: number,
	operation: string,
	key: string,
	triedAt: number,
	code = 104,
	message = "Not a directory",
	cause = "/a/b",
): WriteRecord {
	return { id, by: "writer", operation, key, triedAt, outcome: { kind: "refused", code, message, cause } };
}

/** The event of a write, as a watcher gets it. */
export function delivery(write: WriteRecord, etcdIndex: number, fromHistory = false): Delivery {
	const { outcome } = write;
	if (outcome.kind !== "accepted") throw new Error("only an accepted write has an event");
	return {
		index: outcome.index,
		action: outcome.action,
		key: outcome.node.key,
		node: outcome.node,
		...(outcome.prevNode ? { prevNode: outcome.prevNode } : {}),
		etcdIndex,
		fromHistory,
	};
}

export function watcher(
	name: string,
	key: string,
	deliveries: readonly Delivery[],
	life: readonly LifeEvent[] = [{ kind: "asked", at: 0 }],
	rest: Partial<WatcherRecord> = {},
): WatcherRecord {
	return { name, key, kind: "watch", recursive: true, deliveries, life, proof: "fence", ...rest };
}

export function timeline(
	name: string,
	writes: readonly WriteRecord[],
	watchers: readonly WatcherRecord[],
	rest: Partial<Timeline> = {},
): Timeline {
	const lastIndex = Math.max(0, ...writes.map((w) => (w.outcome.kind === "accepted" ? w.outcome.index : 0)));
	return {
		format: "etcd-watch-lab/timeline",
		version: 1,
		name,
		api: "v2",
		server: "3.5.1",
		origin,
		lastIndex,
		writes,
		watchers,
		fences: [],
		...rest,
	};
}

/** The blog post's run, the traces of its earlier run included. */
export function postsRun(): Timeline {
	const set = accepted(1, "set", "/a/b", 1, { value: "a-b", prevNode: node("/a/b", -1, { value: "a-b" }) });
	const setD = accepted(3, "set", "/a/d", 2, { value: "a-d", prevNode: node("/a/d", 0, { value: "a-d" }) });
	const remove = accepted(5, "delete", "/a/b", 3, {
		node: node("/a/b", 3, { createdIndex: 1 }),
		prevNode: node("/a/b", 1, { value: "a-b" }),
	});
	const writes = [
		set,
		{ ...refused(2, "set", "/a/b/c", 1), value: "a-b-c" },
		setD,
		refused(4, "delete", "/a/b/c", 2),
		remove,
	];
	return timeline("the post's run", writes, [
		watcher("recursive", "/a", [delivery(set, 0), delivery(setD, 1), delivery(remove, 2)]),
		watcher("plain", "/a", [], undefined, { recursive: false }),
	]);
}

/** One long poll that forgets, answered, and another one write later. */
export function twoPolls(): Timeline {
	const life = [asked(0), answered(1), asked(2), answered(3)];
	const writes = ["/a/1", "/a/2", "/a/3"].map((key) => set(key, "x"));
	const watchers = [poll("w", "/a", { recursive, sent: [1, 3], life })];
	return timelineOf({ name: "two polls", origin, writes, watchers });
}

/** A stream on exactly the deleted key gets the delete twice; a watch beside it replays from the history. */
export function twice(): Timeline {
	const set = accepted(1, "set", "/a/b", 1, { value: "x" });
	const renew = accepted(2, "update", "/a/b", 2, { operation: "refresh", raisesEvent: false });
	const remove = accepted(3, "delete", "/a/b", 3, { prevNode: node("/a/b", 1, { value: "x" }) });
	return timeline(
		"a delete that comes twice",
		[set, renew, remove],
		[
			watcher("stream", "/a/b", [delivery(set, 0), delivery(remove, 0), delivery(remove, 0)], undefined, {
				kind: "stream",
				recursive: false,
			}),
			watcher(
				"late",
				"/a",
				[delivery(set, 3, true), delivery(remove, 3, true)],
				[{ kind: "asked", at: 3, waitIndex: 1 }],
			),
		],
	);
}

/** A quiet key's watcher is thrown out by other people's writes, lists, and goes on. */
export function gap(): Timeline {
	const noise = (n: number) =>
		accepted(n, "set", `/busy/${n % 7}`, n, { value: "x", burst: 2 } as Partial<Accepted>);
	const first = accepted(1, "set", "/quiet", 1, { value: "first" });
	const last = accepted(1103, "set", "/quiet", 1103, { value: "last" });
	const got = [delivery(first, 0), delivery(last, 1102)];
	const list = listed(1102, [file("/quiet", 1, { value: "first" })]);
	const life = [asked(0), cut(1), cleared(1102, 2, 102), list, asked(1102, 1103)];
	const writes = [first, ...Array.from({ length: 1101 }, (_, at) => noise(at + 2)), last];
	return timeline("401: the quiet key", writes, [
		watcher("quiet", "/quiet", got, life, { recursive: false }),
	]);
}

/** 3000 writes as fast as they go, and polls that forget: they see two of them. */
export function burst(count = 3000): Timeline {
	const writes: WriteRecord[] = [];
	for (let n = 1; n <= count; n++)
		writes.push({ ...accepted(n, "set", `/a/${n}`, n, { value: "x" }), burst: 2 });
	const at = (n: number) => writes[n - 1] as WriteRecord;
	const half = Math.floor(count / 2);
	const got = [delivery(at(1), 0), delivery(at(half), half - 1)];
	const life = [asked(0), answered(1), asked(half - 1), answered(half)];
	const all = writes.map((write) => delivery(write, 0));
	const watchers = [watcher("polls", "/a", got, life, { kind: "poll" }), watcher("loop", "/a", all)];
	return timeline(`a burst of ${count}`, writes, watchers);
}

/** A stream whose reader stops: some hundred events arrive, and then none. */
export function slowReader(): Timeline {
	const writes = Array.from({ length: 100 }, () => set("/a/x", "x", isNew));
	const sent = writes.slice(0, 64).map((_, at) => at + 1);
	const life = [asked(0), paused(20), resumed(90)];
	const watchers = [stream("slow", "/a", { recursive, sent, life, proof: "gone" })];
	return timelineOf({ name: "a reader that stops", origin, writes, watchers });
}

export const HOSTILE = [
	"/a/<img src=x onerror=alert(1)>",
	"/a/</script><script>alert(1)</script>",
	"/a/\u05e9\u05dc\u05d5\u05dd-\u0645\u0631\u062d\u0628\u0627",
	"/a/👩‍👩‍👧‍👦😀",
	"/a/\"quotes' & <b>",
	"/a/signal('upTo')",
	"/a/\u202egnp.exe\u0000\u0007",
	"/a/$" + "{upTo} {{datum.x}} datum['x']",
] as const;

/** Keys and values that would like to be more than text. */
export function hostile(): Timeline {
	const writes = HOSTILE.map((key, at) => accepted(at + 1, "set", key, at + 1, { value: key }));
	const bad = refused(9, "set", `${HOSTILE[0]}/x`, 8, 104, "<b>Not</b> a directory", HOSTILE[0]);
	const got = writes.map((write) => delivery(write, 0));
	const watchers = [watcher("<img src=x onerror=alert(2)>", "/a", got)];
	return timeline(`<script>alert("title")</script>`, [...writes, bad], watchers);
}

/** Several refused writes at the same place, two clients, and an expiry. */
export function crowd(): Timeline {
	const exists = refusedAt("create", "/lock", "/lock", 105);
	const bobs = {
		...exists,
		by: "bob",
		refused: { code: 105, message: "Key already exists", cause: "/lock" },
	};
	return timelineOf({
		...{ name: "who holds the lock?", origin },
		writes: [
			{ ...set("/lock", "me", { by: "alice" }), operation: "create", action: "create" },
			...[bobs, bobs, bobs, swap("/lock", "you", { by: "bob", ...isNew }), expire("/lock", isNew)],
		],
		watchers: [
			watch("alice's", "/lock", { sent: [0, 1, 2].map((at) => ({ index: at + 1, etcdIndex: at })) }),
			watch("elsewhere", "/other", { recursive }),
		],
	});
}

/** As many writes as get a label, and more. */
export function many(count: number): Timeline {
	const writes = Array.from({ length: count }, (_, at) => {
		const [key, index] = [`/a/key-${at}`, at - Math.floor((at + 5) / 9)];
		if (at % 9 === 4) return refused(at + 1, "create", key, index, 105, "Key already exists", "/a/k");
		return accepted(at + 1, at % 5 === 3 ? "delete" : "set", key, index + 1, { value: "x" });
	});
	const got = writes.filter((write) => write.outcome.kind === "accepted");
	const all = got.map((write) => delivery(write, 0));
	return timeline(`${count} writes`, writes, [watcher("all", "/a", all)]);
}

/** What a call prints where no kernel runs. */
export function said(call: () => void): string {
	const { write } = process.stdout;
	let text = "";
	process.stdout.write = (chunk: string | Uint8Array) => {
		text += String(chunk);
		return true;
	};
	try {
		call();
	} finally {
		process.stdout.write = write;
	}
	return text;
}

/** The lines of a table's text, without what only aligns them. */
export function linesOf(text: string): string[] {
	const lines = text.split("\n").map((line) => line.replace(/ +/g, " ").trim());
	return lines.filter((line) => line !== "" && !line.startsWith("─"));
}
