import assert from "node:assert/strict";
import { runOnModel, scenario, type Timeline } from "etcd-watch-lab";
import { checkExercise, predictionOf } from "#lib/page";
import { type AnsweredExercise, answered, exercise, miss, solved } from "#lib/page/exercise.js";
import { said } from "../../support/page/fixtures";

describe("checkExercise", () => {
	let hearOfTwo: AnsweredExercise;
	let run: Timeline;
	let tooShort: Timeline;

	before(async () => {
		const one = scenario("mine").watch("w", "/a", { recursive: true }).set("/a/1");
		tooShort = await runOnModel(one);
		run = await runOnModel(one.set("/a/2").set("/b"));
	});
	beforeEach(() => {
		const task = exercise("Two events at one watcher", ({ watchers }) =>
			watchers.map(({ deliveries }) =>
				deliveries.length === 2 ? solved("both came") : miss(deliveries.length, "write once more"),
			),
		);
		const answer = { code: 'const attempt = scenario("mine");', because: "Each write is an event." };
		hearOfTwo = answered("hearOfTwo", task, answer);
	});

	const told = (by: "showAnswer" | "giveUp") => said(() => hearOfTwo[by]());
	const right = predictionOf({ w: [1, 2] });
	const wrong = predictionOf({ w: "all" });

	it("shows a run that does it and was predicted as solved, and then its answer to who asks", () => {
		const text = said(() => checkExercise(hearOfTwo, run, right));
		assert.match(text, /✓ solved │ ✓ All 3 right\. +│ both came/);
		assert.match(text, /^An answer of the lab's: exercises\.hearOfTwo\.showAnswer\(\)$/m);
		const answer = told("showAnswer");
		assert.match(
			answer,
			/^An answer: Two events at one watcher\n\nconst attempt = .*\n\nEach write is an event\.$/m,
		);
	});

	it("wants a run that does it predicted, before it shows its answer", () => {
		const text = said(() => checkExercise(hearOfTwo, run, wrong));
		assert.match(text, /✓ solved │ ✗ 2 of 3 right\. +│ both came/);
		assert.match(text, /^Now predict it: say beforehand what this run will show\.$/m);
		assert.match(text, /^To give up, and see an answer: exercises\.hearOfTwo\.giveUp\(\)$/m);
		assert.match(told("showAnswer"), /Not solved yet/);
	});

	it("says what is missing of a run that does not do it, and leaves the answer alone", () => {
		const text = said(() => checkExercise(hearOfTwo, tooShort, predictionOf({ w: "all" })));
		assert.match(text, /✗ not yet │ ✓ All 1 right\. +│ write once more/);
		assert.doesNotMatch(text, /Now predict/);
		assert.match(told("showAnswer"), /Not solved yet/);
	});

	it("takes what nobody knows for no prediction that came true", () => {
		const unproved = {
			...run,
			watchers: run.watchers.map((w) => ({
				...w,
				deliveries: w.deliveries.slice(0, 2),
				proof: "none" as const,
			})),
			writes: [...run.writes, ...run.writes.slice(0, 1).map((write) => ({ ...write, id: 99 }))],
		};
		const failed = unproved.writes.map((write) =>
			write.id === 99
				? { ...write, outcome: { kind: "failed" as const, message: "timed out", maybeApplied: true } }
				: write,
		);
		const text = said(() => checkExercise(hearOfTwo, { ...unproved, writes: failed }, right));
		assert.match(text, /✓ solved │ \? \d of 4 right, \d not known\./);
	});

	it("refuses to show an answer before an attempt, in a sentence that says how to give up", () => {
		assert.equal(
			told("showAnswer"),
			"Not solved yet: change the attempt and its prediction, and run both cells.\nTo give up, and see an answer: exercises.hearOfTwo.giveUp()\n",
		);
		assert.match(told("giveUp"), /^An answer: Two events/);
		assert.match(told("showAnswer"), /^An answer: Two events/);
	});

	it("refuses a prediction of another run", () => {
		assert.throws(() => checkExercise(hearOfTwo, run, predictionOf({ nobody: "all" })), {
			name: "RangeError",
			message: /no watcher "nobody"/,
		});
	});
});
