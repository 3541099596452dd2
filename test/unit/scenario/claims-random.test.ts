import assert from "node:assert/strict";
import {
	claims,
	loadTimeline,
	runOnModel,
	type Scenario,
	saveTimeline,
	scenario,
	type Timeline,
} from "etcd-watch-lab";
import { ScenarioError } from "#lib/scenario";
import { isFalse, isTrue } from "../../support/scenario/agreement";
import { edits } from "../../support/scenario/edits";
import { random } from "../../support/scenario/random-runs";

/** Numbers that look random, the same ones for the same seed. */
function diceOf(seed: number) {
	const below = random(seed);
	return { below, one: <T>(of: readonly T[]): T => of[below(of.length)] as T };
}

type Dice = ReturnType<typeof diceOf>;

const keys = ["/a", "/a/b", "/a/b/c", "/a/d", "/a/d/e/f", "/a/_h", "/a/_h/x", "/ab", "/x/1", "/x/2"];
const watched = ["/", "/a", "/a", "/a/b", "/a/d", "/a/_h", "/x", "/x/1"];

type Step = (of: Scenario, dice: Dice, names: string[]) => Scenario;

const open: Step = (of, dice, names) => {
	const name = `w${names.length + 1}`;
	const recursive = dice.below(2) === 0;
	const past = dice.below(3) === 0 ? { afterIndex: dice.below(6) } : {};
	const key = dice.one(watched);
	const kind = dice.below(4);
	names.push(name);
	if (kind === 0) return of.stream(name, key, { recursive, ...past });
	if (kind === 1) return of.poll(name, key, { recursive, ...past });
	if (kind === 2 && dice.below(2) === 0) return of.pollLoop(name, key, { recursive });
	return of.watch(name, key, { recursive, ...past });
};

const steps: readonly Step[] = [
	open,
	(of, dice) => of.set(dice.one(keys), String(dice.below(3))),
	(of, dice) => of.set(dice.one(keys), String(dice.below(3))),
	(of, dice) => of.set(dice.one(keys), String(dice.below(3))),
	(of, dice) => of.update(dice.one(keys), "u"),
	(of, dice) => of.compareAndSwap(dice.one(keys), "s", { prevValue: dice.one(["1", "u"]) }),
	(of, dice) => of.delete(dice.one(keys)),
	(of, dice) => of.rmdir(dice.one(["/a", "/a/b", "/a/d", "/x"]), { recursive: dice.below(3) > 0 }),
	(of, dice) => of.mkdir(dice.one(["/a", "/a/b", "/a/d", "/a/new"])),
	(of, dice) => of.createInOrder(dice.one(["/a", "/x"]), "q"),
	(of, dice) => of.set(dice.one(keys), "t", { ttl: 5 }),
	(of, dice) => of.refresh(dice.one(keys), 9),
	(of, dice) => of.awaitExpiry(dice.one(keys)),
	(of, dice, names) => of.cut(dice.one(names)),
	(of, dice, names) => of.reconnect(dice.one(names)),
	(of, dice, names) => of.close(dice.one(names)),
	(of, dice, names) => of.poll(dice.one(names), pollOptions(dice)),
	(of, dice, names) => of.poll(dice.one(names), pollOptions(dice)),
];

function pollOptions(dice: Dice): { goOnAfter?: "event" | "response"; afterIndex?: number } {
	const how = dice.below(4);
	if (how === 0) return {};
	return how === 3 ? { afterIndex: dice.below(8) } : { goOnAfter: how === 1 ? "event" : "response" };
}

const recursive = true;
/** What a run may begin with, so that each claim has something to say now and then. */
const starts: readonly ((of: Scenario) => Scenario)[] = [
	(of) => of,
	(of) => of,
	(of) => of.watch("r", "/x/1", { recursive }).watch("p", "/x/1").set("/x/1", "1"),
	(of) => of.poll("q", "/a", { recursive }).set("/a/d", "1").set("/a/d", "2").poll("q").set("/a/d", "3"),
	(of) => of.watch("c", "/x", { recursive }).set("/x/2", "1").stream("d", "/x/2").delete("/x/2"),
	(of) => of.set("/a/d", "1").set("/a/d", "2").stream("s", "/a", { recursive, afterIndex: 0 }),
];

function floodedStart(of: Scenario): Scenario {
	return of
		.poll("q", "/quiet")
		.set("/quiet")
		.burst("/noise", { count: 1001, keyCount: 5 })
		.poll("q", { goOnAfter: "event" });
}

/** A run of the model, if no step of it waits in vain: such as a poll that is asked again before its answer. */
async function randomRun(dice: Dice, isFlooded: boolean): Promise<Timeline | undefined> {
	const names: string[] = [];
	const start = isFlooded ? floodedStart : dice.one(starts);
	let made = open(start(scenario("random")), dice, names);
	for (let left = 6 + dice.below(22); left > 0; left--) {
		try {
			made = dice.one(steps)(made, dice, names);
		} catch (error) {
			// Such as a cut of what is closed, which the builder refuses.
			if (!(error instanceof Error) || error.name !== "ArgumentError") throw error;
		}
	}
	return await runOnModel(made).catch((error: unknown) => {
		if (error instanceof ScenarioError) return undefined;
		throw error;
	});
}

const seed = 20_261_228;
const runs = 100;

describe(`the claims on ${runs} random runs of the model, faults among them (seed ${seed})`, () => {
	it("confirm nothing that is false of etcd, and refute nothing that is true", async function () {
		this.timeout(300_000);
		const told = new Map<string, number>();
		for (let run = 0; run < runs; run++) {
			const dice = diceOf(seed + run);
			const timeline = await randomRun(dice, run % 50 === 0);
			if (timeline === undefined) continue;
			for (const [edit, change] of Object.entries(edits)) {
				const seen = change(timeline, dice.below);
				if (seen === undefined) continue;
				// Where an expiry was not recorded, the ids have a hole, which no file may have.
				if (edit !== "unseenExpiry") assert.deepEqual(loadTimeline(saveTimeline(seen)), seen);
				for (const name of [...isFalse, ...isTrue]) {
					const { verdict, because } = claims[name](seen);
					const wrong = isFalse.includes(name) ? "confirmed" : "refuted";
					if (verdict === wrong)
						assert.fail(`run ${run}, ${edit}: ${name} is ${verdict}: ${because}\n${saveTimeline(seen)}`);
					if (verdict !== "untested") told.set(name, (told.get(name) ?? 0) + 1);
				}
				told.set(edit, (told.get(edit) ?? 0) + 1);
			}
		}
		// is the model's own way: its recovery has tests of its own.
		const silent = [...isFalse, ...isTrue, ...Object.keys(edits)].filter((name) => !told.has(name));
		assert.deepEqual(silent, ["listAndWatchLosesNothing"]);
	});
});
