import type { FollowedEvent } from "../follow";
import type { Accepted, Delivery, NodeRecord, Refused, Timeline } from "../timeline/timeline";
import type { Action, Answer, EtcdError } from "../v2";
import type { SeenEvent, SeenNode } from "./api";
import type { Operation } from "./steps";

/** Values longer than this are cut in a timeline: it tells what happened, it doesn't store data. */
const longestValue = 120;

/** The name of a key made in order is the store's index, in twenty digits (`Create` in v2store/store.go). */
const inOrderName = /\/(\d{20})$/;

/** Turns what etcd says into what a timeline holds: no prefix, indexes counted from the run's start. */
export class Recorder {
	readonly prefix: string;
	readonly origin: number;
	/** Of each store, one after the other: which index of its own is which one of the run. */
	#now: { readonly own: number; readonly counted: number };
	#before: { readonly own: number; readonly counted: number } | undefined;

	constructor(prefix: string, origin: number) {
		this.prefix = prefix;
		this.origin = origin;
		this.#now = { own: origin, counted: 0 };
	}

	/** The store was wiped and stands at `own` again: from here on the run counts on from `counted`. */
	wiped(own: number, counted: number): void {
		this.#before = this.#now;
		this.#now = { own, counted };
	}

	get wasWiped(): boolean {
		return this.#before !== undefined;
	}

	/** The key on the server. One of v3 that has no slash at its beginning comes after a colon. */
	absoluteKey(key: string): string {
		if (key === "/") return this.prefix;
		return key.startsWith("/") ? this.prefix + key : `${this.prefix}:${key}`;
	}

	absoluteIndex(index: number): number {
		return index - this.#now.counted + this.#now.own;
	}

	index(index: number): number {
		return index - this.#now.own + this.#now.counted;
	}

	/** An index of the store that was there before the wipe. */
	indexBefore(index: number): number {
		const { own, counted } = this.#before ?? this.#now;
		return index - own + counted;
	}

	key(key: string): string {
		const inside = this.#inside(key);
		return inside.replace(
			inOrderName,
			(_, digits: string) => `/${String(this.index(Number(digits))).padStart(20, "0")}`,
		);
	}

	#inside(key: string): string {
		if (key === this.prefix) return "/";
		if (key.startsWith(`${this.prefix}/`)) return key.slice(this.prefix.length);
		return key.startsWith(`${this.prefix}:`) ? key.slice(this.prefix.length + 1) : key;
	}

	node(node: SeenNode): NodeRecord {
		return {
			key: this.key(node.key),
			...(node.value === undefined ? {} : { value: cutValue(node.value) }),
			dir: node.dir,
			modifiedIndex: this.index(node.modifiedIndex),
			createdIndex: node.version === 0 ? 0 : this.index(node.createdIndex),
			...(node.version === undefined ? {} : { version: node.version }),
			...(node.ttl === undefined ? {} : { ttl: node.ttl }),
		};
	}

	accepted(operation: Operation | "expire", answer: Answer): Accepted {
		return {
			kind: "accepted",
			index: this.index(answer.node.modifiedIndex),
			raisesEvent: operation !== "refresh",
			// An answer to a write never says "get".
			action: answer.action as Action,
			node: this.node(answer.node),
			...(answer.prevNode ? { prevNode: this.node(answer.prevNode) } : {}),
		};
	}

	/** `prevIndex`: the absolute one that the write was to compare with, since etcd's cause repeats it. */
	refused(error: EtcdError, prevIndex?: number): Refused {
		return { kind: "refused", code: error.code, message: error.text, cause: this.cause(error, prevIndex) };
	}

	/** etcd's cause: a key, or indexes in brackets, as in "[1002/3]" (401) and "[17 != 4]" (101). */
	cause(error: EtcdError, prevIndex?: number): string {
		const relative = (text: string) => String(this.index(Number(text)));
		if (error.code === 401) {
			return error.etcdCause.replace(/\[(\d+)\/(\d+)\]/, (_, oldest: string, asked: string) => {
				return `[${relative(oldest)}/${relative(asked)}]`;
			});
		}
		if (error.code === 101 && prevIndex !== undefined) {
			return error.etcdCause.replace(/\[(\d+) != (\d+)\]$/, (whole, asked: string, found: string) => {
				return Number(asked) === prevIndex ? `[${relative(asked)} != ${relative(found)}]` : whole;
			});
		}
		return error.etcdCause === this.prefix ? "/" : error.etcdCause.replaceAll(this.prefix, "");
	}

	followed(event: FollowedEvent, api: Timeline["api"]): Delivery {
		const index = this.index(event.index);
		return {
			index,
			// A follower speaks v2's words; v3's own is what the other lanes say.
			action: api === "v3" && event.action === "set" ? "put" : event.action,
			key: this.key(event.key),
			node: this.node(event.node),
			...(event.prevNode ? { prevNode: this.node(event.prevNode) } : {}),
			etcdIndex: index,
			fromHistory: false,
		};
	}

	/** The files among a flat list of nodes. */
	files(nodes: readonly SeenNode[]): NodeRecord[] {
		return nodes.filter(({ dir }) => !dir).map((node) => this.node(node));
	}

	delivery(event: SeenEvent): Delivery {
		return {
			index: this.index(event.node.modifiedIndex),
			action: event.action,
			key: this.key(event.node.key),
			node: this.node(event.node),
			...(event.prevNode ? { prevNode: this.node(event.prevNode) } : {}),
			etcdIndex: this.index(event.etcdIndex),
			fromHistory: event.fromHistory,
		};
	}
}

export function cutValue(value: string): string {
	return value.length <= longestValue ? value : `${value.slice(0, 40)}…`;
}
