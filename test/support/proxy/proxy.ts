import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { ArgumentError } from "#lib/http";
import { Pipe, type PipeRules } from "./pipe";
import { ResponseScanner } from "./responses";

export type Direction = "toServer" | "toClient";

/** What a proxy can do to the connections through it; plain data, so that a generated plan can be printed. */
export type ProxyFault =
	/** The connection ends when a response begins, and nothing of it is sent on: the server has done the request. */
	| { readonly kind: "cutBeforeHeader"; readonly times?: number }
	/** The connection ends after so many bytes of a response's body; one that is no longer is let through. */
	| { readonly kind: "cutInBody"; readonly afterBytes: number; readonly times?: number }
	/** The connection ends after the first byte of the first character beyond ASCII in a response's body. */
	| { readonly kind: "cutInCharacter"; readonly times?: number }
	/** What comes goes on so much later. */
	| { readonly kind: "delay"; readonly toServerMs?: number; readonly toClientMs?: number }
	/** No more than so many bytes a second go on, on each connection. */
	| { readonly kind: "throttle"; readonly toServer?: number; readonly toClient?: number }
	/**
	 * What comes is swallowed, and nobody is told: connections stay open and new ones are taken. Ends of
	 * connections are swallowed, too.
	 */
	| { readonly kind: "blackHole"; readonly direction: Direction | "both" }
	/** New connections are reset as soon as they are made. (ECONNREFUSED is what a killed server gives.) */
	| { readonly kind: "refuse" }
	/** Instead of every third response (or every so manieth) the client gets a reset. */
	| { readonly kind: "reset"; readonly every?: number; readonly times?: number };

export type ProxyFaultKind = ProxyFault["kind"];

export interface ProxyOptions {
	/** Where the bytes go: a URL, of which host and port count, such as "http://127.0.0.1:2379". */
	readonly target: string;
}

/**
 * A TCP proxy on a free loopback port, in this process, that can be told to fail. It does not keep the process
 * alive, and forwards nothing while the process is busy. Several kinds of faults may be on at once; one of a kind.
 */
export interface FaultProxy {
	/** The URL that clients use, in the target's scheme. */
	readonly endpoint: string;
	readonly target: string;
	/** How many connections are open now. */
	readonly connections: number;
	/**
	 * How often each fault has bitten since the start: connections cut, refused and reset, pieces delayed and
	 * held back, bytes (ends of connections count as one) that a black hole swallowed.
	 */
	readonly bitten: Readonly<Record<ProxyFaultKind | "cutAll", number>>;
	/** The faults that are on. */
	readonly faults: readonly ProxyFault[];
	/** Switches a fault on, in place of one of the same kind; with `times` it ends by itself. @throws ArgumentError */
	inject(fault: ProxyFault): void;
	/** Switches a fault off. See `heal` for what becomes of its connections. */
	lift(kind: ProxyFaultKind): void;
	/** Cuts every connection now, both ways; new ones are taken. */
	cutAll(): void;
	/**
	 * Ends all faults. What a delay or throttle holds goes out at once; a connection that lost bytes in a black
	 * hole is reset, since what came after them would make no sense; one that lost none goes on.
	 */
	heal(): void;
	/** Cuts all and stops listening. Safe to call again. */
	close(): Promise<void>;
}

/** Starts a proxy with no fault on. @throws ArgumentError for a target that is no URL */
export async function startProxy(options: ProxyOptions): Promise<FaultProxy> {
	return HttpProxy.open(options);
}

class HttpProxy implements FaultProxy {
	readonly endpoint: string;
	readonly target: string;
	readonly bitten: Record<ProxyFaultKind | "cutAll", number> = {
		...{ cutBeforeHeader: 0, cutInBody: 0, cutInCharacter: 0, delay: 0, throttle: 0 },
		...{ blackHole: 0, refuse: 0, reset: 0, cutAll: 0 },
	};
	readonly #server: Server;
	readonly #faults = new Map<ProxyFaultKind, ProxyFault>();
	readonly #bites = new Map<ProxyFaultKind, number>();
	readonly #connections = new Set<Connection>();
	/** Responses since the fault "reset" was switched on. */
	#responses = 0;

	private constructor(server: Server, target: URL) {
		this.#server = server;
		this.target = target.origin;
		this.endpoint = `${target.protocol}//127.0.0.1:${(server.address() as AddressInfo).port}`;
		server.on("connection", (client) => this.#accept(client, target));
	}

	static async open(options: ProxyOptions): Promise<HttpProxy> {
		const target = URL.canParse(options.target) ? new URL(options.target) : undefined;
		if (target === undefined || target.port === "") {
			throw new ArgumentError("a proxy's target is a URL with a port, such as http://127.0.0.1:2379");
		}
		// Half-open, so that a swallowed end is the proxy's to swallow.
		const server = createServer({ allowHalfOpen: true, noDelay: true });
		// etcd's own, where Node's would be 511: a connection beyond it is open on the client's side and on no other, and
		// says nothing for as long as TCP tries again.
		server.listen({ host: "127.0.0.1", port: 0, backlog: 4_096 });
		await once(server, "listening");
		server.unref();
		return new HttpProxy(server, target);
	}

	get connections(): number {
		return this.#connections.size;
	}

	get faults(): readonly ProxyFault[] {
		return [...this.#faults.values()];
	}

	inject(fault: ProxyFault): void {
		check(fault);
		this.#faults.set(fault.kind, fault);
		this.#bites.set(fault.kind, 0);
		if (fault.kind === "reset") this.#responses = 0;
		this.refresh();
	}

	lift(kind: ProxyFaultKind): void {
		this.#faults.delete(kind);
		this.refresh();
		if (kind === "delay" || kind === "throttle") for (const each of this.#connections) each.hurry();
	}

	cutAll(): void {
		for (const connection of [...this.#connections]) {
			this.bitten.cutAll++;
			connection.destroy();
		}
	}

	heal(): void {
		this.#faults.clear();
		this.refresh();
		for (const each of this.#connections) each.hurry();
	}

	/** To be called when what the labels say has changed. */
	refresh(): void {
		for (const each of [...this.#connections]) each.refresh();
	}

	async close(): Promise<void> {
		for (const connection of [...this.#connections]) connection.destroy();
		if (!this.#server.listening) return;
		this.#server.close();
		await once(this.#server, "close");
	}

	/** A fault of that kind, if it is on. */
	fault<K extends ProxyFaultKind>(kind: K): Extract<ProxyFault, { kind: K }> | undefined {
		return this.#faults.get(kind) as Extract<ProxyFault, { kind: K }> | undefined;
	}

	bite(kind: ProxyFaultKind, count = 1): void {
		this.bitten[kind] += count;
		const fault = this.#faults.get(kind);
		const bites = (this.#bites.get(kind) ?? 0) + 1;
		this.#bites.set(kind, bites);
		if (fault && "times" in fault && fault.times !== undefined && bites >= fault.times)
			this.#faults.delete(kind);
	}

	/** True for every third of the responses. */
	isResponseToReset(): boolean {
		const fault = this.fault("reset");
		return fault !== undefined && ++this.#responses % (fault.every ?? 3) === 0;
	}

	#accept(client: Socket, target: URL): void {
		client.on("error", () => {});
		if (this.fault("refuse")) {
			this.bite("refuse");
			reset(client);
			return;
		}
		const host = target.hostname.replace(/^\[|\]$/g, "");
		const server = connect({ host, port: Number(target.port), allowHalfOpen: true, noDelay: true });
		server.on("error", () => {});
		const connection = new Connection(this, client, server, () => this.#connections.delete(connection));
		this.#connections.add(connection);
	}
}

/** A client's connection and the one to the server that goes with it. */
class Connection {
	readonly #proxy: HttpProxy;
	readonly #client: Socket;
	readonly #server: Socket;
	readonly #toServer: Pipe;
	readonly #toClient: Pipe;
	readonly #scanner = new ResponseScanner();
	readonly #gone: () => void;
	/** Bytes of the response's body that have been seen. */
	#bodyCount = 0;
	/** Something was swallowed: when the hole closes, so does this. */
	#lossy = false;

	constructor(proxy: HttpProxy, client: Socket, server: Socket, gone: () => void) {
		this.#proxy = proxy;
		this.#client = client;
		this.#server = server;
		this.#gone = gone;
		for (const socket of [client, server]) socket.unref();
		this.#toServer = new Pipe(client, server, this.#rules("toServer"));
		this.#toClient = new Pipe(server, client, this.#rules("toClient"));
		client.on("close", () => this.#closed("toServer", server));
		server.on("close", () => this.#closed("toClient", client));
	}

	hurry(): void {
		this.#toServer.hurry();
		this.#toClient.hurry();
	}

	refresh(): void {
		if (this.#lossy && !this.#isHole("toServer") && !this.#isHole("toClient")) this.reset();
		this.#toServer.pump();
		this.#toClient.pump();
	}

	reset(): void {
		reset(this.#client);
		reset(this.#server);
		this.#over();
	}

	destroy(): void {
		this.#client.destroy();
		this.#server.destroy();
		this.#over();
	}

	#over(): void {
		this.#toServer.close();
		this.#toClient.close();
		this.#gone();
	}

	/** One side is gone: so is the other, unless it can't know. */
	#closed(direction: Direction, other: Socket): void {
		if (this.#client.destroyed && this.#server.destroyed) {
			this.#over();
		} else if (this.#isHole(direction)) {
			if (!this.#lossy) this.#proxy.bite("blackHole");
			this.#lossy = true;
		} else if (!other.writableEnded) {
			// It was reset, or never made.
			this.reset();
		}
	}

	#isHole(direction: Direction): boolean {
		const hole = this.#proxy.fault("blackHole")?.direction;
		return hole === direction || hole === "both";
	}

	#rules(direction: Direction): PipeRules {
		const proxy = this.#proxy;
		return {
			isHole: () => this.#isHole(direction),
			delayMs: () => proxy.fault("delay")?.[`${direction}Ms`] ?? 0,
			bytesPerSecond: () => proxy.fault("throttle")?.[direction],
			inspect: (bytes) => (direction === "toServer" ? { forward: bytes } : this.#inspect(bytes)),
			swallowed: (byteCount) => {
				this.#lossy = true;
				proxy.bite("blackHole", Math.max(1, byteCount));
			},
			delayed: () => proxy.bite("delay"),
			throttled: () => proxy.bite("throttle"),
			end: (how) => {
				if (how === "reset") return this.reset();
				this.#server.destroy();
				// What was written before is sent first.
				this.#client.end(() => this.destroy());
			},
		};
	}

	/** Finds where in the server's bytes a fault ends the connection. */
	#inspect(bytes: Buffer): { forward: Buffer; ends?: "cut" | "reset" } {
		const proxy = this.#proxy;
		let passed = 0;
		const ending = (kind: ProxyFaultKind, at: number, ends: "cut" | "reset" = "cut") => {
			proxy.bite(kind);
			return { forward: bytes.subarray(0, at), ends };
		};
		for (const piece of this.#scanner.scan(bytes)) {
			if (piece.begins) {
				this.#bodyCount = 0;
				if (proxy.fault("cutBeforeHeader")) return ending("cutBeforeHeader", passed);
				if (proxy.isResponseToReset()) return ending("reset", passed, "reset");
			}
			if (piece.kind === "body") {
				const left = (proxy.fault("cutInBody")?.afterBytes ?? Number.POSITIVE_INFINITY) - this.#bodyCount;
				if (piece.bytes.length > left) return ending("cutInBody", passed + Math.max(0, left));
				const character = proxy.fault("cutInCharacter") ? piece.bytes.findIndex((byte) => byte >= 0xc2) : -1;
				if (character >= 0) return ending("cutInCharacter", passed + character + 1);
				this.#bodyCount += piece.bytes.length;
			}
			passed += piece.bytes.length;
		}
		return { forward: bytes };
	}
}

/**
 * As `resetAndDestroy`, which ends the socket first: destroyed before that end is out, its handle can't be reset
 * (uv_tcp_close_reset: EINVAL) and counts as closing for ever, and Node then never comes to its own end.
 */
function reset(socket: Socket): void {
	if (!socket.connecting && !socket.writableEnded && !socket.destroyed)
		Reflect.set(socket, "resetAndClosing", true);
	socket.destroy();
}

function check(fault: ProxyFault): void {
	const least: Record<string, number> = { afterBytes: 0, toServerMs: 0, toClientMs: 0 };
	for (const [name, value] of Object.entries(fault)) {
		if (name === "kind" || name === "direction" || value === undefined) continue;
		if (typeof value !== "number" || !Number.isSafeInteger(value) || value < (least[name] ?? 1)) {
			throw new ArgumentError(`${name} of ${fault.kind} is a whole number from ${least[name] ?? 1}`);
		}
	}
}
