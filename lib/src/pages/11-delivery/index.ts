import { CompactedError, type V3Client, V3Error, type V3Header, type V3Watch } from "../../v3";

export { showTold, toldChart } from "./chart";
export {
	type Handled,
	type Restarts,
	restartsOf,
	restartTable,
	type SavingRule,
	savesSafely,
	showRestarts,
} from "./restart";
export {
	type Told,
	type ToldEvent,
	type ToldMessage,
	type ToldOptions,
	type ToldProgress,
	told,
	toldWithProgress,
	type Write,
} from "./told";

/** Puts of ten keys in turn, each a revision of its own, several under way at once; gives the header of the last one. */
export async function putMany(
	v3: V3Client,
	below: string,
	count: number,
): Promise<{ readonly header: V3Header }> {
	let [nth, last] = [0, (await v3.put(`${below}0`, "")).header];
	const writer = async () => {
		while (++nth < count) {
			const { header } = await v3.put(`${below}${nth % 10}`, "");
			if (header.revision > last.revision) last = header;
		}
	};
	await Promise.all(Array.from({ length: 8 }, writer));
	return { header: last };
}

/**
 * How a watch ends that is canceled: etcd's `cancel_reason`, with the `compact_revision` where there is one. For one that
 * is not: the revision of the first event that it is told. Closes it. Errors that are not etcd's are thrown.
 */
export async function cancelReason(open: () => Promise<V3Watch>): Promise<string> {
	let watch: V3Watch | undefined;
	try {
		watch = await open();
		const message = await watch.next();
		const event = message?.kind === "events" ? message.events[0] : undefined;
		return `not canceled: told of revision ${event?.kv.modRevision ?? "?"}`;
	} catch (error) {
		if (!(error instanceof V3Error)) throw error;
		const { compactRevision } = error instanceof CompactedError ? error : {};
		return compactRevision === undefined ? error.text : `${error.text} (compact_revision ${compactRevision})`;
	} finally {
		watch?.close();
	}
}
