import assert from "node:assert/strict";
import { exercises, runOnModel, type Scenario, scenario, type Timeline } from "etcd-watch-lab";
import type { LifeEvent, WatcherRecord } from "#lib/timeline";

type Name = keyof typeof exercises;

const recursive = true;
const flood = { count: 1200, keyCount: 10 };

/** The run of a scenario on the model, as if one of its watchers had been recorded otherwise. */
function recorded(
	run: Scenario,
	name: string,
	edit: (watcher: WatcherRecord) => Partial<WatcherRecord>,
): () => Promise<Timeline> {
	return async () => {
		const timeline = await runOnModel(run);
		return {
			...timeline,
			watchers: timeline.watchers.map((watcher) =>
				watcher.name === name ? { ...watcher, ...edit(watcher) } : watcher,
			),
		};
	};
}

function onV3(run: Scenario): () => Promise<Timeline> {
	return async () => ({ ...(await runOnModel(run)), api: "v3" });
}

type Case = readonly [what: string, run: Scenario | (() => Promise<Timeline>), words: RegExp];

interface Cases {
	readonly solved: readonly Case[];
	readonly notYet: readonly Case[];
}

const start = scenario("run").watch("w", "/a", { recursive });

const cases: Readonly<Record<Name, Cases>> = {
	unseenWrite: {
		solved: [
			[
				"a write elsewhere, though another watcher heard it",
				start.watch("other", "/b", { recursive }).set("/b/x", "1"),
				/"w" never heard of set \/b\/x, which took index 1: \/b\/x is not below \/a/,
			],
			[
				"a hidden name, and says so",
				start.set("/a/colour", "green").set("/a/_colour", "green"),
				/"w" never heard of set \/a\/_colour, which took index 2: .* begins with an underscore/,
			],
			[
				"a write before the watch, and says so",
				scenario("late").set("/a/1").watch("w", "/a", { recursive }).set("/a/2"),
				/set \/a\/1, which took index 1: the watcher was registered at index 1/,
			],
			[
				"a grandchild of a plain watch, and says so",
				scenario("plain").watch("w", "/a").set("/a/b"),
				/set \/a\/b, .*: the watcher is not recursive/,
			],
			[
				"a poll that was over, and says so",
				scenario("polls").poll("w", "/a", { recursive }).set("/a/1").set("/a/2"),
				/set \/a\/2, which took index 2: nobody was listening any more/,
			],
			[
				"a second watcher on /a that began too late",
				start.set("/a/1").watch("late", "/a", { recursive }).set("/a/2"),
				/"late" never heard of set \/a\/1/,
			],
			[
				"one reason, and says that there are others (L3)",
				start.set("/ab/colour", "green"),
				/is not below \/a\. You found 1 of 5 reasons \(another place\): what of the key, of the watch or /,
			],
			[
				"a write elsewhere on v3, where no name is hidden and there is a reason less (L3)",
				onV3(start.set("/b")),
				/never heard of set \/b, .* You found 1 of 4 reasons \(another place\)/,
			],
			[
				"each of the reasons, and counts them once (L3)",
				scenario("all")
					.set("/a/1")
					.watch("w", "/a", { recursive })
					.watch("plain", "/a")
					.set("/a/_colour")
					.set("/b/1")
					.set("/b/2")
					.close("w")
					.set("/a/1"),
				/You found all 5 reasons$/,
			],
			[
				"no reason of a write that it is not known to have missed (L3)",
				recorded(start.set("/b/1").set("/a/1"), "w", () => ({ deliveries: [], proof: "none" })),
				/set \/b\/1, .* You found 1 of 5 reasons \(another place\)/,
			],
		],
		notYet: [
			[
				"a watcher that is elsewhere (L1)",
				scenario("elsewhere").watch("w", "/b", { recursive }).set("/a/colour", "green"),
				/no watcher on \/a: keep the one on \/a/,
			],
			[
				"a write below a watcher that is elsewhere",
				scenario("elsewhere").watch("w", "/z", { recursive }).set("/b/colour", "green"),
				/no watcher on \/a: keep the one on \/a/,
			],
			[
				"a refresh, of which nobody could hear",
				start.set("/a/k", "1", { ttl: 60 }).refresh("/a/k", 60),
				/refresh \/a\/k raised no event: nobody at all could hear of it/,
			],
			[
				"a silence that nothing proves",
				recorded(start.set("/a/1"), "w", () => ({ deliveries: [], proof: "none" })),
				/not known whether "w" will still hear of set \/a\/1/,
			],
		],
	},
	plainWatchHearsFromAbove: {
		solved: [
			[
				"what was written before the watch, and a delete from two levels up",
				scenario("s")
					.set("/x/y/z", "1")
					.set("/x/y/z", "2")
					.watch("plain", "/x/y/z")
					.rmdir("/x", { recursive }),
				/"plain" on \/x\/y\/z was sent delete \/x: \/x was removed, and \/x\/y\/z with it/,
			],
			[
				"an expiry, at the second of two plain watches",
				scenario("s")
					.mkdir("/lease", { ttl: 1 })
					.set("/lease/member", "here")
					.watch("own", "/own")
					.watch("plain", "/lease/member")
					.set("/own")
					.awaitExpiry("/lease"),
				/"plain" on \/lease\/member was sent expire \/lease: \/lease was removed/,
			],
			[
				"a stream, whose key was made again after it",
				scenario("s")
					.set("/x/y/z", "1")
					.stream("plain", "/x/y/z")
					.rmdir("/x", { recursive })
					.set("/x/y/z", "2"),
				/"plain" on \/x\/y\/z was sent delete \/x/,
			],
		],
		notYet: [
			[
				"its own key written as it watched",
				scenario("s").watch("plain", "/x/y/z").set("/x/y/z", "1").rmdir("/x", { recursive }),
				/was sent delete \/x, from above, but set \/x\/y\/z at index 1 was a write to its key/,
			],
			[
				"a delete of a directory with something in it (108)",
				scenario("s").set("/x/y/z", "1").watch("plain", "/x/y/z").rmdir("/x"),
				/rmdir \/x was refused with 108 Directory not empty, .*add { recursive: true }/,
			],
			[
				"a ttl that comes too late (105)",
				scenario("s").set("/x/y/z", "1").watch("plain", "/x/y/z").mkdir("/x", { ttl: 1 }),
				/mkdir \/x was refused with 105 Key already exists, .*give it the ttl when you make it/,
			],
			[
				"a directory that can't be renewed (300)",
				scenario("s").set("/x/y/z", "1").watch("plain", "/x/y/z").updateDirectory("/x", { ttl: 1 }),
				/updateDirectory \/x was refused with 300 .*give it the ttl when you make it/,
			],
			[
				"a delete of a directory as a file (102)",
				scenario("s").set("/x/y/z", "1").watch("plain", "/x/y/z").delete("/x"),
				/delete \/x was refused with 102 Not a file, .*a directory goes by \.rmdir\(\)/,
			],
			[
				"a delete of what is not there (100)",
				scenario("s").watch("plain", "/x/y/z").rmdir("/x", { recursive }),
				/rmdir \/x was refused with 100 Key not found, .*make it first/,
			],
			[
				"a refusal that has nothing to do with it",
				scenario("s").set("/x/y/z", "1").watch("plain", "/x/y/z").delete("/other"),
				/heard nothing: which write takes the watched key away without naming it/,
			],
			[
				"the lab's follower, which is no watch",
				scenario("s").set("/x/y/z", "1").follow("f", "/x/y/z").rmdir("/x", { recursive }),
				/no watch without recursive/,
			],
			[
				"v3 (L11)",
				onV3(scenario("s").set("/x/y/z", "1").watch("plain", "/x/y/z").rmdir("/x", { recursive })),
				/a run on v3\. There nothing comes from above: each key that goes has its own event/,
			],
		],
	},
	grandchildAddedAndDeleted: {
		solved: [
			[
				"a second grandchild",
				start.set("/a/b/c").delete("/a/b/c").mkdir("/a/d"),
				/it saw \/a\/b\/c at 1 and its delete at 2/,
			],
			[
				"one that was deleted before the watch, and is added again",
				scenario("s")
					.set("/a/b/c")
					.delete("/a/b/c")
					.watch("w", "/a", { recursive })
					.create("/a/b/c")
					.delete("/a/b/c"),
				/it saw \/a\/b\/c at 3 and its delete at 4/,
			],
			[
				"the second of two watchers",
				scenario("s")
					.watch("plain", "/a")
					.watch("other", "/b", { recursive })
					.stream("s", "/a", { recursive })
					.set("/a/b/c")
					.compareAndDelete("/a/b/c", { prevIndex: 1 }),
				/it saw \/a\/b\/c at 1 and its compareAndDelete at 2/,
			],
		],
		notYet: [
			[
				"one added and another one deleted",
				scenario("s").set("/a/d/old").watch("w", "/a", { recursive }).set("/a/d/new").delete("/a/d/old"),
				/\/a\/d\/new was added, but it was never deleted/,
			],
			[
				"a delete before the add",
				scenario("s").set("/a/d/k").watch("w", "/a", { recursive }).delete("/a/d/k").set("/a/d/k"),
				/\/a\/d\/k was added, but it was never deleted/,
			],
			[
				"an update for an add",
				scenario("s").set("/a/d/k").watch("w", "/a", { recursive }).set("/a/d/k", "2").delete("/a/d/k"),
				/set \/a\/d\/k changed a grandchild that was there: add one/,
			],
			[
				"one that goes with its directory",
				start.set("/a/b/c").rmdir("/a/b", { recursive }),
				/\/a\/b\/c went with \/a\/b, whose delete is the only event: delete the grandchild itself/,
			],
			[
				"a hidden one",
				start.set("/a/_b/c").delete("/a/_b/c"),
				/\/a\/_b\/c was added, but "w" was not told: .* begins with an underscore/,
			],
			[
				"one watcher for the add and another one for the delete",
				scenario("s")
					.poll("one", "/a", { recursive })
					.set("/a/b/c")
					.poll("two", "/a", { recursive })
					.delete("/a/b/c"),
				/\/a\/b\/c was added and deleted, but "one" was not told of the delete/,
			],
			["v3", onV3(start.set("/a/b/c").delete("/a/b/c")), /a run on v3\. There the post's five steps show it/],
		],
	},
	pollsThatLoseNothing: {
		solved: [
			[
				"four writes, two of them between, and one before the first poll",
				scenario("s")
					.set("/a/0")
					.poll("w", "/a", { recursive })
					.set("/a/1")
					.set("/a/2")
					.set("/a/3")
					.poll("w", { goOnAfter: "event" })
					.poll("w", { goOnAfter: "event" }),
				/all of 3 came, 2 of them from between two polls/,
			],
			[
				"beside other polls that lose",
				scenario("s")
					.poll("loses", "/a", { recursive })
					.poll("w", "/a", { recursive })
					.set("/a/1")
					.set("/a/2")
					.poll("w", { afterIndex: 1 })
					.poll("w", { afterIndex: 2 })
					.set("/a/3"),
				/all of 3 came, 1 of them from between two polls/,
			],
		],
		notYet: [
			[
				"three writes before the first poll",
				scenario("s")
					.set("/a/1")
					.set("/a/2")
					.set("/a/3")
					.poll("w", "/a", { recursive, afterIndex: 0 })
					.poll("w", { goOnAfter: "event" })
					.poll("w", { goOnAfter: "event" }),
				/nothing fell between two polls/,
			],
			[
				"a last poll that only by luck lost nothing",
				scenario("s")
					.poll("w", "/a", { recursive })
					.set("/a/1")
					.set("/a/2")
					.poll("w", { goOnAfter: "event" })
					.poll("w")
					.set("/a/3"),
				/nothing was lost, by luck: the poll at index 2 asked for what comes from then on/,
			],
			["v3", onV3(scenario("s").poll("w", "/a")), /a run on v3\. /],
		],
	},
	quietKeySurvives: {
		solved: [
			[
				"the second of two watchers of the key",
				scenario("s")
					.poll("late", "/q")
					.watch("w", "/q")
					.set("/q", "1")
					.burst("/noise", flood)
					.poll("late", { goOnAfter: "event" })
					.set("/q", "2"),
				/"w" saw index 1202 after 1200 writes to other keys/,
			],
			[
				"a stream, after a smaller flood",
				scenario("s")
					.stream("s", "/q")
					.set("/q", "1")
					.burst("/noise", { count: 10 })
					.set("/q", "2")
					.burst("/noise", flood)
					.set("/q", "3"),
				/"s" saw index 1213 after 1200 writes to other keys/,
			],
		],
		notYet: [
			[
				"two smaller floods, one event between, and polls that ask after each",
				scenario("s")
					.poll("w", "/q")
					.set("/q", "1")
					.burst("/noise", { count: 600, keyCount: 10 })
					.poll("w", { goOnAfter: "event" })
					.set("/q", "2")
					.burst("/noise", { count: 600, keyCount: 10 })
					.poll("w", { goOnAfter: "event" })
					.set("/q", "3"),
				/only 600 writes to other keys between two neighbouring events/,
			],
			[
				"a watcher that is not on the key",
				scenario("s").watch("w", "/else").set("/q", "1").burst("/noise", flood).set("/q", "2"),
				/write the quiet key once before the flood and once after it, with a watcher on it/,
			],
			[
				"the lab's follower, which does it by itself",
				scenario("s").follow("f", "/q").set("/q", "1").burst("/noise", flood).set("/q", "2"),
				/with a watcher on it/,
			],
			[
				"v3 (L18)",
				onV3(
					scenario("s")
						.poll("w", "/q")
						.set("/q", "1")
						.burst("/noise", flood)
						.poll("w", { goOnAfter: "event" })
						.set("/q", "2"),
				),
				/a run on v3\. There nobody is thrown out by other people's writes/,
			],
		],
	},
	oneEventForMany: {
		solved: [
			[
				"an expiry, at the second of two watchers",
				scenario("s")
					.watch("other", "/b", { recursive })
					.watch("w", "/a", { recursive })
					.set("/a/d/_1")
					.mkdir("/a/e", { ttl: 1 })
					.set("/a/e/f/g")
					.awaitExpiry("/a/e"),
				/"w" was sent expire \/a\/e, and \/a\/e, \/a\/e\/f, \/a\/e\/f\/g went/,
			],
			[
				"the second of two expiries",
				start
					.set("/a/one", "", { ttl: 1 })
					.awaitExpiry("/a/one")
					.mkdir("/a/e", { ttl: 2 })
					.set("/a/e/1")
					.set("/a/e/2")
					.awaitExpiry("/a/e"),
				/"w" was sent expire \/a\/e, and \/a\/e, \/a\/e\/1, \/a\/e\/2 went/,
			],
		],
		notYet: [
			[
				"an expiry and a client's delete",
				start
					.mkdir("/a/e", { ttl: 1 })
					.set("/a/e/1")
					.set("/a/e/2")
					.set("/a/x")
					.delete("/a/x")
					.awaitExpiry("/a/e"),
				/delete \/a\/x was a client's doing/,
			],
			["v3 (S4)", onV3(start.set("/a/e")), /a run on v3\. There each key that goes has an event of its own/],
		],
	},
	shownByTheReplayAlone: {
		solved: [
			[
				"a hidden name, though a write elsewhere was refused",
				scenario("s")
					.watch("live", "/app", { recursive })
					.delete("/app/nothing")
					.set("/app/_k", "x")
					.watch("later", "/app", { recursive, afterIndex: 0 }),
				/"later" was given \/app\/_k from the history, and "live" was there all the time and never told/,
			],
			[
				"the watchers named in the other order, and a third one",
				scenario("s")
					.watch("other", "/other")
					.set("/app/open")
					.stream("live", "/app", { recursive })
					.set("/app/_k/x")
					.watch("later", "/app", { recursive, afterIndex: 1 }),
				/"later" was given \/app\/_k\/x from the history, and "live" was there/,
			],
		],
		notYet: [
			[
				"watchers elsewhere",
				scenario("s")
					.watch("live", "/b", { recursive })
					.set("/b/_k", "x")
					.watch("later", "/b", { recursive, afterIndex: 0 }),
				/it takes two watchers on \/app/,
			],
			[
				"a deaf stream (L22)",
				scenario("s")
					.set("/app/0")
					.stream("live", "/app", { recursive, afterIndex: 0 })
					.set("/app/d")
					.watch("later", "/app", { recursive, afterIndex: 1 }),
				/"live" was not told of set \/app\/d, for another reason: .*entry "One event from the past and then nothing"/,
			],
			[
				"a slow reader (L22)",
				recorded(
					scenario("s")
						.stream("live", "/app", { recursive })
						.set("/app/d")
						.watch("later", "/app", { recursive, afterIndex: 0 }),
					"live",
					({ life }) => ({
						deliveries: [],
						life: [...life, { kind: "paused", at: 0 } as LifeEvent, { kind: "resumed", at: 1 } as LifeEvent],
					}),
				),
				/"live" was not told of set \/app\/d, .*entry "The stream went deaf after a busy moment"/,
			],
			[
				"single polls (L23)",
				scenario("s")
					.poll("live", "/app", { recursive })
					.set("/app/1")
					.set("/app/2")
					.poll("live")
					.set("/app/3")
					.watch("later", "/app", { recursive, afterIndex: 0 }),
				/"live" was not told of set \/app\/2, .*entry "Two quick writes and only the first one came"/,
			],
			[
				"a watcher that was closed",
				scenario("s")
					.watch("live", "/app", { recursive })
					.set("/app/0")
					.close("live")
					.set("/app/_k")
					.watch("later", "/app", { recursive, afterIndex: 0 }),
				/"live" was not there any more/,
			],
			[
				"a refusal that is no 104",
				scenario("s")
					.watch("live", "/app", { recursive })
					.set("/app/k")
					.delete("/app/none")
					.watch("later", "/app", { recursive, afterIndex: 0 }),
				/"live" heard all that came from the history\. Which entry/,
			],
			["v3", onV3(scenario("s").watch("live", "/app")), /a run on v3\. There no name is hidden/],
		],
	},
	numbersToOrder: {
		solved: [],
		notYet: [
			["v2", scenario("s").set("/k"), /a run on v2\. Its keys have no version: run it with { api: "v3" }/],
		],
	},
	keptDelete: {
		solved: [],
		notYet: [
			[
				"v2",
				scenario("s").set("/a/k").delete("/a/k"),
				/a run on v2\. It has no compaction: run it with { api: "v3" }/,
			],
		],
	},
	wholeRevision: {
		solved: [],
		notYet: [["v2", scenario("s").set("/a/k"), /a run on v2\. There one write raises one event/]],
	},
	removalInAGap: {
		solved: [
			[
				"the second of two followers",
				scenario("s")
					.follow("one", "/b", { recursive })
					.follow("two", "/a", { recursive })
					.set("/a/k")
					.cut("two")
					.delete("/a/k")
					.burst("/noise", flood)
					.reconnect("two"),
				/"two" was told that \/a\/k went between 2 and 1202/,
			],
			[
				"a directory above what it follows",
				scenario("s")
					.set("/a/d/k")
					.follow("f", "/a/d", { recursive })
					.cut("f")
					.rmdir("/a", { recursive })
					.burst("/noise", flood)
					.reconnect("f"),
				/"f" was told that \/a\/d\/k went between 2 and 1202/,
			],
		],
		notYet: [
			[
				"a removal before the gap, with another key changed in it",
				scenario("s")
					.follow("f", "/a", { recursive })
					.set("/a/k")
					.delete("/a/k")
					.cut("f")
					.set("/a/l")
					.burst("/noise", flood)
					.reconnect("f"),
				/\/a\/k was removed at 2, outside the gap 3 to 1203/,
			],
			[
				"the nearest of two followers",
				scenario("s")
					.follow("far", "/b", { recursive })
					.follow("near", "/a", { recursive })
					.set("/a/k")
					.cut("near")
					.delete("/a/k")
					.reconnect("near"),
				/the removal of \/a\/k came as an event/,
			],
		],
	},
	sameEventTwice: {
		solved: [
			[
				"a stream on a removed key, beside a watch, and says why",
				scenario("s").set("/a/b").watch("w", "/a/b").stream("s", "/a/b").delete("/a/b"),
				/"s" was sent delete \/a\/b, index 2, twice: a stream on exactly the removed key is woken by the removal/,
			],
			[
				"a poll that asks from the same index again, and says why",
				scenario("s").poll("w", "/a", { recursive }).set("/a/1").set("/a/2").poll("w", { afterIndex: 0 }),
				/"w" was sent set \/a\/1, index 1, twice: the watcher asked from an index that was not above this/,
			],
		],
		notYet: [
			[
				"a stream on a key that goes with its directory (L27)",
				scenario("s").set("/a/b").stream("w", "/a/b").rmdir("/a", { recursive }),
				/rmdir \/a took \/a\/b with it: the stream has to be on exactly the key that the delete names/,
			],
			[
				"a recursive stream above the removed key",
				scenario("s").set("/a/b").stream("w", "/a", { recursive }).delete("/a/b"),
				/"w" is on \/a, and delete \/a\/b names another key: the stream has to be on exactly the key/,
			],
			[
				"a watch on the removed key",
				scenario("s").mkdir("/a").watch("w", "/a").rmdir("/a"),
				/each event came once: \/a was removed, but which kind of watcher stays on the list/,
			],
			[
				"two watchers",
				scenario("s").watch("one", "/a").watch("two", "/a").set("/a"),
				/"one" and "two" were sent set \/a once each: it has to be one and the same watcher/,
			],
			[
				"the same value, written twice",
				start.set("/a/k", "x").set("/a/k", "x"),
				/the two writes of \/a\/k are two events, index 1 and 2/,
			],
			[
				"a reconnect, which goes on after the last event",
				start.set("/a/1").cut("w").reconnect("w").set("/a/2"),
				/"w" came back and asked from index 2 on, after its last event/,
			],
			["nobody", scenario("s").set("/a"), /no watcher in it/],
		],
	},
};

describe("an exercise, of any run", () => {
	for (const [name, { solved, notYet }] of Object.entries(cases) as [Name, Cases][]) {
		describe(name, () => {
			for (const [isSolved, all] of [
				[true, solved],
				[false, notYet],
			] as const)
				for (const [what, run, words] of all)
					it(`is ${isSolved ? "" : "not "}solved by ${what}`, async () => {
						const found = exercises[name].judge(await (typeof run === "function" ? run() : runOnModel(run)));
						assert.match(found.words, words);
						assert.equal(found.solved, isSolved, found.words);
					});
		});
	}

	it("is solved by no run in which nothing happened, and says something", async () => {
		for (const api of ["v2", "v3"] as const)
			for (const [name, { judge }] of Object.entries(exercises)) {
				const { solved, words } = judge({ ...(await runOnModel(scenario("empty"))), api });
				assert.equal(solved, false, name);
				assert.match(words, /\S{3}/, name);
			}
	});
});
