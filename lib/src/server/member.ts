import { existsSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { LabError } from "../http/errors";
import { isPaused, lastLines, noPages, type Place, startMs } from "./etcd";
import { type Keeper, type KeptProcess, StartError } from "./keeper";
import type { MemberApi } from "./member-api";
import type { PartitionProxy } from "./partition";

/** A fault that this cluster can't have as it is now. Nothing was done. */
export class FaultError extends LabError {}

export type MemberState = "running" | "paused" | "stopped";

/**
 * One etcd of a cluster that the lab started, and what can be done to it. Every action resolves when it has
 * really happened; those on one member run one after the other. @throws FaultError when it can't be done now
 */
export interface Member {
	/** The random name that it was started with; it keeps it. */
	readonly name: string;
	/** Its id in the cluster as etcd prints it, in hexadecimal; another one after `replace`. */
	readonly id: string;
	/** The URL that clients use; another than `direct` where the cluster was started with `clientUrl`. */
	readonly endpoint: string;
	/** The URL at which etcd itself listens. */
	readonly direct: string;
	/** undefined while it is stopped; another one after each start. */
	readonly pid: number | undefined;
	readonly state: MemberState;
	/** All that it has printed, over all its starts. */
	log(): string;
	/** The text of its /metrics. @throws FaultError when it does not answer */
	metrics(): Promise<string>;
	/** A metric's value, summed over its labels; 0 when it is not there. @throws FaultError as `metrics` */
	metric(name: string): Promise<number>;
	/** kill -9, paused or not; resolves when the process is gone. */
	kill(): Promise<void>;
	/** SIGTERM; resolves when the process is gone: etcd 3.5 takes some 8 s while it has watchers. */
	terminate(): Promise<void>;
	/** SIGSTOP: connections stay open, in silence. Not on Windows. */
	pause(): Promise<void>;
	/** SIGCONT; resolves when it answers again. */
	resume(): Promise<void>;
	/**
	 * Starts it on the data that it has, after a kill -9 if it is running; resolves when it answers a quorum read. A
	 * member that can't reach a quorum serves nobody: start the members that are needed for one side by side.
	 * @throws StartError with the end of its log after 30 s
	 */
	restart(): Promise<void>;
	/**
	 * Loses its data, by kill -9. The only member of a cluster starts anew with the same flags: the same
	 * X-Etcd-Cluster-Id and an empty store (facts: T18). One of several can't come back so (etcd: "has already been
	 * bootstrapped"), and is replaced, as an operator would.
	 */
	wipe(): Promise<void>;
	/**
	 * Kill -9, data removed, out of the cluster by the members API, and in again under a new id and peer URL at the
	 * same client URL; it gets the data from the others. Not for the only member, nor without a quorum of others.
	 */
	replace(): Promise<void>;
}

/** What a member has from its cluster. */
export interface MemberContext {
	readonly keeper: Keeper;
	readonly binary: string;
	/** Those that are not the member's own. */
	readonly flags: readonly string[];
	readonly token: string;
	readonly api: MemberApi;
	/** The members as they are now, this one among them. */
	peers(): readonly ClusterMember[];
	/** A new address to be reached at by other members. */
	newPeer(): Promise<PeerAddress>;
}

/** Where other members reach a member. */
export interface PeerAddress {
	/** Where etcd listens. */
	readonly listen: Place;
	/** The URL that it tells the others: the proxy's, where one stands before it. */
	readonly url: string;
	readonly proxy: PartitionProxy | undefined;
}

export class ClusterMember implements Member {
	readonly name: string;
	readonly direct: string;
	readonly endpoint: string;
	readonly #context: MemberContext;
	#peer: PeerAddress;
	#process: KeptProcess | undefined;
	#isPaused = false;
	#joins = false;
	#id = "";
	#isClosed = false;
	#queue: Promise<unknown> = Promise.resolve();

	constructor(context: MemberContext, name: string, direct: string, endpoint: string, peer: PeerAddress) {
		this.#context = context;
		this.name = name;
		this.direct = direct;
		this.endpoint = endpoint;
		this.#peer = peer;
	}

	get id(): string {
		return this.#id;
	}

	get peer(): PeerAddress {
		return this.#peer;
	}

	get pid(): number | undefined {
		return this.#process?.pid;
	}

	get state(): MemberState {
		if (this.#process === undefined) return "stopped";
		return this.#isPaused ? "paused" : "running";
	}

	log(): string {
		return readFileSync(this.#logFile, "utf8");
	}

	async metrics(): Promise<string> {
		const text = await this.#context.api.metrics(this.direct);
		if (text === undefined) throw new FaultError(`${this.name} does not answer: it is ${this.state}`);
		return text;
	}

	async metric(name: string): Promise<number> {
		let sum = 0;
		for (const line of (await this.metrics()).split("\n")) {
			const [, found, value] = /^(\w+)(?:\{.*\})? (\S+)$/.exec(line) ?? [];
			if (found === name) sum += Number(value);
		}
		return sum;
	}

	kill(): Promise<void> {
		return this.#inTurn(() => this.end());
	}

	terminate(): Promise<void> {
		return this.#inTurn(async () => {
			if (this.#isPaused) throw new FaultError(`${this.name} is paused: resume it first, or kill it`);
			await this.#process?.end("SIGTERM");
		});
	}

	pause(): Promise<void> {
		return this.#inTurn(async () => {
			const { pid } = this.#running();
			if (process.platform === "win32") throw new FaultError("Windows can't pause a process");
			this.#running().signal("SIGSTOP");
			this.#isPaused = true;
			while (this.#process !== undefined && !(await isPaused(pid))) await wait(2);
		});
	}

	resume(): Promise<void> {
		return this.#inTurn(async () => {
			this.#running().signal("SIGCONT");
			this.#isPaused = false;
			while (this.#process !== undefined && !(await this.#context.api.status(this.direct))) await wait(5);
			this.#running();
		});
	}

	restart(): Promise<void> {
		return this.#inTurn(async () => {
			await this.end();
			await this.start();
		});
	}

	wipe(): Promise<void> {
		return this.#inTurn(async () => {
			if (this.#context.peers().length > 1) return await this.#replace();
			await this.end();
			this.forget();
			await this.start();
		});
	}

	replace(): Promise<void> {
		return this.#inTurn(() => this.#replace());
	}

	/** kill -9, without waiting for its turn. */
	async end(): Promise<void> {
		await this.#process?.end("SIGKILL");
	}

	/** Removes the data of a member that has ended; its next start makes a new cluster. */
	forget(): void {
		rmSync(this.#dataFolder, { recursive: true, force: true, maxRetries: 5 });
		this.#joins = false;
	}

	/** Launches it and waits until it serves. @throws StartError */
	async start(): Promise<void> {
		await this.launch();
		await this.serves();
	}

	/**
	 * Starts the process and waits until it answers other members. A new cluster's members are launched one after
	 * the other: each asks those that already listen whether it has been there before, and one that listens but
	 * does not answer yet costs it 1 s (etcdserver/cluster_util.go, isMemberBootstrapped, at v3.5.9).
	 * @throws StartError
	 */
	async launch(): Promise<void> {
		const deadline = performance.now() + startMs;
		while (true) {
			if (this.#isClosed) throw new FaultError("the cluster was closed");
			const before = existsSync(this.#logFile) ? this.log().length : 0;
			const started = await this.#context.keeper.run(this.name, this.#context.binary, this.#args());
			this.#process = started;
			if (this.#isClosed) await this.#fail(started);
			void started.exited.then(() => {
				if (this.#process !== started) return;
				this.#process = undefined;
				this.#isPaused = false;
			});
			while (this.#process === started && performance.now() < deadline) {
				if (await this.#context.api.answersMembers(this.#peer.listen)) return;
				await wait(5);
			}
			// A connection of somebody's may have got the port of a server that was down; it goes again.
			const isPortTaken = this.log().slice(before).includes("address already in use");
			if (!isPortTaken || this.#id === "" || performance.now() > deadline) await this.#fail(started);
			await wait(50);
		}
	}

	/** Waits until a launched one answers a quorum read, under its own name. @throws StartError */
	async serves(): Promise<void> {
		const { api } = this.#context;
		const started = this.#running();
		const deadline = performance.now() + startMs;
		while (this.#process === started && performance.now() < deadline) {
			const self = await api.self(this.direct);
			if (self?.name === this.name && (await api.answersQuorumRead(this.direct))) {
				this.#id = self.id;
				return;
			}
			await wait(5);
		}
		await this.#fail(started);
	}

	async #fail(started: KeptProcess): Promise<never> {
		await started.end("SIGKILL");
		const why = lastLines(this.#logFile);
		throw new StartError(`etcd did not start: ${why === "" ? `nothing in ${startMs} ms` : why}`);
	}

	/** Ends it for good, and what stands before it; its data is removed. What is under way fails. */
	async close(): Promise<void> {
		this.#isClosed = true;
		await this.end();
		this.forget();
		await this.#peer.proxy?.close();
	}

	async #replace(): Promise<void> {
		const { api, peers } = this.#context;
		const other = peers().find((peer) => peer !== this && peer.state === "running");
		if (other === undefined)
			throw new FaultError(`${this.name} has no other member that could take it in again`);
		if (!(await api.answersQuorumRead(other.direct))) {
			throw new FaultError(`${other.name} has no quorum, without which no member can be replaced`);
		}
		await this.end();
		this.forget();
		await this.#change(() => api.removeMember(other.direct, this.#id));
		await this.#peer.proxy?.close();
		this.#peer = await this.#context.newPeer();
		await this.#change(() => api.addMember(other.direct, this.#peer.url));
		this.#joins = true;
		await this.start();
	}

	/** Asks until etcd does it: right after a leader's end it can't. @throws FaultError with its last refusal */
	async #change(ask: () => Promise<string | undefined>): Promise<void> {
		const deadline = performance.now() + startMs;
		let refusal = await ask();
		while (refusal !== undefined && performance.now() < deadline) {
			await wait(50);
			refusal = await ask();
			// Asked again after an answer that was lost.
			if (refusal !== undefined && /^(404|410|409) /.test(refusal)) return;
		}
		if (refusal !== undefined) throw new FaultError(`etcd refused to change the cluster: ${refusal}`);
	}

	#args(): string[] {
		const { flags, token, peers } = this.#context;
		const all = peers().map((peer) => `${peer.name}=${peer.peer.url}`);
		return [
			...["--name", this.name, "--data-dir", this.#dataFolder],
			...["--listen-client-urls", this.direct, "--advertise-client-urls", this.endpoint],
			...noPages(this.direct),
			...["--listen-peer-urls", this.#peer.listen.url, "--initial-advertise-peer-urls", this.#peer.url],
			...["--initial-cluster", all.join(","), "--initial-cluster-token", token],
			...["--initial-cluster-state", this.#joins ? "existing" : "new"],
			...flags,
		];
	}

	get #dataFolder(): string {
		return join(this.#context.keeper.folder, this.name);
	}

	get #logFile(): string {
		return join(this.#context.keeper.folder, `${this.name}.log`);
	}

	#running(): KeptProcess {
		if (this.#process === undefined) throw new FaultError(`${this.name} is stopped: restart it first`);
		return this.#process;
	}

	#inTurn(act: () => Promise<void>): Promise<void> {
		const turn = this.#queue.then(act);
		this.#queue = turn.catch(() => {});
		return turn;
	}
}
