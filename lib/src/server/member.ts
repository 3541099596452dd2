import { existsSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { howItDied, isPaused, lastLines, launchOf, startMs } from "./etcd";
import { type Keeper, type KeptProcess, StartError } from "./keeper";
import { FaultError, type MemberApi, sumOf } from "./member-api";
import type { PeerAddress } from "./partition";

/** Those that all members have. */
const settings = {
	...{ "heartbeat-interval": "50", "election-timeout": "500" },
	// Else a member can be added only 5 s after the last one came (etcdserver's HealthInterval).
	...{ "strict-reconfig-check": "false", logger: "zap", "log-level": "info" },
};

export type MemberState = "running" | "paused" | "stopped";

/** What a member has from its cluster. */
export interface MemberContext {
	readonly keeper: Keeper;
	readonly binary: string;
	readonly flags: readonly string[];
	readonly token: string;
	readonly api: MemberApi;
	/** The members as they are now, this one among them. */
	peers(): readonly ClusterMember[];
	/** A new address to be reached at by other members. */
	newPeer(): Promise<PeerAddress>;
	/** It served, and has ended by itself. */
	ended(how: string): void;
}

/**
 * One etcd of a cluster that the lab started, and what can be done to it. Every action resolves when it has
 * really happened; those on one member run one after the other. @throws FaultError when it can't be done now
 */
export class ClusterMember {
	#process: KeptProcess | undefined;
	/** The one that serves, and that nobody has been asked to end. */
	#served: KeptProcess | undefined;
	#isPaused = false;
	#joins = false;
	#id = "";
	#isClosed = false;
	#queue: Promise<unknown> = Promise.resolve();

	constructor(
		private readonly context: MemberContext,
		/** The random name that it was started with; it keeps it. */
		readonly name: string,
		/** Its etcd's, such as "3.5.1". */
		readonly version: string,
		/** The URL at which etcd itself listens. */
		readonly direct: string,
		/** The URL that clients use; another than `direct` where the cluster was started with `clientUrl`. */
		readonly endpoint: string,
		/** Another one after `replace`. */
		public peer: PeerAddress,
	) {}

	/** Its id in the cluster as etcd prints it, in hexadecimal; another one after `replace`. */
	get id(): string {
		return this.#id;
	}

	/** undefined while it is stopped; another one after each start. */
	get pid(): number | undefined {
		return this.#process?.pid;
	}

	get state(): MemberState {
		if (this.#process === undefined) return "stopped";
		return this.#isPaused ? "paused" : "running";
	}

	/** All that it has printed, over all its starts. */
	log(): string {
		return readFileSync(this.#logFile, "utf8");
	}

	/** The text of its /metrics. @throws FaultError when it does not answer */
	async metrics(): Promise<string> {
		const text = await this.context.api.metrics(this.direct);
		if (text === undefined) throw new FaultError(`${this.name} does not answer: it is ${this.state}`);
		return text;
	}

	/** A metric's value, summed over its labels; 0 when it is not there. @throws FaultError as `metrics` */
	async metric(name: string): Promise<number> {
		return sumOf(name, await this.metrics());
	}

	/** kill -9, paused or not; resolves when the process is gone. */
	kill(): Promise<void> {
		return this.#inTurn(() => this.end());
	}

	/** SIGTERM; resolves when the process is gone: etcd 3.5 takes some 8 s while it has watchers. */
	terminate(): Promise<void> {
		return this.#inTurn(async () => {
			if (this.#isPaused) throw new FaultError(`${this.name} is paused: resume it first, or kill it`);
			this.#served = undefined;
			await this.#process?.end("SIGTERM");
		});
	}

	/** SIGSTOP: connections stay open, in silence. Not on Windows. */
	pause(): Promise<void> {
		return this.#inTurn(async () => {
			const { pid } = this.#pausable();
			this.#pausable().signal("SIGSTOP");
			this.#isPaused = true;
			while (this.#process !== undefined && !(await isPaused(pid))) await wait(2);
		});
	}

	/** SIGCONT; resolves when it answers again. */
	resume(): Promise<void> {
		return this.#inTurn(async () => {
			this.#pausable().signal("SIGCONT");
			this.#isPaused = false;
			while (this.#process !== undefined && !(await this.context.api.status(this.direct))) await wait(5);
			this.#running();
		});
	}

	/**
	 * Starts it on the data that it has, after a kill -9 if it is running; resolves when it answers a quorum read. A
	 * member that can't reach a quorum serves nobody: start the members that are needed for one side by side.
	 * @throws StartError with the end of its log after 30 s
	 */
	restart(): Promise<void> {
		return this.#inTurn(async () => {
			await this.end();
			await this.start();
		});
	}

	/**
	 * Loses its data, by kill -9. The only member of a cluster starts anew with the same flags: the same
	 * X-Etcd-Cluster-Id and an empty store (T18 in notebook 07). One of several can't come back so (etcd: "has already
	 * been bootstrapped"), and is replaced, as an operator would.
	 */
	wipe(): Promise<void> {
		return this.#inTurn(async () => {
			if (this.context.peers().length > 1) return await this.#replace();
			await this.end();
			this.forget();
			await this.start();
		});
	}

	/**
	 * Kill -9, data removed, out of the cluster by the members API, and in again under a new id and peer URL at the
	 * same client URL; it gets the data from the others. Not for the only member, nor without a quorum of others.
	 */
	replace(): Promise<void> {
		return this.#inTurn(() => this.#replace());
	}

	/** kill -9, without waiting for its turn. */
	async end(): Promise<void> {
		this.#served = undefined;
		await this.#process?.end("SIGKILL");
	}

	/** Removes what a member that has ended has left; its next start makes a new cluster. */
	forget(): void {
		rmSync(this.#dataFolder, { recursive: true, force: true, maxRetries: 5 });
		const { socket } = this.peer.listen;
		if ("path" in socket) rmSync(socket.path, { force: true });
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
			const { keeper, binary } = this.context;
			const { args, env } = this.#launch();
			const started = await keeper.run(this.name, binary, args, env);
			this.#process = started;
			if (this.#isClosed) await this.#fail(started);
			void started.exited.then((how) => {
				if (this.#process !== started) return;
				this.#process = undefined;
				this.#isPaused = false;
				if (this.#served === started) this.context.ended(howItDied(how, this.#logFile));
			});
			while (this.#process === started && performance.now() < deadline) {
				if (await this.context.api.answersMembers(this.peer.listen)) return;
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
		const { api } = this.context;
		const started = this.#running();
		const deadline = performance.now() + startMs;
		while (this.#process === started && performance.now() < deadline) {
			const self = await api.self(this.direct);
			if (self?.name === this.name && (await api.answersQuorumRead(this.direct))) {
				this.#id = self.id;
				this.#served = started;
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
		await this.peer.proxy?.close();
	}

	async #replace(): Promise<void> {
		const { api, peers } = this.context;
		const other = peers().find((peer) => peer !== this && peer.state === "running");
		if (other === undefined)
			throw new FaultError(`${this.name} has no other member that could take it in again`);
		if (!(await api.answersQuorumRead(other.direct))) {
			throw new FaultError(`${other.name} has no quorum, without which no member can be replaced`);
		}
		await this.end();
		this.forget();
		await api.removeMember(other.direct, this.#id);
		await this.peer.proxy?.close();
		this.peer = await this.context.newPeer();
		await api.addMember(other.direct, this.peer.url);
		this.#joins = true;
		await this.start();
	}

	#launch(): ReturnType<typeof launchOf> {
		const { flags, token, peers } = this.context;
		const own = {
			...settings,
			...{ name: this.name, "data-dir": this.#dataFolder },
			...{ "listen-client-urls": this.direct, "advertise-client-urls": this.endpoint },
			...{ "listen-peer-urls": this.peer.listen.url, "initial-advertise-peer-urls": this.peer.url },
			"initial-cluster": String(peers().map(({ name, peer }) => `${name}=${peer.url}`)),
			...{ "initial-cluster-token": token, "initial-cluster-state": this.#joins ? "existing" : "new" },
		};
		return launchOf(own, flags);
	}

	get #dataFolder(): string {
		return join(this.context.keeper.folder, this.name);
	}

	get #logFile(): string {
		return join(this.context.keeper.folder, `${this.name}.log`);
	}

	#running(): KeptProcess {
		if (this.#process === undefined) throw new FaultError(`${this.name} is stopped: restart it first`);
		return this.#process;
	}

	#pausable(): KeptProcess {
		if (process.platform === "win32") throw new FaultError("Windows can't pause a process, nor resume one");
		return this.#running();
	}

	#inTurn(act: () => Promise<void>): Promise<void> {
		const turn = this.#queue.then(act);
		this.#queue = turn.catch(() => {});
		return turn;
	}
}
