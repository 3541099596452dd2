import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { type Command, type ModelEvent, ModelStore, type WaitingWatcher } from "etcd-watch-lab/model";

/** One poll that waits. */
interface Waiter {
	readonly watcher: WaitingWatcher;
	readonly response: ServerResponse;
}

/**
 * The model behind real HTTP, to be a member that does on demand what a real one does once in a blue moon: skip
 * events for those who wait (T17), lag, forget everything, answer with nothing.
 */
export class ModelServer {
	store = new ModelStore({ index: 3 });
	clusterId = "8c4fad72e2e71518";
	/** The waitIndex of each poll, in the order in which they came; undefined where there was none. */
	readonly asked: (number | undefined)[] = [];
	readonly reads: { readonly quorum: boolean; readonly recursive: boolean; readonly key: string }[] = [];
	/** Called before a request is answered; true when it has been dealt with. */
	before: (request: IncomingMessage, response: ServerResponse) => boolean = () => false;
	/** Polls are registered, and the bytes of their events stay on the way. */
	isMute = false;
	/** What a plain read of this member shows, when it lags. */
	localIndex: number | undefined;
	readonly #server: Server;
	readonly #waiters = new Map<number, Waiter>();

	private constructor() {
		this.#server = createServer((request, response) => {
			if (!this.before(request, response)) this.#answer(request, response);
		});
		this.#server.keepAliveTimeout = 0;
	}

	static async start(): Promise<ModelServer> {
		const started = new ModelServer();
		started.#server.listen(0, "127.0.0.1");
		await once(started.#server, "listening");
		return started;
	}

	get endpoint(): string {
		return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
	}

	get waiting(): number {
		return this.#waiters.size;
	}

	/** A write that everybody is told of. */
	apply(command: Command): number {
		const { outcome, deliveries } = this.store.apply(command);
		if (outcome.kind === "refused") throw new Error(`refused: ${outcome.code} ${outcome.cause}`);
		for (const { watcher, event } of deliveries) {
			const waiter = this.#waiters.get(watcher);
			if (waiter === undefined) continue;
			this.#waiters.delete(watcher);
			this.#tell(waiter.response, event);
		}
		return outcome.event.index;
	}

	set(key: string, value = "x"): number {
		return this.apply({ operation: "set", key, value });
	}

	/** Writes that took place elsewhere and came by a snapshot: who waits is not told (T17). */
	skip(write: (store: ModelStore) => void): void {
		const waiting = [...this.#waiters.values()];
		for (const { watcher } of waiting) this.store.unwatch(watcher);
		write(this.store);
		this.#waiters.clear();
		// They wait on, from the index at which they began, and hear what comes next.
		for (const { watcher, response } of waiting) {
			const { key, recursive } = watcher;
			const again = this.store.watch({ key, recursive, stream: false });
			if (again.kind === "waiting") this.#wait(again.watcher, response);
		}
	}

	/** Ends every poll without an answer. */
	cutAll(): void {
		this.#server.closeAllConnections();
	}

	async stop(): Promise<void> {
		this.#server.closeAllConnections();
		this.#server.close();
		await once(this.#server, "close");
	}

	#tell(response: ServerResponse, event: ModelEvent): void {
		if (!this.isMute) response.end(json(event));
	}

	#wait(watcher: WaitingWatcher, response: ServerResponse): void {
		this.#waiters.set(watcher.id, { watcher, response });
		response.once("close", () => {
			this.#waiters.delete(watcher.id);
			this.store.unwatch(watcher);
		});
	}

	#answer(request: IncomingMessage, response: ServerResponse): void {
		const url = new URL(request.url ?? "/", "http://etcd");
		const key = decodeURIComponent(url.pathname.replace(/^\/v2\/keys/, "")).replace(/(.)\/$/, "$1");
		const recursive = url.searchParams.get("recursive") === "true";
		const headers = (index: number) => ({
			"content-type": "application/json",
			"x-etcd-cluster-id": this.clusterId,
			"x-etcd-index": String(index),
			"x-raft-index": "9",
			"x-raft-term": "2",
		});
		if (url.searchParams.get("wait") !== "true") {
			const quorum = url.searchParams.get("quorum") === "true";
			this.reads.push({ quorum, recursive, key });
			const index = quorum ? this.store.index : (this.localIndex ?? this.store.index);
			const found = this.store.get(key, { recursive });
			if ("kind" in found) {
				response.writeHead(found.code === 100 ? 404 : 400, headers(index)).end(refusal(found));
			} else response.writeHead(200, headers(index)).end(JSON.stringify({ action: "get", node: found }));
			return;
		}
		const asked = url.searchParams.get("waitIndex");
		const waitIndex = asked === null ? undefined : Number(asked);
		this.asked.push(waitIndex);
		const watched = this.store.watch({
			key,
			recursive,
			stream: false,
			...(waitIndex === undefined ? {} : { waitIndex }),
		});
		if (watched.kind === "refused") {
			response.writeHead(400, headers(watched.index)).end(refusal(watched));
			return;
		}
		response.writeHead(200, headers(this.localIndex ?? this.store.index));
		response.flushHeaders();
		if (watched.kind === "answered") this.#tell(response, watched.event);
		else this.#wait(watched.watcher, response);
	}
}

function json(event: { readonly action: string; readonly node: object; readonly prevNode?: object }): string {
	const { action, node, prevNode } = event;
	return JSON.stringify({ action, node, ...(prevNode ? { prevNode } : {}) });
}

function refusal({ code, cause, index }: { code: number; cause: string; index: number }): string {
	return JSON.stringify({ errorCode: code, message: "refused", cause, index });
}
