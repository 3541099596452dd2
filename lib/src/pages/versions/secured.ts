import { setTimeout as wait } from "node:timers/promises";
import { InvalidTokenError, PermissionDeniedError, TimeoutError, type V3Client } from "../../v3";
import {
	confirmed,
	ever,
	type Found,
	refuted,
	untested,
	type VersionExperiment,
	versionsOf,
} from "./experiment";
import type { Servers } from "./servers";
import { fieldIn, InVainError, linesOf, TlsWatches, within } from "./wire";

/** What a call is refused with; undefined where it is not. */
async function refusalOf(call: Promise<unknown>): Promise<unknown> {
	try {
		await call;
		return undefined;
	} catch (error) {
		return error;
	}
}

async function mayNot(v3: V3Client, key: string, fromKey: boolean): Promise<void> {
	const refusal = await refusalOf(v3.range(key, { fromKey }));
	if (!(refusal instanceof PermissionDeniedError))
		throw new InVainError("a read was not refused, though it had to be");
}

/** GHSA-xg4h-6gfc-h4m8. */
async function watchesAll(servers: Servers): Promise<Found> {
	const { v3, low } = await servers.secured();
	await mayNot(low, "foo", true);
	const opening = low.watch("foo", { fromKey: true });
	const refusal = await refusalOf(opening);
	if (refusal instanceof PermissionDeniedError) return refuted("the watch was refused, as the read was");
	if (refusal !== undefined) throw refusal;
	const watch = await opening;
	try {
		await v3.put("zzz", "not for them");
		const message = await within(watch.next(), 5_000, "an event of a key that they may not read");
		const isTold = message?.kind === "events" && message.events.some(({ kv }) => kv.key === "zzz");
		return isTold
			? confirmed("the read was refused, and the watch was told a key that the user may not read")
			: untested("the watch was told something else");
	} finally {
		watch.close();
	}
}

/** Issue 12385. A token that has expired is one that the server knows no longer. */
async function unknownToken(servers: Servers): Promise<Found> {
	const { endpoint } = await servers.secured();
	const body = { create_request: { key: Buffer.from("foo").toString("base64") } };
	for await (const { json } of linesOf(endpoint, "/v3/watch", body, { token: "expired.1" })) {
		const reason = [
			fieldIn(json, "result", "cancel_reason"),
			fieldIn(json, "error", "message"),
			fieldIn(json, "message"),
		].find((one) => typeof one === "string" && one !== "");
		if (typeof reason !== "string") continue;
		if (reason.includes("permission denied")) return confirmed('the reason given is "permission denied"');
		if (reason.includes("invalid auth token")) return refuted('the reason given is "invalid auth token"');
		return untested(`the reason given is "${reason}"`);
	}
	return untested("the watch was not refused");
}

/** Issue 19752. */
async function tokenByWebSocket(servers: Servers): Promise<Found> {
	const { low } = await servers.secured();
	(await low.watch("foo")).close();
	const watches = await low.watches();
	try {
		const refusal = await refusalOf(watches.watch("foo"));
		if (refusal === undefined) return refuted("the watch was opened, by WebSocket as by HTTP");
		if (refusal instanceof InvalidTokenError || refusal instanceof PermissionDeniedError)
			return confirmed("the watch was opened by HTTP, and refused by WebSocket");
		throw refusal;
	} finally {
		watches.close();
	}
}

/** Asked for when a watch is opened, and never again: `isWatchPermitted` in v3rpc/watch.go. */
async function takenAway(servers: Servers): Promise<Found> {
	const { v3, low } = await servers.secured();
	const [watch, witness] = [await low.watch("foo"), await v3.watch("foo")];
	const key = Buffer.from("foo").toString("base64");
	try {
		await v3.call("/v3/auth/role/revoke", { role: "reader", key });
		await mayNot(low, "foo", false);
		await v3.put("foo", "not for them any more");
		await within(witness.next(), 5_000, "the event at a watch that may see it");
		const message = watch.next().catch((error: unknown) => {
			if (error instanceof PermissionDeniedError) return undefined;
			throw error;
		});
		const told = await Promise.race([message, wait(2_000)]);
		if (told?.kind === "events")
			return confirmed("a read was refused, and the watch that was open was told the next put");
		return refuted("the watch that was open was not told the next put");
	} finally {
		watch.close();
		witness.close();
		await v3.call("/v3/auth/role/grant", { name: "reader", perm: { permType: "READ", key } });
	}
}

/** The gateway is one gRPC connection to the server's own TLS port, where 250 streams are let in. */
const mostStreams = 250;
/** An answer takes milliseconds; on a busy machine more. */
const patienceMs = 20_000;
const silenceMs = 5_000;

/** Issue 11826. */
async function manyOverTls(servers: Servers): Promise<Found> {
	const { endpoint, v3, ca } = await servers.tls();
	const watches = new TlsWatches(endpoint, ca, "k");
	const isAnswered = async (timeoutMs: number) => {
		try {
			await v3.put("k", "", { timeoutMs });
			return true;
		} catch (error) {
			if (error instanceof TimeoutError) return false;
			throw error;
		}
	};
	try {
		await watches.openUpTo(mostStreams - 1);
		if (!(await isAnswered(patienceMs)))
			throw new InVainError(`a put beside ${mostStreams - 1} watches was not answered either`);
		await watches.openUpTo(mostStreams);
		if (await isAnswered(silenceMs)) return refuted(`beside ${mostStreams} watches a put was answered`);
		watches.close(20);
		if (!(await isAnswered(patienceMs)))
			throw new InVainError("a put was not answered after watches had been closed either");
		return confirmed(`a put was answered beside ${mostStreams - 1} watches, and not beside ${mostStreams}`);
	} finally {
		watches.close();
	}
}

export const secured: readonly VersionExperiment[] = [
	{
		id: "11826",
		name: "250 watches over TLS",
		claim: "Over TLS all of v3 hangs from the 250th watch by the gateway on",
		...versionsOf("11826"),
		kind: "fault",
		advice: "carry many watches on one connection, by WebSocket or gRPC",
		run: manyOverTls,
	},
	{
		id: "GHSA-xg4h-6gfc-h4m8",
		name: "may read one key, watches all",
		claim: "A user who may read one key can watch all keys from that one on",
		...versionsOf("GHSA-xg4h-6gfc-h4m8"),
		kind: "fault",
		advice: "let nobody who may not read all reach the server",
		run: watchesAll,
	},
	{
		id: "19752",
		name: "no token by WebSocket",
		claim: "A user's token that comes by WebSocket is not known",
		...versionsOf("19752"),
		kind: "fault",
		advice: "watch by HTTP, one connection a watch",
		run: tokenByWebSocket,
	},
	{
		id: "12385",
		name: "an expired token: permission denied",
		claim: 'A watch with a token that has expired is refused with "permission denied"',
		...versionsOf("12385"),
		kind: "fault",
		advice: "get a new token on either refusal, once",
		run: unknownToken,
	},
	{
		id: "7809",
		name: "a permission that was taken",
		claim: "A watch that is open goes on telling after the permission to read was taken",
		url: "https://github.com/etcd-io/etcd/pull/7809",
		versions: { "3.4": [0, ever], "3.5": [0, ever], "3.6": [0, ever], "3.7": [0, ever] },
		kind: "fault",
		advice: "end the connections of a user whose permissions you take",
		run: takenAway,
	},
];
