import assert from "node:assert/strict";
import { scenario } from "etcd-watch-lab";
import { startLab } from "etcd-watch-lab/server";
import { UnauthorizedError, V2Client } from "etcd-watch-lab/v2";
import { ArgumentError, ConnectionError, type LabError } from "#lib/http";
import { byVariable, inTheClear } from "#lib/server/guest.js";
import { Certificates } from "../../support/certificates";
import { notCovered } from "../../support/coverage";
import { http } from "../../support/fake-server";
import { OwnEtcd } from "../../support/own-etcd";
import { assertNoSecret } from "../../support/secrets";
import { type EtcdUnderTest, fakeServer, forEachEtcd, tlsFlags, v2At } from "../../support/servers";
import { sent } from "../../support/timelines";
import { switchV2UsersOn } from "../../support/users";

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
			await switchV2UsersOn(own, rootPassword, guestPassword);
		});
		after(() => own?.stop());

		it("is used with ETCDCTL_USER, watches and the clean-up at the end included", async () => {
			const lab = await startLab({ env: env("root", rootPassword) });
			const timeline = await scenario("as root").watch("w", "/a").set("/a", "1").run(lab);
			assert.deepEqual(sent(timeline, "w"), ["1 set /a"]);
			await lab.v2.set(`${lab.newPrefix()}/a`, "left");
			for (const shown of [lab, lab.about, lab.v2]) assertNoSecret(shown, rootPassword);
			await lab.close();
			const root = v2At(own, { user: { name: "root", password: rootPassword } });
			await refusedWith(root.get(lab.root), Error as never, /100 Key not found/);
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

		for (const [whom, name, password, message] of [
			[
				"a wrong password with 110, in which it is not shown",
				"root",
				wrongPassword,
				/^110 .*on GET \/v2\/keys/,
			],
			["a user that it does not know with 110", "nobody", wrongPassword, /^110 /],
			[
				"a user without the permission to read with 110, and the whole lab with it",
				"guest",
				guestPassword,
				/^110 /,
			],
		] as const) {
			it(`refuses ${whom}`, async () => {
				await refusedWith(startLab({ env: env(name, password) }), UnauthorizedError, message);
			});
		}

		it("refuses each operation of a user without permission with 110, its code, status and index", async () => {
			const guest = v2At(own, { user: { name: "guest", password: guestPassword } });
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
				await assert.rejects(call(), {
					name: "UnauthorizedError",
					code: 110,
					status: 401,
					etcdCause: "Insufficient credentials",
				});
			}
		});

		it("refuses nobody's requests too: 110 without a user", async () => {
			await refusedWith(startLab({ env: { ETCDCTL_ENDPOINTS: own.endpoint } }), UnauthorizedError, /^110 /);
		});
	});
});

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
				own = await OwnEtcd.start(server.binary, { scheme: "https", flags: tlsFlags(pki) });
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

			for (const [what, wrong, type, message] of [
				[
					"is not reached with a key that is not the certificate's",
					{ ETCDCTL_KEY: pki.ca.key },
					ArgumentError,
					/^ETCDCTL_CERT: .*ERR_OSSL/,
				],
				[
					"is not reached with a file that is no certificate",
					{ ETCDCTL_CERT: pki.garbage },
					ArgumentError,
					/^ETCDCTL_CERT: .*ERR_OSSL/,
				],
			] as const) {
				it(what, () => refusedWith(startLab({ env: { ...identified(), ...wrong } }), type, message));
			}

			it("a write that the handshake stopped was not carried out", async () => {
				const keys = v2At(own);
				await assert.rejects(keys.set("/a", "1"), { name: "ConnectionError", maybeApplied: false });
			});
		});
	});

	describe("https", () => {
		it("to a port that speaks http is a ConnectionError, and a write there was not carried out", async () => {
			const plain = await fakeServer((socket) => socket.write(http(200, "{}")));
			const keys = v2At([plain.endpoint.replace("http://", "https://")], { timeoutMs: 2000 });
			// It waits in vain for TLS: a TimeoutError, which is one.
			await assert.rejects(
				keys.set("/a", "1"),
				(error) => error instanceof ConnectionError && !error.maybeApplied,
			);
			assert.equal(plain.requests.length, 0);
		});
	});
}
