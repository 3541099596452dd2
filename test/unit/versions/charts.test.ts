import assert from "node:assert/strict";
import {
	columnTable,
	freeFrom,
	freeOfAll,
	isIn,
	loadVersions,
	recordedVersions,
	savedVersions,
	upgradeChart,
	type VersionColumn,
	VersionsFormatError,
	versionExperiments,
	versionsChart,
	versionsTable,
} from "#lib/pages";

const column = (etcd: string, verdict: "confirmed" | "refuted" | "untested"): VersionColumn => ({
	...{ etcd, from: `somewhere <b>`, date: "2026-01-02" },
	results: Object.fromEntries(versionExperiments.map(({ id }) => [id, { verdict, because: `so <i>${id}` }])),
});
const record = {
	command: "npm run versions",
	columns: [column("3.5.1", "confirmed"), column("3.7.3", "refuted")],
};
const versionsOf = (id: string) => {
	const experiment = versionExperiments.find((one) => one.id === id);
	assert.ok(experiment, id);
	return experiment.versions;
};

describe("loadVersions", () => {
	it("reads what was saved, and leaves out what it does not know", () => {
		const saved = JSON.parse(savedVersions(record));
		assert.deepEqual(loadVersions(JSON.stringify({ ...saved, more: 1 })), record);
	});

	it("says where a text is none", () => {
		const saved = JSON.parse(savedVersions(record));
		for (const [text, place] of [
			["{", /not JSON/],
			[JSON.stringify({ ...saved, version: 2 }), /version/],
			[JSON.stringify({ ...saved, columns: [] }), /columns/],
			[JSON.stringify({ ...saved, columns: [{ ...record.columns[0], etcd: "new" }] }), /columns\.0\.etcd/],
			[
				JSON.stringify({
					...saved,
					columns: [{ ...record.columns[0], results: { a: { verdict: "maybe", because: "x" } } }],
				}),
				/columns\.0\.results\.a\.verdict/,
			],
		] as const)
			assert.throws(
				() => loadVersions(text),
				(error: unknown) => error instanceof VersionsFormatError && place.test(error.message),
			);
	});

	it("reads the record that comes with the lab, from 3.4 to 3.7", () => {
		const series = recordedVersions().columns.map(({ etcd }) => etcd.split(".").slice(0, 2).join("."));
		assert.deepEqual([...new Set(series)], ["3.4", "3.5", "3.6", "3.7"]);
	});
});

describe("the chart of versions", () => {
	const yours = {
		...column("3.5.9", "untested"),
		results: { "20693": { verdict: "confirmed", because: "seen" } },
	} as const;
	const { svg, text } = versionsChart(record, yours);

	it("has a column for each server, yours among them, and a row for each experiment", () => {
		for (const heading of ["3.5.1", "3.7.3", "yours, 3.5.9"]) assert.ok(svg.includes(heading), heading);
		for (const { name } of versionExperiments) assert.ok(text.includes(name), name);
		assert.match(text, /a stranger's watch at -1 \(20693\) +│ confirmed │ refuted │ confirmed/);
		assert.match(text, /a slow reader and a compaction \(17529\) +│ confirmed │ refuted │ not yet/);
	});

	it("says each mark to a screen reader, and gives the same bytes for the same results", () => {
		assert.ok(
			svg.includes("a stranger&#39;s watch at -1, 3.7.3: refuted") ||
				svg.includes("a stranger's watch at -1, 3.7.3: refuted"),
		);
		assert.equal(versionsChart(record, yours).svg, svg);
	});

	it("stands in tables, too, with names as text", () => {
		const { html, text: table } = versionsTable(record, yours);
		assert.ok(!html.includes("<b>"));
		assert.match(table, /20693 +│ Somebody's watch .* │ ✗ confirmed │ ✓ refuted │ ✗ confirmed/);
		assert.match(columnTable(record.columns[0] ?? yours).text, /18089 .* │ ✗ confirmed │ so <i>18089/);
	});
});

describe("the release to upgrade to", () => {
	it("is the first one that does not have the fault, in the same minor version or a later one", () => {
		for (const [id, etcd, free] of [
			["20693", "3.5.1", "3.5.24"],
			["20693", "3.6.0", "3.6.6"],
			["20693", "3.7.0", "3.7.0"],
			["12385", "3.5.1", "3.5.6"],
			["12385", "3.4.23", "3.4.23"],
			["17566", "3.5.1", "3.5.1"],
			["17566", "3.5.9", "3.5.13"],
			["19752", "3.4.23", "3.5.32"],
			["GHSA-xg4h-6gfc-h4m8", "3.7.0", "3.7.1"],
			["7809", "3.4.23", undefined],
			["20693", "3.9.0", undefined],
		] as const)
			assert.equal(freeFrom(versionsOf(id), etcd), free, `${id} from ${etcd}`);
	});

	it("that is free of all goes round the faults that begin on the way", () => {
		assert.equal(freeOfAll("3.5.1"), "3.5.33");
		assert.equal(freeOfAll("3.4.23"), "3.5.33");
		assert.equal(freeOfAll("3.6.0"), "3.6.14");
		assert.equal(freeOfAll("3.7.3"), "3.7.3");
		assert.equal(freeOfAll("new"), undefined);
	});

	it("holds for no version that the lab knows nothing of", () => {
		for (const { id, versions } of versionExperiments) assert.equal(isIn(versions, "4.0.0"), false, id);
	});
});

describe("the chart of upgrades", () => {
	it("has a row for each fault, with what was seen and where it ends", () => {
		const { text, svg } = upgradeChart(column("3.5.1", "confirmed"));
		assert.match(
			text,
			/a stranger's watch at -1 \(20693\) +│ 3\.5\.0 to 3\.5\.23 +│ confirmed +│ 3\.5\.24 +│ read first/,
		);
		assert.match(
			text,
			/a permission that was taken \(7809\) +│ all +│ confirmed +│ no release mends it +│ end the connections/,
		);
		assert.match(
			text,
			/a progress that never comes \(17566\) +│ 3\.5\.8 to 3\.5\.12 +│ confirmed +│ not in yours/,
		);
		assert.match(text, /Free of all that a release has mended: 3\.5\.33/);
		assert.ok(svg.includes("yours, 3.5.1"));
	});

	it("says so where nothing is known of a version, or nothing is left", () => {
		assert.match(upgradeChart(column("9.9.9", "untested")).text, /knows nothing of/);
		assert.match(upgradeChart(column("3.7.3", "refuted")).text, /free of all that a release has mended/);
	});
});
