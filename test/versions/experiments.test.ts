import assert from "node:assert/strict";
import {
	columnOf,
	isIn,
	OwnServers,
	recordedVersions,
	type VersionColumn,
	type VersionExperiment,
	versionExperiments,
} from "#lib/pages";
import { etcdOf, v3Kinds, versionOf } from "../model/differential/etcds";
import { notCovered } from "../support/coverage";

const record = recordedVersions();
/** Those that can be tried at all. */
const tried = versionExperiments.filter(({ id }) =>
	record.columns.some(({ results }) => results[id]?.verdict !== "untested"),
);

describe("the record of npm run versions", () => {
	it("has every experiment in every column, and no other", () => {
		const ids = versionExperiments.map(({ id }) => id).sort();
		assert.equal(new Set(ids).size, ids.length);
		for (const { etcd, results } of record.columns) assert.deepEqual(Object.keys(results).sort(), ids, etcd);
	});

	it("says of every fault that was tried what the table of releases says", () => {
		for (const { etcd, results } of record.columns) {
			for (const { id, versions } of tried) {
				const verdict = results[id]?.verdict;
				if (verdict === "untested") continue;
				assert.equal(verdict === "confirmed", isIn(versions, etcd), `${id} on ${etcd}`);
			}
		}
	});

	it("has each of them confirmed on a version and refuted on another, but for what no release has mended", () => {
		for (const { id, versions } of tried) {
			const verdicts = new Set(record.columns.map(({ results }) => results[id]?.verdict));
			assert.ok(verdicts.has("confirmed"), id);
			const isEverywhere = Object.keys(versions).length === 4 && !verdicts.has("refuted");
			assert.equal(verdicts.has("refuted"), !isEverywhere, id);
			if (isEverywhere) assert.equal(id, "7809");
		}
	});

	it("leaves untested what is said to be, for a reason that is no failure", () => {
		for (const { etcd, results } of record.columns) {
			for (const [id, { verdict, because }] of Object.entries(results)) {
				if (verdict !== "untested") continue;
				assert.doesNotMatch(because, /the experiment failed/, `${id} on ${etcd}`);
				const isNever = !tried.some((one) => one.id === id);
				assert.ok(isNever || because === "there is no v2 API", `${id} on ${etcd}: ${because}`);
			}
		}
	});
});

for (const kind of v3Kinds) {
	describe(`etcd ${kind}, tried again`, function () {
		// All experiments, each of them bounded: half a minute on a machine that has nothing else to do.
		this.timeout(300_000);

		it("does what its column of the record says", async () => {
			const found = await etcdOf(kind);
			if ("missing" in found) {
				notCovered(found.missing);
				return;
			}
			const version = versionOf(found.binary);
			assert.ok(version);
			const recorded = record.columns.find(({ etcd }) => etcd === version);
			if (recorded === undefined) {
				notCovered(`etcd ${version} in the record of versions (npm run versions)`);
				return;
			}
			const now = await columnOf(new OwnServers(found.binary, version), "this test");
			assert.deepEqual(now.results, recorded.results);
		});
	});
}

describe("columnOf", () => {
	const planted = (run: VersionExperiment["run"], id = "planted"): VersionExperiment => ({
		...{ id, name: "a name", claim: "A statement", url: "https://example.invalid/", kind: "fault" },
		...{ versions: {}, advice: "none", run },
	});
	const nowhere = () => new OwnServers("/nowhere/etcd", "3.5.1");

	it("leaves untested what fails, with the reason, and goes on", async () => {
		const told: VersionColumn[] = [];
		const column = await columnOf(nowhere(), "a test", {
			only: [
				planted(async () => {
					throw new Error("no luck");
				}),
				planted(async () => ({ verdict: "refuted", because: "it was seen" }), "next"),
			],
			onResult: (one) => told.push(one),
		});
		assert.deepEqual(column.results, {
			planted: { verdict: "untested", because: "the experiment failed: no luck" },
			next: { verdict: "refuted", because: "it was seen" },
		});
		assert.deepEqual(
			told.map(({ results }) => Object.keys(results).length),
			[1, 2],
		);
	});

	it("leaves all untested that need a server where none starts", async () => {
		const column = await columnOf(nowhere(), "a test");
		const verdicts = new Set(Object.values(column.results).map(({ verdict }) => verdict));
		assert.deepEqual([...verdicts], ["untested"]);
		for (const { id } of tried)
			assert.match(column.results[id]?.because ?? "", /does not run on this machine|can't be started/);
	});
});
