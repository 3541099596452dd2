import net from "node:net";

/** What the bench reads of a v2 event, whoever parsed it. */
export interface EventJson {
	readonly node: { readonly key: string; readonly modifiedIndex: number };
}

/** @throws Error for an answer that is none of an event or a write, such as etcd's error 401 */
export function eventOf(body: string): EventJson {
	const json: unknown = JSON.parse(body);
	if (typeof json === "object" && json !== null && "node" in json) return json as EventJson;
	throw new Error(`no event: ${body.slice(0, 200)}`);
}

/** As little HTTP as etcd needs: a socket that answers requests in the order in which they were sent. */
export class RawConnection {
	readonly #socket: net.Socket;
	readonly host: string;
	#rest: Buffer = Buffer.alloc(0);
	/** Is called with the body of each answer. */
	onBody: (body: string) => void = () => {};
	/** Is called when the connection is lost, which no bench survives. */
	onLost: (error: Error) => void = (error) => {
		throw error;
	};

	private constructor(socket: net.Socket, host: string) {
		this.#socket = socket;
		this.host = host;
		socket.on("data", (chunk: Buffer) => this.#heard(chunk));
		socket.on("error", (error) => this.onLost(error));
		socket.on("close", () => this.onLost(new Error(`${host} closed the connection`)));
	}

	static open(endpoint: string): Promise<RawConnection> {
		const { hostname, port, host } = new URL(endpoint);
		return new Promise((resolve, reject) => {
			const socket = net.connect({ host: hostname, port: Number(port), noDelay: true });
			socket.once("error", reject);
			socket.once("connect", () => {
				socket.off("error", reject);
				resolve(new RawConnection(socket, host));
			});
		});
	}

	send(requests: string): void {
		this.#socket.write(requests, "latin1");
	}

	/** One request with a body of latin1, when no other is on its way; gives the answer's body. */
	ask(method: string, path: string, type: string, body: string): Promise<string> {
		return new Promise((resolve, reject) => {
			this.onLost = reject;
			this.onBody = resolve;
			this.send(
				`${method} ${path} HTTP/1.1\r\nHost: ${this.host}\r\n` +
					`Content-Type: ${type}\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
			);
		});
	}

	close(): void {
		this.onLost = () => {};
		this.#socket.destroy();
	}

	#heard(chunk: Buffer): void {
		const bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
		let from = 0;
		for (let end = this.#answer(bytes, from); end > 0; end = this.#answer(bytes, from)) from = end;
		this.#rest = bytes.subarray(from);
	}

	/** Hands on the answer that begins there; returns where the next one begins, or 0 when it is not whole yet. */
	#answer(bytes: Buffer, from: number): number {
		const head = bytes.indexOf("\r\n\r\n", from);
		if (head < 0) return 0;
		const body = head + 4;
		const length = /\r\ncontent-length: (\d+)/i.exec(bytes.toString("latin1", from, head))?.[1];
		if (length !== undefined) {
			const end = body + Number(length);
			if (bytes.length < end) return 0;
			this.onBody(bytes.toString("utf8", body, end));
			return end;
		}
		let text = "";
		for (let at = body; ; ) {
			const line = bytes.indexOf("\r\n", at);
			if (line < 0) return 0;
			const size = Number.parseInt(bytes.toString("latin1", at, line), 16);
			const next = line + 2 + size + 2;
			if (bytes.length < next) return 0;
			if (size === 0) {
				this.onBody(text);
				return next;
			}
			text += bytes.toString("utf8", line + 2, line + 2 + size);
			at = next;
		}
	}
}
