import type { Accepted, Changed, Refused } from "../../timeline/timeline";
import {
	type KeyValue,
	type OperationAnswer,
	type Txn,
	type TxnAnswer,
	type TxnCompare,
	type TxnOperation,
	toText,
} from "../../v3";
import type { ApiNode, Recorder } from "../record";
import type { WriteStep } from "../steps";
import { belowName, deletedNode, seenNode } from "./node";

/**
 * The transaction for a step of the keys API. A put is read back in it, so that what is recorded is what the server has
 * made. What comes before it is a comparison: v3 has no operation of its own for create, update and compareAndSwap.
 */
export function txnOf(step: WriteStep, lease: bigint | undefined): Txn {
	const { key, value = "" } = step;
	const put: TxnOperation[] = [
		{ op: "put", key, value, prevKv: true, ...(lease === undefined ? {} : { lease }) },
		{ op: "range", key },
	];
	switch (step.operation) {
		case "set":
			return { success: put };
		case "create":
			return { compare: [{ key, createRevision: 0 }], success: put };
		case "update":
			return { compare: [{ key, is: ">", version: 0 }], success: put };
		case "compareAndSwap":
			return { compare: expected(step), success: put };
		case "compareAndDelete":
			return { compare: expected(step), success: [{ op: "delete", key, prevKv: true }] };
		case "delete":
			return { success: [{ op: "delete", key, prevKv: true }] };
		case "rmdir":
			// Two ranges at one revision: between the key and what is below it lie keys of others.
			return {
				success: [
					{ op: "delete", key, prevKv: true },
					{ op: "delete", key: belowName(key), prefix: true, prevKv: true },
				],
			};
		default:
			throw new RangeError(`v3 has no counterpart for ${step.operation}`);
	}
}

function expected({ key, expected = {} }: WriteStep): TxnCompare[] {
	const { prevValue, prevIndex } = expected;
	return [
		...(prevValue === undefined ? [] : [{ key, value: prevValue }]),
		...(prevIndex === undefined ? [] : [{ key, modRevision: prevIndex }]),
	];
}

/** What came of it: nothing, where a comparison did not hold or there was nothing to delete. */
export function outcomeOf(step: WriteStep, answer: TxnAnswer, recorder: Recorder): Accepted | Refused {
	if (!answer.succeeded) return nothing(comparedWords(step));
	const changes = answer.answers.flatMap((one) => changesOf(one, answer));
	const [first, ...others] = changes.map(
		({ node, prevNode }): Changed => ({
			node: recorder.node(node),
			...(prevNode ? { prevNode: recorder.node(prevNode) } : {}),
		}),
	);
	if (first === undefined) return nothing("nothing to delete");
	return {
		kind: "accepted",
		index: recorder.index(answer.header.revision),
		raisesEvent: true,
		action: answer.answers.some(({ kind }) => kind === "put") ? "put" : "delete",
		...first,
		...(others.length === 0 ? {} : { others }),
	};
}

function changesOf(
	one: OperationAnswer,
	{ answers, header }: TxnAnswer,
): { node: ApiNode; prevNode?: ApiNode }[] {
	const before = (kv: KeyValue | undefined) => (kv ? { prevNode: seenNode(kv) } : {});
	if (one.kind === "delete") {
		return one.prevKvs.map((kv) => ({
			node: deletedNode(toText(kv.keyBytes), header.revision),
			...before(kv),
		}));
	}
	if (one.kind !== "put") return [];
	const made = answers.flatMap((answer) => (answer.kind === "range" ? answer.kvs : []));
	return made.map((kv) => ({ node: seenNode(kv), ...before(one.prevKv) }));
}

function nothing(message: string): Refused {
	return { kind: "refused", code: 0, message, cause: "" };
}

function comparedWords({ operation, expected = {} }: WriteStep): string {
	if (operation === "create") return "not created: it is there";
	if (operation === "update") return "not updated: it is not there";
	if (expected.prevIndex === undefined) return "the value is another";
	return expected.prevValue === undefined
		? "the mod_revision is another"
		: "value or mod_revision is another";
}
