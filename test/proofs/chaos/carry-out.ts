import type { Command } from "etcd-watch-lab/model";
import { type Answer, EtcdError, type V2Client } from "etcd-watch-lab/v2";
import { ConnectionError, LabError } from "#lib/http";
import type { Acknowledged, Unknown } from "./record";

/** How a write ended: "refused" has changed nothing. */
export type Outcome =
	/** `more`: what it did to other keys, at the same revision. */
	| { readonly is: "acknowledged"; readonly write: Acknowledged; readonly more?: readonly Acknowledged[] }
	| { readonly is: "unknown"; readonly write: Unknown; readonly more?: readonly Unknown[] }
	| { readonly is: "refused" };

/** Sends one write, once; whatever the answer, it says what is known of it. */
export async function carryOut(keys: V2Client, command: Command, epoch: number): Promise<Outcome> {
	const { operation, key, value, ttl } = command;
	try {
		return { is: "acknowledged", write: acknowledged(command, await send(keys, command), epoch) };
	} catch (error) {
		if (!mayBeApplied(error)) return { is: "refused" };
		const fields = { ...(value === undefined ? {} : { value }), ttl: ttl !== undefined };
		return { is: "unknown", write: { epoch, operation, key, ...fields } };
	}
}

/** A timeout within etcd (300) or no whole answer: it may still be carried out, and be so later. */
function mayBeApplied(error: unknown): boolean {
	if (error instanceof ConnectionError) return error.maybeApplied;
	if (error instanceof EtcdError) return error.code === 300 || error.code === 301;
	if (error instanceof LabError) return true;
	throw error;
}

function send(keys: V2Client, command: Command): Promise<Answer> {
	const { operation, key, value = "", recursive = false, expected = {} } = command;
	const options = command.ttl === undefined ? {} : { ttl: command.ttl };
	switch (operation) {
		case "set":
			return keys.set(key, value, options);
		case "create":
			return keys.create(key, value, options);
		case "createInOrder":
			return keys.createInOrder(key, value, options);
		case "update":
			return keys.update(key, value, options);
		case "mkdir":
			return keys.mkdir(key, options);
		case "updateDirectory":
			return keys.updateDirectory(key, options);
		case "delete":
			return keys.delete(key);
		case "rmdir":
			return keys.rmdir(key, { recursive });
		case "compareAndSwap":
			return keys.compareAndSwap(key, value, expected, options);
		case "compareAndDelete":
			return keys.compareAndDelete(key, expected);
		case "refresh":
			return keys.refresh(key, command.ttl ?? 1);
	}
}

function acknowledged({ operation, ttl }: Command, answer: Answer, epoch: number): Acknowledged {
	const { action, node, prevNode } = answer;
	if (action === "get") throw new Error("a write was answered as a read");
	return {
		epoch,
		index: node.modifiedIndex,
		action,
		key: node.key,
		...(node.value === undefined ? {} : { value: node.value }),
		dir: node.dir,
		createdIndex: node.createdIndex,
		ttl: ttl !== undefined,
		refresh: operation === "refresh",
		...(prevNode === undefined
			? {}
			: {
					prev: {
						modifiedIndex: prevNode.modifiedIndex,
						...(prevNode.value === undefined ? {} : { value: prevNode.value }),
						dir: prevNode.dir,
					},
				}),
	};
}
