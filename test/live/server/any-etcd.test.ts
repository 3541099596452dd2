import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import net, { type AddressInfo } from "node:net";
import { chart, claims, predict, runOnModel, scenario } from "etcd-watch-lab";
import { follow, mirror } from "etcd-watch-lab/follow";
import { comparePrediction } from "etcd-watch-lab/page";
import { atMember, notTheLeader, withServer } from "etcd-watch-lab/pages";
import { type Lab, startCluster, startLab } from "etcd-watch-lab/server";
import { V2DisabledError } from "etcd-watch-lab/v2";
import {
	AuthenticationFailedError,
	LearnerError,
	PermissionDeniedError,
	UserEmptyError,
	V3Client,
} from "etcd-watch-lab/v3";
import { BadAnswerError, ConnectionError, LabError } from "#lib/http";
import type { ConnectOptions } from "#lib/http/request.js";
import { freePorts } from "#lib/server/etcd.js";
import { type Certificate, Certificates } from "../../support/certificates";
import { notCovered } from "../../support/coverage";
import { type EtcdKind, etcdOf } from "../../support/etcds";
import { http } from "../../support/fake-server";
import { OwnEtcd, type OwnEtcdOptions } from "../../support/own-etcd";
import { assertNoSecret } from "../../support/secrets";
import { fakeServer, ownEtcd, tlsFlags, v3At } from "../../support/servers";
import { sent } from "../../support/timelines";
import { until } from "../../support/until";
import { switchUsersOn, type User } from "../../support/users";

type ErrorClass = abstract new (...args: never[]) => Error;

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
					const here = atMember(cluster, await notTheLeader(cluster));
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
				const own = await ownEtcd(binary, { v2: false });
				const lines: unknown[] = [];
				const { warn } = console;
				console.warn = (line: unknown) => lines.push(line);
				try {
					const guest = await startLab({ env: { ETCDCTL_ENDPOINTS: own.endpoint } });
					const what =
						kind === "3.7" ? /3\.6 removed it/ : /start it with --enable-v2, or unset ETCDCTL_ENDPOINTS/;
					await worksWithoutV2(guest, /^3\./, what);
					const v3 = v3At(own);
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

describe("a server that ends the connection before what it says of TLS is read", () => {
	for (const [named, other] of [
		["http", "https"],
		["https", "http"],
	] as const)
		it(`has the lab say what to write in place of ${named}`, async () => {
			const listener = net.createServer((socket) => socket.once("data", () => socket.resetAndDestroy()));
			await once(listener.listen(0, "127.0.0.1"), "listening");
			const { port } = listener.address() as AddressInfo;
			try {
				const pending = startLab({ env: { ETCDCTL_ENDPOINTS: `${named}://127.0.0.1:${port}` } });
				await says(pending, /ECONNRESET/, new RegExp(`write ${other}:// in ETCDCTL_ENDPOINTS`));
			} finally {
				listener.close();
			}
		});
});

const made = Certificates.make();
after(() => made?.remove());

for (const kind of ["3.4", "3.6", "3.7"] as const) {
	describe(`an etcd ${kind} that can't be used says so in one line, to the lab with what to do`, function () {
		this.timeout(120_000);
		let binary = "";
		before(() =>
			onEtcd(kind, async (found) => {
				binary = found;
			}),
		);
		/** Runs with such an etcd, and ends it, however it goes. */
		const withOwn = async (options: OwnEtcdOptions, use: (own: OwnEtcd) => Promise<void>) => {
			if (binary === "") return;
			// A password costs no more than it has to.
			const flags = ["--bcrypt-cost", "4", ...(options.flags ?? [])];
			const own = await OwnEtcd.start(binary, { v2: false, ...options, flags });
			try {
				await use(own);
			} finally {
				await own.stop();
			}
		};
		const at = (endpoint: string, more: NodeJS.ProcessEnv = {}) =>
			startLab({ env: { ETCDCTL_ENDPOINTS: endpoint, ...more } });
		const asRoot = { name: "root", password: "r00t-not-shown" };
		const reader = { name: "reader", password: "read3r-not-shown", prefix: "/etcd-watch-lab-" };
		const nobody = { name: "nobody", password: "n0body-not-shown" };
		const userOf = ({ name, password }: User) => ({ ETCDCTL_USER: `${name}:${password}` });
		/** What a client says of the same, in one line that names the endpoint or the path. */
		const clientSays = async (options: ConnectOptions, type: ErrorClass, what: RegExp) => {
			const v3 = new V3Client(options);
			try {
				for (const ask of [() => v3.get("/a"), () => v3.put("/a", "1"), () => v3.watch("/a")]) {
					await says(ask(), what, /https?:\/\/127\.0\.0\.1:\d+|\/v3\//);
					await assert.rejects(ask, type);
				}
			} finally {
				await v3.close();
			}
		};

		it("where it has users: none named, a wrong password, one who may not use the lab's keys", async () => {
			await withOwn({}, async ({ endpoint }) => {
				const v3 = v3At(endpoint);
				await switchUsersOn(v3, [asRoot, reader, nobody]);
				await v3.close();
				const empty = /user name is empty/;
				await says(at(endpoint), empty, /it has users: name one in ETCDCTL_USER \(name:password\)/);
				await clientSays({ endpoints: [endpoint] }, UserEmptyError, empty);
				const wrong = { name: "root", password: "wrong" };
				await says(at(endpoint, userOf(wrong)), /authentication failed/, /correct ETCDCTL_USER/);
				await clientSays(
					{ endpoints: [endpoint], user: wrong },
					AuthenticationFailedError,
					/invalid user ID/,
				);
				const denied = /permission denied/;
				const grant = /grant-permission ROLE readwrite --prefix=true \/etcd-watch-lab-/;
				await says(at(endpoint, userOf(nobody)), denied, grant);
				await clientSays({ endpoints: [endpoint], user: nobody }, PermissionDeniedError, denied);
				for (const user of [reader, asRoot]) {
					const lab = await at(endpoint, userOf(user));
					assert.deepEqual(sent(await steps.run(lab, { api: "v3" }), "w"), both);
					assertNoSecret(lab, user.password);
					await lab.close();
				}
			});
		});

		it("where its user may not compact: a page's run is a record, a reader's own says who may", async () => {
			await withOwn({}, async ({ endpoint }) => {
				const v3 = v3At(endpoint, { user: asRoot });
				await switchUsersOn(v3, [asRoot, reader]);
				const lab = await at(endpoint, { ...userOf(reader), ETCD_WATCH_LAB_ALLOW_OVERFLOW: "1" });
				const page = scenario("kept on every version")
					.set("/a/k", "1")
					.delete("/a/k")
					.compact()
					.set("/a/k", "2")
					.watch("late", "/a", { recursive: true, afterIndex: 1 });
				const { recorded } = await page.run(lab, { api: "v3" });
				const mine = () => scenario("mine").set("/a").compact().run(lab, { api: "v3" });
				// Anybody may there.
				if (kind === "3.4") assert.deepEqual([recorded, (await mine()).recorded], [undefined, undefined]);
				else {
					assert.match(recorded ?? "", /^recorded on etcd 3\.5\.1 \(not run on this server/);
					await says(mine(), /may not compact.*permission denied/, /only root may.*ETCDCTL_USER/);
				}
				await lab.close();
				assert.deepEqual((await v3.range("\0", { fromKey: true })).kvs, []);
				assert.deepEqual(await v3.leases(), []);
				await v3.close();
			});
		});

		it("where clients need certificates: http, no CA or another's, no certificate, an expired one, a stranger's", async () => {
			if (made === undefined) return notCovered("TLS (openssl makes the certificates)");
			const { ca, client, expiredClient, strangersClient, stranger } = made;
			const flags = tlsFlags(made);
			await withOwn({ scheme: "https", flags }, async ({ endpoint }) => {
				const trusted = { ETCDCTL_CACERT: ca.cert };
				const as = ({ cert, key }: Certificate) => ({ ETCDCTL_CERT: cert, ETCDCTL_KEY: key });
				const tls = (certificate?: Certificate, by = ca) => ({
					endpoints: [endpoint],
					tls: { ca: by.cert, ...certificate },
				});
				const http = endpoint.replace("https", "http");
				await says(at(http), /write https:\/\/ in ETCDCTL_ENDPOINTS/);
				await clientSays({ endpoints: [http] }, LabError, /begins with https:|other side closed|ECONNRESET/);
				const unknown = /SELF_SIGNED|UNABLE_TO|CERT_SIGNATURE/;
				await says(at(endpoint, as(client)), unknown, /CA that signed it in ETCDCTL_CACERT/);
				const others = { ETCDCTL_CACERT: stranger.cert, ...as(client) };
				await says(at(endpoint, others), unknown, /CA that signed it in ETCDCTL_CACERT/);
				await clientSays(tls(client, stranger), ConnectionError, unknown);
				await says(at(endpoint, trusted), /wants a certificate.*ETCDCTL_CERT and ETCDCTL_KEY/);
				await clientSays(tls(), ConnectionError, /ALERT|alert/);
				await says(
					at(endpoint, { ...trusted, ...as(expiredClient) }),
					/certificate.*ETCDCTL_CERT and ETCDCTL_KEY/,
				);
				await clientSays(tls(expiredClient), ConnectionError, /ALERT|alert/);
				await says(at(endpoint, { ...trusted, ...as(strangersClient) }), /certificate.*ETCDCTL_CERT/);
				await clientSays(tls(strangersClient), ConnectionError, /ALERT|alert/);
				const lab = await at(endpoint, { ...trusted, ...as(client) });
				assert.deepEqual(sent(await steps.run(lab, { api: "v3" }), "w"), both);
				await lab.close();
			});
		});

		it("where it has users, too: a certificate with a CommonName, and no user, who is not the server's own", async () => {
			if (made === undefined) return notCovered("TLS (openssl makes the certificates)");
			const { ca, client, namelessClient } = made;
			const flags = tlsFlags(made);
			await withOwn({ scheme: "https", flags }, async ({ endpoint }) => {
				const connect = (certificate: Certificate) => ({
					endpoints: [endpoint],
					tls: { ca: ca.cert, ...certificate },
				});
				// Made before they are switched on: it asks for a token only then.
				const root = new V3Client({ ...connect(namelessClient), user: asRoot });
				// As the server's certificate is named.
				await switchUsersOn(root, [asRoot, { name: "server", password: "s3rver-not-shown", prefix: "/" }]);
				await root.put("/a", "1");
				await root.close();
				const env = ({ cert, key }: Certificate) => ({
					...{ ETCDCTL_CACERT: ca.cert, ETCDCTL_CERT: cert, ETCDCTL_KEY: key },
				});
				await says(at(endpoint, env(namelessClient)), /user name is empty/, /name one in ETCDCTL_USER/);
				await clientSays(connect(namelessClient), UserEmptyError, /user name is empty/);
				const named = at(endpoint, { ...env(client), ...userOf(asRoot) });
				await says(named, /CommonName/, /a certificate without a CommonName in ETCDCTL_CERT/);
				await clientSays({ ...connect(client), user: asRoot }, BadAnswerError, /none with a CommonName/);
				const lab = await at(endpoint, { ...env(namelessClient), ...userOf(asRoot) });
				assert.deepEqual(sent(await steps.run(lab, { api: "v3" }), "w"), both);
				await lab.close();
			});
		});

		it("where its own certificate has expired, or is made out for another address", async () => {
			if (made === undefined) return notCovered("TLS (openssl makes the certificates)");
			const { ca, server, expiredServer } = made;
			const tls = { ca: ca.cert };
			const flagsOf = ({ cert, key }: Certificate) => ["--cert-file", cert, "--key-file", key];
			await withOwn({ scheme: "https", flags: flagsOf(expiredServer) }, async ({ endpoint }) => {
				await says(at(endpoint, { ETCDCTL_CACERT: ca.cert }), /CERT_HAS_EXPIRED.*have its owner renew it/);
				await clientSays({ endpoints: [endpoint], tls }, ConnectionError, /CERT_HAS_EXPIRED/);
			});
			await withOwn({ scheme: "https", flags: flagsOf(server) }, async ({ endpoint }) => {
				const other = endpoint.replace("127.0.0.1", "localhost");
				await says(at(other, { ETCDCTL_CACERT: ca.cert }), /ALTNAME_INVALID.*ETCDCTL_ENDPOINTS/);
				const http = endpoint.replace("https", "http");
				await says(at(http), /write https:\/\/ in ETCDCTL_ENDPOINTS/);
			});
		});

		it("where it speaks no TLS, and where nobody listens", async () => {
			await withOwn({}, async ({ endpoint }) => {
				const https = endpoint.replace("http", "https");
				await says(at(https), /write http:\/\/ in ETCDCTL_ENDPOINTS/);
				await clientSays(
					{ endpoints: [https] },
					ConnectionError,
					// What 3.4 answers can be overtaken by the end of the connection.
					/WRONG_VERSION|PACKET_LENGTH|before secure TLS|ECONNRESET/,
				);
			});
			const [port = 0] = await freePorts(1);
			const endpoint = `http://127.0.0.1:${port}`;
			await says(at(endpoint), /ECONNREFUSED.*nobody listens there.*ETCDCTL_ENDPOINTS/);
			await clientSays({ endpoints: [endpoint] }, ConnectionError, /ECONNREFUSED/);
		});

		it("behind etcd's grpc-proxy", async () => {
			await withOwn({}, async (own) => {
				const [port = 0] = await freePorts(1);
				// 3.6 asks itself, at the address that it gives to clients, before it serves anybody.
				const address = `127.0.0.1:${port}`;
				const flags = ["--listen-addr", address, "--advertise-client-url", address];
				const proxy = spawn(binary, ["grpc-proxy", "start", "--endpoints", own.endpoint, ...flags], {
					stdio: "ignore",
				});
				try {
					const endpoint = `http://${address}`;
					const answers = () =>
						fetch(endpoint).then(
							() => true,
							() => false,
						);
					await until("the proxy listens", answers);
					await says(at(endpoint), /404/, /grpc-proxy.*the members' own URLs in ETCDCTL_ENDPOINTS/);
					await clientSays({ endpoints: [endpoint] }, BadAnswerError, /no JSON gateway.*grpc-proxy/);
				} finally {
					proxy.kill("SIGKILL");
				}
			});
		});

		it("when it is a learner", async () => {
			await withOwn({}, async (voter) => {
				const learner = await OwnEtcd.learnerOf(voter, binary);
				try {
					await says(at(learner.endpoint), /learner/, /name the voting members alone in ETCDCTL_ENDPOINTS/);
					await clientSays({ endpoints: [learner.endpoint] }, LearnerError, /learner/);
					const lab = await at(`${learner.endpoint},${voter.endpoint}`);
					assert.deepEqual(sent(await steps.run(lab, { api: "v3" }), "w"), both);
					await lab.close();
				} finally {
					await learner.stop();
				}
			});
		});
	});
}

describe("a server with users of v2, where none was named", () => {
	it("says so in one line, with what to do", async () => {
		const refusal = http(
			401,
			'{"errorCode":110,"message":"The request requires user authentication","cause":"Insufficient credentials","index":0}',
		);
		const version = http(200, '{"etcdserver":"3.5.1","etcdcluster":"3.5.0"}');
		const fake = await fakeServer((socket, { path }) =>
			socket.write(path === "/version" ? version : refusal),
		);
		await says(startLab({ env: { ETCDCTL_ENDPOINTS: fake.endpoint } }), /^110 /, /ETCDCTL_USER/);
	});
});
