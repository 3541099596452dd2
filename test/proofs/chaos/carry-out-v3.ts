import {
	type KeyValue,
	NoSpaceError,
	type TxnAnswer,
	type TxnCompare,
	type TxnOperation,
	UnavailableError,
	type V3Client,
	V3Error,
} from "etcd-watch-lab/v3";
import { ConnectionError, LabError } from "#lib/http";
import type { Outcome } from "./carry-out";
import type { ChaosCommand } from "./program";
import type { Acknowledged, Unknown } from "./record";

/** Sends one write of v2's words as v3 has them, once; whatever the answer, it says what is known of it. */
export async function carryOutV3(client: V3Client, command: ChaosCommand, epoch: number): Promise<Outcome> {
	const operations = operationsOf(command);
	try {
		const lease = command.ttl === undefined ? undefined : (await client.grant(command.ttl)).id;
		const success = operations.map((one) => (one.op === "put" && lease ? { ...one, lease } : one));
		const answer = await client.txn({ compare: comparesOf(command), success });
		if (!answer.succeeded) return { is: "refused" };
		const [write, ...more] = acknowledged(command, operations, answer, epoch);
		return write === undefined ? { is: "refused" } : { is: "acknowledged", write, more };
	} catch (error) {
		if (!mayBeApplied(error)) return { is: "refused" };
		const [write, ...more] = operations.map((one) => unknown(command, one, epoch));
		return write === undefined ? { is: "refused" } : { is: "unknown", write, more };
	}
}

/** No leader, no quorum, no space, or no whole answer: it may still be carried out, and be so later. */
function mayBeApplied(error: unknown): boolean {
	if (error instanceof ConnectionError) return error.maybeApplied;
	if (error instanceof NoSpaceError) return true;
	if (error instanceof V3Error) return error instanceof UnavailableError || [2, 13].includes(error.grpcCode);
	if (error instanceof LabError) return true;
	throw error;
}

function operationsOf(command: ChaosCommand): readonly (TxnOperation & { key: string })[] {
	const { operation, key, value = "", also = [] } = command;
	switch (operation) {
		case "set":
		case "create":
		case "update":
		case "compareAndSwap":
			return [key, ...also].map((one) => ({ op: "put", key: one, value, prevKv: true }));
		case "delete":
		case "compareAndDelete":
			return [{ op: "delete", key, prevKv: true }];
		case "rmdir":
			return [{ op: "delete", key: `${key}/`, prefix: true, prevKv: true }];
		default:
			throw new Error(`v3 has no ${operation}`);
	}
}

function comparesOf({ operation, key, expected }: ChaosCommand): readonly TxnCompare[] {
	if (operation === "create") return [{ key, version: 0 }];
	if (operation === "update") return [{ key, version: 0, is: ">" }];
	if (expected?.prevValue !== undefined) return [{ key, value: expected.prevValue }];
	return [];
}

function acknowledged(
	{ value = "", ttl }: ChaosCommand,
	operations: readonly { readonly key: string }[],
	{ answers, header }: TxnAnswer,
	epoch: number,
): readonly Acknowledged[] {
	const index = header.revision;
	const shared = { epoch, index, dir: false, ttl: ttl !== undefined, refresh: false };
	return answers.flatMap((answer, nth): readonly Acknowledged[] => {
		if (answer.kind === "delete") {
			return answer.prevKvs.map((kv) => ({
				...shared,
				action: "delete",
				key: kv.key,
				createdIndex: kv.createRevision,
				prev: prevOf(kv),
			}));
		}
		const { key = "" } = operations[nth] ?? {};
		const prevKv = answer.kind === "put" ? answer.prevKv : undefined;
		const prev = prevKv === undefined ? {} : { prev: prevOf(prevKv) };
		return [{ ...shared, action: "set", key, value, createdIndex: prevKv?.createRevision ?? index, ...prev }];
	});
}

function prevOf({ modRevision, value }: KeyValue): NonNullable<Acknowledged["prev"]> {
	return { modifiedIndex: modRevision, value, dir: false };
}

/** In the words of its events: whatever writes a key is a set. */
function unknown(command: ChaosCommand, { op, key }: TxnOperation & { key: string }, epoch: number): Unknown {
	const ttl = command.ttl !== undefined;
	if (op === "put") return { epoch, operation: "set", key, value: command.value ?? "", ttl };
	return { epoch, operation: command.operation === "rmdir" ? "rmdir" : "delete", key: command.key, ttl };
}
