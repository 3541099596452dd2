import type { Rule } from "etcd-watch-lab/follow";
import { type Checked, check, type Finding } from "./checker";
import type { ConsumerKind } from "./consumer";
import { type Bites, type Kind, missing, NoBiteError, noBite } from "./kind";
import { isAffected, judge, knownFault } from "./known";
import type { Api } from "./record";
import { Run } from "./run";
import { ServerPool } from "./servers";
import { Writer } from "./writer";

/** What one run has shown. */
export interface RunResult {
	readonly kind: string;
	readonly seed: number;
	readonly api: Api;
	readonly etcd: string;
	readonly members: number;
	readonly ms: number;
	readonly writes: number;
	/** Events of the consumers under test that were held against the truth. */
	readonly verified: number;
	readonly gaps: number;
	readonly resets: number;
	/** What the consumers under test got wrong. */
	readonly findings: readonly Finding[];
	/** What each of the loops beside them lost in silence. */
	readonly losses: Readonly<Record<string, number>>;
	/** What shows that the fault happened. */
	readonly bites: readonly string[];
	/** The runner's own failure: the fault did not bite, or the servers did not do as they should. */
	readonly failure: string | undefined;
	/** The known fault of the server that accounts for all that was found. */
	readonly known: string | undefined;
	/** Runs before this one whose fault did not bite, with other seeds: they show nothing. */
	readonly unbitten: number;
}

interface How {
	readonly without?: readonly Rule[];
	readonly withoutFault?: boolean;
}

export interface SessionOptions {
	readonly binary: string;
	readonly members: 1 | 3;
	readonly consumer?: ConsumerKind;
	/** v2 unless given. */
	readonly api?: Api;
	readonly without?: readonly Rule[];
	/** The consumers stand still for a second, in the middle of each fault. */
	readonly withPauses?: boolean;
}

/** Timing decides whether some faults bite: so many seeds until one does. */
const tries = 4;

/** No run takes longer than this. */
const limitMs = 300_000;

/** Runs one fault after the other, on servers that are used again where they can be. */
export class Session {
	readonly #options: SessionOptions;
	readonly #pool: ServerPool;
	readonly #writer = new Writer();

	private constructor(options: SessionOptions, pool: ServerPool) {
		this.#options = options;
		this.#pool = pool;
	}

	static async open(options: SessionOptions): Promise<Session> {
		return new Session(options, await ServerPool.open(options.binary, options.members));
	}

	/** Kinds of the same shape are best run one after the other. */
	shape(kind: Kind): string {
		return this.#pool.shape(kind.needs);
	}

	/**
	 * `without`: rules that the follower is not to obey this time. `withoutFault`: the same run, and no fault in it.
	 * A run whose fault did not bite is done again with another seed, unless something was wrong in it that no known
	 * fault accounts for.
	 */
	async run(kind: Kind, seed: number, how: How = {}): Promise<RunResult> {
		for (let unbitten = 0; ; unbitten++) {
			const result = await this.#once(kind, seed + unbitten * 1_000_003, how);
			const isAgain = isUnbitten(result) && how.withoutFault !== true && unbitten < tries - 1;
			if (!isAgain) return { ...result, unbitten };
		}
	}

	async #once(kind: Kind, seed: number, how: How): Promise<Omit<RunResult, "unbitten">> {
		const { without = this.#options.without ?? [], withoutFault = false } = how;
		const consumer = this.#options.consumer ?? "follow";
		const servers = await this.#pool.take(kind.needs);
		const begin = performance.now();
		const { version, members } = servers.cluster;
		const { api = "v2", withPauses = false } = this.#options;
		const shared = { kind: kind.name, seed, api, etcd: version, members: members.length };
		let run: Run | undefined;
		let isWhole = kind.leavesBroken !== true;
		const pids = members.map(({ pid }) => pid);
		try {
			const options = { kind: kind.name, seed, api, servers, consumer, without, withoutFault, withPauses };
			run = await Run.begin({ ...options, writer: this.#writer });
			const running = run;
			const [bites, record] = await within(limitMs, async () => {
				const bites = await kind.run(running);
				if (withoutFault) throw new NoBiteError(missing(bites) ?? "it bit, though there was no fault");
				return [[...bites, ...(await running.pauses())] as const, await running.finish()] as const;
			});
			const { contradictions, ...checked } = check(record);
			const result = resultOf(record, checked, run, consumer, bites);
			const { findings } = result;
			const judged = judge(version, kind.name, {
				differing: await run.differing(),
				contradictions,
				findings,
			});
			const failure = judged.failure ?? missing(bites);
			const known = failure === undefined ? judged.known : undefined;
			return { ...shared, ...result, failure, known, ms: performance.now() - begin };
		} catch (error) {
			// What was only left out has broken nothing.
			isWhole &&= withoutFault && error instanceof NoBiteError;
			const failure =
				error instanceof NoBiteError
					? error.message
					: error instanceof Error
						? (error.stack ?? error.message)
						: String(error);
			const none = { writes: 0, verified: 0, gaps: 0, resets: 0, findings: [], losses: {} };
			const rest = { bites: [], failure, known: undefined, ms: performance.now() - begin };
			return { ...shared, ...none, ...rest };
		} finally {
			// A kill may have cost them what they had: they may lose, or contradict each other, from then on.
			if (api === "v3" && isAffected(version, "13766"))
				isWhole &&= members.every(({ pid }, nth) => pid === pids[nth]);
			// The next run lists less, and nothing of this one expires in it: nor what was on its way.
			await run?.stopWriting().catch(() => {});
			if (isWhole) await run?.store.empty(run.places.root).catch(() => {});
			await run?.close();
			if (isWhole) await this.#pool.giveBack(kind.needs, servers);
			else await servers.cluster.close();
		}
	}

	/** How many clusters wait for the next run that needs one like it. */
	get keptServers(): number {
		return this.#pool.keptCount;
	}

	async close(): Promise<void> {
		await this.#writer.close();
		await this.#pool.close();
	}
}

function resultOf(
	record: Awaited<ReturnType<Run["finish"]>>,
	checked: Pick<Checked, "findings">,
	run: Run,
	consumer: ConsumerKind,
	bites: Bites,
): Omit<RunResult, "kind" | "seed" | "api" | "etcd" | "members" | "ms" | "failure" | "known" | "unbitten"> {
	const isTested = (name: string) => run.consumer(name).assignment.kind === consumer && !isLoop(name);
	const losses: Record<string, number> = {};
	for (const name of run.consumers.keys()) {
		if (!isLoop(name)) continue;
		const lost = checked.findings.filter((one) => one.consumer === name && one.checker === "complete");
		losses[name] = lost.length;
	}
	const tested = record.followings.filter(({ name }) => isTested(name));
	const changes = tested.flatMap(({ deliveries }) => deliveries.map(({ change }) => change.kind));
	const count = (kind: string) => changes.filter((one) => one === kind).length;
	// Whoever gives up tells nothing any more, whatever for.
	const ended = tested.flatMap(({ name, error }): readonly Finding[] =>
		error === undefined || error.startsWith("ConsumerError")
			? []
			: [{ checker: "alive", consumer: name, what: `it ended: ${error}`, index: 0 }],
	);
	return {
		writes: record.acknowledged.length,
		verified: count("event"),
		gaps: count("gap"),
		resets: count("reset"),
		findings: [...ended, ...checked.findings.filter(({ consumer: name }) => isTested(name))],
		losses,
		bites: bites.map(({ count, of }) => `${count} ${of}`),
	};
}

/** A follower may have been as careful as the fault asks for all the same. */
function isUnbitten({ etcd, kind, failure, findings }: Omit<RunResult, "unbitten">): boolean {
	if (!failure?.startsWith(noBite)) return false;
	return findings.length === 0 || knownFault(etcd, kind, findings) !== undefined;
}

/** The loops that are there to be compared with are called what they are. */
function isLoop(name: string): boolean {
	return /^(naive|textbook|node-etcd|etcd3)\b/.test(name);
}

async function within<T>(ms: number, act: () => Promise<T>): Promise<T> {
	let timer: NodeJS.Timeout | undefined;
	const late = new Promise<never>((_, reject) => {
		timer = setTimeout(() => reject(new Error(`the run did not end in ${ms} ms`)), ms);
	});
	try {
		return await Promise.race([act(), late]);
	} finally {
		clearTimeout(timer);
	}
}
