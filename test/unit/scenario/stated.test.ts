import assert from "node:assert/strict";
import type { Timeline } from "etcd-watch-lab";
import { claims, explain, missedBy } from "etcd-watch-lab";
import { lostInSilence } from "#lib/timeline";
import { runIn } from "../../support/scenario/cases";

/** The same run without one delivery: a loss that nobody stated. */
function withoutDelivery(seen: Timeline, index: number): Timeline {
	const watchers = seen.watchers.map((watcher) => ({
		...watcher,
		deliveries: watcher.deliveries.filter((delivery) => delivery.index !== index),
	}));
	return { ...seen, watchers };
}

/** A gap, and before it a loss. */
const gapLater = `set /a/0; follow f /a/...; set /a/1; set /a/2; cut f; 1001 × set /x over 1; reconnect f`;

describe("what a follower was told that it can't have", () => {
	it("is what lies in the gap, from its first index to its last", async () => {
		const seen = await runIn("follow f /a/...; set /a/1; cut f; set /a/2; 1001 × set /x over 1; reconnect f");
		assert.equal(explain(seen, "f", 2).reason, "in a stated gap");
		assert.deepEqual(lostInSilence(seen, "f"), []);
		assert.deepEqual(missedBy(seen, "f"), [2]);
	});

	it("is not what was lost before a gap: that is lost in silence, and no rule explains it", async () => {
		const seen = withoutDelivery(await runIn(gapLater), 2);
		assert.equal(seen.watchers[0]?.life.find(({ kind }) => kind === "gap")?.kind, "gap");
		assert.deepEqual(lostInSilence(seen, "f"), [2]);
		assert.throws(() => explain(seen, "f", 2), /no rule says why/);
	});

	it("is not what was written before it began, which was never due to it", async () => {
		const seen = await runIn(gapLater);
		assert.deepEqual(lostInSilence(seen, "f"), []);
		assert.deepEqual(missedBy(seen, "f"), []);
		assert.equal(explain(seen, "f", 1).reason, "asked from later on");
	});

	it("is a reset's too, from the last index of the old store on", async () => {
		const run = "follow f /a/...; set /a/1; set /a/2; set /a/3";
		for (const api of ["v2", "v3"] as const) {
			const lost = withoutDelivery(await runIn(run), 2);
			const [watcher] = lost.watchers;
			assert.ok(watcher);
			const told = { kind: "reset", at: 2, lastIndex: 1, why: "index went back", keys: [] } as const;
			const seen = { ...lost, api, watchers: [{ ...watcher, life: [...watcher.life, told] }] };
			assert.equal(explain(seen, "f", 1).reason, api === "v2" ? "followed" : "recursive");
			assert.equal(explain(seen, "f", 2).reason, "in a stated gap");
			assert.match(explain(seen, "f", 2).words, /lies in the reset/);
			assert.deepEqual([lostInSilence(seen, "f"), missedBy(seen, "f")], [[], [2]]);
		}
	});
});

describe("a watcher that was opened late", () => {
	it("has missed nothing of what was written before it asked", async () => {
		const seen = await runIn("set /a/1; watch w /a/...; set /a/2");
		assert.deepEqual(missedBy(seen, "w"), []);
	});

	it("has missed what fell between two of its polls", async () => {
		const polls = await runIn("poll p /a; set /a 1; set /a 2; poll p; set /a 3");
		assert.deepEqual(missedBy(polls, "p"), [2]);
	});
});

describe("a follower opened in the past above a hidden key", () => {
	it("drops what only the replay shows: it is explained as hidden", async () => {
		const seen = await runIn("set /a/_h 1; follow f /a/... after 0; set /a/x");
		assert.equal(explain(seen, "f", 1).reason, "hidden");
	});
});

describe("a fault of the servers", () => {
	const run = "watch w /a; set /a 1; close w; set /a 2; set /a 3";

	it("explains nothing at a watcher that had been closed before it", async () => {
		const faults = [
			{ kind: "pause", at: 1 },
			{ kind: "resume", at: 3 },
			{ kind: "snapshot", at: 3 },
		] as const;
		assert.equal(explain({ ...(await runIn(run)), faults }, "w", 2).reason, "over");
	});

	it("explains nothing that happened when it was over, a later one beside it or not", async () => {
		const open = "watch w /a; set /a 1; set /a 2; set /a 3; set /a 4";
		const seen = withoutDelivery(await runIn(open), 2);
		const faults = [
			{ kind: "pause", at: 1 },
			{ kind: "resume", at: 1 },
			{ kind: "pause", at: 2 },
			{ kind: "resume", at: 4 },
			{ kind: "snapshot", at: 4 },
		] as const;
		assert.throws(() => explain({ ...seen, faults }, "w", 2), /no rule says why/);
		assert.equal(
			explain({ ...withoutDelivery(await runIn(open), 3), faults }, "w", 3).reason,
			"member sent the whole store",
		);
	});

	it("makes a request wait for a later index only where that is one of the store that was wiped", async () => {
		const seen = await runIn("set /a 1; watch w /a; set /a 2");
		const [watcher] = seen.watchers;
		assert.ok(watcher);
		const wiped = (asked: { waitIndex: number; ofWiped?: true }) =>
			({
				...seen,
				faults: [{ kind: "wipe", at: 0 }],
				watchers: [{ ...watcher, deliveries: [], life: [{ kind: "asked", at: 0, ...asked }] }],
			}) as const;
		assert.equal(explain(wiped({ waitIndex: 2, ofWiped: true }), "w", 1).reason, "ahead of the store");
		assert.equal(explain(wiped({ waitIndex: 2 }), "w", 1).reason, "asked from later on");
	});
});

describe("a removal in v3", () => {
	it("takes no other key along: the claim about removals is not refuted by what is still there", async () => {
		const seen = await runIn("watch w /a/...; set /a/x; set /b; delete /b");
		const flat = JSON.parse(JSON.stringify(seen).replaceAll('"/b"', '"/a"').replaceAll('"set"', '"put"'));
		const verdict = claims.removalNamesEveryKey({ ...flat, api: "v3" });
		assert.notEqual(verdict.verdict, "refuted");
	});
});
