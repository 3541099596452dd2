import assert from "node:assert/strict";
import {
	type Apply,
	byOwnKey,
	byRules,
	carriedTable,
	compareTrees,
	type KeyCompared,
	logChart,
	rebuild,
	runWithReads,
} from "#lib/pages";
import { forEachEtcd } from "../../support/etcd";
import { set, timelineOf, watch } from "../../support/scenario/builders";
import { scenarioOf } from "../../support/scenario/script";

const story = scenarioOf(`
	a log and its reads: watch log /a/...; set /a/web/1 up ttl 100; set /a/web/1/port 80;
	refresh /a/web/1 100; set /a/job/_lock me; rmdir /a/web/...
`);

const wrong = (compared: readonly KeyCompared[]) =>
	compared.filter(({ how }) => how !== "same").map(({ index, key, how }) => `${index} ${key} ${how}`);

describe("a read beside a log", () => {
	const key = (name: string, index: number) => ({
		key: name,
		dir: false,
		value: "v",
		modifiedIndex: index,
		createdIndex: index,
	});
	const run = timelineOf({
		writes: [set("/b"), set("/ab/1"), set("/a/d/1"), set("/a/x")],
		watchers: [
			watch("part", "/a", { recursive: true, sent: [3, 4] }),
			watch("deep", "/a/d", { recursive: true, sent: [3] }),
			watch("plain", "/b", { sent: [1] }),
		],
	});
	const directory = (name: string) => ({ key: name, dir: true, modifiedIndex: 3, createdIndex: 3 });
	const nodes = [
		directory("/a"),
		directory("/a/d"),
		key("/a/d/1", 3),
		key("/a/x", 4),
		key("/ab/1", 2),
		key("/b", 1),
	];

	for (const [watcher, keys] of [
		["part", ["/a", "/a/d", "/a/d/1", "/a/x"]],
		["deep", ["/a/d", "/a/d/1"]],
		["plain", ["/b"]],
	] as const)
		it(`is compared where its watcher looks, and nothing else is called lacking: ${watcher}`, () => {
			const compared = compareTrees([{ index: 4, nodes }], rebuild(run, watcher, byRules, [4]));
			assert.deepEqual(
				compared.map((one) => [one.key, one.how]),
				keys.map((one) => [one, "same"]),
			);
		});
});

forEachEtcd((server) => {
	describe("the tree rebuilt from events", () => {
		const run = (apply: Apply) =>
			runWithReads(story, server.lab).then(({ seen, reads }) => {
				const indexes = reads.map(({ index }) => index);
				return { seen, reads, compared: compareTrees(reads, rebuild(seen, "log", apply, indexes)) };
			});

		it("lacks the directories on the way and keeps what went with a directory, by the events' own keys", async () => {
			const { compared } = await run(byOwnKey);
			assert.deepEqual(wrong(compared), [
				"1 /a lacking",
				"1 /a/web lacking",
				"2 /a lacking",
				"2 /a/web lacking",
				"2 /a/web/1 other",
				"3 /a lacking",
				"3 /a/job lacking",
				"3 /a/web lacking",
				"3 /a/web/1 other",
				"4 /a lacking",
				"4 /a/job lacking",
				"4 /a/web/1 left",
			]);
		});

		it("is wrong by both rules only where no event was sent: a refresh, a directory made for a hidden key", async () => {
			const { compared } = await run(byRules);
			assert.deepEqual(wrong(compared), [
				"2 /a/web/1 other",
				"3 /a/job lacking",
				"3 /a/web/1 other",
				"4 /a/job lacking",
			]);
		});

		it("is held against a read after each accepted write, and none after a refused one", async () => {
			const { seen, reads } = await run(byRules);
			assert.deepEqual(
				reads.map(({ index, nodes }) => `${index}: ${nodes.map(({ key }) => key).join(" ")}`),
				["1: /a /a/web /a/web/1", "2: /a /a/web /a/web/1", "3: /a /a/job /a/web /a/web/1", "4: /a /a/job"],
			);
			assert.equal(seen.writes.filter(({ outcome }) => outcome.kind === "refused").length, 1);
		});

		it("is right on v3 by the events' own keys alone: a read at each revision shows nothing else", async () => {
			const { seen, reads } = await runWithReads(story, server.lab, { api: "v3" });
			assert.deepEqual(
				reads.map(({ index, nodes }) => `${index}: ${nodes.map(({ key }) => key).join(" ")}`),
				[
					"1: /a/web/1",
					"2: /a/web/1 /a/web/1/port",
					"3: /a/job/_lock /a/web/1 /a/web/1/port",
					"4: /a/job/_lock",
				],
			);
			const indexes = reads.map(({ index }) => index);
			const compared = compareTrees(reads, rebuild(seen, "log", byOwnKey, indexes));
			assert.equal(compared.length, 7);
			assert.deepEqual(wrong(compared), []);
			const nothing = compareTrees(
				reads,
				rebuild(seen, "log", () => {}, indexes),
			);
			assert.equal(wrong(nothing).length, 7, "a log that was not applied is told so");
			assert.match(carriedTable(seen, "log").text, /4 │ delete range +│ delete │ no value │ value +│ –/);
			const { text } = logChart(seen, compared, { title: "v3" });
			assert.match(text, /Right at each revision/);
			assert.equal(
				[...text.matchAll(/4 │ delete range \/a\/web\/? /g)].length,
				1,
				"one write, though it took two keys",
			);
			assert.match(carriedTable(seen, "log").text, /2 │ put +│ put +│ value +│ – +│ 2, new/);
		});

		it("is refused an index that is not the one of the last write by a refresh nobody heard of", async () => {
			const stale = await scenarioOf("a stale index: set /a/k 1 ttl 100; refresh /a/k 100")
				.compareAndSwap("/a/k", "2", { prevIndex: 1 })
				.run(server.lab);
			const { outcome } = stale.writes[2] ?? {};
			assert.equal(outcome?.kind === "refused" && outcome.code, 101);
		});

		it("is drawn with a word for each key at each index, and the events' fields are read off them", async () => {
			const { seen, compared } = await run(byOwnKey);
			const { text, svg } = logChart(seen, compared, { title: "by own keys" });
			assert.match(text, /12 of 13 marks are not as a read shows it/);
			assert.match(text, /4 │ rmdir \/a\/web .*✗ no read shows it/);
			assert.match(svg, /no read shows it/);
			assert.match(carriedTable(seen, "log").text, /1 │ set +│ set +│ value, ttl │ – +│ 1, new/);
			assert.throws(() => carriedTable(seen, "nobody"), /the run has no watcher "nobody"/);
		});
	});
});
