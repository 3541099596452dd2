import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { PermissionDeniedError, V3Client, V3Error } from "etcd-watch-lab/v3";
import { LabError } from "#lib/http";
import { freePorts } from "#lib/server/etcd.js";
import { Certificates } from "../../../support/certificates";
import { OwnEtcd } from "../../../support/own-etcd";
import { type Bites, bite, type Kind } from "../kind";
import { isAffected } from "../known";
import { lasting } from "../program";
import type { Run, StartOptions } from "../run";

/** For what a member does in silence: found out in a moment, not in half a minute. */
const alert: StartOptions = { timeoutMs: 400, rollMs: [300, 500], probeMs: 100 };

/** What people have reported of servers under v3's watch: full, standing still, half a member, with users. */
export const serverReportKinds: readonly Kind[] = [
	{
		name: "tls-251",
		group: "report",
		needs: { members: 1 },
		seconds: 8,
		etcd: "3.5.1",
		about: "251 watches of others are open over TLS, where older gateways take 250 in all (etcd PR 14219)",
		run: manyOverTls,
	},
	{
		name: "stalled-disk",
		group: "report",
		needs: { members: 3, logPipes: true },
		seconds: 5,
		etcd: "newest",
		leavesBroken: true,
		about:
			"the member that all are at blocks on its full log pipe: it applies nothing, and knows its leader (22214)",
		run: stalledDisk,
	},
	{
		name: "defragmentation",
		group: "report",
		needs: {},
		seconds: 6,
		etcd: "3.5.1",
		about: "the member that all are at is defragmented, twice, under traffic (etcd issue 9222)",
		run: defragmentation,
	},
	{
		name: "no-space",
		group: "report",
		needs: { fresh: true, flags: ["--quota-backend-bytes", "4000000"] },
		seconds: 4,
		etcd: "newest",
		about:
			"the database comes to its quota under traffic: what is refused is in part carried out, until space is made",
		run: noSpace,
	},
	{
		name: "learner",
		group: "report",
		needs: { members: 1 },
		seconds: 4,
		etcd: "newest",
		leavesBroken: true,
		about:
			"the first endpoint is a learner, which serves some requests and refuses others (etcd issue 12789)",
		run: learner,
	},
	{
		name: "permission-comes-and-goes",
		group: "report",
		needs: { members: 1, proxied: "clients", fresh: true },
		seconds: 5,
		etcd: "3.5.1",
		about: "the consumers' user loses its permission, their connections are cut, and it gets it back (10131)",
		run: permission,
	},
	{
		name: "expired-token",
		group: "report",
		needs: { members: 1, proxied: "clients", fresh: true, flags: ["--auth-token-ttl", "1"] },
		seconds: 6,
		etcd: "3.5.1",
		about: "tokens live for a second, and connections are cut every two (etcd issue 12385)",
		run: expiredToken,
	},
];

async function manyOverTls(run: Run): Promise<Bites> {
	const certificates = Certificates.make();
	if (certificates === undefined) throw new Error("there is no openssl to make certificates with");
	const [plain = 0, secured = 0] = await freePorts(2);
	const direct = `http://127.0.0.1:${plain}`;
	const endpoint = `https://127.0.0.1:${secured}`;
	const { cert, key } = certificates.server;
	const flags = ["--listen-client-urls", `${direct},${endpoint}`, "--advertise-client-urls", endpoint];
	const server = await OwnEtcd.start(run.servers.binary, {
		flags: [...flags, "--cert-file", cert, "--key-file", key],
		v2: false,
	});
	run.atEnd(async () => {
		await server.stop();
		certificates.remove();
	});
	const access = { tls: { ca: certificates.ca.cert } };
	await run.moveTo({ endpoint, direct }, access);
	await run.startUsual({ timeoutMs: 1_000, rollMs: [300, 500] });
	await run.write({ count: 200, mix: lasting }).done;
	const others = new V3Client({ endpoints: [endpoint], ...access, timeoutMs: 2_000 });
	run.atEnd(() => others.close());
	let open = 0;
	const opened = (count: number, timeoutMs: number) =>
		Promise.all(
			Array.from({ length: count }, () =>
				others.watch(`${run.places.foreign}/nobody`, { timeoutMs }).then(
					() => open++,
					// One too many is not registered.
					(error: unknown) => {
						if (!(error instanceof LabError)) throw error;
					},
				),
			),
		);
	await run.fault(async () => {
		for (let nth = 0; nth < 9; nth++) await opened(25, 20_000);
		await opened(26, 2_000);
	});
	const writing = run.write({ perSecond: 200 });
	const isHanging = await others.get(`${run.places.foreign}/k0`).then(
		() => false,
		(error: unknown) => error instanceof LabError,
	);
	await writing.reached(400);
	await others.close();
	await writing.reached(600);
	await writing.stop();
	const hangs = bite(Number(isHanging), "read over TLS unanswered in 2 s, with all those open");
	return isAffected(run.cluster.version, "11826")
		? [hangs, bite(open, "watches of others open")]
		: [bite(open > 250 ? open : 0, "watches of others open")];
}

async function stalledDisk(run: Run): Promise<Bites> {
	const { logs } = run.servers;
	if (logs === undefined) throw new Error("the members have no log pipes");
	await run.beginAt("follower");
	await run.startUsual(alert);
	const writing = run.write({ perSecond: 1_500 });
	await writing.reached(400);
	const { member } = run;
	const terms = await Promise.all(
		run.others.map((other) => other.metric("etcd_server_leader_changes_seen_total")),
	);
	await run.fault(() => logs.stop(member.name));
	const before = await run.index();
	const at = new V3Client({ endpoints: [member.direct], timeoutMs: 700 });
	run.atEnd(() => at.close());
	let silent = 0;
	await run.bitten("the member answers nothing", async () => {
		const answers = at.get(run.places.key, { serializable: true }).then(
			() => true,
			() => false,
		);
		silent = (await answers) ? 0 : silent + 1;
		return silent >= 2;
	});
	const { index } = await run.set(`${run.places.tree}/moved`, "seen by whoever has left the member");
	await run.toldOf("tree", index);
	const changes = await Promise.all(
		run.others.map((other) => other.metric("etcd_server_leader_changes_seen_total")),
	);
	const isKept = changes.every((count, nth) => count === terms[nth]);
	const meanwhile = (await run.index()) - before;
	logs.goOn(member.name);
	await writing.reached(writing.acknowledged.length + 400);
	await writing.stop();
	return [
		bite(silent, "reads in a row unanswered by the member"),
		bite(Number(isKept), "leader all the while, which it went on hearing"),
		bite(meanwhile, "revisions meanwhile"),
	];
}

async function defragmentation(run: Run): Promise<Bites> {
	await run.beginAt("follower");
	await run.startUsual(alert);
	const value = "x".repeat(500_000);
	const client = new V3Client({ endpoints: [run.member.direct], timeoutMs: 30_000 });
	run.atEnd(() => client.close());
	let freed = 0;
	let stood = 0;
	for (let round = 0; round < 2; round++) {
		// One key again and again: only its last value is left after the compaction.
		for (let nth = 0; nth < 80; nth++) await run.set(`${run.places.foreign}/large`, value);
		await run.compact(await run.index());
		const writing = run.write({ count: 600 });
		await writing.reached(100);
		const before = (await client.status()).dbSizeBytes;
		const begin = performance.now();
		await run.fault(() => client.call("/v3/maintenance/defragment", {}));
		stood += performance.now() - begin;
		freed += before - (await client.status()).dbSizeBytes;
		await writing.done;
	}
	return [
		bite(freed > 1_000_000 ? freed : 0, "bytes freed at the member"),
		bite(Math.round(stood), "ms in which it did nothing else"),
	];
}

async function noSpace(run: Run): Promise<Bites> {
	await run.beginAt("follower");
	await run.startUsual(alert);
	const writing = run.write({ perSecond: 300 });
	await writing.reached(200);
	const client = run.client();
	run.atEnd(() => client.close());
	const alarms = async () => (await client.status()).errors.filter((error) => error.includes("NOSPACE"));
	await run.fault(async () => {
		const filling = run.write({ valueBytes: 20_000 });
		await run.until("the database is full", async () => (await alarms()).length > 0);
		await filling.stop();
	});
	const full = await alarms();
	await writing.stop();
	await run.compact(await run.index());
	for (const { direct } of run.cluster.members) {
		const member = run.client(direct);
		await member.call("/v3/maintenance/defragment", {}).finally(() => member.close());
	}
	for (const { id } of run.cluster.members) {
		const memberID = BigInt(`0x${id}`).toString();
		await client.call("/v3/maintenance/alarm", { action: "DEACTIVATE", alarm: "NOSPACE", memberID });
	}
	await run.write({ count: 300 }).done;
	return [bite(full.length, "alarms for want of space")];
}

async function learner(run: Run): Promise<Bites> {
	const name = `learner-${randomBytes(4).toString("hex")}`;
	const [client = 0, peer = 0] = await freePorts(2);
	const [endpoint, peerUrl] = [`http://127.0.0.1:${client}`, `http://127.0.0.1:${peer}`];
	const own = run.client();
	run.atEnd(() => own.close());
	const [voter] = await own.members();
	if (voter === undefined) throw new Error("a cluster has members");
	await own.call("/v3/cluster/member/add", { peerURLs: [peerUrl], isLearner: true });
	const { keeper, folder, binary } = run.servers;
	const process = await keeper.run(name, binary, [
		...["--name", name, "--data-dir", join(folder, name), "--logger", "zap"],
		...["--listen-client-urls", endpoint, "--advertise-client-urls", endpoint],
		...["--listen-peer-urls", peerUrl, "--initial-advertise-peer-urls", peerUrl],
		...["--initial-cluster", `${voter.name}=${voter.peerUrls[0]},${name}=${peerUrl}`],
		...["--initial-cluster-state", "existing"],
	]);
	run.atEnd(async () => {
		await process.end("SIGKILL");
	});
	const at = new V3Client({ endpoints: [endpoint], timeoutMs: 1_000 });
	run.atEnd(() => at.close());
	await run.bitten("the learner serves what it may", async () => {
		return await at.status().then(
			() => true,
			() => false,
		);
	});
	const first = await run.fault(() => [endpoint]);
	const endpoints = [...(first ?? []), ...run.endpoints];
	const options = { ...alert, timeoutMs: 1_000, endpoints };
	const { root: all, key } = run.places;
	// The loops would never begin there.
	await Promise.all([
		run.start("tree", options),
		run.start("all", { ...options, key: all }),
		run.start("key", { ...options, key, recursive: false }),
		run.startLoops(alert),
	]);
	const writing = run.write({ perSecond: 800 });
	await writing.reached(400);
	await run.restart(["tree", "all"], options);
	const refused = await at.get(run.places.key).then(
		() => 0,
		(error: unknown) => (error instanceof V3Error && /learner/.test(error.message) ? 1 : 0),
	);
	await writing.reached(900);
	await writing.stop();
	return [
		bite(refused, "read refused by the learner"),
		bite(first === undefined ? 0 : 1, "learner among the consumers' endpoints"),
	];
}

const root = { name: "root", password: "chaos-root" };
const reader = { name: "reader", password: "chaos-reader" };

/** Switches users on: the run is root from here on, and the consumers one who may read what they follow. */
async function withUsers(run: Run): Promise<void> {
	const client = run.client();
	const call = (path: string, body: object) =>
		client.call(`/v3/auth/${path}`, body as Record<string, string>);
	try {
		for (const { name, password } of [root, reader]) {
			await call("user/add", { name, password });
			await call("role/add", { name });
			await call("user/grant", { user: name, role: name });
		}
		await client.call("/v3/auth/role/grant", { name: "reader", perm: permissionOf(run) });
		await call("enable", {});
	} finally {
		await client.close();
	}
	await run.actAs(root, { user: reader });
}

/** To read the run's directory and all below it. */
function permissionOf({ places }: Run) {
	const end = Buffer.from(`${places.root}0`).toString("base64");
	return { permType: "READ", key: Buffer.from(places.root).toString("base64"), range_end: end };
}

async function permission(run: Run): Promise<Bites> {
	await withUsers(run);
	await run.startUsual({ ...alert, timeoutMs: 1_000 });
	const writing = run.write({ perSecond: 600 });
	const client = run.client();
	const theirs = new V3Client({ endpoints: [run.member.direct], user: reader, timeoutMs: 1_000 });
	run.atEnd(async () => {
		await Promise.all([client.close(), theirs.close()]);
	});
	let refused = 0;
	for (let round = 0; round < 2; round++) {
		await writing.reached(writing.acknowledged.length + 300);
		const { key, range_end } = permissionOf(run);
		await run.fault(() => client.call("/v3/auth/role/revoke", { role: "reader", key, range_end }));
		for (const proxy of run.proxies) proxy.cutAll();
		await run.bitten("a read of their user is refused", async () => {
			const error: unknown = await theirs.get(run.places.key).then(
				() => undefined,
				(failure: unknown) => failure,
			);
			if (error instanceof PermissionDeniedError) refused++;
			return error instanceof PermissionDeniedError;
		});
		await writing.reached(writing.acknowledged.length + 300);
		await run.fault(() => client.call("/v3/auth/role/grant", { name: "reader", perm: permissionOf(run) }));
	}
	await writing.reached(writing.acknowledged.length + 300);
	await writing.stop();
	return [bite(refused, "reads of their user refused"), bite(run.proxied("cutAll"), "connections cut")];
}

async function expiredToken(run: Run): Promise<Bites> {
	await withUsers(run);
	await run.startUsual({ ...alert, timeoutMs: 1_000 });
	const plain = new V3Client({ endpoints: [run.member.direct] });
	run.atEnd(() => plain.close());
	const token = await plain.authenticate(reader.name, reader.password);
	const writing = run.write({ perSecond: 300 });
	let refused = 0;
	for (let round = 0; round < 2; round++) {
		await run.fault(() => new Promise((resolve) => setTimeout(resolve, 2_200)));
		refused += await isRefused(run, token);
		for (const proxy of run.proxies) proxy.cutAll();
	}
	await writing.reached(writing.acknowledged.length + 200);
	await writing.stop();
	return [
		bite(refused, "requests with an old token refused"),
		bite(run.proxied("cutAll"), "connections cut"),
	];
}

/** What the server says to a token that it gave some time ago. */
async function isRefused(run: Run, token: string): Promise<number> {
	const body = JSON.stringify({ key: Buffer.from(run.places.key).toString("base64") });
	const headers = { authorization: token };
	const answer = await fetch(`${run.member.direct}/v3/kv/range`, { method: "POST", body, headers });
	return Number(answer.status !== 200 && /invalid auth token/.test(await answer.text()));
}
