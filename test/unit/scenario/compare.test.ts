import assert from "node:assert/strict";
import { loadTimeline, runOnModel, saveTimeline, scenario, type Timeline } from "etcd-watch-lab";
import { compareTimelines, type WatcherRecord } from "#lib/timeline";
import { runIn } from "../../support/scenario/cases";

/** The same run as a server might have recorded it. */
function onServer(seen: Timeline, change: (watcher: WatcherRecord) => WatcherRecord): Timeline {
	return { ...seen, server: "3.5.1", watchers: seen.watchers.map(change) };
}

describe("compareTimelines of a run on a server and one on the model", () => {
	it("says that these are runs of two scenarios, and no more", async () => {
		const one = await runOnModel(scenario("o").watch("w", "/a").set("/a"));
		const notCompared = "these are runs of two scenarios";
		for (const [steps, difference] of [
			[
				scenario("o").watch("w", "/a").set("/z").set("/z", "2"),
				{ where: "the scenario, write 1", one: "set /a", other: "set /z" },
			],
			[
				scenario("o").stream("w", "/a").set("/a"),
				{ where: "the scenario, watcher 1", one: 'watch "w" on /a', other: 'stream "w" on /a' },
			],
		] as const)
			assert.deepEqual(compareTimelines(one, await runOnModel(steps)), [
				{ ...difference, fields: [], notCompared },
			]);
	});

	it("does not hold a loop that a burst outran against the model's, which never is", async () => {
		const burst = { count: 40, keyCount: 1, connections: 1 };
		const seen = await runOnModel(scenario("b").watch("w", "/a", { recursive: true }).burst("/a", burst));
		const error = { kind: "error", at: 40, code: 401, message: "", cause: "" } as const;
		const outrun = onServer(seen, (watcher) => ({
			...watcher,
			deliveries: watcher.deliveries.slice(0, 10),
			life: [...watcher.life, error],
			proof: "error",
		}));
		const [difference, ...more] = compareTimelines(outrun, seen);
		assert.deepEqual(more, []);
		assert.equal(difference?.where, '"w", events 11 to 40');
		assert.deepEqual([difference?.one, difference?.other], ["ended with a 401 after 10", "30 more"]);
		assert.match(difference?.notCompared ?? "", /never outrun/);
		const lost = onServer(seen, (watcher) => ({ ...watcher, deliveries: watcher.deliveries.slice(0, 39) }));
		assert.equal(
			compareTimelines(lost, seen)[0]?.notCompared,
			undefined,
			"a loss without a reason is a difference",
		);
	});

	it("does not compare which events came late where a server was disturbed", async () => {
		const steps = scenario("f").watch("w", "/a").set("/a", "1").set("/a", "2");
		const quiet = await runOnModel(steps);
		const late = (run: Timeline) =>
			onServer(run, (watcher) => ({
				...watcher,
				deliveries: watcher.deliveries.map((one) => ({ ...one, etcdIndex: 2, fromHistory: true })),
			}));
		assert.equal(
			compareTimelines(
				late(quiet),
				onServer(quiet, (watcher) => watcher),
			).length,
			2,
		);
		const faults = [{ kind: "pause", at: 1 }] as const;
		const disturbed = onServer({ ...quiet, faults }, (watcher) => watcher);
		assert.deepEqual(compareTimelines(late(disturbed), disturbed), []);
	});

	it("does not hold a reader that stopped against the model's, which has no buffers", async () => {
		const steps = scenario("s").stream("s", "/a").pause("s").set("/a", "1").set("/a", "2").resume("s");
		const seen = await runOnModel(steps.awaitDelivery("s", 2));
		const dropped = onServer(seen, (watcher) => ({ ...watcher, deliveries: watcher.deliveries.slice(0, 1) }));
		const [difference, ...more] = compareTimelines(seen, dropped);
		assert.deepEqual(more, []);
		assert.match(difference?.notCompared ?? "", /no buffers/);
	});
});

describe("compareTimelines of one run and the same with an edit", () => {
	const run = "watch w /a/...; set /a/1 x; set /a/1/x; set /a/2 ttl 60; delete /a/1";
	/** The first place that differs, with what the two have there, or its fields where they are many; "" for none. */
	const table: readonly (readonly [edit: string, first: string, places?: number])[] = [
		["write 1 key /z", "the scenario, write 1: set /a/1 | set /z"],
		["write 1 modifiedIndex 7", "write 1: node.modifiedIndex: 1 | node.modifiedIndex: 7"],
		["write 4 createdIndex 9", "write 4: node.createdIndex: 1 | node.createdIndex: 9"],
		["write 2 cause /q", "write 2: cause: /a/1 | cause: /q"],
		["write 4 unanswered", "write 4: 17 fields"],
		["write 4 new", "write 4: 6 fields"],
		["write 3 ttl 5", ""],
		["w missed 3", '"w", event 3: 16 fields'],
		["w got 1 set /a/1=y, 2@1, 3@2", '"w", event 1: node.value: x | node.value: y'],
		["w got 1@5, 2@1, 3@2", '"w", event 1: etcdIndex: 0 | etcdIndex: 5'],
		["w got 1, 2@1, 3@2 replayed", '"w", event 3: fromHistory: false | fromHistory: true'],
		["w lived cut 0", ""],
		["w lived error 401 4 1-1", '"w", errors: 7 fields'],
		["w lived asked 0, listed 3 /a/1@1", '"w": 7 fields'],
		["member wipe 2", "the run: faults.0: nothing | faults.0: wipe"],
		["api v3", "the run: api: v2 | api: v3", 5],
	];
	for (const [edit, first, places = first === "" ? 0 : 1] of table)
		it(`says ${first === "" ? "that they are the same" : first} where ${edit}`, async () => {
			const found = compareTimelines(await runIn(run), await runIn(`${run} but ${edit}`));
			const told = found.map(({ where, one, other, fields }) =>
				fields.length > 3 ? `${where}: ${fields.length} fields` : `${where}: ${one} | ${other}`,
			);
			assert.deepEqual([told[0] ?? "", told.length], [first, places]);
			for (const { nth, where } of found)
				assert.ok(nth === undefined || `${nth.of} ${nth.number}` === where, where);
		});

	it("leaves a key's ttl at its expiry out, and what it was before a write of a burst", async () => {
		const expiry = "watch w /a/...; set /a/1 ttl 1; expire /a/1";
		assert.deepEqual(compareTimelines(await runIn(expiry), await runIn(`${expiry} but write 1 ttl 9`)), []);
		const burst = "watch w /a/...; 3 × set /a over 1";
		assert.deepEqual(compareTimelines(await runIn(burst), await runIn(`${burst} but write 2 new`)), []);
	});
});

describe("compareTimelines of two runs", () => {
	/** The two, of a server where it says so, and each place that differs. */
	const outrun = "watch v /b; watch w /a/...; set /b; 2 × set /a over 1";
	const ended = `etcd: ${outrun} but w missed 3; w lived asked 0`;
	const slow = "stream v /b; stream w /a; set /b; pause w; set /a; set /a; resume w";
	const plain = "watch w /a; set /a; set /a";
	const table: readonly (readonly [one: string, other: string, ...told: string[]])[] = [
		["watch w /a; set /b; 3 × set /a over 1", "watch w /a; set /b; 3 × set /a over 1 but write 3 new"],
		[
			"2 × set /a over 1",
			"2 × set /a over 1 but write 1 key /z",
			"write 1: key: /a/0, node.key: /a/0 | key: /z, node.key: /z",
		],
		[
			"set /a ttl 1; expire /a",
			"set /a ttl 1; expire /a but write 2 key /z",
			"write 2: key: /a, node.key: /a | key: /z, node.key: /z",
		],
		[
			"mkdir /a; set /a/1",
			"set /a/1 but api v3",
			"the run: api: v2 | api: v3",
			"write 1: 6 fields",
			"write 2: 13 fields",
		],
		[
			"watch w /a; set /a",
			"watch w /a; watch v /b; set /a; set /b",
			"write 2: 13 fields",
			'"v": nothing | key: /b, kind: watch, recursive: false',
			'"v", event 1: 11 fields',
		],
		[
			"watch w /a; watch v /b; set /a; set /b",
			"watch w /a; set /a",
			"write 2: 13 fields",
			'"v": key: /b, kind: watch, recursive: false | nothing',
			'"v", event 1: 11 fields',
		],
		[
			"set /a ttl 9; set /a",
			"set /a; set /a",
			"write 1: node.expires: true | node.expires: false",
			"write 2: prevNode.expires: true | prevNode.expires: false",
		],
		[
			slow,
			`etcd: ${slow} but w missed 2, 3`,
			'"w", events 1 to 2: 2 more | dropped after 0 (the model has no buffers: whoever stops reading there loses nothing)',
		],
		[slow, `${slow} but w missed 3`, '"w", event 2: 17 fields'],
		[`etcd: ${slow} but w missed 3`, `etcd: ${slow}`, '"w", event 2: 17 fields'],
		[slow, `etcd: ${slow}`],
		[
			slow,
			`etcd: ${slow.replaceAll("pause w; ", "").replaceAll("; resume w", "")} but w missed 3`,
			'"w", event 2: 17 fields',
		],
		[`etcd: ${plain} but w missed 2; w lived asked 0, paused 0`, plain, '"w", event 2: 17 fields'],
		[
			`etcd: ${plain} but w missed 2; w lived asked 0, error 401 1`,
			plain,
			'"w", event 2: 17 fields',
			'"w", errors: 5 fields',
		],
		[
			`${ended}, error 401 2`,
			outrun,
			`"w", event 2: ended with a 401 after 1 | 1 more (the model's loop is never outrun: it asks again before the next write)`,
		],
		[`${ended}, error 400 2`, outrun, '"w", event 2: 15 fields', '"w", errors: 5 fields'],
		[
			`${ended}, error 401 2`,
			`${outrun} but w lived asked 0, error 401 3`,
			'"w", event 2: 15 fields',
			'"w", errors: 0.at: 2 | 0.at: 3',
		],
		[
			"watch v /b; set /b; set /b",
			"etcd: set /b; set /b",
			'"v": key: /b, kind: watch, recursive: false | nothing',
			'"v", event 1: 11 fields',
			'"v", event 2: 17 fields',
		],
		[
			"etcd: watch v /b; set /b",
			"set /b",
			'"v": key: /b, kind: watch, recursive: false | nothing',
			'"v", event 1: 11 fields',
		],
	];
	const seen = async (run: string) =>
		run.startsWith("etcd: ") ? { ...(await runIn(run.slice(6))), server: "3.5.1" } : runIn(run);
	for (const [one, other, ...told] of table)
		it(`is ${told[0] ?? "that they are the same"}, of ${one} and ${other}`, async () => {
			const found = compareTimelines(await seen(one), await seen(other)).map((each) => {
				const both = each.fields.length > 3 ? `${each.fields.length} fields` : `${each.one} | ${each.other}`;
				return `${each.where}: ${both}${each.notCompared === undefined ? "" : ` (${[each.notCompared, ...each.fields].join()})`}`;
			});
			assert.deepEqual(found, told);
		});

	it("is what a follower was told, what was compacted, and no ttl at the expiry", async () => {
		const run = await runIn("follow f /a/...; set /a/1 ttl 1; expire /a/1");
		const [f] = run.watchers;
		assert.ok(f);
		const keys = { why: "cleared", keys: [] };
		const gap = { kind: "gap", at: 2, from: 1, to: 2, added: [], changed: [], ...keys } as const;
		const reset = { kind: "reset", at: 2, lastIndex: 1, ...keys } as const;
		const placesOf = (other: Timeline) =>
			compareTimelines(run, other).map(({ where, other }) => `${where}: ${other}`);
		for (const event of [gap, reset]) {
			const [place, ...more] = placesOf({ ...run, watchers: [{ ...f, life: [...f.life, event] }] });
			assert.match(place ?? "", new RegExp(`^"f", errors: 0.kind: ${event.kind}, `));
			assert.deepEqual(more, []);
		}
		assert.deepEqual(placesOf({ ...run, compactions: [{ at: 2, index: 2 }] }), [
			"the run: compactions.0.at: 2, compactions.0.index: 2",
		]);
		const withoutCounterpart = [{ step: 1, what: "x", why: "y" }];
		assert.equal(placesOf({ ...run, withoutCounterpart })[0]?.includes("Counterpart.0: "), false);
		const past = (name: string, value: object) => (name === "prevNode" ? { ...value, ttl: -1 } : value);
		assert.deepEqual(placesOf(JSON.parse(JSON.stringify(run), past)), []);
	});
});

describe("loadTimeline", () => {
	it("refuses ids out of order, an index that two writes have, and a gap that ends before it begins", async () => {
		const follow = scenario("g").follow("f", "/a", { recursive: true }).set("/a/1").cut("f");
		const seen = await runOnModel(follow.burst("/x", { count: 1001 }).reconnect("f"));
		assert.deepEqual(loadTimeline(saveTimeline(seen)), seen);
		const [first, second, ...rest] = seen.writes;
		const [f] = seen.watchers;
		assert.ok(first && second && f && second.outcome.kind === "accepted");
		const expired = { ...second, operation: "expire", outcome: { ...second.outcome, index: 1 } };
		const told = (from: number) => {
			const life = f.life.map((event) =>
				event.kind === "gap" ? { ...event, from: event.to + from } : event,
			);
			return { ...seen, watchers: [{ ...f, life }] };
		};
		assert.deepEqual(loadTimeline(saveTimeline(told(0))), told(0));
		for (const [wrong, what] of [
			[
				{ ...seen, writes: [second, first, ...rest] },
				/writes\[0\].id: the ids are 1, 2, …: this is write 1; writes\[1\].id: .*: this is write 2$/,
			],
			[{ ...seen, writes: [first, expired, ...rest] }, /another write has the index 1/],
			[told(1), /: watchers\[0\].life\[4\].to: a gap ends before it begins$/],
		] as const)
			assert.throws(() => loadTimeline(saveTimeline(wrong)), what);
	});
});
