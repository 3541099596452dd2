import assert from "node:assert/strict";
import { exercises, runOnModel, type Scenario, scenario, type Timeline } from "etcd-watch-lab";
import type { LifeEvent, WatcherRecord } from "#lib/timeline";

type Name = keyof typeof exercises;

const recursive = true;
const flood = { count: 1200, keyCount: 10 };
const half = { count: 600, keyCount: 10 };
const after = (goOnAfter: "event" | "response") => ({ goOnAfter });

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

/** A run, by what it is, and what the judge says of it. */
type Runs = Readonly<Record<string, readonly [Scenario | (() => Promise<Timeline>), words: RegExp]>>;

interface Cases {
	readonly solved: Runs;
	readonly notYet: Runs;
}

const begin = scenario("run");
const start = begin.watch("w", "/a", { recursive });
/** A plain watch on a key that is there. */
const plain = begin.set("/x/y/z", "1").watch("plain", "/x/y/z");
const polls = begin.poll("w", "/a", { recursive });
const quiet = begin.poll("w", "/q").set("/q", "1");
const live = begin.watch("live", "/app", { recursive });
const later = (before: Scenario) => before.watch("later", "/app", { recursive, afterIndex: 0 });
const away = begin.follow("f", "/a", { recursive }).set("/a/k").cut("f");

const cases: Readonly<Record<Name, Cases>> = {
	unseenWrite: {
		solved: {
			"a write elsewhere, though another watcher heard it": [
				start.watch("other", "/b", { recursive }).set("/b/x", "1"),
				/"w" never heard of set \/b\/x, which took index 1: \/b\/x is not below \/a/,
			],
			"a hidden name, and says so": [
				start.set("/a/colour", "green").set("/a/_colour", "green"),
				/"w" never heard of set \/a\/_colour, which took index 2: .* begins with an underscore/,
			],
			"a write before the watch, and says so": [
				begin.set("/a/1").watch("w", "/a", { recursive }).set("/a/2"),
				/set \/a\/1, which took index 1: the watcher was registered at index 1/,
			],
			"a grandchild of a plain watch, and says so": [
				begin.watch("w", "/a").set("/a/b"),
				/set \/a\/b, .*: the watcher is not recursive/,
			],
			"a poll that was over, and says so": [
				begin.poll("w", "/a", { recursive }).set("/a/1").set("/a/2"),
				/set \/a\/2, which took index 2: nobody was listening any more/,
			],
			"a second watcher on /a that began too late": [
				start.set("/a/1").watch("late", "/a", { recursive }).set("/a/2"),
				/"late" never heard of set \/a\/1/,
			],
			"one reason, and says that there are others (L3)": [
				start.set("/ab/colour", "green"),
				/is not below \/a\. You found 1 of 5 reasons \(another place\): what of the key, of the watch or /,
			],
			"a write elsewhere on v3, where no name is hidden and there is a reason less (L3)": [
				onV3(start.set("/b")),
				/never heard of set \/b, which took revision 1: .* You found 1 of 4 reasons \(another place\)/,
			],
			"each of the reasons, and counts them once (L3)": [
				begin
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
			"no reason of a write that it is not known to have missed (L3)": [
				recorded(start.set("/b/1").set("/a/1"), "w", () => ({ deliveries: [], proof: "none" })),
				/set \/b\/1, .* You found 1 of 5 reasons \(another place\)/,
			],
		},
		notYet: {
			"refused writes alone": [
				start.update("/a/colour").delete("/a/colour"),
				/etcd accepted no write in this run: look at the refused ones/,
			],
			"no watcher": [begin.set("/b/colour"), /no watcher: keep the one on \/a/],
			"one refused write of two": [
				start.set("/a/colour").set("/a/colour/shade"),
				/heard of every write that etcd accepted \(set \/a\/colour\/shade was refused with 104 Not a directory, and is none\)/,
			],
			"a write deeper down": [start.set("/a/b/c/d"), /heard of every write/],
			"a watcher that is elsewhere (L1)": [
				begin.watch("w", "/b", { recursive }).set("/a/colour", "green"),
				/no watcher on \/a: keep the one on \/a/,
			],
			"a write below a watcher that is elsewhere": [
				begin.watch("w", "/z", { recursive }).set("/b/colour", "green"),
				/no watcher on \/a: keep the one on \/a/,
			],
			"a refresh, of which nobody could hear": [
				start.set("/a/k", "1", { ttl: 60 }).refresh("/a/k", 60),
				/refresh \/a\/k raised no event: nobody at all could hear of it/,
			],
			"a silence that nothing proves": [
				recorded(start.set("/a/1"), "w", () => ({ deliveries: [], proof: "none" })),
				/not known whether "w" will still hear of set \/a\/1/,
			],
		},
	},
	plainWatchHearsFromAbove: {
		solved: {
			"what was written before the watch, and a delete from two levels up": [
				begin.set("/x/y/z", "1").set("/x/y/z", "2").watch("plain", "/x/y/z").rmdir("/x", { recursive }),
				/"plain" on \/x\/y\/z was sent delete \/x: \/x was removed, and \/x\/y\/z with it/,
			],
			"an expiry, at the second of two plain watches": [
				begin
					.mkdir("/lease", { ttl: 1 })
					.set("/lease/member", "here")
					.watch("own", "/own")
					.watch("plain", "/lease/member")
					.set("/own")
					.awaitExpiry("/lease"),
				/"plain" on \/lease\/member was sent expire \/lease: \/lease was removed/,
			],
			"a stream, whose key was made again after it": [
				begin.set("/x/y/z", "1").stream("plain", "/x/y/z").rmdir("/x", { recursive }).set("/x/y/z", "2"),
				/"plain" on \/x\/y\/z was sent delete \/x/,
			],
		},
		notYet: {
			"a recursive watch": [
				begin.set("/x/y/z").watch("w", "/x/y/z", { recursive }).rmdir("/x", { recursive }),
				/no watch without recursive/,
			],
			"the key itself": [
				begin.watch("plain", "/x").set("/x").delete("/x"),
				/was sent set \/x, an event of its own key: while it watches, leave that alone/,
			],
			"a key beside it": [
				begin.watch("plain", "/x/y/z").set("/x/other").delete("/x/other"),
				/heard nothing: which write takes the watched key away without naming it/,
			],
			"a delete from one level up": [
				plain.rmdir("/x/y", { recursive }),
				/was sent delete \/x\/y, from one level up as on this page/,
			],
			"a key that was not there": [
				begin.set("/x/y/other").watch("plain", "/x/y/z").rmdir("/x", { recursive }),
				/nothing was at \/x\/y\/z when \/x went, .* Make the key first/,
			],
			"its own key written as it watched": [
				begin.watch("plain", "/x/y/z").set("/x/y/z", "1").rmdir("/x", { recursive }),
				/was sent delete \/x, from above, but set \/x\/y\/z at index 1 was a write to its key/,
			],
			"a delete of a directory with something in it (108)": [
				plain.rmdir("/x"),
				/rmdir \/x was refused with 108 Directory not empty, .*add { recursive: true }/,
			],
			"a ttl that comes too late (105)": [
				plain.mkdir("/x", { ttl: 1 }),
				/mkdir \/x was refused with 105 Key already exists, .*give it the ttl when you make it/,
			],
			"a directory that can't be renewed (300)": [
				plain.updateDirectory("/x", { ttl: 1 }),
				/updateDirectory \/x was refused with 300 .*give it the ttl when you make it/,
			],
			"a delete of a directory as a file (102)": [
				plain.delete("/x"),
				/delete \/x was refused with 102 Not a file, so there was no event.*a directory goes by \.rmdir\(\)/,
			],
			"a delete of what is not there (100)": [
				begin.watch("plain", "/x/y/z").rmdir("/x", { recursive }),
				/rmdir \/x was refused with 100 Key not found, .*make it first/,
			],
			"a refusal that has nothing to do with it": [
				plain.delete("/other"),
				/heard nothing: which write takes the watched key away without naming it/,
			],
			"the lab's follower, which is no watch": [
				begin.set("/x/y/z", "1").follow("f", "/x/y/z").rmdir("/x", { recursive }),
				/no watch without recursive/,
			],
			"v3 (L11)": [
				onV3(plain.rmdir("/x", { recursive })),
				/a run on v3\. There nothing comes from above: each key that goes has its own event/,
			],
		},
	},
	grandchildAddedAndDeleted: {
		solved: {
			"a directory in the place of the file, and says why": [
				start.mkdir("/a/b").set("/a/b/c").set("/a/d").delete("/a/b/c").rmdir("/a/b"),
				/it saw \/a\/b\/c at 2 and its delete at 4: depth was never the reason/,
			],
			"a second grandchild": [
				start.set("/a/b/c").delete("/a/b/c").mkdir("/a/d"),
				/it saw \/a\/b\/c at 1 and its delete at 2/,
			],
			"one that was deleted before the watch, and is added again": [
				begin
					.set("/a/b/c")
					.delete("/a/b/c")
					.watch("w", "/a", { recursive })
					.create("/a/b/c")
					.delete("/a/b/c"),
				/it saw \/a\/b\/c at 3 and its delete at 4/,
			],
			"the second of two watchers": [
				begin
					.watch("plain", "/a")
					.watch("other", "/b", { recursive })
					.stream("s", "/a", { recursive })
					.set("/a/b/c")
					.compareAndDelete("/a/b/c", { prevIndex: 1 }),
				/it saw \/a\/b\/c at 1 and its compareAndDelete at 2/,
			],
		},
		notYet: {
			"one that was never deleted": [
				start.set("/a/b/c").set("/a/d"),
				/\/a\/b\/c was added, but it was never deleted/,
			],
			"a plain watch": [
				begin.watch("plain", "/a").set("/a/b/c").delete("/a/b/c"),
				/keep the recursive watch on \/a/,
			],
			"one that was added before the watch": [
				begin.set("/a/b/c").watch("w", "/a", { recursive }).delete("/a/b/c"),
				/no grandchild of \/a was added in front of the watch/,
			],
			"one added and another one deleted": [
				begin.set("/a/d/old").watch("w", "/a", { recursive }).set("/a/d/new").delete("/a/d/old"),
				/\/a\/d\/new was added, but it was never deleted/,
			],
			"a delete before the add": [
				begin.set("/a/d/k").watch("w", "/a", { recursive }).delete("/a/d/k").set("/a/d/k"),
				/\/a\/d\/k was added, but it was never deleted/,
			],
			"an update for an add": [
				begin.set("/a/d/k").watch("w", "/a", { recursive }).set("/a/d/k", "2").delete("/a/d/k"),
				/set \/a\/d\/k changed a grandchild that was there: add one/,
			],
			"one that goes with its directory": [
				start.set("/a/b/c").rmdir("/a/b", { recursive }),
				/\/a\/b\/c went with \/a\/b, whose delete is the only event: delete the grandchild itself/,
			],
			"a hidden one": [
				start.set("/a/_b/c").delete("/a/_b/c"),
				/\/a\/_b\/c was added, but "w" was not told: .* begins with an underscore/,
			],
			"one watcher for the add and another one for the delete": [
				begin
					.poll("one", "/a", { recursive })
					.set("/a/b/c")
					.poll("two", "/a", { recursive })
					.delete("/a/b/c"),
				/\/a\/b\/c was added and deleted, but "one" was not told of the delete/,
			],
			v3: [onV3(start.set("/a/b/c").delete("/a/b/c")), /a run on v3\. There the post's five steps show it/],
		},
	},
	pollsThatLoseNothing: {
		solved: {
			"four writes, two of them between, and one before the first poll": [
				begin
					.set("/a/0")
					.poll("w", "/a", { recursive })
					.set("/a/1")
					.set("/a/2")
					.set("/a/3")
					.poll("w", after("event"))
					.poll("w", after("event")),
				/all of 3 came, 2 of them from between two polls/,
			],
			"beside other polls that lose": [
				begin
					.poll("loses", "/a", { recursive })
					.poll("w", "/a", { recursive })
					.set("/a/1")
					.set("/a/2")
					.poll("w", { afterIndex: 1 })
					.poll("w", { afterIndex: 2 })
					.set("/a/3"),
				/all of 3 came, 1 of them from between two polls/,
			],
		},
		notYet: {
			"a watch": [
				start.set("/a/1").set("/a/2").set("/a/3"),
				/use \.poll\(\): a watch or a stream would be too easy/,
			],
			"two writes": [
				polls.set("/a/1").set("/a/2").poll("w", after("event")),
				/only 2 writes that it could see: make three/,
			],
			"polls with nothing between": [
				polls.set("/a/1").poll("w", after("event")).set("/a/2").poll("w", after("event")).set("/a/3"),
				/nothing fell between two polls: write twice before you poll again/,
			],
			"polls that go on after the response": [
				polls
					.set("/b")
					.set("/a/1")
					.set("/a/2")
					.poll("w", after("response"))
					.poll("w", after("response"))
					.set("/a/3"),
				/the event at 2 came twice, and the one at 3 was lost: the polls went on after the index of the resp/,
			],
			"one poll too few": [
				polls.set("/a/1").set("/a/2").poll("w", after("event")).set("/a/3"),
				/the event at 3 was lost: a poll gives one event, and no poll was left for this one/,
			],
			"three writes before the first poll": [
				begin
					.set("/a/1")
					.set("/a/2")
					.set("/a/3")
					.poll("w", "/a", { recursive, afterIndex: 0 })
					.poll("w", after("event"))
					.poll("w", after("event")),
				/nothing fell between two polls/,
			],
			"a last poll that only by luck lost nothing": [
				polls.set("/a/1").set("/a/2").poll("w", after("event")).poll("w").set("/a/3"),
				/nothing was lost, by luck: the poll at index 2 asked for what comes from then on/,
			],
			v3: [onV3(polls), /a run on v3\. /],
		},
	},
	quietKeySurvives: {
		solved: {
			"a poll that was already waiting, and says why": [
				quiet.poll("w", after("event")).burst("/noise", flood).set("/q", "2"),
				/"w" saw index 1202 after 1200 writes to other keys: who is already waiting/,
			],
			"the second of two watchers of the key": [
				begin
					.poll("late", "/q")
					.watch("w", "/q")
					.set("/q", "1")
					.burst("/noise", flood)
					.poll("late", after("event"))
					.set("/q", "2"),
				/"w" saw index 1202 after 1200 writes to other keys/,
			],
			"a stream, after a smaller flood": [
				begin
					.stream("s", "/q")
					.set("/q", "1")
					.burst("/noise", { count: 10 })
					.set("/q", "2")
					.burst("/noise", flood)
					.set("/q", "3"),
				/"s" saw index 1213 after 1200 writes to other keys/,
			],
		},
		notYet: {
			"a flood that is too small": [
				quiet.burst("/noise", { count: 900, keyCount: 10 }).poll("w", after("event")).set("/q", "2"),
				/only 900 writes to other keys .*: the window would not have passed/,
			],
			"a key that was written once": [
				quiet.burst("/noise", flood),
				/write the quiet key once before the flood and once after it, with a watcher on it/,
			],
			"a poll after the flood, from then on": [
				quiet.burst("/noise", flood).poll("w").set("/q", "2"),
				/asked after the flood, and for what comes from now on: had its key been written in between/,
			],
			"a poll that lost an event within the flood": [
				quiet.burst("/noise", half).set("/q", "lost").burst("/noise", half).poll("w").set("/q", "2"),
				/"w" did not see its event at 602/,
			],
			"nobody who asks again": [
				quiet.burst("/noise", flood).set("/q", "2"),
				/"w" did not see its event at 1202/,
			],
			"two smaller floods, one event between, and polls that ask after each": [
				quiet
					.burst("/noise", half)
					.poll("w", after("event"))
					.set("/q", "2")
					.burst("/noise", half)
					.poll("w", after("event"))
					.set("/q", "3"),
				/only 600 writes to other keys between two neighbouring events/,
			],
			"a watcher that is not on the key": [
				begin.watch("w", "/else").set("/q", "1").burst("/noise", flood).set("/q", "2"),
				/write the quiet key once before the flood and once after it, with a watcher on it/,
			],
			"the lab's follower, which does it by itself": [
				begin.follow("f", "/q").set("/q", "1").burst("/noise", flood).set("/q", "2"),
				/with a watcher on it/,
			],
			"v3 (L18)": [
				onV3(quiet.burst("/noise", flood).poll("w", after("event")).set("/q", "2")),
				/a run on v3\. There nobody is thrown out by other people's writes/,
			],
		},
	},
	oneEventForMany: {
		solved: {
			"an expiry, at the second of two watchers": [
				begin
					.watch("other", "/b", { recursive })
					.watch("w", "/a", { recursive })
					.set("/a/d/_1")
					.mkdir("/a/e", { ttl: 1 })
					.set("/a/e/f/g")
					.awaitExpiry("/a/e"),
				/"w" was sent expire \/a\/e, and \/a\/e, \/a\/e\/f, \/a\/e\/f\/g went: only/,
			],
			"the second of two expiries": [
				start
					.set("/a/one", "", { ttl: 1 })
					.awaitExpiry("/a/one")
					.mkdir("/a/e", { ttl: 2 })
					.set("/a/e/1")
					.set("/a/e/2")
					.awaitExpiry("/a/e"),
				/"w" was sent expire \/a\/e, and \/a\/e, \/a\/e\/1, \/a\/e\/2 went/,
			],
		},
		notYet: {
			"a delete by hand": [
				start.set("/a/d/1").set("/a/d/2").set("/a/d/3").rmdir("/a/d", { recursive }),
				/rmdir \/a\/d was a client's doing: let etcd remove them by itself/,
			],
			"nothing that went": [start.set("/a/d/1"), /nothing went: give something a ttl, and wait for it/],
			"a directory with one key": [
				start.mkdir("/a/d", { ttl: 2 }).set("/a/d/1").awaitExpiry("/a/d"),
				/expire \/a\/d took 2 keys with it, \/a\/d and \/a\/d\/1\. Put one more where they were/,
			],
			"a watcher elsewhere": [
				begin
					.watch("w", "/b", { recursive })
					.mkdir("/a/d", { ttl: 2 })
					.set("/a/d/1")
					.set("/a/d/2")
					.awaitExpiry("/a/d"),
				/no watcher was told that \/a\/d expired: watch above it/,
			],
			"a plain watch": [
				begin.watch("w", "/a").set("/a/1"),
				/keep the recursive watch: somebody has to be told/,
			],
			"an expiry and a client's delete": [
				start
					.mkdir("/a/e", { ttl: 1 })
					.set("/a/e/1")
					.set("/a/e/2")
					.set("/a/x")
					.delete("/a/x")
					.awaitExpiry("/a/e"),
				/delete \/a\/x was a client's doing/,
			],
			"v3 (S4)": [onV3(start.set("/a/e")), /a run on v3\. There each key that goes has an event of its own/],
		},
	},
	shownByTheReplayAlone: {
		solved: {
			"a hidden name, though a write elsewhere was refused": [
				later(live.delete("/app/nothing").set("/app/_k", "x")),
				/"later" was given \/app\/_k from the history, and "live" was there all the time and never told/,
			],
			"the watchers named in the other order, and a third one": [
				begin
					.watch("other", "/other")
					.set("/app/open")
					.stream("live", "/app", { recursive })
					.set("/app/_k/x")
					.watch("later", "/app", { recursive, afterIndex: 1 }),
				/"later" was given \/app\/_k\/x from the history, .*the entry "Keys with an underscore come and go"/,
			],
		},
		notYet: {
			"one watcher": [live.set("/app/_k"), /it takes two watchers on \/app/],
			"a plain watch": [
				later(begin.mkdir("/app").watch("live", "/app").set("/app/k")),
				/"live" is not recursive: that is the entry "My watch on a directory is silent"/,
			],
			"a watch that came too late": [
				later(begin.set("/app/k").watch("live", "/app", { recursive })),
				/was not there when \/app\/k was written: that is the entry "The first write after I opened/,
			],
			"a neighbour": [
				later(begin.mkdir("/ap").watch("live", "/app", { recursive }).rmdir("/ap")),
				/\/ap is not below \/app: that is the entry "After a reconnect came the delete of a neighbour"/,
			],
			"a refused write": [
				later(live.set("/app").set("/app/k")),
				/refused with 104: that is the entry "I wrote a grandchild and heard nothing"/,
			],
			"a refresh": [
				later(live.set("/app/k", "x", { ttl: 100 }).refresh("/app/k", 100)),
				/heard all that came from the history\. Which entry is about keys that a live watch never shows/,
			],
			"a watch without an index": [
				live.set("/app/_k").watch("later", "/app", { recursive }),
				/nobody was given anything from the history: ask for the past, with afterIndex/,
			],
			"a history that went by": [
				later(live.set("/app/_k").burst("/noise", flood)),
				/"later" got a 401: that is the entry "A quiet key gets a 401"/,
			],
			"watchers elsewhere": [
				begin
					.watch("live", "/b", { recursive })
					.set("/b/_k", "x")
					.watch("later", "/b", { recursive, afterIndex: 0 }),
				/it takes two watchers on \/app/,
			],
			"a deaf stream (L22)": [
				begin
					.set("/app/0")
					.stream("live", "/app", { recursive, afterIndex: 0 })
					.set("/app/d")
					.watch("later", "/app", { recursive, afterIndex: 1 }),
				/"live" was not told of set \/app\/d, for another reason: .*entry "One event from the past and then nothing"/,
			],
			"a slow reader (L22)": [
				recorded(later(begin.stream("live", "/app", { recursive }).set("/app/d")), "live", ({ life }) => ({
					deliveries: [],
					life: [...life, { kind: "paused", at: 0 } as LifeEvent, { kind: "resumed", at: 1 } as LifeEvent],
				})),
				/"live" was not told of set \/app\/d, .*entry "The stream went deaf after a busy moment"/,
			],
			"single polls (L23)": [
				later(
					begin.poll("live", "/app", { recursive }).set("/app/1").set("/app/2").poll("live").set("/app/3"),
				),
				/"live" was not told of set \/app\/2, .*entry "Two quick writes and only the first one came"/,
			],
			"a watcher that was closed": [
				later(live.set("/app/0").close("live").set("/app/_k")),
				/"live" was not there any more/,
			],
			"a refusal that is no 104": [
				later(live.set("/app/k").delete("/app/none")),
				/"live" heard all that came from the history\. Which entry/,
			],
			v3: [onV3(live), /a run on v3\. There no name is hidden/],
		},
	},
	numbersToOrder: {
		solved: {},
		notYet: { v2: [begin.set("/k"), /a run on v2\. Its keys have no version: run it with { api: "v3" }/] },
	},
	keptDelete: {
		solved: {},
		notYet: {
			v2: [begin.set("/a/k").delete("/a/k"), /a run on v2\. It has no compaction: run it with { api: "v3" }/],
		},
	},
	wholeRevision: {
		solved: {},
		notYet: { v2: [begin.set("/a/k"), /a run on v2\. There one write raises one event/] },
	},
	removalInAGap: {
		solved: {
			"the second of two followers": [
				begin
					.follow("one", "/b", { recursive })
					.follow("two", "/a", { recursive })
					.set("/a/k")
					.cut("two")
					.delete("/a/k")
					.burst("/noise", flood)
					.reconnect("two"),
				/"two" was told that \/a\/k went between 2 and 1202/,
			],
			"a directory above what it follows": [
				begin
					.set("/a/d/k")
					.follow("f", "/a/d", { recursive })
					.cut("f")
					.rmdir("/a", { recursive })
					.burst("/noise", flood)
					.reconnect("f"),
				/"f" was told that \/a\/d\/k went between 2 and 1202/,
			],
		},
		notYet: {
			"a watch": [
				start.set("/a/k").cut("w").delete("/a/k").burst("/noise", flood).reconnect("w"),
				/there is no follower in it/,
			],
			"a change": [
				away.set("/a/k", "2").burst("/noise", flood).reconnect("f"),
				/nothing below \/a was removed in this run/,
			],
			"a key that was made again": [
				away.delete("/a/k").set("/a/k", "2").burst("/noise", flood).reconnect("f"),
				/\/a\/k was removed and made again within the gap: .* that the key changed, not that it was away/,
			],
			"a follower that never came back": [
				away.delete("/a/k").burst("/noise", flood),
				/was told of no gap: cut it, let the history pass by, and reconnect it/,
			],
			"a removal after the gap": [
				away.burst("/noise", flood).reconnect("f").delete("/a/k"),
				/\/a\/k was removed at 1202, outside the gap 2 to 1201/,
			],
			"a removal before the gap, with another key changed in it": [
				begin
					.follow("f", "/a", { recursive })
					.set("/a/k")
					.delete("/a/k")
					.cut("f")
					.set("/a/l")
					.burst("/noise", flood)
					.reconnect("f"),
				/\/a\/k was removed at 2, outside the gap 3 to 1203/,
			],
			"the nearest of two followers": [
				begin
					.follow("far", "/b", { recursive })
					.follow("near", "/a", { recursive })
					.set("/a/k")
					.cut("near")
					.delete("/a/k")
					.reconnect("near"),
				/the removal of \/a\/k came as an event, index 2: the history still had it/,
			],
		},
	},
	sameEventTwice: {
		solved: {
			"a stream on a removed key, beside a watch, and says why": [
				begin.set("/a/b").watch("w", "/a/b").stream("s", "/a/b").delete("/a/b"),
				/"s" was sent delete \/a\/b, index 2, twice: a stream on exactly the removed key is woken by the removal/,
			],
			"a poll that asks from the same index again, and says why": [
				polls.set("/a/1").set("/a/2").poll("w", { afterIndex: 0 }),
				/"w" was sent set \/a\/1, index 1, twice: the watcher asked from an index that was not above this/,
			],
		},
		notYet: {
			v3: [onV3(start.set("/a/x").delete("/a/x")), /on v3 each event comes once: both ways are v2's/],
			"a stream on a key that goes with its directory (L27)": [
				begin.set("/a/b").stream("w", "/a/b").rmdir("/a", { recursive }),
				/rmdir \/a took \/a\/b with it: the stream has to be on exactly the key that the delete names/,
			],
			"a recursive stream above the removed key": [
				begin.set("/a/b").stream("w", "/a", { recursive }).delete("/a/b"),
				/"w" is on \/a, and delete \/a\/b names another key: the stream has to be on exactly the key/,
			],
			"a watch on the removed key": [
				begin.mkdir("/a").watch("w", "/a").rmdir("/a"),
				/each event came once: \/a was removed, but which kind of watcher stays on the list/,
			],
			"two watchers": [
				begin.watch("one", "/a").watch("two", "/a").set("/a"),
				/"one" and "two" were sent set \/a once each: it has to be one and the same watcher/,
			],
			"the same value, written twice": [
				start.set("/a/k", "x").set("/a/k", "x"),
				/the two writes of \/a\/k are two events, index 1 and 2/,
			],
			"a reconnect, which goes on after the last event": [
				start.set("/a/1").cut("w").reconnect("w").set("/a/2"),
				/"w" came back and asked from index 2 on, after its last event/,
			],
			nobody: [begin.set("/a"), /no watcher in it/],
		},
	},
};

describe("an exercise, of any run", () => {
	for (const [name, { solved, notYet }] of Object.entries(cases) as [Name, Cases][]) {
		describe(name, () => {
			for (const [isSolved, all] of [
				[true, solved],
				[false, notYet],
			] as const)
				for (const [what, [run, words]] of Object.entries(all))
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
