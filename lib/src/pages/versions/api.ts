import { EtcdError, KeyNotFoundError } from "../../v2";
import { confirmed, ever, type Found, refuted, untested, type VersionExperiment } from "./experiment";
import type { Servers } from "./servers";
import { fieldIn, GrpcCall, messageOf, postRaw, within } from "./wire";

async function v2IsThere(servers: Servers): Promise<Found> {
	const { endpoint, v2 } = await servers.shared();
	try {
		await v2.get(servers.newPrefix());
		return confirmed("/v2/keys answers");
	} catch (error) {
		if (error instanceof KeyNotFoundError) return confirmed("/v2/keys answers");
		const { status } = await postRaw(endpoint, "/v2/keys/", {});
		if (status === 404) return refuted("/v2/keys is a page that is not found, and no flag brings it back");
		throw error;
	}
}

async function directoryTtl(servers: Servers): Promise<Found> {
	if ((await v2IsThere(servers)).verdict !== "confirmed") return untested("there is no v2 API");
	const { v2 } = await servers.shared();
	const directory = `${servers.newPrefix()}/d`;
	await v2.mkdir(directory, { ttl: 60 });
	try {
		await v2.updateDirectory(directory, { ttl: 600 });
	} catch (error) {
		if (error instanceof EtcdError && error.code === 300)
			return refuted("the update is refused with error 300, and the ttl stays");
		throw error;
	}
	const { node } = await v2.get(directory);
	if ((node.ttl ?? 0) > 60) return confirmed("the directory has the new ttl");
	return refuted("the update is taken, and the ttl stays");
}

/** grpc-gateway 1 writes a refusal's text into "error" and "message", grpc-gateway 2 into "message" alone. */
async function errorField(servers: Servers): Promise<Found> {
	const { endpoint } = await servers.shared();
	const body = { key: Buffer.from("k").toString("base64"), revision: String(2 ** 52) };
	const { json } = await postRaw(endpoint, "/v3/kv/range", body);
	if (typeof fieldIn(json, "message") !== "string") return untested("the gateway gave no message");
	return typeof fieldIn(json, "error") === "string"
		? confirmed('a refusal has "error", "message" and "code"')
		: refuted('a refusal has "message", "code" and "details"');
}

async function experimentalFlag(servers: Servers): Promise<Found> {
	const flags = ["--experimental-watch-progress-notify-interval", "200ms"];
	if (!(await servers.takes(flags))) return refuted("it does not start: the flag is not known");
	const { v3 } = await servers.fresh(flags);
	const watch = await v3.watch("k", { progressNotify: true });
	const message = await within(watch.next(), 5_000, "a progress").finally(() => watch.close());
	return message?.kind === "progress"
		? confirmed("a progress came within the time given")
		: untested("something else came");
}

async function rangeStream(servers: Servers): Promise<Found> {
	const { endpoint, v3 } = await servers.shared();
	const prefix = servers.newPrefix();
	for (let nth = 0; nth < 20; nth++) await v3.put(`${prefix}/${nth}`, "");
	const message = messageOf(Buffer.from(`${prefix}/`), Buffer.from(`${prefix}0`));
	const ask = async (method: string) => {
		const call = new GrpcCall(endpoint, `etcdserverpb.KV/${method}`, message);
		try {
			let messages = 0;
			while ((await call.next()) !== undefined) messages++;
			return { messages, status: call.status };
		} finally {
			call.close();
		}
	};
	const range = await ask("Range");
	if (range.status !== 0) return untested(`a plain range by gRPC ended with status ${range.status}`);
	const { status, messages } = await ask("RangeStream");
	if (status === 12) return refuted("gRPC's answer is 12: there is no such method");
	if (status !== 0) return untested(`it ended with gRPC's status ${status}`);
	return messages > 1
		? confirmed("the keys came in several messages")
		: untested("the keys came in one message");
}

const changelog = (minor: string) =>
	`https://github.com/etcd-io/etcd/blob/main/CHANGELOG/CHANGELOG-${minor}.md`;

export const apiChanges: readonly VersionExperiment[] = [
	{
		id: "v2",
		name: "the v2 API",
		claim: "The server has the v2 API, with --enable-v2",
		url: changelog("3.6"),
		versions: { "3.4": [0, ever], "3.5": [0, ever] },
		kind: "change",
		advice: "watch by v3; etcd 3.5 is the last with v2",
		run: v2IsThere,
	},
	{
		id: "directory ttl",
		name: "a directory's new ttl (v2)",
		claim: "The ttl of a directory of v2 can be changed",
		url: "https://github.com/etcd-io/etcd/blob/v3.5.9/server/etcdserver/api/v2store/store.go",
		versions: { "3.4": [0, ever] },
		kind: "change",
		advice: "on 3.5 make the directory anew, or give its keys the ttl",
		run: directoryTtl,
	},
	{
		id: "error field",
		name: 'a refusal has the field "error"',
		claim: 'A refusal of the gateway has its text in the field "error", too',
		url: changelog("3.6"),
		versions: { "3.4": [0, ever], "3.5": [0, ever] },
		kind: "change",
		advice: 'read "message", which all have',
		run: errorField,
	},
	{
		id: "experimental flag",
		name: "--experimental-watch-progress-…",
		claim: "The server takes --experimental-watch-progress-notify-interval",
		url: changelog("3.7"),
		versions: { "3.4": [0, ever], "3.5": [0, ever], "3.6": [0, ever] },
		kind: "change",
		advice: "from 3.6 on it is called --watch-progress-notify-interval",
		run: experimentalFlag,
	},
	{
		id: "RangeStream",
		name: "a range as a stream",
		claim: "A range can be read as a stream of messages, by gRPC",
		url: changelog("3.7"),
		versions: { "3.7": [0, ever] },
		kind: "change",
		advice: "read a large range in pages, at one revision",
		run: rangeStream,
	},
];
