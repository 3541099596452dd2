import assert from "node:assert/strict";
import { scenario } from "etcd-watch-lab";
import { startLab } from "etcd-watch-lab/server";
import { UnauthorizedError, V2Client } from "etcd-watch-lab/v2";
import { ArgumentError, ConnectionError, type LabError } from "#lib/http";
import { byVariable, inTheClear } from "#lib/server/guest.js";
import { Certificates } from "../../support/certificates";
import { notCovered } from "../../support/coverage";
import { type EtcdUnderTest, etcd35, forEachEtcd } from "../../support/etcd";
import { FakeServer, http } from "../../support/fake-server";
import { OwnEtcd } from "../../support/own-etcd";
import { assertNoSecret } from "../../support/secrets";
import { sent } from "../../support/timelines";

const rootPassword = "r00t:pass-never-shown é";
const guestPassword = "gue5t-pass-never-shown";
const wrongPassword = "wr0ng-pass-never-shown";

const made = Certificates.make();
after(() => made?.remove());

/** Fails unless it is refused with such an error, in which no password is to be seen. */
async function refusedWith(
	pending: Promise<unknown>,
	type: new (...args: never[]) => LabError,
	message: RegExp,
): Promise<void> {
	await assert.rejects(pending, (error: unknown) => {
		assert.ok(error instanceof type, `not ${type.name} but ${error}`);
		assert.match(error.message, message);
		for (const secret of [rootPassword, guestPassword, wrongPassword]) assertNoSecret(error, secret);
		return true;
	});
}

describe("a password", () => {
	const user = { name: "me", password: rootPassword };
	for (const [endpoints, open] of [
		[["http://etcd.internal:2379"], ["http://etcd.internal:2379"]],
		[["https://etcd.internal:2379"], []],
		[
			[
				"http://127.0.0.1:1",
				"http://127.1.2.3:1",
				"http://[::1]:1",
				"http://localhost:1",
				"http://a.localhost",
			],
			[],
		],
		[
			["http://127.0.0.1.evil.example:1", "http://localhost.example:1"],
			["http://127.0.0.1.evil.example:1", "http://localhost.example:1"],
		],
		[["https://a:1", "http://[fe80::1]:1"], ["http://[fe80::1]:1"]],
	] as const)
		it(`goes ${open.length === 0 ? "to nobody in the clear" : `in the clear to ${open.join(" and ")}`}, of ${endpoints.join(", ")}`, () => {
			const said = inTheClear({ endpoints, user });
			if (open.length === 0) assert.equal(said, undefined);
			else assert.ok(said?.includes(`goes to ${open.join(", ")} unencrypted`), said);
			assert.equal(inTheClear({ endpoints }), undefined, "without a user there is none");
		});
});

describe("no way to a server", () => {
	for (const says of ["getaddrinfo ENOTFOUND etcd.example [ENOTFOUND]", "connect EHOSTUNREACH 10.1.2.3:2379"])
		it(`is said with what to do: ${says}`, () => {
			const error = new ConnectionError(`${says}: GET /version at http://etcd.example:2379`, {
				maybeApplied: false,
			});
			const said = byVariable(error, { endpoints: ["http://etcd.example:2379"] });
			assert.ok(said instanceof ConnectionError);
			assert.match(said.message, /^[^\n]*is the address right[^\n]*Correct ETCDCTL_ENDPOINTS[^\n]*$/);
		});
});

forEachEtcd((server) => {
	describe("a server with users", () => {
		let own: OwnEtcd;
		const env = (user: string, password: string) => ({
			ETCDCTL_ENDPOINTS: own.endpoint,
			ETCDCTL_USER: `${user}:${password}`,
		});
		before(async () => {
			own = await OwnEtcd.start(server.binary);
			await protect(own.endpoint);
		});
		after(() => own?.stop());

		it("is used with ETCDCTL_USER, watches and the clean-up at the end included", async () => {
			const lab = await startLab({ env: env("root", rootPassword) });
			const timeline = await scenario("as root").watch("w", "/a").set("/a", "1").run(lab);
			assert.deepEqual(sent(timeline, "w"), ["1 set /a"]);
			await lab.v2.set(`${lab.newPrefix()}/a`, "left");
			for (const shown of [lab, lab.about, lab.v2]) assertNoSecret(shown, rootPassword);
			await lab.close();
			const root = new V2Client({
				endpoints: [own.endpoint],
				user: { name: "root", password: rootPassword },
			});
			await refusedWith(root.get(lab.root), Error as never, /100 Key not found/);
			await root.close();
		});

		it("says where the password goes over a network unencrypted, and only there", async () => {
			// A name of this machine that could be another's.
			const elsewhere = own.endpoint.replace("127.0.0.1", "0.0.0.0");
			const lab = await startLab({ env: { ...env("root", rootPassword), ETCDCTL_ENDPOINTS: elsewhere } });
			await lab.close();
			assert.match(lab.about, new RegExp(`\nthe password of root goes to ${elsewhere} unencrypted`));
			assertNoSecret(lab.about, rootPassword);
			const local = await startLab({ env: env("root", rootPassword) });
			await local.close();
			assert.doesNotMatch(local.about, /unencrypted|\n/);
		});

		it("takes the password from ETCDCTL_PASSWORD too, colons and all", async () => {
			const lab = await startLab({
				env: { ETCDCTL_ENDPOINTS: own.endpoint, ETCDCTL_USER: "root", ETCDCTL_PASSWORD: rootPassword },
			});
			await lab.v2.set(`${lab.newPrefix()}/a`, "1");
			await lab.close();
		});

		it("refuses a wrong password with 110, in which it is not shown", async () => {
			await refusedWith(
				startLab({ env: env("root", wrongPassword) }),
				UnauthorizedError,
				/^110 .*on GET \/v2\/keys/,
			);
		});

		it("refuses a user that it does not know with 110", async () => {
			await refusedWith(startLab({ env: env("nobody", wrongPassword) }), UnauthorizedError, /^110 /);
		});

		it("refuses a user without the permission to read with 110, and the whole lab with it", async () => {
			await refusedWith(startLab({ env: env("guest", guestPassword) }), UnauthorizedError, /^110 /);
		});

		it("refuses each operation of a user without permission with 110, its code, status and index", async () => {
			const guest = new V2Client({
				endpoints: [own.endpoint],
				user: { name: "guest", password: guestPassword },
			});
			assert.equal((await guest.set("/guests/a", "1")).node.value, "1");
			for (const call of [
				() => guest.get("/a"),
				() => guest.set("/a", "1"),
				() => guest.delete("/a"),
				() => guest.poll("/a"),
				() => guest.stream("/a"),
				() => guest.watcher("/a").next(),
			]) {
				await refusedWith(call(), UnauthorizedError, /^110 The request requires user authentication/);
				await assert.rejects(call(), (error: unknown) => {
					assert.ok(error instanceof UnauthorizedError);
					assert.deepEqual(
						[error.code, error.status, error.etcdCause],
						[110, 401, "Insufficient credentials"],
					);
					return true;
				});
			}
			await guest.close();
		});

		it("refuses nobody's requests too: 110 without a user", async () => {
			await refusedWith(startLab({ env: { ETCDCTL_ENDPOINTS: own.endpoint } }), UnauthorizedError, /^110 /);
		});
	});
});

/** Makes root and guest, who may use /guests alone, and switches v2's authentication on. */
async function protect(endpoint: string): Promise<void> {
	const authorization = `Basic ${Buffer.from(`root:${rootPassword}`).toString("base64")}`;
	const put = async (path: string, body?: unknown) => {
		const answer = await fetch(`${endpoint}/v2/auth/${path}`, {
			method: "PUT",
			headers: { "content-type": "application/json", authorization },
			...(body === undefined ? {} : { body: JSON.stringify(body) }),
		});
		assert.ok(answer.ok, `${path}: ${answer.status} ${await answer.text()}`);
	};
	await put("users/root", { user: "root", password: rootPassword });
	await put("roles/guests", {
		role: "guests",
		permissions: { kv: { read: ["/guests/*"], write: ["/guests/*"] } },
	});
	await put("users/guest", { user: "guest", password: guestPassword, roles: ["guests"] });
	await put("enable");
	// Switching it on makes a role of that name, with which nobody may do everything.
	await put("roles/guest", { role: "guest", revoke: { kv: { read: ["/*"], write: ["/*"] } } });
}

if (made === undefined) {
	it("TLS needs certificates, and openssl makes them", () =>
		notCovered("TLS (openssl makes the certificates)"));
} else {
	tlsTests(made);
}

function tlsTests(pki: Certificates): void {
	forEachEtcd((server: EtcdUnderTest) => {
		describe("a server with TLS and client certificates", () => {
			let own: OwnEtcd;
			const trusted = () => ({ ETCDCTL_ENDPOINTS: own.endpoint, ETCDCTL_CACERT: pki.ca.cert });
			const identified = () => ({ ...trusted(), ETCDCTL_CERT: pki.client.cert, ETCDCTL_KEY: pki.client.key });
			before(async () => {
				own = await OwnEtcd.start(server.binary, {
					scheme: "https",
					flags: [
						...["--cert-file", pki.server.cert, "--key-file", pki.server.key],
						...["--trusted-ca-file", pki.ca.cert, "--client-cert-auth"],
					],
				});
				const keys = new V2Client({
					endpoints: [own.endpoint],
					tls: { ca: pki.ca.cert, cert: pki.client.cert, key: pki.client.key },
				});
				await keys.get("/", { quorum: true });
				await keys.close();
			});
			after(() => own?.stop());

			it("is used with etcdctl's variables, watches and the clean-up at the end included", async () => {
				const lab = await startLab({ env: identified() });
				const timeline = await scenario("tls").watch("w", "/a").stream("s", "/a").set("/a", "1").run(lab);
				assert.deepEqual([sent(timeline, "w"), sent(timeline, "s")], [["1 set /a"], ["1 set /a"]]);
				await lab.close();
			});

			it("is used with host:port too: a CA says that it is https", async () => {
				const ETCDCTL_ENDPOINTS = own.endpoint.replace("https://", "");
				const lab = await startLab({ env: { ...identified(), ETCDCTL_ENDPOINTS } });
				await lab.close();
			});

			it("is not trusted without its CA", async () => {
				const { ETCDCTL_CACERT, ...env } = identified();
				assert.ok(ETCDCTL_CACERT);
				await refusedWith(startLab({ env }), ConnectionError, /UNABLE_TO_|SELF_SIGNED|self.signed/);
			});

			it("is not trusted by another CA", async () => {
				const env = { ...identified(), ETCDCTL_CACERT: pki.stranger.cert };
				await refusedWith(startLab({ env }), ConnectionError, /CERT|certificate|UNABLE_TO_/);
			});

			it("refuses a client without a certificate", async () => {
				await refusedWith(
					startLab({ env: trusted() }),
					ConnectionError,
					/certificate|ECONNRESET|SSL|socket/i,
				);
			});

			it("refuses a client whose certificate another CA signed", async () => {
				const { cert, key } = pki.strangersClient;
				const env = { ...trusted(), ETCDCTL_CERT: cert, ETCDCTL_KEY: key };
				await refusedWith(startLab({ env }), ConnectionError, /certificate|ECONNRESET|SSL|socket/i);
			});

			it("is not reached with a key that is not the certificate's, or a file that is none", async () => {
				for (const wrong of [{ ETCDCTL_KEY: pki.ca.key }, { ETCDCTL_CERT: pki.garbage }]) {
					await refusedWith(
						startLab({ env: { ...identified(), ...wrong } }),
						ArgumentError,
						/^ETCDCTL_CERT: .*ERR_OSSL/,
					);
				}
			});

			it("is not reached by http, and the message names the endpoint", async () => {
				const ETCDCTL_ENDPOINTS = own.endpoint.replace("https://", "http://");
				await assert.rejects(startLab({ env: { ETCDCTL_ENDPOINTS } }), (error: unknown) => {
					assert.ok(error instanceof Error && error.name !== "Error", String(error));
					assert.ok(error.message.includes(ETCDCTL_ENDPOINTS), error.message);
					return true;
				});
			});

			it("a write that the handshake stopped was not carried out", async () => {
				const keys = new V2Client({ endpoints: [own.endpoint] });
				await assert.rejects(keys.set("/a", "1"), (error: unknown) => {
					assert.ok(error instanceof ConnectionError);
					assert.equal(error.maybeApplied, false);
					return true;
				});
				await keys.close();
			});
		});
	});

	describe("https", () => {
		it("to a port that speaks http is a ConnectionError, and a write there was not carried out", async () => {
			const plain = await FakeServer.start((socket) => socket.write(http(200, "{}")));
			const keys = new V2Client({
				endpoints: [plain.endpoint.replace("http://", "https://")],
				timeoutMs: 2000,
			});
			await assert.rejects(keys.set("/a", "1"), (error: unknown) => {
				assert.ok(error instanceof ConnectionError);
				assert.equal(error.maybeApplied, false, error.message);
				return true;
			});
			assert.equal(plain.requests.length, 0);
			await keys.close();
			await plain.close();
		});

		it("to the lab's own etcd, which speaks http, is a ConnectionError", async () => {
			const own = await OwnEtcd.start(etcd35);
			const env = { ETCDCTL_ENDPOINTS: own.endpoint.replace("http://", "https://") };
			await refusedWith(startLab({ env }), ConnectionError, /SSL|EPROTO|ECONNRESET|socket/);
			await own.stop();
		});
	});
}
