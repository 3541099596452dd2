import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { request } from "undici";
import { ConnectionError } from "../../http";
import type { Target } from "../../scenario/api";
import { onV2 } from "../../scenario/recorded";
import { type Cluster, startCluster } from "../../server";
import { EtcdError, type Poll, V2Client } from "../../v2";
import { keyPath } from "../../v2/key";

/**
 * What can end a long poll before its event: the server by a kill or an orderly end, a proxy that gives up on it, or
 * its own client's limit on a body that says nothing (undici's bodyTimeout, here 300 ms in place of 300 s).
 */
export type PollEnd = "kill -9" | "SIGTERM" | "a proxy gives up" | "the client's bodyTimeout";

/** How a quiet poll ended, and what it had been waiting for. */
export interface EndedPoll {
	readonly how: PollEnd;
	/** What its reader was given: an error's name, or an answer with nothing in it. */
	readonly got: string;
	/** What the same question brings, asked again when the server is back: the value of the write in between. */
	readonly askedAgain: string | undefined;
}

/**
 * Ends a quiet long poll in one of four ways, on an etcd of one member that is started for it and ended with it, and
 * asks again with the same waitIndex. Errors as `startCluster`.
 */
export async function endOfAPoll(how: PollEnd): Promise<EndedPoll> {
	const cluster = await startCluster({ size: 1 });
	try {
		return await onV2(cluster, { name: `a poll's end: ${how}`, of: [] }, () => endOfOne(cluster, how));
	} finally {
		await cluster.close();
	}
}

async function endOfOne(cluster: Cluster, how: PollEnd): Promise<EndedPoll> {
	const key = "/quiet";
	const { modifiedIndex: afterIndex } = (await cluster.v2.set(key, "before")).node;
	const got = await ended(cluster, key, afterIndex, how);
	const [member] = cluster.members;
	if (member?.state === "stopped") await member.restart();
	await cluster.v2.set(key, "what it waited for");
	const answer = await (await cluster.v2.poll(key, { afterIndex })).answer();
	return { how, got, askedAgain: answer.kind === "event" ? answer.event.node.value : undefined };
}

async function ended(cluster: Cluster, key: string, afterIndex: number, how: PollEnd): Promise<string> {
	if (how === "a proxy gives up") return await behindAProxy(key, afterIndex);
	if (how === "the client's bodyTimeout") {
		const url = `${cluster.endpoints[0]}${keyPath(key)}?wait=true&waitIndex=${afterIndex + 1}`;
		const { body } = await request(url, { bodyTimeout: 300, reset: true });
		return await body.text().then(() => "an answer", nameOf);
	}
	const poll = await cluster.v2.poll(key, { afterIndex });
	const [member] = cluster.members;
	await (how === "SIGTERM" ? member?.terminate() : member?.kill());
	return await poll.answer().then(({ kind }) => `an ${kind} answer`, nameOf);
}

/** In place of a proxy that ends what is quiet for too long: etcd's headers, and a body with nothing in it. */
async function behindAProxy(key: string, afterIndex: number): Promise<string> {
	const headers = { "content-type": "application/json", "x-etcd-index": String(afterIndex) };
	const proxy = createServer((_, answer) => answer.writeHead(200, headers).end()).listen(0, "127.0.0.1");
	await once(proxy, "listening");
	const keys = new V2Client({ endpoints: [`http://127.0.0.1:${(proxy.address() as AddressInfo).port}`] });
	try {
		const { kind } = await (await keys.poll(key, { afterIndex })).answer();
		return `a 200 with ${kind === "empty" ? "an empty body" : "an event"}`;
	} finally {
		await keys.close();
		proxy.close();
		await once(proxy, "close");
	}
}

function nameOf(error: unknown): string {
	if (error instanceof ConnectionError) return error.name;
	return error instanceof Error ? error.name : String(error);
}

/**
 * What etcd makes of each of these queries, sent as they stand as a watch of a key that was written once: `[query,
 * answer]`, a table's rows. One that waits is written to, so that what it answers shows what it was waiting for.
 * Errors as the keys API, but for etcd's own refusals.
 */
export async function answersTo(
	target: Target,
	queries: readonly string[],
): Promise<[query: string, answer: string][]> {
	return await onV2(target, { name: "answers to queries", of: queries }, () => answersOf(target, queries));
}

async function answersOf(target: Target, queries: readonly string[]): ReturnType<typeof answersTo> {
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

/**
 * What each of these does to a key that holds "old", sent as it stands to an etcd of its own, such as "PUT prevIndex=0":
 * `[request, answer, what the key holds then]`, a table's rows. A PUT carries the value "new". Errors as `startCluster`.
 */
export async function requestsOn(
	requests: readonly string[],
): Promise<[request: string, answer: string, holds: string][]> {
	const cluster = await startCluster({ size: 1 });
	try {
		return await onV2(cluster, { name: "requests as they stand", of: requests }, () =>
			carriedOut(cluster, requests),
		);
	} finally {
		await cluster.close();
	}
}

async function carriedOut(cluster: Cluster, requests: readonly string[]): ReturnType<typeof requestsOn> {
	const url = `${cluster.endpoints[0]}${keyPath("/k")}`;
	const headers = { "content-type": "application/x-www-form-urlencoded" };
	const rows: [string, string, string][] = [];
	for (const line of requests) {
		await cluster.v2.set("/k", "old");
		const [method = "", query = ""] = line.split(" ");
		const written = method === "PUT" ? { headers, body: "value=new" } : {};
		const answer = (await (await fetch(`${url}?${query}`, { method, ...written })).json()) as {
			readonly action?: string;
			readonly errorCode?: number;
			readonly message?: string;
		};
		const { action, errorCode, message } = answer;
		const holds = await cluster.v2.get("/k").then(
			({ node }) => node.value ?? "",
			(error: unknown) => {
				if (error instanceof EtcdError) return "it is gone";
				throw error;
			},
		);
		rows.push([line, action ?? `${errorCode} ${message}`, holds]);
	}
	return rows;
}
