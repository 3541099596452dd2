import { type AnswerHead, badAnswer, isObject, parseJson } from "../http/answer";
import type { HttpRequest } from "../http/request";
import { etcdError } from "./errors";
import { type Answer, actions, type Headers, type Node, type WatchEvent } from "./node";

const known: ReadonlySet<string> = new Set<Answer["action"]>(["get", ...actions]);

/**
 * Reads the answer to a request on the keys API.
 * @throws EtcdError by its code; BadAnswerError for what is not etcd's.
 */
export function parseAnswer(request: HttpRequest, answer: AnswerHead, text: string): Answer {
	const told = parseAction(request, answer, text);
	return { ...told, ...parseHeaders(answer, text) };
}

/** What an answer tells without its headers. Errors as `parseAnswer`. */
function parseAction(
	request: HttpRequest,
	answer: AnswerHead,
	text: string,
): Pick<Answer, "action" | "node" | "prevNode"> {
	const json = parseJson(answer, text);
	if (isObject(json) && typeof json.errorCode === "number") {
		const { errorCode, message, cause, index } = json;
		throw etcdError({
			code: errorCode,
			text: String(message ?? ""),
			etcdCause: String(cause ?? ""),
			index: typeof index === "number" ? index : 0,
			status: answer.status,
			request: { method: request.method, endpoint: answer.endpoint, path: request.path },
		});
	}
	if (answer.status >= 300) throw badAnswer("status", answer, text, "and no etcd error in it");
	const action = isObject(json) ? json.action : undefined;
	if (!isObject(json) || typeof action !== "string" || !known.has(action)) {
		throw badAnswer("wrong shape", answer, text, "JSON without an etcd action");
	}
	const node = parseNode(json.node, action === "get");
	if (!node) throw badAnswer("wrong shape", answer, text, "an etcd action without a whole node");
	const prevNode = json.prevNode === undefined ? undefined : parseNode(json.prevNode, false);
	if (json.prevNode !== undefined && !prevNode) {
		throw badAnswer("wrong shape", answer, text, "an etcd action without a whole prevNode");
	}
	const told = { action: action as Answer["action"], node };
	return prevNode ? { ...told, prevNode } : told;
}

/**
 * The event of a watch's answer whose headers have been read. Errors as `parseAnswer`, and BadAnswerError for a
 * read instead of an event.
 */
export function parseEvent(
	request: HttpRequest,
	answer: AnswerHead,
	text: string,
): Pick<WatchEvent, "action" | "node" | "prevNode"> {
	const { action, node, prevNode } = parseAction(request, answer, text);
	if (action === "get") throw badAnswer("wrong shape", answer, text, "a watch with a read");
	return prevNode ? { action, node, prevNode } : { action, node };
}

/** @throws BadAnswerError when X-Etcd-Index is missing or no number: then it was not etcd that answered. */
export function parseHeaders(answer: AnswerHead, text: string): Headers {
	const number = (name: string) => {
		const header = answer.headers[name];
		return typeof header === "string" && /^\d+$/.test(header) ? Number(header) : Number.NaN;
	};
	const etcdIndex = number("x-etcd-index");
	if (!Number.isSafeInteger(etcdIndex)) throw badAnswer("wrong shape", answer, text, "no X-Etcd-Index");
	return {
		etcdIndex,
		raftIndex: number("x-raft-index"),
		raftTerm: number("x-raft-term"),
		clusterId: String(answer.headers["x-etcd-cluster-id"] ?? ""),
	};
}

/** Limits the recursion. */
const deepest = 1_000;

/** `mayBeRoot`: a read of the root directory comes without a key and without indexes. */
function parseNode(json: unknown, mayBeRoot: boolean, depth = 0): Node | undefined {
	if (!isObject(json) || depth > deepest) return undefined;
	const isRoot = mayBeRoot && json.key === undefined && json.dir === true;
	const { key, createdIndex, modifiedIndex } = isRoot
		? { key: "/", createdIndex: 0, modifiedIndex: 0 }
		: json;
	const { value, dir, ttl, expiration, nodes } = json;
	if (typeof key !== "string" || !isIndex(createdIndex) || !isIndex(modifiedIndex)) return undefined;
	if (!isOptional("string", value) || !isOptional("boolean", dir)) return undefined;
	if (!isOptional("number", ttl) || !isOptional("string", expiration)) return undefined;
	if (nodes !== undefined && !Array.isArray(nodes)) return undefined;
	// Field by field, in etcd's order: a history is read at 40,000 of these a second.
	const node: Writable<Node> = { key } as Writable<Node>;
	if (typeof value === "string") node.value = value;
	node.dir = dir === true;
	node.createdIndex = createdIndex;
	node.modifiedIndex = modifiedIndex;
	if (typeof expiration === "string") node.expiration = expiration;
	if (typeof ttl === "number") node.ttl = ttl;
	if (nodes === undefined) return node;
	const children: Node[] = [];
	for (const child of nodes) {
		const one = parseNode(child, false, depth + 1);
		if (!one) return undefined;
		children.push(one);
	}
	node.nodes = children;
	return node;
}

type Writable<T> = { -readonly [name in keyof T]: T[name] };

function isIndex(json: unknown): json is number {
	return typeof json === "number" && Number.isSafeInteger(json) && json >= 0;
}

function isOptional(type: "string" | "number" | "boolean", json: unknown): boolean {
	return json === undefined || typeof json === type;
}
