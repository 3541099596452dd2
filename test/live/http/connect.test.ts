import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { once } from "node:events";
import fs from "node:fs";
import net, { type AddressInfo, type Socket } from "node:net";
import path from "node:path";
import tls from "node:tls";
import { follow } from "etcd-watch-lab/follow";
import { V2Client } from "etcd-watch-lab/v2";
import { ArgumentError } from "#lib/http";
import { V3Client } from "#lib/v3/client.js";
import { Certificates } from "../../support/certificates";
import { root } from "../../support/checkout";
import { notCovered } from "../../support/coverage";
import { eventJson, http } from "../../support/fake-server";
import { fakeServer, v2At, v3At } from "../../support/servers";

const made = Certificates.make();
if (made === undefined)
	it("certificates are made by openssl", () => notCovered("TLS files (openssl makes them)"));
else tlsTests(made);

function tlsTests(pki: Certificates): void {
	const folder = path.dirname(pki.ca.cert);
	const file = (name: string, text: string | Buffer) => {
		const at = path.join(folder, name);
		fs.writeFileSync(at, text);
		return at;
	};
	after(() => pki.remove());

	describe("a TLS file", () => {
		const good = { cert: pki.client.cert, key: pki.client.key };
		const bundle = `${fs.readFileSync(pki.ca.cert)}\n`;
		const encrypted = path.join(folder, "encrypted.key");
		execFileSync("openssl", ["pkey", "-aes256", "-passout", "pass:x1y2", "-in", good.key, "-out", encrypted]);
		const der = path.join(folder, "ca.der");
		execFileSync("openssl", ["x509", "-in", pki.ca.cert, "-outform", "DER", "-out", der]);
		const elliptic = path.join(folder, "elliptic.key");
		execFileSync("openssl", ["ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", elliptic]);
		const wrong: [string, { ca?: string; cert?: string; key?: string }, RegExp][] = [
			["a CA that is cut off", { ca: file("cut.pem", bundle.slice(0, 200)) }, /tls\.ca: .*cut\.pem holds no/],
			[
				"a CA that holds nothing",
				{ ca: file("empty.pem", "") },
				/tls\.ca: .*empty\.pem holds no certificate/,
			],
			["a CA in DER", { ca: der }, /tls\.ca: .*ca\.der holds no certificate in PEM form/],
			["a CA whose base64 is none", { ca: pki.garbage }, /tls\.ca: .*garbage\.pem can't be used: .*ERR_OSSL/],
			[
				"a CA whose second certificate is none",
				{ ca: file("second.pem", `${bundle}${fs.readFileSync(pki.garbage)}`) },
				/tls\.ca: .*second\.pem can't be used/,
			],
			[
				"a certificate that is none",
				{ ...good, cert: pki.garbage },
				/tls\.cert: .*garbage\.pem can't be used/,
			],
			["a key that is none", { ...good, key: pki.client.cert }, /tls\.key: .*client\.pem can't be used/],
			[
				"a key that is encrypted",
				{ ...good, key: encrypted },
				/tls\.key: .*encrypted\.key is encrypted.*openssl/,
			],
			[
				"a key that is not the certificate's",
				{ ...good, key: pki.server.key },
				/tls\.cert: .*client\.pem with tls\.key .*server\.key can't be used: .*mismatch/,
			],
			[
				"a key of another type than the certificate's",
				{ ...good, key: elliptic },
				/tls\.cert: .*client\.pem with tls\.key .*elliptic\.key can't be used: .*mismatch/,
			],
			[
				"a CA that is indented",
				{ ca: file("indented.pem", bundle.replace(/^/gm, "  ")) },
				/tls\.ca: .*indented\.pem holds no certificate in PEM form/,
			],
			[
				"a CA whose lines end in carriage returns alone",
				{ ca: file("returns.pem", bundle.replace(/\n/g, "\r")) },
				/tls\.ca: .*returns\.pem holds no certificate in PEM form/,
			],
			["a certificate without its key", { cert: good.cert }, /tls\.cert is given without tls\.key/],
			["a key without its certificate", { key: good.key }, /tls\.key is given without tls\.cert/],
			["a file that is a folder", { ca: folder }, /tls\.ca: .* can't be read \(EISDIR\)/],
		];
		for (const [what, files, message] of wrong) {
			it(`is refused when the client is made, by its name and with the reason: ${what}`, () => {
				for (const Client of [V2Client, V3Client]) {
					assert.throws(
						() => new Client({ endpoints: ["https://127.0.0.1:1"], tls: files }),
						(error) => error instanceof ArgumentError && message.test(error.message),
					);
				}
			});
		}

		it("may have a byte order mark, text around its certificates, and lines that end in any way", () => {
			const text = `what it is\n${bundle}and more\n`;
			for (const ca of [
				`\u{feff}${bundle}`,
				text,
				text.replace(/\n/g, "\r\n"),
				bundle.replace(/-\n/g, "- \n"),
			]) {
				const tls = { ...good, ca: file("unusual.pem", ca) };
				assert.doesNotThrow(() => v3At("https://127.0.0.1:1", { tls }));
			}
		});

		it("is read once: a follower goes on when it has become another", async () => {
			const ca = file("moving.pem", bundle);
			const keys = v2At("https://127.0.0.1:1", { tls: { ca } });
			fs.writeFileSync(ca, "nothing");
			const notes: string[] = [];
			const onNote = (note: { readonly note: string; readonly message?: string }) =>
				notes.push(note.message ?? "");
			const follower = follow(keys, "/a", { backoffMs: [1, 5], onNote });
			await assert.rejects(Promise.race([follower.ready(), keys.get("/a")]), /ECONNREFUSED/);
			await follower.close();
			assert.ok(
				notes.every((message) => /ECONNREFUSED|^$/.test(message)),
				notes.join(),
			);
		});
	});

	describe("a connection that fails after the request was written", () => {
		it("says that a write may have been carried out, whatever the error's code, and asks nobody else", async () => {
			const pair = { cert: fs.readFileSync(pki.server.cert), key: fs.readFileSync(pki.server.key) };
			const clients: Socket[] = [];
			const server = tls.createServer(pair, (secured) => {
				secured.on("error", () => {});
				// A record that is not of this connection's keys: OpenSSL's code for it is like a failed handshake's.
				secured.once("data", () => clients[0]?.write(`17030300${"20"}${"00".repeat(32)}`, "hex"));
			});
			const between = net.createServer((client) => {
				clients.push(client);
				const through = net.connect((server.address() as AddressInfo).port, "127.0.0.1");
				for (const socket of [client, through]) socket.on("error", () => through.destroy());
				client.on("close", () => through.destroy());
				client.pipe(through).pipe(client);
			});
			for (const each of [server, between]) {
				each.listen(0, "127.0.0.1");
				await once(each, "listening");
			}
			const other = await fakeServer((socket) => socket.write(http(200, eventJson(7))));
			const endpoint = `https://127.0.0.1:${(between.address() as AddressInfo).port}`;
			const keys = v2At([endpoint, other], { tls: { ca: pki.ca.cert } });
			await assert.rejects(keys.createInOrder("/a", "1", { timeoutMs: 60_000 }), {
				name: "ConnectionError",
				message: /SSL|EPROTO|mac/i,
				maybeApplied: true,
			});
			assert.equal(other.requests.length, 0);
			await keys.close();
			await other.close();
			clients[0]?.destroy();
			between.close();
			server.close();
		});
	});
}

describe("a connection that is still being made", () => {
	it("ends with its client: nothing keeps the process", function () {
		// Far below the client's own time.
		this.timeout(100_000);
		// Nobody answers at an address of TEST-NET-1 (RFC 5737); where there is no route, it fails at once, which is fine.
		const script = `
			const { V2Client } = require("etcd-watch-lab/v2");
			const keys = new V2Client({ endpoints: ["http://192.0.2.1:2379"], timeoutMs: 600_000 });
			const { subscribe } = require("node:diagnostics_channel");
			subscribe("net.client.socket", () => setImmediate(() => keys.close()));
			keys.get("/a").catch(() => {});`;
		execFileSync(process.execPath, ["-e", script], { cwd: root, timeout: 90_000 });
	});
});
