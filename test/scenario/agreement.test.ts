import assert from "node:assert/strict";
import type { Timeline } from "etcd-watch-lab";
import { runOnModel } from "#lib/scenario";
import { asV3, severalKeys, without } from "../golden/odd";
import { forEachEtcd } from "../support/etcd";
import { disagreements, unexplained } from "./agreement";
import { type RandomOptions, randomScenario } from "./random-runs";

/**
 * How many runs: `ETCD_WATCH_LAB_AGREEMENT=model:20000,live:1000` for many; `from:5000` to begin at another seed, such as
 * one that a failure names.
 */
const wished = new Map(
	(process.env["ETCD_WATCH_LAB_AGREEMENT"] ?? "").split(",").map((one) => one.split(":") as [string, string]),
);
const countOf = (what: string, otherwise: number) => Number(wished.get(what) ?? otherwise);
const from = countOf("from", 1);
const modelRuns = countOf("model", 150);
const liveRuns = countOf("live", 4);

/** Throws with the seed and the steps of the first run in which two parts differ. */
async function agree(
	count: number,
	options: RandomOptions,
	run: (steps: ReturnType<typeof randomScenario>) => Promise<Timeline>,
): Promise<void> {
	for (let seed = from; seed < from + count; seed++) {
		const steps = randomScenario(seed, options);
		const timeline = await run(steps);
		const found = [...disagreements(timeline), ...unexplained(timeline)];
		const list = steps.steps.map((step) => JSON.stringify(step)).join("\n");
		assert.deepEqual(found, [], `seed ${seed}\n${list}`);
	}
}

describe("all that reads a timeline says the same", function () {
	this.timeout(60_000 + 100 * modelRuns + 10_000 * liveRuns);

	it("of random runs of the model", async () => {
		await agree(modelRuns, { steps: 14 }, (steps) => runOnModel(steps));
	});

	it("of random runs of the model with floods", async () => {
		await agree(Math.ceil(modelRuns / 50), { steps: 10, floods: true }, (steps) => runOnModel(steps));
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
		assert.deepEqual(disagreements(severalKeys(1)), []);
		assert.equal(unexplained(severalKeys(1)).length, 2);
		assert.ok(
			unexplained(asV3(without(await runOnModel(randomScenario(1, { steps: 14 })), "polls", 2))).length >= 0,
		);
	});

	forEachEtcd((server) => {
		for (const api of ["v2", "v3"] as const)
			it(`of random runs on ${api}`, async () => {
				await agree(liveRuns, { steps: 10, pauses: true }, (steps) =>
					steps.run(server.lab, { api, stepTimeoutMs: 10_000 }),
				);
			});
	});
});
