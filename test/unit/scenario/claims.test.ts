import assert from "node:assert/strict";
import { claims } from "etcd-watch-lab";
import { timelineOf } from "../../support/scenario/builders";
import { type ClaimCase, judged, row, runOf } from "../../support/scenario/cases";
import { indexCases } from "../../support/scenario/cases/indexes";
import { lossCases } from "../../support/scenario/cases/loss";
import { reachCases } from "../../support/scenario/cases/reach";
import { windowCases } from "../../support/scenario/cases/window";

const cases: Record<string, readonly ClaimCase[]> = {
	...reachCases,
	...indexCases,
	...lossCases,
	...windowCases,
};
const names = Object.keys(claims) as (keyof typeof claims)[];
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
		const empty = timelineOf({});
		const statements = names.map((name) => claims[name](empty).claim);
		assert.equal(new Set(statements).size, names.length);
		for (const statement of statements) assert.match(statement, /^\S.{20,}[^.]$/);
	});

	it("is untested by a run in which nothing happened", () => {
		const empty = timelineOf({});
		for (const name of names) {
			const { verdict, because, evidence } = claims[name](empty);
			assert.deepEqual({ name, verdict, evidence }, { name, verdict: "untested", evidence: [] });
			assert.notEqual(because, "");
		}
	});

	it("gives the same verdict when it is asked again, and leaves the timeline as it was", async () => {
		for (const name of names) {
			for (const one of casesOfClaim(name)) {
				const timeline = await runOf(one);
				const before = structuredClone(timeline);
				const verdict = claims[name](timeline);
				assert.deepEqual(claims[name](timeline), verdict);
				assert.deepEqual(claims[name](before), verdict, "of a copy");
				assert.deepEqual(timeline, before);
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

	it("judges 5,000 writes and a loop of 2,500 polls within four seconds of the processor each", () => {
		const writes = Array.from({ length: 5000 }, (_, at) => ({
			operation: "set",
			key: `/a/${at % 50}/${at}`,
			value: "x",
		}));
		const whole = timelineOf({ writes });
		const [first] = timelineOf({
			writes: [{ operation: "set", key: "/a" }],
			watchers: [{ name: "w", key: "/a", kind: "watch", sent: [1] }],
		}).watchers;
		assert.ok(first);
		const all = whole.writes.flatMap(({ outcome }) =>
			outcome.kind === "accepted"
				? [
						{
							index: outcome.index,
							action: outcome.action,
							key: outcome.node.key,
							node: outcome.node,
							etcdIndex: outcome.index - 1,
							fromHistory: false,
						},
					]
				: [],
		);
		const every2nd = all.filter(({ index }) => index % 2 === 1);
		const timeline = {
			...whole,
			watchers: [
				{ ...first, recursive: true, deliveries: all },
				{
					...first,
					name: "polls",
					kind: "poll" as const,
					recursive: true,
					deliveries: every2nd,
					life: every2nd.flatMap(({ index }) => [
						{ kind: "asked" as const, at: index - 1 },
						{ kind: "answered" as const, at: index },
					]),
					proof: "answered" as const,
				},
			],
		};
		for (const name of names) {
			const begin = process.cpuUsage();
			claims[name](timeline);
			const { user } = process.cpuUsage(begin);
			assert.ok(user < 4_000_000, `${name} took ${Math.round(user / 1000)} ms of the processor`);
		}
		assert.equal(claims.pollsLoseWhatFallsBetween(timeline).verdict, "confirmed");
	});
});

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
