import { once } from "node:events";
import {
	connect,
	createServer,
	type ListenOptions,
	type NetConnectOpts,
	type Server,
	type Socket,
} from "node:net";
import type { Place } from "./etcd";

/** Where other members reach a member. */
export interface PeerAddress {
	/** Where etcd listens. */
	readonly listen: Place;
	/** The URL that it tells the others: the proxy's, where one stands before it. */
	readonly url: string;
	readonly proxy: PartitionProxy | undefined;
}

/** Asked for each piece; `sender`: who sends, by its id in hexadecimal, undefined as long as nothing has said that. */
type IsCutOff = (sender: string | undefined) => boolean;

/**
 * Stands before a member's peer port, in this process, and swallows what comes from members that are cut off and what
 * goes to them: connections stay open and new ones are taken, ends of connections are swallowed, and nobody is told.
 * It does not keep the process alive, and forwards nothing while the process is busy.
 */
export class PartitionProxy {
	readonly #server: Server;
	readonly #links = new Set<Link>();

	private constructor(server: Server, target: NetConnectOpts, isCutOff: IsCutOff) {
		this.#server = server;
		server.on("connection", (client) => {
			const link = new Link(client, connect({ ...target, allowHalfOpen: true }), isCutOff, () => {
				this.#links.delete(link);
			});
			this.#links.add(link);
		});
	}

	/** Listens, and passes everything on to the target. Rejects when it can't listen there. */
	static async open(
		listen: ListenOptions,
		target: NetConnectOpts,
		isCutOff: IsCutOff,
	): Promise<PartitionProxy> {
		const server = createServer({ allowHalfOpen: true, noDelay: true });
		server.listen(listen);
		await once(server, "listening");
		server.unref();
		return new PartitionProxy(server, target, isCutOff);
	}

	/** To be called when `isCutOff` has changed: a connection that lost bytes, and is not cut off any more, is ended. */
	refresh(): void {
		for (const link of [...this.#links]) link.refresh();
	}

	/** Ends every connection and stops listening. Safe to call again. */
	async close(): Promise<void> {
		for (const link of [...this.#links]) link.end();
		if (!this.#server.listening) return;
		this.#server.close();
		await once(this.#server, "close");
	}
}

/** A member's connection, and the one to the target that goes with it. */
class Link {
	#sender: string | undefined;
	/** Something was swallowed: what would come after it makes no sense. */
	#isLossy = false;

	/** `ended`: both connections have. */
	constructor(
		private readonly client: Socket,
		private readonly target: Socket,
		private readonly isCutOff: IsCutOff,
		private readonly ended: () => void,
	) {
		client.on("data", (bytes: Buffer) => {
			this.#sender ??= /^X-Server-From: *([0-9a-f]+)/im.exec(bytes.toString("latin1"))?.[1];
		});
		this.#pass(client, target);
		this.#pass(target, client);
	}

	refresh(): void {
		if (this.#isLossy && !this.#isCutOff) this.end();
	}

	end(): void {
		this.client.destroy();
		this.target.destroy();
		this.ended();
	}

	get #isCutOff(): boolean {
		return this.isCutOff(this.#sender);
	}

	#pass(source: Socket, sink: Socket): void {
		source.unref();
		source.on("error", () => {});
		source.on("data", (bytes: Buffer) => {
			if (this.#isCutOff) this.#isLossy = true;
			else if (!sink.write(bytes)) source.pause();
		});
		sink.on("drain", () => source.resume());
		source.on("end", () => {
			if (this.#isCutOff) this.#isLossy = true;
			else sink.end();
		});
		source.on("close", () => {
			if (sink.destroyed) this.ended();
			else if (this.#isCutOff) this.#isLossy = true;
			else if (!sink.writableEnded) this.end();
		});
	}
}
