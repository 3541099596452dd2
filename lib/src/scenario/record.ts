import type { FollowedEvent } from "../follow";
import { ConnectionError, type LabError } from "../http/errors";
import { beginningOf } from "../timeline/printable";
import type {
	Accepted,
	Delivery,
	EventAction,
	NodeRecord,
	Refused,
	Timeline,
	WriteRecord,
} from "../timeline/timeline";
import type { Action, Answer, Comparison } from "../v2";
import { EtcdError, EventIndexClearedError } from "../v2/errors";
import type { Node } from "../v2/node";
import type { Operation } from "./steps";

/** A key as either API gives it. */
export interface ApiNode extends Node {
	/** v3 only; 0 for what a delete leaves behind. */
	readonly version?: number;
}

/** One event as either API gives it; its indexes are the store's own. */
export interface ApiEvent {
	readonly action: EventAction;
	readonly node: ApiNode;
	readonly prevNode?: ApiNode;
	/** Where the store was when the watch began. */
	readonly etcdIndex: number;
	readonly fromHistory: boolean;
}

/** Values longer than this are cut in a timeline: it tells what happened, it doesn't store data. */
const longestValue = 120;

/** The name of a key made in order is its createdIndex, in twenty digits (`Create` in v2store/store.go). */
const inOrderName = /\/(\d{20})$/;

/** Turns what etcd says into what a timeline holds: no prefix, indexes counted from the run's start. */
export class Recorder {
	/** Of each store, one after the other: which index of its own is which one of the run. */
	readonly #stores: { readonly own: number; readonly counted: number }[];

	constructor(
		readonly prefix: string,
		readonly origin: number,
	) {
		this.#stores = [{ own: origin, counted: 0 }];
	}

	/** The store was wiped and stands at `own` again: from here on the run counts on from `counted`. */
	wiped(own: number, counted: number): void {
		this.#stores.push({ own, counted });
	}

	/** The number of the store that is there now, from 0. */
	get store(): number {
		return this.#stores.length - 1;
	}

	/** The key on the server. One of v3 that has no slash at its beginning comes after a colon. */
	absoluteKey(key: string): string {
		if (key === "/") return this.prefix;
		return key.startsWith("/") ? this.prefix + key : `${this.prefix}:${key}`;
	}

	absoluteIndex(index: number): number {
		const { own, counted } = this.#storeOf(this.store);
		return index - counted + own;
	}

	/** An index of the run; `store`: whose it is, the one of now unless given. */
	index(index: number, store = this.store): number {
		const { own, counted } = this.#storeOf(store);
		return index - own + counted;
	}

	#storeOf(store: number): { readonly own: number; readonly counted: number } {
		return this.#stores[Math.max(0, store)] ?? { own: this.origin, counted: 0 };
	}

	key(key: string): string {
		if (key === this.prefix) return "/";
		if (key.startsWith(`${this.prefix}/`)) return key.slice(this.prefix.length);
		return key.startsWith(`${this.prefix}:`) ? key.slice(this.prefix.length + 1) : key;
	}

	node(node: ApiNode): NodeRecord {
		return {
			key: this.#nodeKey(node),
			...(node.value === undefined ? {} : { value: cutValue(node.value) }),
			dir: node.dir,
			modifiedIndex: this.index(node.modifiedIndex),
			createdIndex: node.version === 0 ? 0 : this.index(node.createdIndex),
			...(node.version === undefined ? {} : { version: node.version }),
			...(node.ttl === undefined ? {} : { ttl: node.ttl }),
		};
	}

	/** The number in a name that was made in order is counted from the run's start, too. */
	#nodeKey({ key, createdIndex }: ApiNode): string {
		return this.key(key).replace(inOrderName, (name, digits: string) =>
			Number(digits) === createdIndex ? `/${String(this.index(createdIndex)).padStart(20, "0")}` : name,
		);
	}

	/** What v2's answer to a write says of it; `operation`: which write it was. */
	accepted(operation: Operation, { action, node, prevNode }: Pick<Answer, "action" | "node" | "prevNode">) {
		const outcome: Accepted = {
			kind: "accepted",
			index: this.index(node.modifiedIndex),
			raisesEvent: operation !== "refresh",
			// An answer to a write never says "get".
			action: action as Action,
			node: this.node(node),
			...(prevNode ? { prevNode: this.node(prevNode) } : {}),
		};
		return { outcome, index: node.modifiedIndex, key: node.key };
	}

	/** `expected`: what the write was to compare with, by the store's own index, since etcd's cause repeats it. */
	refused(error: EtcdError, expected?: Comparison) {
		const { code, text: message, index } = error;
		const outcome: Refused = { kind: "refused", code, message, cause: this.#cause(error, expected) };
		return index > 0 ? { outcome, index } : { outcome };
	}

	/** No answer to a write, or one that does not tell whether it was carried out. */
	failed(error: LabError): Pick<WriteRecord, "outcome"> {
		const { message, maybeApplied } = error;
		const answered = error instanceof ConnectionError ? {} : { answered: true as const };
		return { outcome: { kind: "failed", message, maybeApplied, ...answered } };
	}

	/** What an answer of etcd's says by which a watcher ends; undefined for what is none. */
	refusal(error: unknown) {
		if (!(error instanceof EtcdError)) return undefined;
		const { code, text, index } = error;
		const isCleared = error instanceof EventIndexClearedError;
		const gap = isCleared ? { gap: { from: error.askedIndex, to: error.oldestIndex - 1 } } : {};
		return { code, message: text, cause: this.#cause(error), index, ...gap };
	}

	/** etcd's cause: a key, or indexes in brackets, as in "[1002/3]" (401) and "[17 != 4]" (101). */
	#cause(error: EtcdError, { prevIndex, prevValue }: Comparison = {}): string {
		const relative = (text: string) => String(this.index(Number(text)));
		if (error.code === 401) {
			return error.etcdCause.replace(/\[(\d+)\/(\d+)\]/, (_, oldest: string, asked: string) => {
				return `[${relative(oldest)}/${relative(asked)}]`;
			});
		}
		// Where the values alone differ, the brackets hold values.
		const isOfValues =
			prevValue !== undefined &&
			error.etcdCause.startsWith(`[${prevValue} != `) &&
			!/\] \[\d+ != \d+\]$/.test(error.etcdCause);
		if (error.code === 101 && prevIndex !== undefined && !isOfValues) {
			return error.etcdCause.replace(/\[(\d+) != (\d+)\]$/, (whole, asked: string, found: string) => {
				return Number(asked) === prevIndex ? `[${relative(asked)} != ${relative(found)}]` : whole;
			});
		}
		return error.etcdCause === this.prefix ? "/" : error.etcdCause.replaceAll(this.prefix, "");
	}

	followed(event: FollowedEvent, api: Timeline["api"]): Delivery {
		// A follower speaks v2's words; v3's own is what the other lanes say.
		const action = api === "v3" && event.action === "set" ? "put" : event.action;
		const told = this.delivery({ ...event, action, etcdIndex: event.index, fromHistory: false });
		return { ...told, index: told.etcdIndex };
	}

	/** The files among a flat list of nodes. */
	files(nodes: readonly ApiNode[]): NodeRecord[] {
		return nodes.filter(({ dir }) => !dir).map((node) => this.node(node));
	}

	delivery(event: ApiEvent): Delivery {
		const node = this.node(event.node);
		return {
			index: this.index(event.node.modifiedIndex),
			action: event.action,
			...{ key: node.key, node, ...(event.prevNode ? { prevNode: this.node(event.prevNode) } : {}) },
			etcdIndex: this.index(event.etcdIndex),
			fromHistory: event.fromHistory,
		};
	}
}

export function cutValue(value: string): string {
	return value.length <= longestValue ? value : `${beginningOf(value, 40)}…`;
}

/** The files at and below a node that was read with its children, in the order of their keys. */
export function filesOf(node: Node): readonly Node[] {
	return node.dir ? (node.nodes ?? []).flatMap(filesOf) : [node];
}
