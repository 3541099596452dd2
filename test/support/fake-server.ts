import { once } from "node:events";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { until } from "./until";

/** What a client sent. */
export interface Received {
	readonly method: string;
	readonly path: string;
	readonly headers: string;
	readonly body: string;
}

export type Reply = (socket: Socket, request: Received, count: number) => unknown;

/** The headers that make an answer look like etcd's. */
export const etcdHeaders = {
	"content-type": "application/json",
	"x-etcd-cluster-id": "8c4fad72e2e71518",
	"x-etcd-index": "7",
	"x-raft-index": "9",
	"x-raft-term": "2",
};

/** One whole HTTP answer as text. */
export function http(
	status: number,
	body: string,
	headers: Readonly<Record<string, string>> = etcdHeaders,
): string {
	return `${head(status, { "content-length": String(Buffer.byteLength(body)), ...headers })}${body}`;
}

/** The status line and the headers; the body is up to the test. */
export function head(status: number, headers: Readonly<Record<string, string>> = etcdHeaders): string {
	const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
	return `HTTP/1.1 ${status} Whatever\r\n${lines.join("")}\r\n`;
}

/** One chunk of a chunked body. */
export function chunk(text: string): string {
	return `${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`;
}

export const chunked = { ...etcdHeaders, "transfer-encoding": "chunked" };

/** The JSON of an event or an answer on /a. */
export function eventJson(index: number, action = "set"): string {
	return JSON.stringify({
		action,
		node: { key: "/a", value: "v", modifiedIndex: index, createdIndex: index },
	});
}

/** An HTTP server on loopback that says exactly what a test has it say, and counts. */
export class FakeServer {
	readonly requests: Received[] = [];
	readonly #server: Server;
	readonly #sockets = new Set<Socket>();
	/** How many connections were ever made. */
	connectionCount = 0;

	private constructor(server: Server, reply: Reply) {
		this.#server = server;
		server.on("connection", (socket) => {
			this.connectionCount++;
			this.#sockets.add(socket);
			socket.on("error", () => {});
			socket.on("close", () => this.#sockets.delete(socket));
			let pending = "";
			socket.setEncoding("latin1").on("data", (text: string) => {
				pending += text;
				for (let taken = take(pending); taken; taken = take(pending)) {
					pending = taken.rest;
					this.requests.push(taken.request);
					void reply(socket, taken.request, this.requests.length);
				}
			});
		});
	}

	static async start(reply: Reply): Promise<FakeServer> {
		const server = createServer();
		const fake = new FakeServer(server, reply);
		server.listen(0, "127.0.0.1");
		await once(server, "listening");
		return fake;
	}

	get port(): number {
		return (this.#server.address() as AddressInfo).port;
	}

	get endpoint(): string {
		return `http://127.0.0.1:${this.port}`;
	}

	/** How many connections are open now. */
	get openCount(): number {
		return this.#sockets.size;
	}

	/** Waits until no connection is open; not so long that an idle one would be given up by undici itself (4 s). */
	async quiet(): Promise<void> {
		await until("every connection to the fake server is closed", () => this.openCount === 0, 3_000);
	}

	/** Waits until so many requests have come. */
	async received(count: number): Promise<void> {
		await until(`${count} requests at the fake server`, () => this.requests.length >= count);
	}

	async close(): Promise<void> {
		for (const socket of this.#sockets) socket.destroy();
		if (!this.#server.listening) return;
		this.#server.close();
		await once(this.#server, "close");
	}
}

function take(text: string): { request: Received; rest: string } | undefined {
	const end = text.indexOf("\r\n\r\n");
	if (end < 0) return undefined;
	const headers = text.slice(0, end);
	const length = Number(/content-length: (\d+)/i.exec(headers)?.[1] ?? 0);
	const body = text.slice(end + 4, end + 4 + length);
	if (body.length < length) return undefined;
	const [method = "", path = ""] = headers.split(" ");
	return { request: { method, path, headers, body }, rest: text.slice(end + 4 + length) };
}
