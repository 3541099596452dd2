import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { explain, runOnModel, type Scenario, scenario, type Timeline } from "etcd-watch-lab";
import { compareTimelines, type Reason, UnknownReasonError } from "#lib/timeline";
import { root } from "../../support/checkout";
import { forEachEtcd } from "../../support/etcd";
import { scenarioOf } from "../../support/scenario/script";
import { explainAll } from "../../support/timelines";

/** One experiment, and what it explains: [write, watcher, reason, words that have to be there]. */
interface Explained {
	readonly steps: Scenario;
	readonly reasons: readonly (readonly [write: number, watcher: string, reason: Reason, words: RegExp])[];
	/** Sockets and time are not the model's: these runs are not compared with it. */
	readonly beyondModel?: true;
}

const experiments: readonly Explained[] = [
	{
		steps: scenarioOf(`
			the post's five writes: watch recursive /a/...; watch plain /a; set /a/b a-b; set /a/b/c a-b-c;
			set /a/d a-d; delete /a/b/c; delete /a/b; set /elsewhere
		`),
		reasons: [
			[1, "recursive", "recursive", /^delivered: \/a\/b is one level below \/a, and the watch is recursive$/],
			[
				1,
				"plain",
				"not recursive",
				/^not delivered: the watcher is not recursive, and \/a\/b is one level below/,
			],
			[2, "recursive", "refused", /^not delivered: the write failed with 104 Not a directory \(\/a\/b\)/],
			[4, "plain", "refused", /104/],
			[6, "recursive", "elsewhere", /^not delivered: \/elsewhere is not below \/a$/],
		],
	},
	{
		steps: scenarioOf(`
			two levels: watch plain /a; set /a/b/c; mkdir /a/own; watch own /a/own; rmdir /a/own
		`),
		reasons: [
			[1, "plain", "not recursive", /\/a\/b\/c is two levels below \/a/],
			[3, "own", "own key", /the write is on the watched key itself/],
		],
	},
	{
		steps: scenarioOf("hidden: watch live /a/...; set /a/_h/x; watch replay /a/... after 0; set /a/y"),
		reasons: [
			[1, "live", "hidden", /begins with an underscore/],
			[1, "replay", "history: recursive", /^delivered though hidden: .* does not look at hidden names$/],
			[2, "replay", "recursive", /one level below/],
		],
	},
	{
		steps: scenarioOf(`
			prefix siblings: mkdir /foo; watch live /foobar; rmdir /foo; watch replay /foobar after 0
		`),
		reasons: [
			[2, "live", "elsewhere", /\/foo is not below \/foobar/],
			[2, "replay", "history: removed directory's prefix", /though \/foo does not hold \/foobar/],
		],
	},
	{
		steps: scenarioOf(`
			from above: set /p/a/x; watch plain /p/a; watch missing /p/zz; rmdir /p/...;
			watch late /p/a/x after 1
		`),
		reasons: [
			[2, "plain", "removed with its directory", /\/p was removed, and \/p\/a with it/],
			[2, "missing", "no node there", /there was no node at \/p\/zz/],
			[2, "late", "history: removed directory's prefix", /^delivered from the history/],
		],
	},
	{
		steps: scenario("a stream on the removed key").mkdir("/a").stream("s", "/a").rmdir("/a"),
		reasons: [
			[1, "s", "not yet asked", /registered at index 1/],
			[2, "s", "second notice of the removal", /^delivered twice/],
		],
	},
	{
		steps: scenarioOf("a stream from the past: set /a/1; stream s /a/... after 0; set /a/2"),
		reasons: [
			[1, "s", "history: recursive", /^delivered from the history/],
			[2, "s", "deaf stream", /never put on the list/],
		],
	},
	{
		steps: scenarioOf("refresh: set /a/x v ttl 60; watch w /a/...; refresh /a/x 60"),
		reasons: [[2, "w", "refresh", /a renewed ttl takes an index and raises no event/]],
	},
	{
		steps: scenarioOf("two polls: poll w /a/...; set /a/1; set /a/2; poll w; set /a/3; set /a/4"),
		reasons: [
			[
				2,
				"w",
				"between two polls",
				/answered at index 1, the next one was made at 2 and asked for what comes from then on/,
			],
			[4, "w", "over", /its poll had been answered at index 3/],
		],
	},
	{
		steps: scenarioOf(`
			the wrong index: poll w /a/...; set /b/1; set /a/1; set /a/2; poll w after response;
			poll w after response; set /a/3
		`),
		reasons: [
			[2, "w", "asked again", /^delivered again/],
			[3, "w", "between two polls", /asked for index 4 on/],
		],
	},
	{
		steps: scenarioOf(`
			cut and closed: set /a/0; watch "from later" /a/... after 1; watch w /a/...; cut w; set /a/1;
			reconnect w; close w; set /a/2
		`),
		reasons: [
			[1, "from later", "asked from later on", /asked from index 2 on/],
			[2, "w", "over", /its connection was cut at index 1/],
			[3, "w", "over", /it was closed at index 2/],
		],
	},
	{
		steps: scenarioOf("past the window: set /q/k; 1001 × set /noise; watch w /q/... after 0"),
		reasons: [[1, "w", "cleared", /asked for too late.*401/]],
	},
	{
		steps: scenarioOf(`
			a reader that was busy: stream s /a/...; pause s; 1500 × set /a over 5 valueBytes 20000; resume s;
			set /a/end
		`),
		reasons: [[1501, "s", "reader paused", /the server's buffer of 100 events was full/]],
		beyondModel: true,
	},
	{
		steps: scenario("an expiry").mkdir("/d", { ttl: 1 }).set("/d/x").watch("w", "/d/x").awaitExpiry("/d"),
		reasons: [[3, "w", "removed with its directory", /\/d was removed, and \/d\/x with it/]],
	},
];

forEachEtcd((server) => {
	describe("explain", () => {
		const runs = new Map<Explained, Timeline>();
		before(async function () {
			this.timeout(60_000);
			for (const experiment of experiments) runs.set(experiment, await experiment.steps.run(server.lab));
		});
		const runOf = (experiment: Explained): Timeline => {
			const run = runs.get(experiment);
			assert.ok(run);
			return run;
		};

		for (const experiment of experiments) {
			it(`names the rule that decided: ${experiment.steps.name}`, () => {
				for (const [write, watcher, reason, words] of experiment.reasons) {
					const explained = explain(runOf(experiment), watcher, write);
					assert.equal(explained.reason, reason, `write ${write} at "${watcher}": ${explained.words}`);
					assert.match(explained.words, words);
				}
			});
		}

		it("has a reason for every write at every watcher, and says delivered just where it was", function () {
			this.timeout(60_000);
			for (const experiment of experiments) {
				const run = runOf(experiment);
				explainAll(run).forEach((row, at) => {
					row.forEach((explained, column) => {
						const outcome = run.writes[at]?.outcome;
						const index = outcome?.kind === "accepted" ? outcome.index : Number.NaN;
						const came = run.watchers[column]?.deliveries.filter((one) => one.index === index).length;
						assert.equal(explained.delivered, came);
						assert.equal(/^delivered/.test(explained.words), came !== 0, explained.words);
					});
				});
			}
		});

		it("names a notebook that there is for every reason", () => {
			for (const experiment of experiments) {
				for (const { notebook } of explainAll(runOf(experiment)).flat()) {
					assert.ok(existsSync(join(root, "notebooks", `${notebook}.ipynb`)), notebook);
				}
			}
		});

		it("refuses to guess: a delivery or a silence that no rule accounts for is an error", () => {
			const [post] = experiments;
			assert.ok(post);
			const run = runOf(post);
			const [recursive, plain] = run.watchers;
			assert.ok(recursive && plain);
			const robbed = { ...run, watchers: [{ ...recursive, deliveries: recursive.deliveries.slice(1) }] };
			assert.throws(() => explain(robbed, "recursive", 1), UnknownReasonError);
			const gifted = { ...run, watchers: [{ ...plain, deliveries: recursive.deliveries }] };
			assert.throws(() => explain(gifted, "plain", 1), UnknownReasonError);
		});

		it("says what it does not know: no answer, and a silence without proof", () => {
			const [post] = experiments;
			assert.ok(post);
			const run = runOf(post);
			const [recursive] = run.watchers;
			const [first, ...others] = run.writes;
			assert.ok(recursive && first);
			const failed = { kind: "failed", message: "cut", maybeApplied: true } as const;
			const deaf = { ...recursive, deliveries: recursive.deliveries.slice(1) };
			const unanswered = { ...run, writes: [{ ...first, outcome: failed }, ...others] };
			assert.equal(explain({ ...unanswered, watchers: [deaf] }, "recursive", 1).reason, "unanswered write");
			// Its event shows that it was carried out.
			assert.match(
				explain(unanswered, "recursive", 1).words,
				/^delivered: .*no answer, and was carried out$/,
			);
			const late = { ...recursive, deliveries: recursive.deliveries.slice(1), proof: "none" as const };
			assert.equal(explain({ ...run, watchers: [late] }, "recursive", 1).reason, "unproven");
		});

		it("refuses a watcher or a write that the run lacks", () => {
			const [post] = experiments;
			assert.ok(post);
			assert.throws(() => explain(runOf(post), "nobody", 1), /the run has no watcher "nobody"/);
			assert.throws(() => explain(runOf(post), "plain", 99), /there is no write 99/);
		});
	});

	describe("runOnModel", () => {
		for (const { steps, beyondModel } of experiments) {
			if (beyondModel) continue;
			it(`gives what the server gives, event by event: ${steps.name}`, async function () {
				this.timeout(30_000);
				const real = await steps.run(server.lab);
				const modelled = await runOnModel(steps, { version: server.lab.version, like: real });
				assert.deepEqual(compareTimelines(real, modelled), []);
			});
		}

		it("gives what the server gives for every other operation and its errors", async () => {
			const steps = scenarioOf(`
				operations: watch w /...; create /a 1; create /a 2; update /missing x; update /a 2; swap /a 2 3
			`)
				.compareAndSwap("/a", "4", { prevValue: "2", prevIndex: 1 })
				.compareAndDelete("/a", { prevIndex: 99 })
				.compareAndDelete("/a", { prevValue: "3" })
				.createInOrder("/queue", "job")
				.mkdir("/dir", { ttl: 100 })
				.updateDirectory("/dir", { ttl: 50 })
				.delete("/dir")
				.rmdir("/queue")
				.set("/queue", "x")
				.refresh("/dir", 10)
				.rmdir("/queue", { recursive: true });
			const real = await steps.run(server.lab);
			const modelled = await runOnModel(steps, { version: server.lab.version });
			assert.deepEqual(compareTimelines(real, modelled), []);
			assert.equal(
				real.writes.filter(({ outcome }) => outcome.kind === "refused").length,
				server.series === "3.4" ? 7 : 9,
			);
		});

		it("follows recover, poll loops and streams through a burst of one client", async () => {
			const steps = scenarioOf(`
				one by one: watch w /a/...; stream s /a/...; 40 × set /a over 7 connections 1; set /a/end x
			`);
			const real = await steps.run(server.lab);
			assert.deepEqual(compareTimelines(real, await runOnModel(steps, { like: real })), []);
		});
	});

	describe("compareTimelines", () => {
		it("finds a write, an event, a field and an error that differ, and says where", async () => {
			const steps = scenario("x").watch("w", "/a").set("/a", "1").set("/a", "2");
			const real = await steps.run(server.lab);
			const other = await runOnModel(scenario("x").watch("w", "/a").set("/a", "1").set("/a", "3"));
			assert.deepEqual(
				compareTimelines(real, other).map(({ where, one, other: theirs }) => [where, one, theirs]),
				[
					["write 2", "node.value: 2", "node.value: 3"],
					['"w", event 2', "node.value: 2", "node.value: 3"],
				],
			);
			const shorter = { ...real, writes: real.writes.slice(0, 1) };
			assert.deepEqual(compareTimelines(real, shorter).at(0)?.other, "nothing");
			const deaf = { ...real, watchers: real.watchers.map((one) => ({ ...one, deliveries: [] })) };
			assert.equal(compareTimelines(real, deaf).length, 2);
		});

		it("finds another key, kind or writer, another list, and what was done to the servers", async () => {
			const one = await runOnModel(
				scenario("x").watch("w", "/a").set("/a").burst("/b", { count: 1001 }).close("w").set("/a", "2"),
			);
			const [w] = one.watchers;
			const [first, ...others] = one.writes;
			assert.ok(w && first);
			const listed = { kind: "listed", at: 2, keys: [] } as const;
			const cases: [Timeline, string][] = [
				[{ ...one, watchers: [{ ...w, key: "/b" }] }, "the scenario, watcher 1"],
				[{ ...one, watchers: [{ ...w, kind: "poll" }] }, "the scenario, watcher 1"],
				[{ ...one, watchers: [{ ...w, recursive: true }] }, '"w"'],
				[{ ...one, watchers: [{ ...w, life: [...w.life, listed] }] }, '"w"'],
				[{ ...one, writes: [{ ...first, by: "Ann" }, ...others] }, "write 1"],
				[{ ...one, faults: [{ kind: "kill", at: 1 }] }, "the run"],
				[{ ...one, api: "v3" }, "the run"],
			];
			for (const [other, where] of cases)
				assert.deepEqual(
					compareTimelines(one, other).map((difference) => difference.where),
					[where],
				);
		});
	});
});
