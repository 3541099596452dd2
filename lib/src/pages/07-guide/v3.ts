import { randomBytes } from "node:crypto";
import { setTimeout as wait } from "node:timers/promises";
import { type Cluster, type ClusterOptions, startCluster } from "../../server";
import { ConnectionError, V3Client, V3Error, type V3Message, type V3Watch } from "../../v3";

/** An etcd of one member that an entry of the guide has for itself. */
export interface OwnV3 {
	readonly v3: V3Client;
	readonly cluster: Cluster;
}

/**
 * Starts an etcd of one member, empty and never compacted, and ends it when `use` is through, whose answer it gives.
 * Errors as `startCluster`, and those of `use`.
 */
export async function onOwnV3<T>(
	use: (v3: V3Client, own: OwnV3) => Promise<T>,
	options: Omit<ClusterOptions, "size"> = {},
): Promise<T> {
	const cluster = await startCluster({ ...options, size: 1 });
	const v3 = new V3Client({ endpoints: cluster.endpoints });
	try {
		return await use(v3, { v3, cluster });
	} finally {
		await v3.close();
		await cluster.close();
	}
}

/**
 * What comes of each of these, asked one after the other: `[what was asked, etcd's words]`, a table's rows. Where it is
 * not refused: the text that it gives, or "done". Errors that are not etcd's are thrown.
 */
export async function wordsOf(
	asked: Readonly<Record<string, () => Promise<unknown>>>,
): Promise<[asked: string, words: string][]> {
	const rows: [string, string][] = [];
	for (const [what, ask] of Object.entries(asked)) {
		const words = await ask().then(
			(given) => (typeof given === "string" ? given : "done"),
			(error: unknown) => {
				if (error instanceof V3Error) return error.text;
				throw error;
			},
		);
		rows.push([what, words]);
	}
	return rows;
}

/**
 * The messages of a watch, in words, up to the one that tells of `revision` or a later one: "events 2, 3" (of these
 * revisions), with "…" where a fragment follows, or "progress 6". Errors as `V3Watch.next`.
 */
export async function messagesUpTo(watch: V3Watch, revision: number): Promise<readonly string[]> {
	const messages: string[] = [];
	for (;;) {
		const message = await watch.next();
		if (message === undefined)
			throw new ConnectionError("the server ended the watch", { maybeApplied: false });
		messages.push(wordsFor(message));
		if (message.kind !== "events" || message.fragment) continue;
		if ((message.events.at(-1)?.kv.modRevision ?? 0) >= revision) return messages;
	}
}

/**
 * Opens a watch from a revision in the past and asks for progress in the same breath, on one connection, until the answer
 * is told before the events, at most 10 times: a round of the server's can fall between the two (`syncWatchersLoop`).
 * Gives the last one's messages, as `messagesUpTo`.
 */
export async function progressAskedAtOnce(
	v3: V3Client,
	key: string,
	{ from, to }: { readonly from: number; readonly to: number },
): Promise<readonly string[]> {
	let messages: readonly string[] = [];
	for (let nth = 0; nth < 10 && !messages[0]?.startsWith("progress"); nth++) {
		const connection = await v3.watches();
		try {
			const opening = connection.watch(key, { startRevision: from });
			// Some versions do not answer while the watch is behind: its end, with the connection, is no fault.
			connection.progress().catch(() => {});
			const watch = await opening;
			messages = await messagesUpTo(watch, to);
		} finally {
			connection.close();
		}
	}
	return messages;
}

function wordsFor(message: V3Message): string {
	if (message.kind === "progress") return `progress ${message.header.revision}`;
	const revisions = message.events.map(({ kv }) => kv.modRevision).join(", ");
	return `events ${revisions}${message.fragment ? " …" : ""}`;
}

/**
 * Opens a watch from a revision in the past while somebody else opens watches at revision -1 on another key, and
 * writes "live" until it is told of that: the values that it was told up to then.
 */
export async function toldBesideMinusOne(
	{ v3, cluster }: OwnV3,
	key: string,
	startRevision: number,
): Promise<readonly string[]> {
	const ended = new AbortController();
	const body = JSON.stringify({ create_request: { key: base64("somebody else's"), start_revision: "-1" } });
	const somebodyElse = async () => {
		while (!ended.signal.aborted) {
			const { signal } = ended;
			await fetch(`${cluster.endpoints[0]}/v3/watch`, { method: "POST", body, signal }).catch(() => {});
			await wait(20);
		}
	};
	const writer = async () => {
		while (!ended.signal.aborted) {
			await wait(300);
			await v3.put(key, "live");
		}
	};
	const beside = [somebodyElse(), writer()];
	const told: string[] = [];
	try {
		const watch = await v3.watch(key, { startRevision });
		for await (const { kv } of watch.events()) {
			told.push(kv.value);
			if (kv.value === "live") break;
		}
		return told;
	} finally {
		ended.abort();
		await Promise.all(beside);
	}
}

/**
 * A key with a lease that is renewed every 100 ms, on a server that stands still for longer than its ttl: how often
 * the renewal succeeded before (at least once), what a watch was told, and what the renewal was answered after it.
 */
export async function renewedThroughAPause({ v3, cluster }: OwnV3): Promise<{
	readonly renewed: boolean;
	readonly told: string;
	readonly renewedAfter: boolean;
}> {
	const [member] = cluster.members;
	const { id, ttl } = await v3.grant(1);
	await v3.put("/live", "10.0.0.1", { lease: id });
	const watch = await v3.watch("/live");
	const before = await v3.keepAlive(id);
	await member?.pause();
	// Renewals go on, and wait with the server.
	const waiting = v3.keepAlive(id, { timeoutMs: 20_000 });
	await wait(ttl * 1000 + 500);
	await member?.resume();
	const message = await watch.next();
	watch.close();
	const told = message?.kind === "events" ? (message.events[0]?.type ?? "nothing") : "nothing";
	return { renewed: before.ttl > 0, told, renewedAfter: (await waiting).ttl > 0 };
}

/**
 * What is left of a lease of 60 s, in seconds, at a member that does not lead: two seconds after it was granted, and
 * when another member has taken the place of the leader, which was killed.
 */
export async function leaseAcrossAnElection(
	cluster: Cluster,
): Promise<readonly [before: number, after: number]> {
	const leader = await cluster.leader();
	const others = cluster.members.filter((member) => member !== leader);
	const v3 = new V3Client({ endpoints: others.map(({ endpoint }) => endpoint) });
	try {
		const { id } = await v3.grant(60);
		const left = async () => (await v3.timeToLive(id)).ttl;
		let before = await left();
		while (before > 57) {
			await wait(100);
			before = await left();
		}
		await leader.kill();
		await cluster.leader();
		return [before, await left()];
	} finally {
		await v3.close();
	}
}

/** Clients of a server with users: of root, and of one who may read the key "/mine" and nothing else. */
export interface Users {
	readonly root: V3Client;
	readonly low: V3Client;
	readonly own: OwnV3;
	/** A token for `low`, as a client without the lab's would hold it. */
	token(): Promise<string>;
	/** Takes the permission away. */
	revoke(): Promise<void>;
	/** Makes the server forget all tokens, as the end of their time does. */
	forgetTokens(): Promise<void>;
}

/** As `onOwnV3`, with users switched on. */
export async function withUsers<T>(use: (users: Users) => Promise<T>): Promise<T> {
	return await onOwnV3(async (v3, own) => {
		const password = randomBytes(8).toString("hex");
		const as = (name: string) => new V3Client({ endpoints: own.cluster.endpoints, user: { name, password } });
		const [root, low] = [as("root"), as("low")];
		const auth = (path: string, body: object) => root.call(`/v3/auth/${path}`, { ...body });
		const key = base64("/mine");
		try {
			for (const name of ["root", "low"]) await auth("user/add", { name, password });
			await auth("role/add", { name: "reader" });
			await auth("role/grant", { name: "reader", perm: { permType: "READ", key } });
			await auth("user/grant", { user: "low", role: "reader" });
			await auth("user/grant", { user: "root", role: "root" });
			await auth("enable", {});
			return await use({
				root,
				low,
				own,
				token: () => v3.authenticate("low", password),
				async revoke() {
					await auth("role/revoke", { role: "reader", key });
				},
				async forgetTokens() {
					await auth("disable", {});
					await auth("enable", {});
				},
			});
		} finally {
			await Promise.all([root.close(), low.close()]);
		}
	});
}

/** etcd's words to a request with this token, sent as it stands: the refusal, or "taken". */
export async function askedWith(
	{ cluster }: OwnV3,
	token: string,
	what: "kv/range" | "watch",
	key: string,
): Promise<string> {
	const body = what === "watch" ? { create_request: { key: base64(key) } } : { key: base64(key) };
	const ended = new AbortController();
	const answer = await fetch(`${cluster.endpoints[0]}/v3/${what}`, {
		...{ method: "POST", headers: { authorization: token }, body: JSON.stringify(body) },
		signal: ended.signal,
	});
	let text = "";
	try {
		// A watch goes on after its first line.
		for await (const part of answer.body ?? []) {
			text += Buffer.from(part).toString("utf8");
			if (text.includes("\n")) break;
		}
	} finally {
		ended.abort();
	}
	return /etcdserver: [^"\\]+/.exec(text)?.[0] ?? "taken";
}

function base64(text: string): string {
	return Buffer.from(text).toString("base64");
}
