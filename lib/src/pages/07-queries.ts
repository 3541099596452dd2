import type { Target } from "../scenario/target";
import { EtcdError, type Poll } from "../v2";

/**
 * What etcd makes of each of these queries, sent as they stand as a watch of a key that was written once: `[query,
 * answer]`, a table's rows. One that waits is written to, so that what it answers shows what it was waiting for.
 * Errors as the keys API, but for etcd's own refusals.
 */
export async function answersTo(
	target: Target,
	queries: readonly string[],
): Promise<[query: string, answer: string][]> {
	const { v2 } = target;
	const rows: [string, string][] = [];
	for (const query of queries) {
		const key = `${target.newPrefix()}/k`;
		await v2.set(key, "the past");
		const write = () => v2.set(key, "the next");
		rows.push([query, await answerTo(() => v2.pollLiterally(key, query), write)]);
	}
	return rows;
}

async function answerTo(ask: () => Promise<Poll>, write: () => Promise<unknown>): Promise<string> {
	let poll: Poll;
	try {
		poll = await ask();
	} catch (error) {
		if (!(error instanceof EtcdError)) throw error;
		return `${error.code} ${error.text}: ${error.etcdCause}`;
	}
	await write();
	const answer = await poll.answer();
	return answer.kind === "event"
		? `accepted: it gives ${answer.event.node.value}`
		: "accepted: an empty answer";
}
