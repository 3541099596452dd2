import {
	type Applied,
	type Command,
	type ModelDelivery,
	type ModelEvent,
	ModelStore,
	type WaitingWatcher,
	type WatchRequest,
} from "etcd-watch-lab/model";
import {
	EtcdError,
	type EventStream,
	type Node,
	type Poll,
	type V2Client,
	type WatchEvent,
} from "etcd-watch-lab/v2";
import { until } from "../../support/until";
import { Difference, same, sameEvent, sameNode, sameRefusal } from "./compare";

/** A watcher on both sides: what the model says that it is sent, and what etcd has sent. */
export interface PairedWatcher {
	readonly request: WatchRequest;
	/** In the model's hub; undefined when the history answered it, or it was refused. */
	readonly waiting: WaitingWatcher | undefined;
	/** The store's index at which it began. */
	readonly etcdIndex: number;
	readonly fromHistory: boolean;
	readonly expected: ModelEvent[];
	readonly received: WatchEvent[];
	failure: unknown;
	/** Called when something has come. */
	wake: () => void;
	readonly connection: Poll | EventStream;
}

/** How a model is made: the product's, or one with a planted fault. */
export type ModelClass = new (options: { readonly version: string; readonly index: number }) => ModelStore;

const noiseKey = "/noise";

/**
 * One etcd and one model that are told the same, in the same order, for as long as the server lives: so indexes,
 * the history of 1000 and the answers are compared as they are. Nobody else may write to that server.
 */
export class Pair {
	readonly v2: V2Client;
	readonly version: string;
	/** How long what the model expects may take to come, before it counts as a difference. */
	patienceMs = 15_000;
	#model: ModelStore;
	/** By the model's number. */
	readonly #watchers = new Map<number, PairedWatcher>();

	/** To be begun before anything else. The server writes nothing of its own any more. */
	constructor(v2: V2Client, version: string) {
		this.v2 = v2;
		this.version = version;
		this.#model = new ModelStore({ version });
	}

	get model(): ModelStore {
		return this.#model;
	}

	/** Forgets all that was, after a difference too, and begins with a full history. */
	async begin(Model: ModelClass): Promise<void> {
		this.v2.abortAll();
		this.#watchers.clear();
		for (const { key, dir } of (await this.v2.get("/")).node.nodes ?? []) {
			await (dir ? this.v2.rmdir(key, { recursive: true }) : this.v2.delete(key));
		}
		const { node } = await this.v2.set(noiseKey, "0");
		// Its indexes begin after the write before this one, so that the key is there on both sides.
		this.#model = new Model({ version: this.version, index: node.modifiedIndex - 1 });
		this.#model.apply({ operation: "set", key: noiseKey, value: "0" });
		await this.burst(1000);
	}

	/** Carries out a write on both sides. @throws Difference */
	async write(command: Command): Promise<Applied> {
		const what = `${command.operation} ${command.key}`;
		const answer = await send(this.v2, command).catch(refusal);
		if (answer instanceof EtcdError) {
			// A 300 has no index (0), and tells that the directory is still there.
			this.#expireUpTo(answer.index);
		} else {
			this.#expireUpTo(answer.node.modifiedIndex - 1);
		}
		const now = answer instanceof EtcdError ? Date.now() : clockOf(answer.node, command.ttl);
		const applied = this.#model.apply(command, now);
		const { outcome } = applied;
		if (outcome.kind === "refused" || answer instanceof EtcdError) {
			if (outcome.kind !== "refused" || !(answer instanceof EtcdError))
				throw new Difference(what, outcome, answer);
			sameRefusal(what, outcome, answer);
		} else {
			sameEvent(what, outcome.event, answer);
			same(`${what}, X-Etcd-Index`, outcome.event.index, answer.etcdIndex);
		}
		this.#deliver(applied.deliveries);
		return applied;
	}

	/** Writes the same key again and again over several connections; the model follows in the order of the indexes. */
	async burst(count: number): Promise<void> {
		const indexes: number[] = [];
		let sent = 0;
		const writer = async () => {
			while (sent < count) {
				sent++;
				indexes.push((await this.v2.set(noiseKey, "0")).node.modifiedIndex);
			}
		};
		await Promise.all(Array.from({ length: 16 }, writer));
		for (const index of indexes.sort((one, two) => one - two)) {
			this.#expireUpTo(index - 1);
			const { outcome, deliveries } = this.#model.apply(
				{ operation: "set", key: noiseKey, value: "0" },
				Date.now(),
			);
			same("one of many writes, index", outcome.kind === "accepted" ? outcome.event.index : outcome, index);
			this.#deliver(deliveries);
		}
	}

	/** Reads on both sides. @throws Difference */
	async read(key: string, recursive: boolean): Promise<void> {
		const what = `read ${key}${recursive ? " recursively" : ""}`;
		const answer = await this.v2.get(key, { recursive, sorted: true }).catch(refusal);
		this.#expireUpTo(answer instanceof EtcdError ? answer.index : answer.etcdIndex);
		const model = this.#model.get(key, { recursive, now: Date.now() });
		if ("kind" in model || answer instanceof EtcdError) {
			if (!("kind" in model) || !(answer instanceof EtcdError)) throw new Difference(what, model, answer);
			sameRefusal(what, model, answer);
			return;
		}
		same(`${what}, X-Etcd-Index`, this.#model.index, answer.etcdIndex);
		sameNode(what, model, answer.node);
	}

	/** Registers a watch on both sides; undefined when both refuse it. @throws Difference */
	async watch(request: WatchRequest): Promise<PairedWatcher | undefined> {
		const { key, recursive, stream, waitIndex } = request;
		const what = `${stream ? "stream" : "poll"} ${key}${recursive ? " recursively" : ""} from ${waitIndex ?? "now"}`;
		const options = { recursive, ...(waitIndex === undefined ? {} : { afterIndex: waitIndex - 1 }) };
		const answer = await (stream ? this.v2.stream(key, options) : this.v2.poll(key, options)).catch(refusal);
		this.#expireUpTo(answer instanceof EtcdError ? answer.index : answer.headers.etcdIndex);
		const watched = this.#model.watch(request);
		if (watched.kind === "refused" || answer instanceof EtcdError) {
			if (watched.kind !== "refused" || !(answer instanceof EtcdError))
				throw new Difference(what, watched, answer);
			sameRefusal(what, watched, answer);
			return undefined;
		}
		const waiting = watched.kind === "waiting" ? watched.watcher : undefined;
		const etcdIndex = watched.kind === "waiting" ? watched.watcher.startIndex : watched.etcdIndex;
		same(`${what}, X-Etcd-Index`, etcdIndex, answer.headers.etcdIndex);
		const watcher: PairedWatcher = {
			request,
			waiting,
			etcdIndex,
			fromHistory: watched.kind === "answered",
			expected: watched.kind === "answered" ? [watched.event] : [],
			received: [],
			failure: undefined,
			wake: () => {},
			connection: answer,
		};
		if (waiting) this.#watchers.set(waiting.id, watcher);
		void listen(watcher);
		return watcher;
	}

	/** Waits until etcd has let expire what the model says is due by now. */
	async expire(dueBy: number): Promise<void> {
		const due = () => (this.#model.nextExpiry ?? Number.POSITIVE_INFINITY) <= dueBy;
		const late = dueBy - Date.now() + this.patienceMs;
		await until(
			"etcd lets expire what is due",
			async () => {
				if (due() && Date.now() >= (this.#model.nextExpiry ?? 0)) await this.read(noiseKey, false);
				return !due();
			},
			Math.max(late, this.patienceMs),
		);
	}

	/** Waits until the watcher has all that the model sent it, and compares. @throws Difference */
	async delivered(watcher: PairedWatcher): Promise<void> {
		const { request, expected, received } = watcher;
		const what = `${request.stream ? "stream" : "poll"} on ${request.key} begun at ${watcher.etcdIndex}`;
		await this.#arrival(watcher);
		if (watcher.failure !== undefined) throw watcher.failure;
		for (const [nth, event] of expected.entries()) {
			const got = received[nth];
			if (!got) throw new Difference(`${what}, event ${nth + 1}`, event, "silence");
			sameEvent(`${what}, event ${nth + 1}`, event, got);
			same(`${what}, event ${nth + 1} from the history`, watcher.fromHistory, got.fromHistory);
			same(`${what}, event ${nth + 1}, X-Etcd-Index`, watcher.etcdIndex, got.etcdIndex);
		}
		const more = received[expected.length];
		if (more) throw new Difference(`${what}, after ${expected.length} events`, "silence", more);
	}

	/** True while the model would still send it something. */
	isOpen({ waiting, request, expected }: PairedWatcher): boolean {
		return waiting !== undefined && (request.stream || expected.length === 0);
	}

	/** Waits until both count the same watchers; connections that have just been closed take etcd a moment. */
	async sameWatcherCount(): Promise<void> {
		let counted = -1;
		const isSame = async () => {
			counted = await this.v2.watcherCount();
			return counted === this.#model.watcherCount;
		};
		await until("the same number of watchers", isSame, this.patienceMs).catch(() => {
			throw new Difference("the number of watchers that wait", this.#model.watcherCount, counted);
		});
	}

	close(watcher: PairedWatcher): void {
		if (watcher.request.stream || this.isOpen(watcher)) watcher.connection.close();
		if (watcher.waiting) {
			this.#model.unwatch(watcher.waiting);
			this.#watchers.delete(watcher.waiting.id);
		}
	}

	/** etcd lets keys expire between any two requests: the index of its next answer tells how many have. */
	#expireUpTo(index: number): void {
		const missing = index - this.#model.index;
		if (missing <= 0) return;
		const now = Date.now();
		const expire = (until: number) => {
			for (const { deliveries } of this.#model.expire(until)) this.#deliver(deliveries);
		};
		// etcd looks every half a second, and mostly at all that is due by now; or it looked just before some were.
		if (this.#model.due(now).length === missing) {
			expire(now);
			return;
		}
		for (;;) {
			const { nextExpiry, index: reached } = this.#model;
			if (reached >= index || nextExpiry === undefined || nextExpiry > now) return;
			expire(nextExpiry);
		}
	}

	/** Until it has received as much as is expected, or nothing more comes. */
	async #arrival(watcher: PairedWatcher): Promise<void> {
		const isDone = () => watcher.received.length >= watcher.expected.length || watcher.failure !== undefined;
		if (isDone()) return;
		await new Promise<void>((resolve) => {
			const timer = setTimeout(resolve, this.patienceMs);
			watcher.wake = () => {
				if (!isDone()) return;
				clearTimeout(timer);
				resolve();
			};
		});
	}

	#deliver(deliveries: readonly ModelDelivery[]): void {
		for (const { watcher, event } of deliveries) this.#watchers.get(watcher)?.expected.push(event);
	}
}

async function listen(watcher: PairedWatcher): Promise<void> {
	const { connection, received } = watcher;
	try {
		if ("answer" in connection) {
			const answer = await connection.answer();
			if (answer.kind === "event") received.push(answer.event);
			else watcher.failure = new Difference(`poll on ${watcher.request.key}`, "an event", "an empty answer");
			return;
		}
		for await (const event of connection) {
			received.push(event);
			watcher.wake();
		}
	} catch (error) {
		// What `close` ends is over by then.
		watcher.failure = error;
	} finally {
		watcher.wake();
	}
}

/** etcd's refusal as a value; anything else is trouble with the server. */
function refusal(error: unknown): EtcdError {
	if (error instanceof EtcdError) return error;
	throw error;
}

/** The moment at which etcd took a write, by the expiry that it gave the key; else just now. */
function clockOf({ expiration }: Node, ttl: number | undefined): number {
	return expiration === undefined || ttl === undefined ? Date.now() : Date.parse(expiration) - ttl * 1000;
}

function send(v2: V2Client, command: Command) {
	const { operation, key, value = "", recursive = false, expected = {} } = command;
	const ttl = command.ttl === undefined ? {} : { ttl: command.ttl };
	switch (operation) {
		case "set":
		case "create":
		case "createInOrder":
		case "update":
			return v2[operation](key, value, ttl);
		case "mkdir":
		case "updateDirectory":
			return v2[operation](key, ttl);
		case "delete":
			return v2.delete(key);
		case "rmdir":
			return v2.rmdir(key, { recursive });
		case "compareAndSwap":
			return v2.compareAndSwap(key, value, expected, ttl);
		case "compareAndDelete":
			return v2.compareAndDelete(key, expected);
		case "refresh":
			return v2.refresh(key, command.ttl ?? 0);
	}
}
