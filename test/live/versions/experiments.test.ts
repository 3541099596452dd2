import assert from "node:assert/strict";
import { findEtcd, startLab } from "etcd-watch-lab/server";
import { V3Client } from "etcd-watch-lab/v3";
import {
	columnOf,
	isIn,
	OwnServers,
	recordedVersions,
	type VersionColumn,
	type VersionExperiment,
	versionExperiments,
} from "#lib/pages";
import { GuestServers } from "#lib/pages/versions/servers.js";
import { notCovered } from "../../support/coverage";
import { etcdOf, v3Kinds, versionOf } from "../../support/etcds";
import { OwnEtcd } from "../../support/own-etcd";

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
			assert.match(column.results[id]?.because ?? "", /does not run on this machine|can't be started|ENOENT/);
	});
});

describe("the experiments on a server that the lab did not start", function () {
	this.timeout(60_000);

	it("leave untested what others could feel, and leave nothing behind", async () => {
		const own = await OwnEtcd.start(findEtcd({}));
		const lab = await startLab({ env: { ETCDCTL_ENDPOINTS: own.endpoint } });
		try {
			const column = await columnOf(new GuestServers(lab), "this test");
			const untested = Object.entries(column.results).filter(([, { verdict }]) => verdict === "untested");
			const made = versionExperiments
				.map(({ id }) => id)
				.filter((id) => !untested.some(([one]) => one === id));
			assert.deepEqual(made, ["15220", "17566", "v2", "directory ttl", "error field", "RangeStream"]);
			const recorded = record.columns.find(({ etcd }) => etcd === lab.version);
			if (recorded !== undefined)
				for (const id of made) assert.deepEqual(column.results[id], recorded.results[id]);
			const refused = untested.filter(([, { because }]) => because.includes("ETCDCTL_ENDPOINTS"));
			assert.equal(refused.length, 10);
		} finally {
			await lab.close();
		}
		const v3 = new V3Client({ endpoints: [own.endpoint] });
		try {
			assert.equal((await v3.range("\0", { fromKey: true })).count, 0);
		} finally {
			await v3.close();
			await own.stop();
		}
	});
});
