import assert from "node:assert/strict";
import { type Change, type Follower, follow } from "etcd-watch-lab/dist/follow";
import fc from "fast-check";
import { problems } from "./hub-checker";
import { ProgramRun, programs, type Step } from "./hub-program";
import { Reader, told } from "./hub-reader";

/** Ways to spoil what a watch was told; undefined where there is nothing to spoil. */
const faults: Record<string, (heard: readonly Change[]) => readonly Change[] | undefined> = {
	"an event is lost": (heard) => without(heard, "event"),
	"a gap is kept silent": (heard) => without(heard, "gap"),
	"an event comes twice": (heard) => {
		const event = heard.find(({ kind }) => kind === "event");
		return event && [...heard, event];
	},
	"two events change places": (heard) => {
		const [one, two] = heard.filter(({ kind }) => kind === "event");
		return one && two && heard.map((change) => (change === one ? two : change === two ? one : change));
	},
	"an event is somebody else's": (heard) =>
		changed(heard, "event", (event) => (event.kind === "event" ? { ...event, key: "/p/r/z" } : event)),
	"a gap begins before what was told": (heard) =>
		changed(heard, "gap", (gap) => (gap.kind === "gap" ? { ...gap, from: 0 } : gap)),
	"a gap's state is an old one": (heard) =>
		changed(heard, "gap", (gap) =>
			gap.kind === "gap" && gap.state.nodes.some(({ dir }) => !dir)
				? { ...gap, state: { ...gap.state, nodes: [] } }
				: gap,
		),
	"a gap for no reason": (heard) => {
		const [first, ...rest] = heard;
		if (first?.kind !== "event") return undefined;
		const { index } = first;
		const state = { index, nodes: [] };
		return [{ kind: "gap", from: index, to: index, why: "cleared", added: [], changed: [], state }, ...rest];
	},
};

function without(heard: readonly Change[], kind: Change["kind"]): readonly Change[] | undefined {
	const at = heard.findIndex((change) => change.kind === kind);
	// What is lost in a gap's range is lost to all.
	return at < 0 ? undefined : [...heard.slice(0, at), ...heard.slice(at + 1)];
}

function changed(heard: readonly Change[], kind: Change["kind"], change: (one: Change) => Change) {
	const found = heard.find((one) => one.kind === kind);
	if (found === undefined) return undefined;
	const spoilt = change(found);
	return spoilt === found ? undefined : heard.map((one) => (one === found ? spoilt : one));
}

describe("a hub's local watches, in random programs over the model", () => {
	it("are each told every event that fits once, in order, or a gap that could not be avoided", async () => {
		let watches = 0;
		const events = { own: 0, below: 0, above: 0 };
		const gaps = { cleared: 0, "slow consumer": 0 };
		await fc.assert(
			fc.asyncProperty(programs, async (program) => {
				const { watched, happened } = await new ProgramRun().run(program);
				for (const { asked, heard } of watched) {
					assert.deepEqual(problems(heard, asked, happened), [], `${asked.key} after ${asked.after}`);
					watches++;
					for (const change of heard) {
						if (change.kind === "event") {
							events[change.key === asked.key ? "own" : change.key > asked.key ? "below" : "above"]++;
						} else if (change.kind === "gap") gaps[change.why]++;
					}
				}
			}),
			{ numRuns: 400 },
		);
		const seen = JSON.stringify({ watches, events, gaps });
		assert.ok(watches > 1_000 && events.own > 200 && events.below > 200 && events.above > 50, seen);
		assert.ok(gaps.cleared > 100 && gaps["slow consumer"] > 30, seen);
	}).timeout(20_000);

	it("are told what a follower of the same key is told", async () => {
		let events = 0;
		await fc.assert(
			fc.asyncProperty(programs, async (program) => {
				const followers: { readonly follower: Follower; readonly reader: Reader }[] = [];
				const live = program
					.filter(({ step }) => step !== "close" && step !== "lose")
					.map((step): Step => (step.step === "watch" ? { ...step, from: undefined, isLazy: false } : step))
					// A directory that is there for hidden keys alone is known to who lists after it was made.
					.filter((step) => step.step !== "write" || !step.key.includes("/_"));
				const { watched } = await new ProgramRun().run(live, async ({ key, recursive }, upstream) => {
					const follower = follow(upstream.source(key, recursive), key, { recursive });
					followers.push({ follower, reader: new Reader(follower) });
					await follower.ready();
				});
				for (const [at, { asked, heard }] of watched.entries()) {
					const own = await followers[at]?.reader.read();
					// A follower that is not recursive does not know of a directory that was made for the keys in it.
					const isComparable = (change: Change) =>
						asked.recursive || (change.kind === "event" && change.key === asked.key);
					assert.deepEqual(heard.filter(isComparable).map(told), own?.filter(isComparable).map(told));
					events += heard.length;
				}
				await Promise.all(followers.map(({ follower }) => follower.close()));
			}),
			{ numRuns: 100 },
		);
		assert.ok(events > 150, `${events} events`);
	}).timeout(20_000);

	it("share the event objects", async () => {
		const { watched } = await new ProgramRun().run([
			{ step: "watch", key: "/p/r", recursive: true, from: undefined, isLazy: false },
			{ step: "watch", key: "/p/r/a", recursive: false, from: undefined, isLazy: true },
			{ step: "write", operation: "delete", key: "/p/r/b", ttl: undefined },
			{ step: "write", operation: "rmdir", key: "/p", ttl: undefined },
		]);
		assert.equal(watched[0]?.heard.length, 2);
		assert.equal(watched[0]?.heard[1], watched[1]?.heard[0]);
	});

	for (const [name, fault] of Object.entries(faults)) {
		it(`are found out when ${name}`, async () => {
			let spoilt = 0;
			for (const program of fc.sample(programs, { numRuns: 40, seed: 7 })) {
				const { watched, happened } = await new ProgramRun().run(program);
				for (const { asked, heard } of watched) {
					const bad = fault(heard);
					if (bad === undefined) continue;
					if (name === "a gap is kept silent" && problems(bad, asked, happened).length === 0) continue;
					spoilt++;
					assert.notDeepEqual(problems(bad, asked, happened), [], JSON.stringify(asked));
				}
				if (spoilt >= 10) return;
			}
			assert.ok(spoilt > 0, "nothing was there to spoil");
		});
	}
});
