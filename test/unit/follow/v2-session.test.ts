import assert from "node:assert/strict";
import type { IncomingMessage, ServerResponse } from "node:http";
import { follow } from "etcd-watch-lab/follow";
import { AbortedError, BadAnswerError } from "#lib/http";
import { v2At } from "../../support/clients";
import { Followed } from "../../support/follow/followed";
import { ModelServer } from "../../support/follow/model-server";
import { assertNoSecret } from "../../support/secrets";
import { until } from "../../support/until";

const isProbe = ({ url = "" }: IncomingMessage) => url.includes("/_etcd-watch-lab-index");
const isList = ({ url = "" }: IncomingMessage) =>
	url.includes("quorum=true") && !isProbe({ url } as IncomingMessage);

/** Headers and the beginning of a body, the rest of which never comes. */
function stall(response: ServerResponse): true {
	response.writeHead(200, { "content-length": "100", "x-etcd-index": "3", "x-etcd-cluster-id": "1" });
	response.write("0123456789");
	return true;
}

describe("a follower on v2", () => {
	let server: ModelServer;
	beforeEach(async () => {
		server = await ModelServer.start();
		server.set("/a/b");
	});
	afterEach(() => server.stop());

	it("fails at a member whose probe never ends, and goes on at the next connection", async () => {
		let isStalled = true;
		server.before = (request, response) => isStalled && isProbe(request) && stall(response);
		const followed = await Followed.start([server.endpoint], "/a", { timeoutMs: 200 });
		await until("it has failed", () => followed.noted("failed").length > 0);
		isStalled = false;
		server.set("/a/b", "2");
		await followed.has(1);
	});

	it("rolls though the quorum read of the roll never ends", async () => {
		server.before = (request, response) =>
			isProbe(request) && (request.url ?? "").includes("quorum=true") && stall(response);
		const followed = await Followed.start([server.endpoint], "/a", { timeoutMs: 200, rollMs: [20, 30] });
		await until("it has failed", () => followed.noted("failed").length > 0);
		server.before = () => false;
		server.set("/a/b", "2");
		await followed.has(1);
	});

	it("tries its list again when the body never ends", async () => {
		let lists = 0;
		server.before = (request, response) => isList(request) && ++lists === 1 && stall(response);
		const followed = await Followed.start([server.endpoint], "/a", { timeoutMs: 50 });
		assert.ok(lists > 1);
		assert.equal(followed.noted("failed").length, 1);
	});

	for (const [what, before] of [
		["waits for an event", () => false],
		["waits for a probe's answer", (request: IncomingMessage) => isProbe(request)],
		["reads its list", (request: IncomingMessage) => isList(request)],
	] as const) {
		it(`fails with AbortedError at its client's abortAll, while it ${what}`, async () => {
			let isThere = false;
			server.before = (request) => {
				const isHeld = before(request);
				isThere ||= isHeld || (what === "waits for an event" && (request.url ?? "").includes("wait=true"));
				return isHeld;
			};
			const keys = v2At(server);
			const follower = follow(keys, "/a", { probeMs: 20 });
			const next = assert.rejects(follower.next(), AbortedError);
			await until(`it ${what}`, () => isThere && (what !== "waits for an event" || server.waiting > 0));
			keys.abortAll();
			await next;
			await follower.close();
		});
	}

	it("asks the member for its index half as often while nothing moves, and often again when it does", async () => {
		const at: number[] = [];
		server.before = (request) => {
			if (isProbe(request)) at.push(performance.now());
			return false;
		};
		const gap = () => (at.at(-1) ?? 0) - (at.at(-2) ?? at.at(-1) ?? 0);
		await Followed.start([server.endpoint], "/a", { probeMs: 20 });
		await until("twice probeMs lies between two", () => gap() >= 39);
		const before = at.length;
		await until("it is asked again and again", () => {
			server.set("/elsewhere");
			return at.length > before + 3 && gap() < 35;
		});
	});

	it("goes on for a user who may read the followed key alone", async () => {
		server.before = (request, response) => {
			if (!isProbe(request)) return false;
			const refusal = { errorCode: 110, message: "The request requires user authentication", index: 0 };
			response.writeHead(401, { "x-etcd-index": "0" }).end(JSON.stringify(refusal));
			return true;
		};
		const followed = await Followed.start([server.endpoint], "/a/b", { recursive: false });
		const probes = () => server.reads.filter(({ key, quorum }) => key === "/a/b" && !quorum).length;
		await until("it has asked for the key itself", () => probes() > 3);
		const index = server.set("/a/b", "2");
		await followed.has(1);
		assert.deepEqual(followed.indexes, [index]);
		assert.deepEqual(followed.noted("failed"), []);
	});

	it("ends when its list is larger than the client's limit: that will be no better", async () => {
		server.set("/a/b", "x".repeat(2_000));
		const keys = v2At(server, { maxBodyBytes: 1_000 });
		const follower = follow(keys, "/a");
		await assert.rejects(follower.ready(), { name: "BadAnswerError", kind: "too large" });
		await assert.rejects(follower.next(), BadAnswerError);
	});

	it("quotes no credentials in its notes, whatever the server says", async () => {
		const password = "pass-w0rd-never-shown";
		let answers = 0;
		server.before = ({ headers, url = "" }, response) => {
			if (!url.includes("wait=true") || ++answers > 3) return false;
			const { authorization } = headers;
			response.writeHead(500).end(JSON.stringify({ errorCode: 300, message: authorization, index: 0 }));
			return true;
		};
		const notes: unknown[] = [];
		const keys = v2At(server, { user: { name: "root", password } });
		const onNote = (note: { readonly note: string }) => notes.push(note);
		const follower = follow(keys, "/a", { recursive: true, backoffMs: [1, 5], onNote });
		await follower.ready();
		const next = follower.next();
		await until("it has failed and come back", () => answers > 3 && server.waiting > 0);
		server.set("/a/b", "2");
		assert.equal((await next).value?.kind, "event");
		assert.ok(notes.length > 3);
		assertNoSecret(notes, password);
		await follower.close();
	});
});
