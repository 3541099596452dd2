import { randomBytes } from "node:crypto";
import { setTimeout as wait } from "node:timers/promises";
import type { Rule, State } from "etcd-watch-lab/follow";
import { EventIndexClearedError, V2Client } from "etcd-watch-lab/v2";
import { CompactedError, V3Client } from "etcd-watch-lab/v3";
import { LabError } from "#lib/http";
import type { Cluster, FaultProxy, Member } from "../../support/proxy";
import type { Access, Assignment, Consumer, ConsumerKind, Ending } from "./consumer";
import { startConsumer } from "./consumers";
import { type Bite, bite, NoBiteError, noBite } from "./kind";
import {
	type ChaosCommand,
	everything,
	everythingV3,
	lasting,
	lastingV3,
	type Mix,
	type Places,
	placesBelow,
} from "./program";
import { Random } from "./random";
import type { Acknowledged, Api, Compaction, Epoch, RunRecord, Unknown } from "./record";
import { RemoteConsumer } from "./remote";
import type { Servers } from "./servers";
import { differenceOf, type Store, storeOf } from "./store";
import type { Writer, Writing } from "./writer";

/** What a run is told from outside. */
export interface RunOptions {
	readonly kind: string;
	readonly seed: number;
	readonly api: Api;
	readonly servers: Servers;
	readonly writer: Writer;
	/** Who is put to the test: the follower, or one of the others in its place. */
	readonly consumer: ConsumerKind;
	readonly without: readonly Rule[];
	/** All is done but the fault itself: the run has to say that it did not bite. */
	readonly withoutFault: boolean;
	/** The followers are in processes of their own, which stand still for a second when the first faults come. */
	readonly withPauses: boolean;
}

/** How a consumer is started; what is left out is the tree with all below it, from now on. */
export type StartOptions = Partial<Omit<Assignment, "name" | "without" | "api">> & {
	/** In a process of its own. */
	readonly remote?: boolean;
	/** The client that it has in common with others. */
	readonly shared?: V2Client | V3Client;
};

/** How long a healthy consumer may take, once everything is healed, while nobody is told of anything. */
const endMs = 20_000;
const brokenEndMs = 2_500;
/** How long those that forget are given. */
const loopEndMs = 600;
/** For what has to work again after a fault. */
const healMs = 20_000;

/** One run of one kind of fault: its servers, its consumers, its writes, and what it proves. */
export class Run {
	readonly random: Random;
	readonly places: Places;
	readonly servers: Servers;
	readonly writer: Writer;
	/** v2's, past every proxy, and at the member that the consumers are at only when no other answers. */
	keys: V2Client;
	/** The same for the API that the run is on. */
	store: Store;
	readonly consumers = new Map<string, { readonly consumer: Consumer; ending: Ending | undefined }>();
	readonly #options: RunOptions;
	readonly #writings: { readonly writing: Writing; readonly epoch: number }[] = [];
	readonly #acknowledged: Acknowledged[] = [];
	readonly #unknown: Unknown[] = [];
	readonly #epochs: Epoch[] = [];
	readonly #compactions: Compaction[] = [];
	readonly #cleanups: (() => Promise<void>)[] = [];
	readonly #silences = new Map<string, { index: number; what: string }[]>();
	readonly #fences = new Map<string, Promise<Acknowledged>>();
	readonly #pauses: Promise<number>[] = [];
	/** The proxies count on from run to run. */
	readonly #bittenBefore = new Map<keyof FaultProxy["bitten"], number>();
	#member: Member;
	/** Another server in place of the cluster, and who the run's own requests are by. */
	#server: { readonly endpoint: string; readonly direct: string } | undefined;
	#user: Access["user"];
	#access: Access | undefined;

	private constructor(options: RunOptions, root: string) {
		this.#options = options;
		this.random = new Random(options.seed);
		this.places = placesBelow(root);
		this.servers = options.servers;
		this.writer = options.writer;
		const [member] = options.servers.cluster.members;
		if (member === undefined) throw new Error("a cluster has members");
		this.#member = member;
		this.keys = this.#newKeys();
		this.store = this.#newStore();
		for (const kind of Object.keys(this.proxies[0]?.bitten ?? {}) as (keyof FaultProxy["bitten"])[]) {
			this.#bittenBefore.set(kind, this.#bitten(kind));
		}
	}

	/** Begins in a directory of its own, with something in it. */
	static async begin(options: RunOptions): Promise<Run> {
		// Of one length: none is a prefix of another.
		const run = new Run(options, `/chaos-${randomBytes(6).toString("hex")}`);
		run.#epochs.push({ base: { index: 0, nodes: [] } });
		await run.#fillAtFirst();
		return run;
	}

	async #fillAtFirst(): Promise<void> {
		const { tree, key, foreign } = this.places;
		const keys = [key, `${tree}/d0/k0`, `${tree}/d1/k1`, `${tree}/key2`, `${foreign}/k0`];
		for (const one of keys) await this.set(one, "at first");
	}

	/** From here on all is at another server, which the consumers know by one URL and the run by another. */
	async moveTo(
		server: { readonly endpoint: string; readonly direct: string },
		access: Access,
	): Promise<void> {
		this.#server = server;
		this.#access = access;
		this.#acknowledged.length = 0;
		this.#unknown.length = 0;
		await this.#renew();
		await this.#fillAtFirst();
	}

	/** From here on the run's own requests are this user's, and the consumers' another one's. */
	async actAs(user: Access["user"], access: Access): Promise<void> {
		this.#user = user;
		this.#access = access;
		await this.#renew();
	}

	async #renew(): Promise<void> {
		await Promise.all([this.keys.close(), this.store.close()]);
		this.keys = this.#newKeys();
		this.store = this.#newStore();
	}

	get cluster(): Cluster {
		return this.servers.cluster;
	}

	/** The member that the consumers are at: the first of their endpoints. */
	get member(): Member {
		return this.#member;
	}

	/** The other members. */
	get others(): readonly Member[] {
		return this.cluster.members.filter((member) => member !== this.#member);
	}

	/** As the consumers know them: the member that they are at, then the others. */
	get endpoints(): readonly string[] {
		if (this.#server) return [this.#server.endpoint];
		return [this.#member, ...this.others].map(({ endpoint }) => endpoint);
	}

	/** The others' own URLs, past the proxies; the member's own where it is alone. */
	get elsewhere(): readonly string[] {
		if (this.#server) return [this.#server.direct];
		const { others } = this;
		return (others.length > 0 ? others : [this.#member]).map(({ direct }) => direct);
	}

	/** Has the consumers begin at the leader, or at one that does not lead. */
	async beginAt(where: "leader" | "follower"): Promise<void> {
		const leader = await this.cluster.leader();
		const other = this.cluster.members.find((member) => member !== leader);
		this.#member = where === "leader" ? leader : (other ?? leader);
		await this.#renew();
	}

	/** The proxies before the clients' ports. */
	get proxies(): readonly FaultProxy[] {
		return this.cluster.members.flatMap(({ proxy }) => proxy ?? []);
	}

	/** How often the proxies have done that in this run, all together. */
	proxied(kind: keyof FaultProxy["bitten"]): number {
		return this.#bitten(kind) - (this.#bittenBefore.get(kind) ?? 0);
	}

	#bitten(kind: keyof FaultProxy["bitten"]): number {
		return this.proxies.reduce((sum, proxy) => sum + proxy.bitten[kind], 0);
	}

	get epoch(): number {
		return this.#epochs.length - 1;
	}

	get isOn34(): boolean {
		return this.cluster.version.startsWith("3.4");
	}

	/** False where others stand in the follower's place: they have no gaps to tell of, and some are a process each. */
	get isOfFollowers(): boolean {
		return this.#options.consumer === "follow";
	}

	get api(): Api {
		return this.#options.api;
	}

	// --- consumers ---------------------------------------------------------------------------------------------

	/** Sets a consumer to work; resolves when it answers for all that comes. */
	async start(name: string, options: StartOptions = {}): Promise<Consumer> {
		const kind = options.kind ?? this.#options.consumer;
		const { shared, ...rest } = options;
		const isPaused = this.#options.withPauses && kind === "follow" && shared === undefined;
		const remote = rest.remote ?? isPaused;
		const isOfThePast = rest.position !== undefined || rest.afterIndex !== undefined;
		const pastThrough = kind === "follow" && isOfThePast ? await this.#leastIndex() : undefined;
		const assignment: Assignment = {
			endpoints: this.endpoints,
			...(this.#access === undefined ? {} : { access: this.#access }),
			epoch: this.epoch,
			key: this.places.tree,
			recursive: true,
			gaps: "allowed",
			// Runs are short: what takes seconds by default has to come sooner.
			...{ timeoutMs: 1_000, backoffMs: [20, 400] },
			without: this.#options.without,
			...(pastThrough === undefined ? {} : { pastThrough }),
			...rest,
			...{ name, kind, api: this.api },
		};
		const consumer =
			remote || kind === "node-etcd" || kind === "etcd3"
				? new RemoteConsumer(assignment)
				: startConsumer(assignment, shared);
		this.consumers.set(name, { consumer, ending: undefined });
		const patience = new AbortController();
		const ms = this.#patienceMs(consumer);
		const late = wait(ms, "late", { signal: patience.signal }).catch(() => undefined);
		if ((await Promise.race([consumer.ready, late])) === "late") {
			this.#isSilent(name, 0, `not ready in ${ms} ms`);
		}
		patience.abort();
		return consumer;
	}

	/** The index that every member has come to; 0 where one of them does not say. */
	async #leastIndex(): Promise<number> {
		const members = this.#server ? [this.#server.direct] : this.cluster.members.map(({ direct }) => direct);
		const indexes = members.map((member) => indexAt(this.api, member, this.#user));
		return Math.min(...(await Promise.all(indexes)));
	}

	/** The usual consumers over the same traffic: of all, of the tree, of one key, and the loops to compare with. */
	async startUsual(options: StartOptions = {}): Promise<void> {
		const { key, root } = this.places;
		await Promise.all([
			this.start("tree", options),
			this.start("all", { ...options, key: root }),
			this.start("key", { ...options, key, recursive: false }),
			this.startLoops(options),
		]);
		await this.start("after an index", { ...options, afterIndex: await this.index() });
	}

	/** The loops that lose: their losses show that there was something to lose. */
	async startLoops(options: StartOptions = {}): Promise<void> {
		await Promise.all([
			this.start("naive", { ...options, kind: "naive", recursive: true, key: this.places.tree }),
			this.start("textbook", { ...options, kind: "textbook", recursive: true, key: this.places.tree }),
		]);
	}

	/** Waits until these have seen all that there is now; who does not in time is said to be silent. */
	async caughtUp(...names: readonly string[]): Promise<void> {
		for (const name of names) {
			const { key, recursive } = this.consumer(name).assignment;
			const { index } = await this.set(recursive ? `${key}/caught-up` : key, `caught up by ${name}`);
			await this.toldOf(name, index);
		}
	}

	/** Waits until a consumer has come to an index; false, and on its record, when it does not in time. */
	async toldOf(name: string, index: number): Promise<boolean> {
		const consumer = this.consumer(name);
		const begin = performance.now();
		const isForgetful = consumer.assignment.kind !== "follow";
		const patienceMs = isForgetful ? loopEndMs : this.#patienceMs(consumer);
		const told = await consumer.reached(index, patienceMs, this.epoch);
		const ms = Math.round(performance.now() - begin);
		if (!told) this.#isSilent(name, index, `silent for ${ms} ms at ${consumer.lastIndex}`);
		return told;
	}

	#isSilent(name: string, index: number, what: string): void {
		this.#silences.set(name, [...(this.#silences.get(name) ?? []), { index, what }]);
	}

	/** Ends these, and starts others of the same kinds where they stood. Gives the names of those. */
	async restart(names: readonly string[], options: StartOptions = {}): Promise<readonly string[]> {
		const saved = await Promise.all(names.map((name) => this.save(name)));
		return await this.resume(names, saved, options);
	}

	/** Starts consumers where others of these names stood. */
	async resume(
		names: readonly string[],
		saved: readonly StartOptions[],
		options: StartOptions = {},
	): Promise<readonly string[]> {
		const resumed = names.map((name) => `${name}, again`);
		await Promise.all(resumed.map((name, nth) => this.start(name, { ...saved[nth], ...options })));
		return resumed;
	}

	consumer(name: string): Consumer {
		const found = this.consumers.get(name);
		if (found === undefined) throw new Error(`no consumer is called ${name}`);
		return found.consumer;
	}

	/** Ends a consumer, and gives what another can go on from. */
	async save(name: string): Promise<StartOptions> {
		const { consumer } = this.consumers.get(name) ?? {};
		if (consumer === undefined) throw new Error(`no consumer is called ${name}`);
		await consumer.stop();
		this.consumers.set(name, { consumer, ending: "saved" });
		const { kind, key, recursive, endpoints, gaps, epoch } = consumer.assignment;
		const from =
			kind === "naive"
				? {}
				: consumer.position === undefined
					? { afterIndex: consumer.lastIndex }
					: { position: consumer.position, resumes: name };
		return { kind, key, recursive, endpoints, gaps, epoch: epoch + consumer.resets, ...from };
	}

	// --- writes ------------------------------------------------------------------------------------------------

	/** A program of writes in the writer's process, at full speed unless told otherwise. */
	write(
		options: {
			readonly count?: number;
			readonly mix?: Mix;
			readonly perSecond?: number;
			readonly endpoints?: readonly string[];
			readonly valueBytes?: number;
		} = {},
	): Writing {
		const { endpoints = this.elsewhere, ...rest } = options;
		const isLasting = options.mix === lasting;
		const onV3 = isLasting ? lastingV3 : everythingV3;
		const mix = this.api === "v3" ? onV3 : (options.mix ?? everything);
		const seed = this.random.below(1_000_000_000);
		const { places, epoch, api } = this;
		const user = this.#user === undefined ? {} : { user: this.#user };
		const shared = { api, epoch, seed, places, endpoints, connections: 16, ...user };
		return this.#keep(this.writer.write({ ...shared, ...rest, mix }));
	}

	/** These writes, sixteen at once. */
	async carryOut(
		commands: readonly ChaosCommand[],
		rate: { readonly perSecond?: number } = {},
	): Promise<void> {
		const { epoch, elsewhere: endpoints, api } = this;
		const user = this.#user === undefined ? {} : { user: this.#user };
		const order = { api, epoch, endpoints, commands, connections: 16, ...rate, ...user };
		await this.#keep(this.writer.carryOut(order)).done;
	}

	/** Exactly so many writes beside everything that is followed but by the root. Gives the last index. */
	async foreign(count: number, rate: { readonly perSecond?: number } = {}): Promise<number> {
		const key = `${this.places.foreign}/noise`;
		const noise = (nth: number): ChaosCommand => ({ operation: "set", key, value: `${nth}` });
		await this.carryOut(
			Array.from({ length: count }, (_, nth) => noise(nth)),
			rate,
		);
		return await this.index();
	}

	/** One write, that has to succeed. */
	async apply(command: ChaosCommand): Promise<Acknowledged> {
		const deadline = performance.now() + healMs;
		for (;;) {
			const outcome = await this.store.carryOut(command, this.epoch);
			if (outcome.is === "acknowledged") {
				this.#acknowledged.push(outcome.write, ...(outcome.more ?? []));
				return outcome.write;
			}
			if (outcome.is === "unknown") this.#unknown.push(outcome.write, ...(outcome.more ?? []));
			if (performance.now() > deadline) throw new Error(`etcd does not take ${JSON.stringify(command)}`);
			await wait(20);
		}
	}

	async set(key: string, value: string): Promise<Acknowledged> {
		return await this.apply({ operation: "set", key, value });
	}

	/** The store's index, by quorum. */
	async index(): Promise<number> {
		return (await this.state()).index;
	}

	/** The run's directory as a quorum read answers it, once one does. */
	async state(): Promise<State> {
		const deadline = performance.now() + healMs;
		for (;;) {
			try {
				return await this.store.state(this.places.root);
			} catch (error) {
				if (!(error instanceof LabError) || performance.now() > deadline) throw error;
				await wait(20);
			}
		}
	}

	/** A v3 client for the run's own requests, past the proxies unless told otherwise; to be closed. */
	client(...endpoints: readonly string[]): V3Client {
		const user = this.#user === undefined ? {} : { user: this.#user };
		const at = endpoints.length > 0 ? endpoints : this.elsewhere;
		return new V3Client({ endpoints: at, timeoutMs: 5_000, ...user });
	}

	/** A write that the run has made by other means. */
	wasWritten(...writes: readonly Acknowledged[]): void {
		this.#acknowledged.push(...writes);
	}

	/** v3: has the store forget what was below a revision, and notes that. */
	async compact(revision: number): Promise<void> {
		const client = this.client();
		try {
			// First on the record: who is refused because of it may be quicker than the answer.
			this.#compactions.push({ epoch: this.epoch, revision });
			await client.compact(revision);
		} finally {
			await client.close();
		}
	}

	/** What was before is had by nobody any more: v2's window passes by of itself. */
	async forget(): Promise<void> {
		if (this.api === "v3") await this.compact(await this.index());
	}

	/** From here on it is another store. `base`: what it begins with. */
	newEpoch(base: State): void {
		this.#epochs.push({ base });
	}

	// --- proofs ------------------------------------------------------------------------------------------------

	/** Does what the fault is; where the fault is left out to see whether that shows, nothing. */
	async fault<T>(make: () => Promise<T> | T): Promise<T | undefined> {
		if (this.#options.withoutFault) return undefined;
		if (this.#options.withPauses && this.#pauses.length < 2) this.#pauses.push(this.#pause());
		return await make();
	}

	/** As a collection of garbage would: they do nothing for a second, however much comes. Gives how many did. */
	async #pause(): Promise<number> {
		const working = [...this.consumers.values()].flatMap(({ consumer, ending }) =>
			ending === undefined && consumer instanceof RemoteConsumer ? [consumer] : [],
		);
		const stood = await Promise.all(working.map((consumer) => consumer.stall(1_000)));
		return stood.filter((ms) => ms >= 1_000).length;
	}

	/** What shows that they stood still; nothing where all of a kind's consumers are in one process for a reason. */
	async pauses(): Promise<readonly Bite[]> {
		const isRemote = [...this.consumers.values()].some(({ consumer }) => consumer instanceof RemoteConsumer);
		if (!this.#options.withPauses || this.#options.withoutFault || !isRemote) return [];
		const counts = await Promise.all(this.#pauses);
		const sum = counts.reduce((all, count) => all + count, 0);
		return [bite(sum, "times a consumer's process stood still for a second")];
	}

	/** Lets a condition come true. @throws with what was waited for */
	async until(what: string, condition: () => boolean | Promise<boolean>, timeoutMs = healMs): Promise<void> {
		if (!(await this.#comes(condition, timeoutMs)))
			throw new Error(`waited ${timeoutMs} ms in vain: ${what}`);
	}

	/** Waits for what only the fault can bring about. @throws NoBiteError */
	async bitten(what: string, condition: () => boolean | Promise<boolean>): Promise<void> {
		const timeoutMs = this.#options.withoutFault ? 200 : healMs;
		if (await this.#comes(condition, timeoutMs)) return;
		throw new NoBiteError(`${noBite}not in ${timeoutMs} ms: ${what}`);
	}

	/** How many of the indexes after one the history no longer holds, as the server itself answers who asks for them. */
	async forgottenAfter(index: number): Promise<number> {
		try {
			if (this.api === "v2") {
				const { root: key } = this.places;
				(await this.keys.poll(key, { recursive: true, afterIndex: index })).close();
			} else {
				const client = this.client();
				try {
					await this.#isServed(client, index + 1);
				} finally {
					await client.close();
				}
			}
			return 0;
		} catch (error) {
			if (error instanceof EventIndexClearedError) return error.oldestIndex - index - 1;
			if (error instanceof CompactedError) return (error.compactRevision ?? index + 2) - index - 1;
			throw error;
		}
	}

	/** A watch in the past tells of its compaction in its first message, not when it is registered. */
	async #isServed(client: V3Client, startRevision: number): Promise<void> {
		const first = new AbortController();
		const timer = setTimeout(() => first.abort(), 1_000);
		try {
			const { root: key } = this.places;
			const watch = await client.watch(key, { prefix: true, startRevision, signal: first.signal });
			await watch.next();
			watch.close();
		} catch (error) {
			if (!first.signal.aborted) throw error;
		} finally {
			clearTimeout(timer);
		}
	}

	async #comes(condition: () => boolean | Promise<boolean>, timeoutMs: number): Promise<boolean> {
		const deadline = performance.now() + timeoutMs;
		while (!(await condition())) {
			if (performance.now() > deadline) return false;
			await wait(5);
		}
		return true;
	}

	/** To be done when the run is over, however it ends. */
	atEnd(cleanup: () => Promise<void>): void {
		this.#cleanups.push(cleanup);
	}

	// --- the end -----------------------------------------------------------------------------------------------

	/** Ends the traffic, lets everybody come to the end, and gives what there is to check. */
	async finish(): Promise<RunRecord> {
		await this.stopWriting();
		this.cluster.heal();
		const final = await this.state();
		const last = this.#epochs.pop();
		this.#epochs.push({ base: last?.base ?? { index: 0, nodes: [] }, final });
		await Promise.all([...this.consumers.entries()].map(([name]) => this.#finishOne(name)));
		return this.#record(final.index);
	}

	/** v3: what two members of the cluster hold otherwise at the same revision; undefined: nothing. */
	async differing(): Promise<string | undefined> {
		if (this.api !== "v3" || this.#server !== undefined) return undefined;
		const direct = this.cluster.members.map((member) => member.direct);
		let difference: string | undefined;
		// Who is behind the last compaction is asked again.
		await this.until("every member says what it holds", async () => {
			try {
				difference = await differenceOf(direct, this.places.root, this.#user);
				return true;
			} catch (error) {
				if (!(error instanceof CompactedError)) throw error;
				return false;
			}
		});
		return difference;
	}

	/** Ends the writes that are under way. */
	async stopWriting(): Promise<void> {
		await Promise.all(this.#writings.map(({ writing }) => writing.stop()));
	}

	/** Ends whatever still runs. */
	async close(): Promise<void> {
		await Promise.all(this.#writings.map(({ writing }) => writing.stop().catch(() => {})));
		await Promise.all([...this.consumers.values()].map(({ consumer }) => consumer.stop()));
		for (const cleanup of this.#cleanups.reverse()) await cleanup();
		await Promise.all([this.keys.close(), this.store.close()]);
	}

	async #finishOne(name: string): Promise<void> {
		const entry = this.consumers.get(name);
		if (entry === undefined || entry.ending !== undefined) return;
		const { consumer } = entry;
		const { key, recursive, kind } = consumer.assignment;
		const fence = () => this.set(recursive ? `${key}/fence` : key, `fence for ${name}`);
		const { index } = await this.#fence(key, recursive);
		const patienceMs = kind === "follow" ? this.#patienceMs(consumer) : 50;
		let hasCome = await consumer.reached(index, patienceMs, this.epoch);
		// A thousand of them share one processor: who waits while others are being told is not silent.
		for (let told = -1; kind === "follow" && !hasCome && told !== this.#told && !consumer.error; ) {
			told = this.#told;
			hasCome = await consumer.reached(index, patienceMs, this.epoch);
		}
		const deadline = performance.now() + loopEndMs;
		// Who forgets may miss one fence, or two.
		while (!hasCome && kind !== "follow" && consumer.error === undefined && performance.now() < deadline) {
			await fence();
			hasCome = await consumer.reached(index, 50, this.epoch);
		}
		entry.ending = hasCome ? "finished" : "unfinished";
		await consumer.stop();
	}

	/** The last write that a follower of the key is to see: one for all of them. */
	#fence(key: string, recursive: boolean): Promise<Acknowledged> {
		const at = recursive ? `${key}/fence` : key;
		const fence = this.#fences.get(at) ?? this.set(at, "the end");
		this.#fences.set(at, fence);
		return fence;
	}

	/** How many changes the consumers under test have been given, all together. */
	get #told(): number {
		let told = 0;
		for (const { consumer } of this.consumers.values()) {
			if (consumer.assignment.kind === "follow") told += consumer.count;
		}
		return told;
	}

	#newKeys(): V2Client {
		return new V2Client({ endpoints: this.#directOnes, timeoutMs: 3_000 });
	}

	#newStore(): Store {
		return storeOf(this.api, this.#directOnes, 3_000, this.#user);
	}

	get #directOnes(): readonly string[] {
		if (this.#server) return [this.#server.direct];
		const { direct } = this.#member;
		return [...this.elsewhere.filter((endpoint) => endpoint !== direct), direct];
	}

	/**
	 * Of a connection that says nothing it knows after its own timeout, and not before. Without one of its rules a
	 * follower may never come: then there is nothing to be patient for.
	 */
	#patienceMs({ assignment: { timeoutMs = 0 } }: Consumer): number {
		return this.#options.without.length > 0 ? brokenEndMs : endMs + timeoutMs;
	}

	#keep(writing: Writing): Writing {
		this.#writings.push({ writing, epoch: this.epoch });
		return writing;
	}

	#record(finalIndex: number): RunRecord {
		const written = this.#writings.map(({ writing }) => writing);
		const followings = [...this.consumers.values()].map(({ consumer, ending = "unfinished" }) => {
			const silences = this.#silences.get(consumer.assignment.name) ?? [];
			const following = { ...consumer.following(ending), silences };
			if (consumer.assignment.kind === "follow") return following;
			// The fences after the first are for whom they are for; no loop is to be blamed for them.
			const deliveries = following.deliveries.filter(
				({ change }) => change.kind !== "event" || change.index <= finalIndex || this.epoch > 0,
			);
			return { ...following, deliveries };
		});
		return {
			kind: this.#options.kind,
			seed: this.#options.seed,
			etcd: this.cluster.version,
			root: this.places.root,
			epochs: this.#epochs,
			acknowledged: [...this.#acknowledged, ...written.flatMap(({ acknowledged }) => acknowledged)],
			unknown: [...this.#unknown, ...written.flatMap(({ unknown }) => unknown)],
			followings,
			api: this.api,
			compactions: this.#compactions,
		};
	}
}

/** The index that a member by itself has come to, whatever the others have; 0 where it does not answer. */
export async function indexAt(api: Api, endpoint: string, user?: Access["user"]): Promise<number> {
	const options = { endpoints: [endpoint], timeoutMs: 1_000, ...(user === undefined ? {} : { user }) };
	const client = api === "v3" ? new V3Client(options) : new V2Client(options);
	try {
		if (client instanceof V2Client) return (await client.get("/")).etcdIndex;
		return (await client.range("/", { serializable: true })).header.revision;
	} catch (error) {
		if (error instanceof LabError) return 0;
		throw error;
	} finally {
		await client.close();
	}
}
