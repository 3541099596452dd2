import assert from "node:assert/strict";
import { tellCounts } from "#tools/programs/counted";
import { notCovered } from "../../support/coverage";
import { etcdOf } from "../../support/etcds";
import { shareOf } from "../../support/share";
import { type Mutant, mutants, plant } from "./mutants";
import { Lane } from "./run";

/** No fault may live longer than that. */
const mostPrograms = 1_500;
const seed = 1;

describe("a model with a planted fault", () => {
	const lanes: Lane[] = [];

	before("two servers of each series", async function () {
		this.timeout(60_000);
		for (const kind of ["3.5.1", "3.4"] as const) {
			const etcd = await etcdOf(kind);
			if ("missing" in etcd) {
				notCovered(etcd.missing);
				continue;
			}
			lanes.push(...(await Promise.all([Lane.start(etcd.binary), Lane.start(etcd.binary)])));
		}
	});

	after(() => Promise.all(lanes.map((lane) => lane.close())));

	it(`is caught by the differential test, each of the share, within ${mostPrograms} programs`, async function () {
		this.timeout(240_000);
		const here = shareOf(mutants, "0/3").filter(
			({ only }) => only === undefined || lanes.some(({ version }) => version.startsWith(only)),
		);
		const caught = new Map<Mutant, number>();
		const waiting = [...here];
		await Promise.all(
			lanes.map(async (lane) => {
				for (;;) {
					const next = waiting.findIndex(({ only = "" }) => lane.version.startsWith(only));
					const [mutant] = next < 0 ? [] : waiting.splice(next, 1);
					if (mutant === undefined) return;
					const programs = await programsUntilCaught(lane, mutant);
					if (programs !== undefined) caught.set(mutant, programs);
				}
			}),
		);
		console.log("      programs until it was caught:");
		for (const mutant of here) {
			console.log(`      ${String(caught.get(mutant) ?? "never").padStart(5)}  ${mutant.fault}`);
		}
		assert.deepEqual(
			here.filter((mutant) => !caught.has(mutant)).map(({ fault }) => fault),
			[],
		);
		tellCounts(new Set(lanes.map(({ version }) => version)), { faults: caught.size });
	});

	it("is told by seed, path and the shrunk program as a scenario, and the path runs that program again", async function () {
		this.timeout(120_000);
		const [lane] = lanes;
		const fault = mutants.find(
			({ fault }) => fault === "a missing key is the cause itself, not its first missing part",
		);
		assert.ok(lane && fault);
		const told = await lane.with(plant(fault)).search({ seed, runs: 100 });
		const path = /seed 1, path (\S+)\)/.exec(told ?? "")?.[1];
		assert.ok(told !== undefined && path !== undefined, told);
		const [code = ""] = /await scenario.*/s.exec(told) ?? [];
		// One write is enough: a missing key in a directory that is missing.
		assert.match(
			code,
			/^await scenario\("a difference"\)\n {2}\S*\.\w+\("\/.*\)\n( {2}\/\/.*\n)* {2}\.run\(etcd\)$/,
		);
		const again = await lane.with(plant(fault)).search({ seed, runs: 100, path });
		assert.ok(again?.includes(code), again);
	});
});

async function programsUntilCaught(lane: Lane, mutant: Mutant): Promise<number | undefined> {
	let programs = 0;
	// What such a model waits for in vain need not be waited for long.
	lane.pair.patienceMs = 2_000;
	const difference = await lane.with(plant(mutant)).search({
		seed,
		runs: mostPrograms,
		shrink: false,
		...(mutant.mix === undefined ? {} : { mix: mutant.mix }),
		ran: () => programs++,
	});
	return difference === undefined ? undefined : programs + 1;
}
