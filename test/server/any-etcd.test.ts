import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { chart, claims, predict, runOnModel, scenario } from "etcd-watch-lab";
import { follow, mirror } from "etcd-watch-lab/follow";
import { comparePrediction } from "etcd-watch-lab/page";
import { atMember, followerOf, withServer } from "etcd-watch-lab/pages";
import { findEtcd, type Lab, startCluster, startLab } from "etcd-watch-lab/server";
import { V2DisabledError } from "etcd-watch-lab/v2";
import { V3Client } from "etcd-watch-lab/v3";
import { freePorts } from "#lib/server/etcd.js";
import { type EtcdKind, etcdOf } from "../model/differential/etcds";
import { Certificates } from "../support/certificates";
import { notCovered } from "../support/coverage";
import { FakeServer, http } from "../support/fake-server";
import { OwnEtcd } from "../support/own-etcd";
import { assertNoSecret } from "../support/secrets";
import { sent } from "../support/timelines";
import { until } from "../support/until";

const steps = scenario("on v3")
	.watch("w", "/a", { recursive: true })
	.follow("follower", "/a", { recursive: true })
	.set("/a/1", "x")
	.delete("/a/1")
	.set("/b", "x");
const both = ["1 put /a/1", "2 delete /a/1"];

/** Fails unless it is an error of one line in which all of these are said. */
async function says(pending: Promise<unknown>, ...all: readonly RegExp[]): Promise<void> {
	await assert.rejects(pending, (error: unknown) => {
		assert.ok(error instanceof Error && error.name !== "Error", String(error));
		assert.doesNotMatch(error.message, /\n/);
		for (const each of all) assert.match(error.message, each);
		return true;
	});
}

/** A lab on it can all that needs no v2, and says of the rest what is missing. */
async function worksWithoutV2(etcd: Lab, version: RegExp, whatToDo: RegExp): Promise<void> {
	assert.match(etcd.version, version);
	assert.match(etcd.about, /^etcd 3\.\d+\.\d+, .*; it has no v2 API, /);
	const seen = await steps.run(etcd, { api: "v3" });
	assert.deepEqual([sent(seen, "w"), sent(seen, "follower")], [both, both]);
	assert.equal(seen.server, etcd.version);
	assert.equal(claims.lateWatchMissesTheStart(seen).verdict, "untested");
	const prediction = comparePrediction(predict({ w: [1, 2] }), seen);
	assert.ok(prediction.rows.filter(({ watcher }) => watcher === "w").every(({ right }) => right));
	chart(seen);
	const tree = etcd.newPrefix();
	const kept = await mirror(etcd.v3, tree);
	const { header } = await etcd.v3.put(`${tree}/k`, "1");
	await kept.at(header.revision);
	await kept.close();
	await says(steps.run(etcd), /^"on v3" needs the v2 API/, /\{ api: "v3" \}/, whatToDo);
	await assert.rejects(etcd.v2.get("/a"), V2DisabledError);
	await assert.rejects(follow(etcd.v2, "/a").ready(), V2DisabledError);
	await etcd.close();
}

async function onEtcd(kind: EtcdKind, use: (binary: string) => Promise<void>): Promise<void> {
	const etcd = await etcdOf(kind);
	if ("missing" in etcd) return notCovered(`a lab on ${etcd.missing}`);
	await use(etcd.binary);
}

describe("a lab on any etcd", function () {
	this.timeout(180_000);

	for (const kind of ["3.6", "3.7"] as const) {
		it(`starts a ${kind} and does all that needs no v2`, async () => {
			await onEtcd(kind, async (binary) => {
				const version = new RegExp(`^${kind.replace(".", "\\.")}\\.`);
				const started = await startLab({ env: { ETCD_WATCH_LAB_ETCD: binary } });
				await worksWithoutV2(started, version, /3\.6 removed it.*unset ETCD_WATCH_LAB_ETCD.*npm start/);
			});
		});

		it(`takes a flag by the name that it had before ${kind}, and a cluster's faults on v3`, async () => {
			await onEtcd(kind, async (binary) => {
				const flags = ["--experimental-watch-progress-notify-interval", "200ms"];
				const quiet = scenario("quiet")
					.watch("w", "/k", { progressNotify: true })
					.set("/k")
					.awaitProgress("w");
				const broken = scenario("a member is killed")
					.watch("w", "/k")
					.set("/k", "1")
					.fault("kill")
					.set("/k", "2")
					.reconnect("w");
				await withServer(startCluster({ binary, flags }), async (cluster) => {
					const here = atMember(cluster, await followerOf(cluster));
					await quiet.run(here, { api: "v3" });
					const seen = await broken.run(here, { api: "v3" });
					assert.deepEqual(sent(seen, "w"), ["1 put /k", "2 put /k (history)"]);
					await says(broken.run(here), /needs the v2 API/, /3\.6 removed it/);
				});
			});
		});
	}

	for (const kind of ["3.4", "3.5.1", "3.7"] as const) {
		it(`is a guest on a ${kind} without v2, and leaves nothing there, in silence`, async () => {
			await onEtcd(kind, async (binary) => {
				const own = await OwnEtcd.start(binary, { v2: false });
				const lines: unknown[] = [];
				const { warn } = console;
				console.warn = (line: unknown) => lines.push(line);
				try {
					const guest = await startLab({ env: { ETCDCTL_ENDPOINTS: own.endpoint } });
					const what =
						kind === "3.7" ? /3\.6 removed it/ : /start it with --enable-v2, or unset ETCDCTL_ENDPOINTS/;
					await worksWithoutV2(guest, /^3\./, what);
					const v3 = new V3Client({ endpoints: [own.endpoint] });
					assert.deepEqual((await v3.range("/etcd-watch-lab-", { prefix: true })).kvs, []);
					assert.deepEqual(await v3.leases(), []);
					await v3.close();
					assert.deepEqual(lines, []);
				} finally {
					console.warn = warn;
					await own.stop();
				}
			});
		});
	}

	it("has members of different versions, on v3, and refuses a number of binaries that fits no cluster", async () => {
		await onEtcd("3.7", (newest) =>
			onEtcd("3.6", async (older) => {
				const binary = [newest, older, older];
				await assert.rejects(
					startCluster({ binary: [newest, older] }),
					/a cluster of 3 has one binary, or 3, not 2/,
				);
				await withServer(startCluster({ binary }), async (cluster) => {
					assert.match(cluster.version, /^3\.6\./);
					assert.deepEqual(
						cluster.members.map(({ version }) => version.slice(0, 3)),
						["3.7", "3.6", "3.6"],
					);
					const [member] = cluster.members;
					assert.ok(member);
					const seen = await steps.run(atMember(cluster, member, { only: true }), { api: "v3" });
					assert.deepEqual(sent(seen, "w"), both);
					await member.restart();
				});
			}),
		);
	});

	it("keeps its default: the wheel's etcd, both APIs, and not a word of what is missing", async () => {
		const started = await startLab({ env: {} });
		assert.deepEqual([started.noV2, /v2/.test(started.about)], [undefined, false]);
		assert.deepEqual(sent(await steps.run(started), "w"), ["1 set /a/1", "2 delete /a/1"]);
		await runOnModel(steps, { version: started.version });
		await started.close();
	});
});

describe("a server that the lab can't use says so in one line, with what to do", function () {
	this.timeout(60_000);
	const binary = findEtcd({});
	const at = (endpoint: string, more: NodeJS.ProcessEnv = {}) =>
		startLab({ env: { ETCDCTL_ENDPOINTS: endpoint, ...more } });

	it("users of v3", async () => {
		const own = await OwnEtcd.start(binary, { v2: false });
		const v3 = new V3Client({ endpoints: [own.endpoint] });
		const password = "s3cret-not-shown";
		for (const name of ["root", "nobody"]) await v3.call("/v3/auth/user/add", { name, password });
		await v3.call("/v3/auth/role/add", { name: "root" });
		await v3.call("/v3/auth/user/grant", { user: "root", role: "root" });
		await v3.call("/v3/auth/enable", {});
		await v3.close();
		await says(at(own.endpoint), /user name is empty/, /ETCDCTL_USER \(name:password\)/);
		await says(
			at(own.endpoint, { ETCDCTL_USER: "root:wrong" }),
			/authentication failed/,
			/correct ETCDCTL_USER/,
		);
		await says(
			at(own.endpoint, { ETCDCTL_USER: `nobody:${password}` }),
			/permission denied/,
			/grant-permission ROLE readwrite --prefix=true \/etcd-watch-lab-/,
		);
		const lab = await at(own.endpoint, { ETCDCTL_USER: `root:${password}` });
		assert.deepEqual(sent(await steps.run(lab, { api: "v3" }), "w"), both);
		assertNoSecret(lab, password);
		await lab.close();
		await own.stop();
	});

	it("users of v2, where none was named", async () => {
		const refusal = http(
			401,
			'{"errorCode":110,"message":"The request requires user authentication","cause":"Insufficient credentials","index":0}',
		);
		const version = http(200, '{"etcdserver":"3.5.1","etcdcluster":"3.5.0"}');
		const fake = await FakeServer.start((socket, { path }) =>
			socket.write(path === "/version" ? version : refusal),
		);
		await says(at(fake.endpoint), /^110 /, /ETCDCTL_USER/);
		await fake.close();
	});

	it("TLS", async () => {
		const made = Certificates.make();
		if (made === undefined) return notCovered("TLS (openssl makes the certificates)");
		const { server, ca, client } = made;
		const own = await OwnEtcd.start(binary, {
			...{ v2: false, scheme: "https" },
			flags: [
				...["--cert-file", server.cert, "--key-file", server.key],
				...["--trusted-ca-file", ca.cert, "--client-cert-auth"],
			],
		});
		const trusted = { ETCDCTL_CACERT: ca.cert };
		await says(at(own.endpoint.replace("https", "http")), /write https:\/\/ in ETCDCTL_ENDPOINTS/);
		const identified = { ETCDCTL_CERT: client.cert, ETCDCTL_KEY: client.key };
		await says(at(own.endpoint, identified), /CA that signed it in ETCDCTL_CACERT/);
		await says(at(own.endpoint, trusted), /ETCDCTL_CERT and ETCDCTL_KEY/);
		const lab = await at(own.endpoint, { ...trusted, ...identified });
		assert.deepEqual(sent(await steps.run(lab, { api: "v3" }), "w"), both);
		await lab.close();
		await own.stop();
		const anybody = await OwnEtcd.start(binary, {
			...{ v2: false, scheme: "https" },
			flags: ["--cert-file", server.cert, "--key-file", server.key],
		});
		await says(at(anybody.endpoint.replace("https", "http")), /write https:\/\/ in ETCDCTL_ENDPOINTS/);
		await anybody.stop();
		const plain = await OwnEtcd.start(binary, { v2: false });
		await says(at(plain.endpoint.replace("http", "https")), /write http:\/\/ in ETCDCTL_ENDPOINTS/);
		await plain.stop();
		made.remove();
	});

	it("etcd's grpc-proxy", async () => {
		const own = await OwnEtcd.start(binary, { v2: false });
		const [port = 0] = await freePorts(1);
		const proxy = spawn(
			binary,
			["grpc-proxy", "start", "--endpoints", own.endpoint, "--listen-addr", `127.0.0.1:${port}`],
			{ stdio: "ignore" },
		);
		try {
			const endpoint = `http://127.0.0.1:${port}`;
			await until("the proxy listens", () =>
				fetch(endpoint).then(
					() => true,
					() => false,
				),
			);
			await says(at(endpoint), /404/, /grpc-proxy.*the members' own URLs in ETCDCTL_ENDPOINTS/);
		} finally {
			proxy.kill("SIGKILL");
			await own.stop();
		}
	});

	it("a learner alone", async () => {
		await onEtcd("3.7", async (newest) => {
			const voter = await OwnEtcd.start(newest, { v2: false });
			const learner = await OwnEtcd.learnerOf(voter, newest);
			await says(at(learner.endpoint), /learner/, /name the voting members alone in ETCDCTL_ENDPOINTS/);
			const lab = await at(`${learner.endpoint},${voter.endpoint}`);
			assert.deepEqual(sent(await steps.run(lab, { api: "v3" }), "w"), both);
			await lab.close();
			await Promise.all([learner.stop(), voter.stop()]);
		});
	});
});
