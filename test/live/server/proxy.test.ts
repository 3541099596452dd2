import assert from "node:assert/strict";
import { connect, type Socket } from "node:net";
import { ArgumentError } from "#lib/http";
import { chunk, chunked, FakeServer, head, http, type Reply } from "../../support/fake-server";
import { type FaultProxy, type ProxyFault, startProxy } from "../../support/proxy";
import { ResponseScanner } from "../../support/proxy/responses";
import { until } from "../../support/until";

/** A client that sends what it is told, and keeps all that comes. */
class Client {
	received = "";
	/** How the connection ended: "end", or the error's code. */
	ended: string | undefined;
	readonly #socket: Socket;

	constructor(proxy: FaultProxy) {
		const { port, hostname } = new URL(proxy.endpoint);
		this.#socket = connect(Number(port), hostname);
		this.#socket.setEncoding("latin1").on("data", (text: string) => {
			this.received += text;
		});
		this.#socket.on("error", (error: NodeJS.ErrnoException) => {
			this.ended ??= error.code;
		});
		this.#socket.on("close", () => {
			this.ended ??= "end";
		});
	}

	/** Sends this many requests, one behind the other without waiting. */
	ask(count = 1): this {
		this.#socket.write("GET /v2/keys/a HTTP/1.1\r\n\r\n".repeat(count));
		return this;
	}

	async gets(text: string): Promise<void> {
		await until(`the client gets ${text}`, () => this.received.includes(text));
	}

	async ends(): Promise<string> {
		await until("the connection ends", () => this.ended !== undefined);
		return this.ended ?? "";
	}

	close(): void {
		this.#socket.destroy();
	}
}

describe("a proxy", () => {
	let server: FakeServer;
	let proxy: FaultProxy;
	let reply: Reply;
	const clients: Client[] = [];
	const client = () => {
		const made = new Client(proxy);
		clients.push(made);
		return made;
	};
	const answered = (socket: Socket, _request: unknown, count: number) => {
		socket.write(http(200, `answer ${count}`));
	};

	beforeEach(async () => {
		reply = answered;
		server = await FakeServer.start((...args) => reply(...args));
		proxy = await startProxy({ target: server.endpoint });
	});
	afterEach(async () => {
		for (const each of clients.splice(0)) each.close();
		await proxy.close();
		await server.close();
	});

	it("without a fault passes everything on, pipelined answers too, and ends where either side ends", async () => {
		const one = client().ask(3);
		await one.gets("answer 3");
		assert.equal(one.received, [1, 2, 3].map((count) => http(200, `answer ${count}`)).join(""));
		const other = client().ask();
		await other.gets("answer 4");
		assert.equal(proxy.connections, 2);
		one.close();
		await until("one connection is left, on both sides", () => {
			return proxy.connections === 1 && server.openCount === 1;
		});
		await server.close();
		assert.equal(await other.ends(), "end");
		await until("none is left", () => proxy.connections === 0);
		assert.ok(Object.values(proxy.bitten).every((count) => count === 0));
	});

	it("resets the client when the target is gone", async () => {
		await server.close();
		assert.equal(await client().ask().ends(), "ECONNRESET");
	});

	it("cuts before the header: the server has done the request, the client gets nothing of the answer", async () => {
		proxy.inject({ kind: "cutBeforeHeader", times: 1 });
		const cut = client().ask();
		assert.equal(await cut.ends(), "end");
		assert.deepEqual([cut.received, server.requests.length, proxy.bitten.cutBeforeHeader], ["", 1, 1]);
		await client().ask().gets("answer 2");
		assert.deepEqual(proxy.faults, [], "it was for one time");
	});

	it("cuts inside a body after so many bytes, in the first of the pipelined answers that has them", async () => {
		reply = (socket, _request, count) => socket.write(http(200, "0123456789".slice(0, count)));
		proxy.inject({ kind: "cutInBody", afterBytes: 2 });
		const cut = client().ask(4);
		assert.equal(await cut.ends(), "end");
		assert.equal(cut.received, http(200, "0") + http(200, "01") + http(200, "012").slice(0, -1));
		assert.equal(proxy.bitten.cutInBody, 1);
	});

	it("counts the payload of a chunked body, not what frames it", async () => {
		const whole = `${head(200, chunked)}${chunk("abc")}${chunk("def")}`;
		reply = (socket) => socket.write(whole);
		proxy.inject({ kind: "cutInBody", afterBytes: 4 });
		const cut = client().ask();
		await cut.ends();
		assert.equal(cut.received, whole.slice(0, whole.indexOf("ef")));
	});

	it("cuts inside a UTF-8 character, and leaves answers in ASCII alone", async () => {
		const body = '{"value":"zwölf"}';
		reply = (socket, _request, count) => socket.write(http(200, count === 1 ? "{}" : body));
		proxy.inject({ kind: "cutInCharacter" });
		const cut = client().ask(2);
		assert.equal(await cut.ends(), "end");
		assert.ok(cut.received.endsWith('{"value":"zw\xc3'), cut.received.slice(-20));
		assert.equal(proxy.bitten.cutInCharacter, 1);
	});

	for (const [direction, fault] of [
		["to the server", { kind: "delay", toServerMs: 60 }],
		["to the client", { kind: "delay", toClientMs: 60 }],
	] as const) {
		it(`delays what goes ${direction}`, async () => {
			proxy.inject(fault);
			const begin = performance.now();
			await client().ask().gets("answer 1");
			const took = performance.now() - begin;
			assert.ok(took >= 58, `${took} ms`);
			assert.equal(proxy.bitten.delay, 1);
		});
	}

	it("throttles, until it is lifted", async () => {
		const body = "x".repeat(100_000);
		reply = (socket) => socket.write(http(200, `${body}end`));
		proxy.inject({ kind: "throttle", toClient: 20_000 });
		const begin = performance.now();
		const slow = client().ask();
		await until("2 kB have come", () => slow.received.length > 2_000);
		const took = performance.now() - begin;
		assert.ok(took >= 90, `2 kB at 20 kB/s took ${took} ms`);
		assert.ok(slow.received.length < body.length / 2 && proxy.bitten.throttle >= 3);
		proxy.lift("throttle");
		await slow.gets("end");
		assert.equal(slow.received, http(200, `${body}end`), "nothing is lost");
	});

	it("swallows what goes to the server, keeps the connection open, and resets it when it is healed", async () => {
		const known = client().ask();
		await known.gets("answer 1");
		const idle = client().ask();
		await idle.gets("answer 2");
		proxy.inject({ kind: "blackHole", direction: "toServer" });
		const later = client().ask();
		known.ask();
		const bytes = "GET /v2/keys/a HTTP/1.1\r\n\r\n".length;
		await until("both requests are swallowed", () => proxy.bitten.blackHole === 2 * bytes);
		assert.deepEqual([known.ended, later.ended, server.requests.length], [undefined, undefined, 2]);
		proxy.heal();
		assert.deepEqual([await known.ends(), await later.ends()], ["ECONNRESET", "ECONNRESET"]);
		await idle.ask().gets("answer 3");
	});

	it("swallows what goes to the client: the server has done the request, and nobody hears of it", async () => {
		proxy.inject({ kind: "blackHole", direction: "toClient" });
		const waiting = client().ask();
		await until("the answer is swallowed", () => proxy.bitten.blackHole === http(200, "answer 1").length);
		assert.deepEqual([waiting.received, waiting.ended, server.requests.length], ["", undefined, 1]);
		proxy.lift("blackHole");
		assert.equal(await waiting.ends(), "ECONNRESET");
		await client().ask().gets("answer 2");
	});

	it("swallows the ends of connections in a black hole, too", async () => {
		const leaving = client().ask();
		await leaving.gets("answer 1");
		const left = client().ask();
		await left.gets("answer 2");
		proxy.inject({ kind: "blackHole", direction: "both" });
		leaving.close();
		await until("its end is swallowed", () => proxy.bitten.blackHole === 1);
		assert.equal(server.openCount, 2, "the server does not know that the client has left");
		await server.close();
		await until("the server's ends are swallowed", () => proxy.bitten.blackHole === 3);
		assert.equal(left.ended, undefined, "the client does not know that the server is gone");
		proxy.heal();
		assert.equal(await left.ends(), "ECONNRESET");
		assert.equal(proxy.connections, 0);
	});

	it("refuses new connections, and leaves the others alone", async () => {
		const old = client().ask();
		await old.gets("answer 1");
		proxy.inject({ kind: "refuse" });
		assert.equal(await client().ask().ends(), "ECONNRESET");
		await old.ask().gets("answer 2");
		assert.deepEqual([proxy.bitten.refuse, proxy.connections], [1, 1]);
		proxy.heal();
		await client().ask().gets("answer 3");
	});

	it("resets in place of every third response, over all connections", async () => {
		proxy.inject({ kind: "reset" });
		const outcomes: string[] = [];
		for (let asked = 0; asked < 6; asked++) {
			const each = client().ask();
			await until("an answer or an end", () => each.received !== "" || each.ended !== undefined);
			outcomes.push(each.ended ?? "answered");
		}
		const third = ["answered", "answered", "ECONNRESET"];
		assert.deepEqual(outcomes, [...third, ...third]);
		assert.equal(proxy.bitten.reset, 2);
	});

	it("cuts all connections at once, and takes new ones", async () => {
		const open = [client().ask(), client().ask()];
		await Promise.all(open.map((each) => each.gets("answer")));
		proxy.cutAll();
		await Promise.all(open.map((each) => each.ends()));
		await until("the server's are closed, too", () => server.openCount === 0);
		assert.deepEqual([proxy.bitten.cutAll, proxy.connections], [2, 0]);
		await client().ask().gets("answer 3");
	});

	it("can be closed twice, and cuts what is open", async () => {
		const open = client().ask();
		await open.gets("answer 1");
		await Promise.all([proxy.close(), proxy.close()]);
		await proxy.close();
		await open.ends();
	});

	for (const [what, fault] of [
		["a delay below 0", { kind: "delay", toServerMs: -1 }],
		["a throttle of 0", { kind: "throttle", toClient: 0 }],
		["half a byte", { kind: "cutInBody", afterBytes: 0.5 }],
		["no number", { kind: "reset", every: Number.NaN }],
	] satisfies [string, ProxyFault][]) {
		it(`refuses ${what}`, () => {
			assert.throws(() => proxy.inject(fault), ArgumentError);
			assert.deepEqual(proxy.faults, []);
		});
	}

	it("refuses a target that is no URL with a port", async () => {
		for (const target of ["", "nowhere", "http://127.0.0.1"]) {
			await assert.rejects(startProxy({ target }), ArgumentError);
		}
	});
});

describe("the scan for heads and bodies", () => {
	const bodies = ["one", "", "zwölf", "four"];
	const stream = Buffer.from(
		[
			"HTTP/1.1 100 Continue\r\n\r\n",
			http(200, "one"),
			"HTTP/1.1 204 No Content\r\n\r\n",
			`${head(200, chunked)}${chunk("zw")}${chunk("ölf")}0\r\nX-Trailer: 1\r\n\r\n`,
			`${head(200, { connection: "close" })}four`,
		].join(""),
	);
	const read = (parts: readonly Buffer[]) => {
		const scanner = new ResponseScanner();
		const found: string[] = [];
		let passed = 0;
		for (const { kind, bytes, begins } of parts.flatMap((part) => scanner.scan(part))) {
			if (begins) found.push("");
			if (kind === "body") found.push((found.pop() ?? "") + bytes.toString("latin1"));
			passed += bytes.length;
		}
		assert.equal(passed, stream.length, "it holds nothing back");
		return found.slice(1).map((text) => Buffer.from(text, "latin1").toString());
	};

	it("finds the same bodies wherever the stream is split", () => {
		const expected = [bodies[0], "", bodies[2], bodies[3]];
		for (let at = 1; at < stream.length; at++) {
			assert.deepEqual(read([stream.subarray(0, at), stream.subarray(at)]), expected, `split at ${at}`);
		}
		assert.deepEqual(read(Array.from(stream, (byte) => Buffer.from([byte]))), expected, "byte by byte");
	});

	it("takes what is no HTTP as it comes", () => {
		const pieces = new ResponseScanner().scan(Buffer.from("\x16\x03\x01 a TLS handshake\r\n\r\n"));
		assert.deepEqual(
			pieces.map(({ kind, begins }) => [kind, begins]),
			[["other", false]],
		);
	});
});
