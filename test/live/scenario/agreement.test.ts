import assert from "node:assert/strict";
import type { Scenario, Timeline } from "etcd-watch-lab";
import { type Cluster, type Lab, startCluster, startLab } from "etcd-watch-lab/server";
import { atMember, notTheLeader } from "#lib/pages";
import { runOnModel, ScenarioError } from "#lib/scenario";
import { compareTimelines } from "#lib/timeline";
import { tellCounts } from "#tools/programs/counted";
import { severalKeys, without } from "../../pages/golden/odd";
import { forEachEtcd } from "../../support/etcd";
import { etcdOf, v3Kinds } from "../../support/etcds";
import { disagreements, type Parts, parts, unexplained } from "../../support/scenario/agreement";
import { edits, toldOfGap } from "../../support/scenario/edits";
import { type RandomOptions, random, randomScenario } from "../../support/scenario/random-runs";

/**
 * How many runs: `ETCD_WATCH_LAB_AGREEMENT=model:20000,live:1000,faults:200,snapshots:3` for many; `from:5000` to begin
 * at another seed, such as one that a failure names; `v3:PATH` for another etcd, v3 alone, `v3:3.6` for one that is built.
 */
const wished = new Map(
	(process.env["ETCD_WATCH_LAB_AGREEMENT"] ?? "").split(",").map((one) => one.split(":") as [string, string]),
);
const countOf = (what: string, otherwise: number) => Number(wished.get(what) ?? otherwise);
const from = countOf("from", 1);
const modelRuns = countOf("model", 150);
const liveRuns = countOf("live", 4);
const faultRuns = countOf("faults", 2);
const snapshotRuns = countOf("snapshots", 0);

/** A step of a random run that waits in vain makes it no run: a scenario says what cannot come. */
async function runIfAny(running: Promise<Timeline>): Promise<Timeline | undefined> {
	return await running.catch((error: unknown) => {
		if (error instanceof ScenarioError) return undefined;
		throw error;
	});
}

/** Throws with the seed and the steps of the first run in which two parts differ; gives how many there were. */
async function agree(
	where: "model" | "live" | "with faults",
	count: number,
	options: RandomOptions,
	run: (steps: Scenario) => Promise<Timeline>,
	differ: (seen: Timeline, steps: Scenario, seed: number) => string[] | Promise<string[]>,
): Promise<void> {
	let none = 0;
	const versions = new Set<string>();
	for (let seed = from; seed < from + count; seed++) {
		const steps = randomScenario(seed, options);
		const list = () => `seed ${seed}\n${steps.steps.map((step) => JSON.stringify(step)).join("\n")}`;
		let found: string[];
		try {
			const seen = await runIfAny(run(steps));
			if (seen === undefined) {
				none++;
				continue;
			}
			versions.add(seen.server);
			found = await differ(seen, steps, seed);
		} catch (error) {
			throw new Error(list(), { cause: error });
		}
		assert.deepEqual(found, [], list());
	}
	if (count > none) tellCounts(where === "model" ? [] : versions, { [`runs ${where}`]: count - none });
	if (count > 20) {
		console.log(`      seeds ${from} to ${from + count - 1}: ${count - none} runs, ${none} waited in vain`);
		assert.ok(none < count / 5, `${none} of ${count} runs waited in vain`);
	}
}

const all = (seen: Timeline) => [...disagreements(seen), ...unexplained(seen)];
const faulty = Object.entries({ ...edits, toldOfGap }).filter(([name]) => name !== "asItWas");

/** A run of the model as it is, and as one of the faults would have made it. */
function withEdits(seen: Timeline, _: Scenario, seed: number): string[] {
	// Tables cost much, and are made of one line each: of many runs every tenth.
	const isTabled = modelRuns < 1000 || seed % 10 === 0;
	const found = [...disagreements(seen, parts, isTabled), ...unexplained(seen)];
	const [name, edit] = faulty[seed % faulty.length] ?? [];
	// What is missing from a record, nothing in it accounts for.
	const other = edit?.(seen, random(seed));
	if (other === undefined) return found;
	return [...found, ...disagreements(other, parts, isTabled).map((one) => `${name}: ${one}`)];
}

/** What two runs of a burst give to a loop of polls is a matter of the moment. */
function isRepeatable({ steps }: Scenario): boolean {
	return !steps.some(({ step }) => step === "burst" || step === "awaitExpiry" || step === "pause");
}

/** A live run, and how it differs from the model's. */
async function withModel(seen: Timeline, steps: Scenario): Promise<string[]> {
	if (seen.api !== "v2" || !isRepeatable(steps)) return all(seen);
	const modelled = await runOnModel(steps, { like: seen, version: seen.server });
	const differences = compareTimelines(seen, modelled).map(
		({ where, one, other }) => `the model differs, ${where}: ${one} and ${other}`,
	);
	return [...all(seen), ...differences];
}

/** A run of which a part forgets what came first to each watcher. */
function robbed(run: Timeline): Timeline {
	const watchers = run.watchers.map((one) => ({ ...one, deliveries: one.deliveries.slice(1) }));
	return { ...run, watchers };
}

/** Each part, lying in a way of its own. */
const lies: Readonly<Record<string, Partial<Parts>>> = {
	"the account forgets what came": {
		accountOf: (run) => {
			const account = parts.accountOf(run);
			const watchers = account.watchers.map((one) => {
				const { timeline, watcher, unit, asks, finder, spans, firstAsked, foreign, total } = one;
				const fates = one.fates.map((fate) => ({ ...fate, deliveries: [], kind: "notDue" as const }));
				const fateOf = one.fateOf.bind(one);
				const fateOfChange = one.fateOfChange.bind(one);
				const told = { fates, fateOf, fateOfChange };
				return { timeline, watcher, unit, asks, finder, spans, firstAsked, foreign, total, ...told };
			});
			const { timeline, changes, watcher } = account;
			const changesOf = account.changesOf.bind(account);
			return { timeline, changes, watchers, changesOf, contentsAt: account.contentsAt, watcher };
		},
	},
	"the explanation gives another reason": {
		explain: (...of) => ({ ...parts.explain(...of), reason: "over" }),
	},
	"the explanation says that nothing came": {
		explain: (...of) => ({ ...parts.explain(...of), words: "not delivered: nobody was there" }),
	},
	"missedBy forgets the last": { missedBy: (...of) => parts.missedBy(...of).slice(0, -1) },
	"lostInSilence forgets that gaps are told of": { lostInSilence: (...of) => parts.missedBy(...of) },
	"the chart's text forgets what came": { timelineRows: (run) => parts.timelineRows(robbed(run)) },
	"the table forgets what came": { timelineTable: (run) => parts.timelineTable(robbed(run)) },
	"the table of reasons forgets what came": { explainTable: (run) => parts.explainTable(robbed(run)) },
	"the table of events forgets what came": {
		eventsTable: (run, name) => parts.eventsTable(robbed(run), name),
	},
	"the table of losses forgets gaps": {
		lossTable: (runs) =>
			parts.lossTable(
				runs.map((run) => ({
					...run,
					watchers: run.watchers.map((one) => ({
						...one,
						life: one.life.filter(({ kind }) => kind !== "gap"),
					})),
				})),
			),
	},
	"the prediction forgets what came": {
		comparePrediction: (mine, run) => parts.comparePrediction(mine, robbed(run)),
	},
	"the run in words forgets what came": { runInWords: (run) => parts.runInWords(robbed(run)) },
	"the total forgets what came": { totalWords: (run, name) => parts.totalWords(robbed(run), name) },
	"a claim is turned round": {
		claims: (run, name) => {
			const told = parts.claims(run, name);
			return { ...told, verdict: told.verdict === "untested" ? "untested" : other(told.verdict) };
		},
	},
	"a claim's evidence is another run's": {
		claims: (run, name) => parts.claims({ ...run, writes: run.writes.map((one) => ({ ...one })) }, name),
	},
	"an exercise is solved by nothing": {
		judge: (...of) => ({ ...parts.judge(...of), solved: true }),
	},
	"an exercise is solved by no run": {
		judge: (...of) => ({ ...parts.judge(...of), solved: false }),
	},
};

function other(verdict: "confirmed" | "refuted"): "confirmed" | "refuted" {
	return verdict === "confirmed" ? "refuted" : "confirmed";
}

describe("all that reads a timeline says the same", function () {
	this.timeout(120_000 + 200 * modelRuns + 10_000 * liveRuns + 60_000 * (faultRuns + snapshotRuns));

	it("of random runs of the model, as they are and as faults would have made them", async () => {
		await agree(
			"model",
			modelRuns,
			{ steps: 14, compactions: true },
			(steps) => runOnModel(steps),
			withEdits,
		);
	});

	it("of random runs of the model with floods", async () => {
		const options = { steps: 10, floods: true };
		await agree("model", Math.ceil(modelRuns / 50), options, (steps) => runOnModel(steps), all);
	});

	it("can be found false: of runs that were robbed, or given what was not theirs", async () => {
		let found = 0;
		for (let seed = 1; seed <= 30; seed++) {
			const timeline = await runOnModel(randomScenario(seed, { steps: 14 }));
			for (const { name, deliveries } of timeline.watchers) {
				const [first] = deliveries;
				if (first) found += unexplained(without(timeline, name, first.index)).length;
			}
		}
		assert.ok(found > 10, `${found} losses found`);
		assert.deepEqual(disagreements(severalKeys(3)), []);
		// All parts say the same of a run that lost two keys of three, and a claim that is true of etcd is refuted by it.
		const robbedOfTwo = disagreements(severalKeys(1));
		assert.match(robbedOfTwo.join("\n"), /^childrenAreSeen is refuted: 2 events did not come.*$/);
		assert.equal(unexplained(severalKeys(1)).length, 2);
	});

	for (const [lie, part] of Object.entries(lies))
		it(`is found false when ${lie}`, async () => {
			for (let seed = 1; seed <= 60; seed++) {
				const seen = await runOnModel(randomScenario(seed, { steps: 14 }));
				for (const run of [seen, toldOfGap(seen, random(seed))])
					if (run && disagreements(run, { ...parts, ...part }).length > 0) return;
			}
			assert.fail("of 60 runs none shows it");
		});

	const live = (lab: () => Lab, api: "v2" | "v3") =>
		it(`of random runs on ${api}`, async () => {
			const options = { steps: 10, pauses: true, expiries: liveRuns > 20, compactions: api === "v3" };
			await agree(
				"live",
				liveRuns,
				options,
				(steps) => steps.run(lab(), { api, stepTimeoutMs: 10_000 }),
				withModel,
			);
		});

	const failing = (binary: () => string, apis: readonly ("v2" | "v3")[]) =>
		describe("with faults", () => {
			let cluster: Cluster;
			before(async function () {
				this.timeout(180_000);
				const flags = ["--snapshot-count", "100"];
				cluster = await startCluster({ binary: binary(), flags, proxied: { peers: true } });
			});
			after(() => cluster?.close());

			for (const api of apis)
				for (const [count, options] of [
					[faultRuns, { steps: 12, faults: true, compactions: api === "v3" }],
					[snapshotRuns, { steps: 6, snapshots: true }],
				] as const)
					it(`of random runs on ${api}${"snapshots" in options ? " whose member is sent the whole store" : ""}`, async () => {
						await agree(
							"with faults",
							count,
							options,
							async (steps) => {
								const member = await notTheLeader(cluster);
								// Some know that member alone.
								const only = steps.steps.length % 2 === 0;
								return await steps.run(atMember(cluster, member, { only }), { api, stepTimeoutMs: 10_000 });
							},
							(seen) => all(seen),
						);
					});
		});

	const another = wished.get("v3");
	if (another !== undefined)
		describe(another, () => {
			let lab: Lab;
			let binary: string;
			before(async function () {
				this.timeout(300_000);
				const kind = v3Kinds.find((one) => one === another);
				const etcd = kind === undefined ? { binary: another } : await etcdOf(kind);
				assert.ok("binary" in etcd, "missing" in etcd ? etcd.missing : "");
				binary = etcd.binary;
				lab = await startLab({ binary, env: {} });
			});
			after(() => lab?.close());
			live(() => lab, "v3");
			failing(() => binary, ["v3"]);
		});
	else
		forEachEtcd((server) => {
			for (const api of ["v2", "v3"] as const) live(() => server.lab, api);
			failing(() => server.binary, ["v2", "v3"]);
		});
});
