import { ModelStore } from "etcd-watch-lab/model";
import type { Lab } from "etcd-watch-lab/server";
import { startLab } from "etcd-watch-lab/server";
import fc from "fast-check";
import { until } from "../../support/until";
import { type ModelClass, Pair } from "./pair";
import { type Mix, type Program, programs } from "./program";
import { type Features, ProgramRun } from "./run-program";

/** How many programs have run, and how many of them did what costs time or is rare. */
export type Counts = Record<"programs" | keyof Features, number>;

export function noCounts(): Counts {
	return {
		programs: 0,
		expiry: 0,
		overflow: 0,
		replay: 0,
		cleared: 0,
		stream: 0,
		hidden: 0,
		siblings: 0,
	};
}

/** A server with its model, which runs one program after the other. */
export class Lane {
	readonly pair: Pair;
	readonly #lab: Lab;
	readonly #Model: ModelClass;
	#inStep = false;

	private constructor(pair: Pair, lab: Lab, Model: ModelClass) {
		this.pair = pair;
		this.#lab = lab;
		this.#Model = Model;
	}

	/** `Model` may be one with a planted fault. */
	static async start(binary: string, Model: ModelClass = ModelStore): Promise<Lane> {
		const lab = await startLab({ binary, env: {} });
		try {
			await settled(lab);
			return new Lane(new Pair(lab.v2, lab.version), lab, Model);
		} catch (error) {
			await lab.close();
			throw error;
		}
	}

	/** The same server with another model. */
	with(Model: ModelClass): Lane {
		return new Lane(this.pair, this.#lab, Model);
	}

	get version(): string {
		return this.pair.version;
	}

	/**
	 * Runs programs until one differs, `runs` have run, or the time is over; then says what was found, shrunk, as
	 * text; undefined when all were the same.
	 */
	async search(options: {
		readonly seed: number;
		readonly runs: number;
		readonly path?: string;
		readonly timeLimitMs?: number;
		readonly mix?: Mix;
		/** False: the first program that differs is enough, as large as it is. */
		readonly shrink?: boolean;
		/** Another server has found a difference: what is left is not run. */
		readonly isOver?: () => boolean;
		/** Told of the first difference at once; what this returns has shrunk it. */
		readonly found?: (difference: string) => void;
		readonly ran?: (features: Features) => void;
	}): Promise<string | undefined> {
		const { seed, runs, path, timeLimitMs, mix, shrink = true, isOver, found, ran } = options;
		let failing: { readonly run: ProgramRun; readonly error: unknown } | undefined;
		const property = fc.asyncProperty(programs(mix), async (program) => {
			if (failing === undefined && isOver?.()) return;
			const run = new ProgramRun();
			try {
				await this.run(program, run);
			} catch (error) {
				failing = { run, error };
				found?.(String(error));
				// What is missing has been waited for once; the smaller programs need not wait as long.
				this.pair.patienceMs = Math.min(this.pair.patienceMs, 1_000);
				throw error;
			}
			if (failing === undefined) ran?.(run.features);
		});
		const checked = await fc.check(property, {
			seed,
			numRuns: runs,
			endOnFailure: !shrink,
			...(path === undefined ? {} : { path }),
			...(timeLimitMs === undefined
				? {}
				: { interruptAfterTimeLimit: timeLimitMs, markInterruptAsFailure: false }),
		});
		if (!failing) return undefined;
		const { run, error } = failing;
		return [
			`etcd ${this.version} and the model differ (seed ${seed}, path ${checked.counterexamplePath ?? "none"}):`,
			error instanceof Error ? error.message : String(error),
			'await scenario("a difference")',
			...run.code,
			"  .run(etcd)",
		].join("\n");
	}

	async run(program: Program, run: ProgramRun): Promise<void> {
		if (!this.#inStep) await this.pair.begin(this.#Model);
		this.#inStep = false;
		await run.run(this.pair, program);
		this.#inStep = true;
	}

	close(): Promise<void> {
		return this.#lab.close();
	}
}

/** A new member writes its own and the cluster's version, twice; nothing more after that. */
async function settled({ v2, version }: Lab): Promise<void> {
	const series = version.split(".").slice(0, 2).join(".");
	await until(
		"the cluster has its version",
		async () => {
			const answer = await fetch(`${v2.endpoints[0]}/version`);
			const json: unknown = await answer.json();
			const decided: unknown =
				typeof json === "object" && json !== null ? Reflect.get(json, "etcdcluster") : "";
			return typeof decided === "string" && decided.startsWith(`${series}.`);
		},
		60_000,
	);
}
