import assert from "node:assert/strict";
import { claims, type Timeline } from "etcd-watch-lab";
import { severalKeys } from "../../pages/golden/odd";
import {
	answered,
	asked,
	poll,
	replayed,
	set,
	stream,
	timelineOf,
	watch,
} from "../../support/scenario/builders";
import { type ClaimCase, judged, row, runOf } from "../../support/scenario/cases";
import { indexCases } from "../../support/scenario/cases/indexes";
import { lossCases } from "../../support/scenario/cases/loss";
import { reachCases } from "../../support/scenario/cases/reach";
import { windowCases } from "../../support/scenario/cases/window";
import { growths } from "../../support/work";

const cases: Record<string, readonly ClaimCase[]> = {
	...reachCases,
	...indexCases,
	...lossCases,
	...windowCases,
};
const names = Object.keys(claims) as (keyof typeof claims)[];
const empty = timelineOf({});
const casesOfClaim = (name: keyof typeof claims) => cases[name] ?? [];

describe("every claim", () => {
	it("has a case that confirms it, one that refutes it and one that leaves it untested", () => {
		assert.deepEqual(Object.keys(cases).sort(), [...names].sort());
		for (const name of names) {
			const verdicts = new Set(casesOfClaim(name).map(({ verdict }) => verdict));
			assert.deepEqual([...verdicts].sort(), ["confirmed", "refuted", "untested"], name);
		}
	});

	it("says of itself what it claims, and no two say the same", () => {
		const statements = names.map((name) => claims[name](empty).claim);
		assert.equal(new Set(statements).size, names.length);
		for (const statement of statements) assert.match(statement, /^\S.{20,}[^.]$/);
	});

	it("is untested by a run in which nothing happened", () => {
		for (const name of names) {
			const { claim, because, ...found } = claims[name](empty);
			assert.deepEqual({ name, ...found }, { name, verdict: "untested", evidence: [] });
			assert.notEqual(because, "");
			const record = { ...empty, recorded: "a record of etcd 3.5.1" };
			assert.deepEqual(claims[name](record), { ...claims[name](empty), recorded: record.recorded }, claim);
		}
	});

	it("says in the words of v3 why it is untested there", () => {
		const reasonsOf = (api: "v2" | "v3") => names.map((name) => claims[name](timelineOf({ api })).because);
		const told = reasonsOf("v3").filter((reason) => !reasonsOf("v2").includes(reason));
		assert.deepEqual(told.filter((reason) => !reason.startsWith("of v3 it says nothing: it")).sort(), [
			"it takes a put and a txn put over keys that were there",
			"no key was deleted that a watch that stays open was on",
			"no watch asked for a revision that lay 1000 events back",
			"no watch asked for a revision that was already past",
			"no watch on a prefix was there for both a key put and a key deleted one level below it",
			"no watch paused while there was something to see",
			"no watch that stays open was asked for an event in the past and had another one to see",
			"no watch was told of a delete of a range with several keys",
			"no write that changed nothing was followed by one that did",
			"nobody wrote two levels below a watched prefix",
			"nothing was written between two watches without a start revision",
			"nothing was written two levels or more below a watched prefix",
			"nothing was written whose name begins with the one key of a watch",
		]);
	});

	it("knows the keys of one v3 write, which have one revision", () => {
		const run: Timeline = JSON.parse(JSON.stringify(severalKeys(3)).replaceAll('"/a/1"', '"/a"'));
		assert.equal(claims.removalNamesEveryKey(run).verdict, "confirmed");
		assert.equal(claims.storeHasOneSequence(run).verdict, "confirmed");
	});

	it("gives the same verdict when it is asked again, and leaves the timeline as it was", async () => {
		for (const name of names) {
			for (const one of casesOfClaim(name)) {
				const timeline = await runOf(one);
				assert.ok(Object.isFrozen(timeline.writes));
				const verdict = claims[name](timeline);
				assert.deepEqual(claims[name](timeline), verdict);
				assert.deepEqual(claims[name](structuredClone(timeline)), verdict, "of a copy");
			}
		}
	});

	it("shows rows of the timeline only, whichever claim's run it is asked about", async () => {
		for (const one of Object.values(cases).flat()) {
			const timeline = await runOf(one);
			for (const name of names) judged(claims[name], timeline);
		}
	});

	it("never rests on a silence that nothing proves", async () => {
		const ofWritesAlone =
			/versionsArePerKey|storeHasOneSequence|keysCountTheirOwnWrites|setMakesTheKeyAnew|refusedWrite/;
		for (const one of Object.values(cases).flat()) {
			const run = await runOf(one);
			const unproven = {
				...run,
				watchers: run.watchers.map((watcher) => ({ ...watcher, proof: "none" as const })),
			};
			const heard = new Set(
				unproven.watchers.flatMap(({ deliveries }) => deliveries.map(({ index }) => index)),
			);
			for (const name of names) {
				const { verdict, evidence } = claims[name](unproven);
				const silent = evidence.some(
					(shown) =>
						shown.kind === "write" &&
						shown.write.outcome.kind === "accepted" &&
						!heard.has(shown.write.outcome.index),
				);
				assert.ok(
					verdict === "untested" || !silent || ofWritesAlone.test(name),
					`${name} on "${one.it}": ${verdict}`,
				);
			}
		}
	});

	it("takes about twice as much work for twice as many writes and polls", () => {
		const growth = growths(
			200,
			() => require("#lib/claims") as typeof import("#lib/claims"),
			({ claims }) => {
				const runs = new Map([200, 400].map((size) => [size, longRun(size)]));
				return Object.fromEntries(
					names.map((name) => [name, (size) => claims[name](runs.get(size) ?? empty)]),
				);
			},
		);
		assert.deepEqual(Object.keys(growth), names);
		for (const [name, times] of Object.entries(growth))
			assert.ok(times < 2.6, `${name}: ${times.toFixed(2)} times`);
		assert.equal(claims.pollsLoseWhatFallsBetween(longRun(200)).verdict, "confirmed");
	});
});

/** So many writes, a watch that is told of all, a stream that asks for all, and polls that are told of every second one. */
function longRun(size: number): Timeline {
	const writes = Array.from({ length: size }, (_, at) => set(`/a/${at % 50}/${at}`, "x"));
	const all = Array.from({ length: size }, (_, at) => ({ index: at + 1, etcdIndex: at }));
	const every2nd = all.filter(({ index }) => index % 2 === 1);
	return timelineOf({
		writes,
		watchers: [
			watch("w", "/a", { recursive: true, sent: all }),
			stream("past", "/a", { recursive: true, sent: [replayed(1, size)], life: [asked(size, 1)] }),
			poll("polls", "/a", {
				recursive: true,
				sent: every2nd,
				life: every2nd.flatMap(({ index }) => [asked(index - 1), answered(index)]),
			}),
		],
	});
}

describe("claims", () => {
	for (const name of names)
		describe(name, () => {
			for (const one of casesOfClaim(name))
				it(one.it, async () => {
					const { verdict, because, evidence } = judged(claims[name], await runOf(one));
					const found = { verdict, evidence: evidence.map(row) };
					assert.deepEqual(found, { verdict: one.verdict, evidence: one.evidence }, because);
					assert.match(because, one.because);
				});
		});
});
