import assert from "node:assert/strict";
import vm from "node:vm";
import { exercises, type Scenario, scenario } from "etcd-watch-lab";
import { comparePrediction, type Prediction, predictionOf } from "#lib/page";
import { answers } from "#lib/pages/exercises/answers.js";
import { forEachEtcd } from "../../support/etcd";
import { codeCells, pages, sourceOf } from "./reading";

type Name = keyof typeof exercises;

interface Answer {
	readonly answer: Scenario;
	/** Where it runs, if not where the exercise's attempts do. */
	readonly api?: "v2" | "v3";
	/** What the judge says of it, in part. */
	readonly words: RegExp;
}

interface Case {
	readonly notebook: string;
	/** The API that its attempts run on; "v2" unless given. */
	readonly api?: "v3";
	/** What the judge says of the attempt that the notebook starts with. */
	readonly start: RegExp;
	readonly solved: readonly Answer[];
	readonly notYet: readonly Answer[];
}

const flood = { count: 1200, keyCount: 10 };
/** One write of v3 that is two events, at revision 3. */
const twoGo = scenario("two keys go").set("/a/x", "1").set("/a/y", "1").rmdir("/a", { recursive: true });

const cases: Readonly<Record<string, Case>> = {
	unseenWrite: {
		notebook: "00-start-here",
		start: /heard of every write: where would a write be none of its business/,
		solved: [
			{
				answer: scenario("elsewhere").watch("w", "/a", { recursive: true }).set("/b/colour", "green"),
				words: /never heard of set \/b\/colour, which took index 1: \/b\/colour is not below \/a/,
			},
			{
				answer: scenario("hidden").watch("w", "/a", { recursive: true }).set("/a/_hidden", "green"),
				words: /never heard of set \/a\/_hidden, .* begins with an underscore/,
			},
			{
				answer: scenario("elsewhere").watch("w", "/a", { recursive: true }).set("/b/colour", "green"),
				api: "v3",
				words: /never heard of set \/b\/colour, which took revision 1: /,
			},
		],
		notYet: [
			{
				answer: scenario("refused")
					.watch("w", "/a", { recursive: true })
					.update("/a/colour", "green")
					.delete("/a/colour"),
				words: /etcd accepted no write in this run: look at the refused ones/,
			},
			{ answer: scenario("no watcher").set("/b/colour", "green"), words: /no watcher: keep the one on \/a/ },
			{
				answer: scenario("one of two refused")
					.watch("w", "/a", { recursive: true })
					.set("/a/colour", "green")
					.set("/a/colour/shade", "navy"),
				words:
					/heard of every write that etcd accepted \(set \/a\/colour\/shade was refused with 104 Not a directory, and is none\)/,
			},
			{
				answer: scenario("deeper").watch("w", "/a", { recursive: true }).set("/a/b/c/d", "green"),
				words: /heard of every write/,
			},
		],
	},
	plainWatchHearsFromAbove: {
		notebook: "01-recursive",
		start: /it heard nothing: which write takes the watched key away without naming it/,
		solved: [
			{
				answer: scenario("two levels up")
					.set("/x/y/z", "1")
					.watch("plain", "/x/y/z")
					.set("/x/y/other", "2")
					.rmdir("/x", { recursive: true }),
				words: /"plain" on \/x\/y\/z was sent delete \/x: \/x was removed, and \/x\/y\/z with it/,
			},
			{
				answer: scenario("an expiry")
					.mkdir("/lease", { ttl: 1 })
					.set("/lease/member", "here")
					.watch("plain", "/lease/member")
					.awaitExpiry("/lease"),
				words: /"plain" on \/lease\/member was sent expire \/lease/,
			},
		],
		notYet: [
			{
				answer: scenario("recursive")
					.set("/x/y/z", "1")
					.watch("w", "/x/y/z", { recursive: true })
					.rmdir("/x", { recursive: true }),
				words: /no watch without recursive/,
			},
			{
				answer: scenario("two levels up")
					.set("/x/y/z", "1")
					.watch("plain", "/x/y/z")
					.rmdir("/x", { recursive: true }),
				api: "v3",
				words: /this was a run on v3\. There nothing comes from above/,
			},
			{
				answer: scenario("the key itself").watch("plain", "/x").set("/x", "1").delete("/x"),
				words: /was sent set \/x, an event of its own key: while it watches, leave that alone/,
			},
			{
				answer: scenario("beside it").watch("plain", "/x/y/z").set("/x/other", "1").delete("/x/other"),
				words: /heard nothing: which write takes the watched key away without naming it/,
			},
			{
				answer: scenario("one level up")
					.set("/x/y/z", "1")
					.watch("plain", "/x/y/z")
					.rmdir("/x/y", { recursive: true }),
				words: /was sent delete \/x\/y, from one level up as on this page/,
			},
			{
				answer: scenario("a delete of a directory").set("/x/y/z", "1").watch("plain", "/x/y/z").delete("/x"),
				words: /it heard nothing: delete \/x was refused with 102 Not a file, so there was no event/,
			},
			{
				answer: scenario("nothing there")
					.set("/x/y/other", "1")
					.watch("plain", "/x/y/z")
					.rmdir("/x", { recursive: true }),
				words: /nothing was at \/x\/y\/z when \/x went, .* Make the key first/,
			},
		],
	},
	grandchildAddedAndDeleted: {
		notebook: "02-grandchild-writes",
		start: /set \/a\/b\/c was refused again: \/a\/b is a file, and a file has no children/,
		solved: [
			{
				answer: scenario("a directory")
					.watch("recursive", "/a", { recursive: true })
					.mkdir("/a/b")
					.set("/a/b/c", "a-b-c")
					.set("/a/d", "a-d")
					.delete("/a/b/c")
					.rmdir("/a/b"),
				words: /it saw \/a\/b\/c at 2 and its delete at 4: depth was never the reason/,
			},
			{
				answer: scenario("one step less")
					.watch("recursive", "/a", { recursive: true })
					.set("/a/b/c", "a-b-c")
					.set("/a/d", "a-d")
					.delete("/a/b/c"),
				words: /it saw \/a\/b\/c at 1 and its delete at 3/,
			},
		],
		notYet: [
			{
				answer: scenario("never deleted")
					.watch("recursive", "/a", { recursive: true })
					.set("/a/b/c", "a-b-c")
					.set("/a/d", "a-d"),
				words: /\/a\/b\/c was added, but it was never deleted/,
			},
			{
				answer: scenario("not recursive").watch("recursive", "/a").set("/a/b/c", "1").delete("/a/b/c"),
				words: /keep the recursive watch on \/a/,
			},
			{
				answer: scenario("too late")
					.set("/a/b/c", "1")
					.watch("recursive", "/a", { recursive: true })
					.delete("/a/b/c"),
				words: /no grandchild of \/a was added in front of the watch/,
			},
		],
	},
	pollsThatLoseNothing: {
		notebook: "03-missed-events",
		start: /the event at 2 was lost: nobody was listening, and the next poll did not ask for it/,
		solved: [
			{
				answer: scenario("after the event")
					.poll("w", "/a", { recursive: true })
					.set("/a/1", "x")
					.set("/a/2", "x")
					.poll("w", { goOnAfter: "event" })
					.poll("w", { goOnAfter: "event" })
					.set("/a/3", "x"),
				words: /all of 3 came, 1 of them from between two polls/,
			},
		],
		notYet: [
			{
				answer: scenario("a watch")
					.watch("w", "/a", { recursive: true })
					.set("/a/1", "x")
					.set("/a/2", "x")
					.set("/a/3", "x"),
				words: /use \.poll\(\): a watch or a stream would be too easy/,
			},
			{
				answer: scenario("two writes")
					.poll("w", "/a", { recursive: true })
					.set("/a/1", "x")
					.set("/a/2", "x")
					.poll("w", { goOnAfter: "event" }),
				words: /only 2 writes that it could see: make three/,
			},
			{
				answer: scenario("nothing between")
					.poll("w", "/a", { recursive: true })
					.set("/a/1", "x")
					.poll("w", { goOnAfter: "event" })
					.set("/a/2", "x")
					.poll("w", { goOnAfter: "event" })
					.set("/a/3", "x"),
				words: /nothing fell between two polls: write twice before you poll again/,
			},
			{
				answer: scenario("after the response")
					.poll("w", "/a", { recursive: true })
					.set("/b", "x")
					.set("/a/1", "x")
					.set("/a/2", "x")
					.poll("w", { goOnAfter: "response" })
					.poll("w", { goOnAfter: "response" })
					.set("/a/3", "x"),
				words:
					/the event at 2 came twice, and the one at 3 was lost: the polls went on after the index of the resp/,
			},
			{
				answer: scenario("one poll too few")
					.poll("w", "/a", { recursive: true })
					.set("/a/1", "x")
					.set("/a/2", "x")
					.poll("w", { goOnAfter: "event" })
					.set("/a/3", "x"),
				words: /the event at 3 was lost: a poll gives one event, and no poll was left for this one/,
			},
		],
	},
	quietKeySurvives: {
		notebook: "04-afterindex-recovery",
		start: /"quiet" got 401 at index 1201: it asked after the flood, when its index was no longer kept/,
		solved: [
			{
				answer: scenario("already waiting")
					.poll("quiet", "/quiet/key")
					.set("/quiet/key", "1")
					.poll("quiet", { goOnAfter: "event" })
					.burst("/noise", flood)
					.set("/quiet/key", "2"),
				words: /"quiet" saw index 1202 after 1200 writes to other keys: who is already waiting/,
			},
			{
				answer: scenario("a watch")
					.watch("quiet", "/quiet/key")
					.set("/quiet/key", "1")
					.burst("/noise", flood)
					.set("/quiet/key", "2"),
				words: /saw index 1202 after 1200 writes to other keys/,
			},
		],
		notYet: [
			{
				answer: scenario("a smaller flood")
					.poll("quiet", "/quiet/key")
					.set("/quiet/key", "1")
					.burst("/noise", { count: 900, keyCount: 10 })
					.poll("quiet", { goOnAfter: "event" })
					.set("/quiet/key", "2"),
				words: /only 900 writes to other keys .*: the window would not have passed/,
			},
			{
				answer: scenario("the page's own attempt")
					.poll("quiet", "/quiet/key")
					.set("/quiet/key", "1")
					.burst("/noise", flood)
					.poll("quiet", { goOnAfter: "event" })
					.set("/quiet/key", "2"),
				api: "v3",
				words: /this was a run on v3\. There nobody is thrown out/,
			},
			{
				answer: scenario("written once")
					.poll("quiet", "/quiet/key")
					.set("/quiet/key", "1")
					.burst("/noise", flood),
				words: /write the quiet key once before the flood and once after it, with a watcher on it/,
			},
			{
				answer: scenario("from now on")
					.poll("quiet", "/quiet/key")
					.set("/quiet/key", "1")
					.burst("/noise", flood)
					.poll("quiet")
					.set("/quiet/key", "2"),
				words: /asked after the flood, and for what comes from now on: had its key been written in between/,
			},
			{
				answer: scenario("from now on, and an event lost")
					.poll("quiet", "/quiet/key")
					.set("/quiet/key", "1")
					.burst("/noise", { count: 600, keyCount: 10 })
					.set("/quiet/key", "lost")
					.burst("/noise", { count: 600, keyCount: 10 })
					.poll("quiet")
					.set("/quiet/key", "2"),
				words: /"quiet" did not see its event at 602/,
			},
			{
				answer: scenario("nobody asks again")
					.poll("quiet", "/quiet/key")
					.set("/quiet/key", "1")
					.burst("/noise", flood)
					.set("/quiet/key", "2"),
				words: /"quiet" did not see its event at 1202/,
			},
		],
	},
	oneEventForMany: {
		notebook: "05-events-as-a-log",
		start: /expire \/a\/1 took one key with it, itself\. What can expire that holds others/,
		solved: [
			{
				answer: scenario("a directory with a ttl")
					.watch("w", "/a", { recursive: true })
					.mkdir("/a/d", { ttl: 2 })
					.set("/a/d/1", "x")
					.set("/a/d/2", "x")
					.set("/a/d/e/3", "x")
					.awaitExpiry("/a/d"),
				words:
					/"w" was sent expire \/a\/d, and \/a\/d, \/a\/d\/1, \/a\/d\/2, \/a\/d\/e, \/a\/d\/e\/3 went: only/,
			},
			{
				answer: scenario("two files and their directory")
					.watch("w", "/a", { recursive: true })
					.mkdir("/a/d", { ttl: 2 })
					.set("/a/d/1", "x")
					.set("/a/d/2", "x")
					.awaitExpiry("/a/d"),
				words: /and \/a\/d, \/a\/d\/1, \/a\/d\/2 went: only/,
			},
		],
		notYet: [
			{
				answer: scenario("by hand")
					.watch("w", "/a", { recursive: true })
					.set("/a/d/1", "x")
					.set("/a/d/2", "x")
					.set("/a/d/3", "x")
					.rmdir("/a/d", { recursive: true }),
				words: /rmdir \/a\/d was a client's doing: let etcd remove them by itself/,
			},
			{
				answer: scenario("nothing went").watch("w", "/a", { recursive: true }).set("/a/d/1", "x"),
				words: /nothing went: give something a ttl, and wait for it/,
			},
			{
				answer: scenario("two keys")
					.watch("w", "/a", { recursive: true })
					.mkdir("/a/d", { ttl: 2 })
					.set("/a/d/1", "x")
					.awaitExpiry("/a/d"),
				words: /expire \/a\/d took 2 keys with it, \/a\/d and \/a\/d\/1\. Put one more where they were/,
			},
			{
				answer: scenario("elsewhere")
					.watch("w", "/b", { recursive: true })
					.mkdir("/a/d", { ttl: 2 })
					.set("/a/d/1", "x")
					.set("/a/d/2", "x")
					.set("/a/d/3", "x")
					.awaitExpiry("/a/d"),
				words: /no watcher was told that \/a\/d expired: watch above it/,
			},
			{
				answer: scenario("plain").watch("w", "/a").set("/a/1", "x"),
				words: /keep the recursive watch: somebody has to be told/,
			},
		],
	},
	shownByTheReplayAlone: {
		notebook: "07-field-guide",
		start: /heard all that came from the history: depth is no reason/,
		solved: [
			{
				answer: scenario("a hidden name")
					.watch("live", "/app", { recursive: true })
					.set("/app/_conf/k", "x")
					.watch("later", "/app", { recursive: true, afterIndex: 0 }),
				words: /"later" was given \/app\/_conf\/k from the history, and "live" was there all the time/,
			},
			{
				answer: scenario("the last part, and a poll")
					.watch("live", "/app", { recursive: true })
					.set("/app/open", "x")
					.set("/app/a/_b", "x")
					.poll("later", "/app", { recursive: true, afterIndex: 1 }),
				words: /the entry "Keys with an underscore come and go"/,
			},
		],
		notYet: [
			{
				answer: scenario("one watcher").watch("live", "/app", { recursive: true }).set("/app/_k", "x"),
				words: /it takes two watchers on \/app/,
			},
			{
				answer: scenario("not recursive")
					.mkdir("/app")
					.watch("live", "/app")
					.set("/app/k", "x")
					.watch("later", "/app", { recursive: true, afterIndex: 0 }),
				words: /"live" is not recursive: that is the entry "My watch on a directory is silent"/,
			},
			{
				answer: scenario("too late")
					.set("/app/k", "x")
					.watch("live", "/app", { recursive: true })
					.watch("later", "/app", { recursive: true, afterIndex: 0 }),
				words: /was not there when \/app\/k was written: that is the entry "The first write after I opened/,
			},
			{
				answer: scenario("a neighbour")
					.mkdir("/ap")
					.watch("live", "/app", { recursive: true })
					.rmdir("/ap")
					.watch("later", "/app", { recursive: true, afterIndex: 0 }),
				words:
					/\/ap is not below \/app: that is the entry "After a reconnect came the delete of a neighbour"/,
			},
			{
				answer: scenario("refused")
					.watch("live", "/app", { recursive: true })
					.set("/app", "x")
					.set("/app/k", "x")
					.watch("later", "/app", { recursive: true, afterIndex: 0 }),
				words: /refused with 104: that is the entry "I wrote a grandchild and heard nothing"/,
			},
			{
				answer: scenario("not deep")
					.watch("live", "/app", { recursive: true })
					.set("/app/k", "x", { ttl: 100 })
					.refresh("/app/k", 100)
					.watch("later", "/app", { recursive: true, afterIndex: 0 }),
				words:
					/heard all that came from the history\. Which entry is about keys that a live watch never shows/,
			},
			{
				answer: scenario("no index")
					.watch("live", "/app", { recursive: true })
					.set("/app/_k", "x")
					.watch("later", "/app", { recursive: true }),
				words: /nobody was given anything from the history: ask for the past, with afterIndex/,
			},
			{
				answer: scenario("the history went by")
					.watch("live", "/app", { recursive: true })
					.set("/app/_k", "x")
					.burst("/noise", flood)
					.watch("later", "/app", { recursive: true, afterIndex: 0 }),
				words: /"later" got a 401: that is the entry "A quiet key gets a 401"/,
			},
		],
	},
	numbersToOrder: {
		notebook: "06-indexes-and-revisions",
		api: "v3",
		start: /create_revision is 1: that write made \/k\. What has to be written before/,
		solved: [
			{
				answer: scenario("elsewhere first").set("/a").set("/b").set("/k", "1").set("/a").set("/k", "2"),
				words: /only two were \/k's own/,
			},
			{
				answer: scenario("a life before")
					.set("/k", "1")
					.delete("/k")
					.create("/k", "2")
					.create("/k", "not again")
					.set("/elsewhere")
					.compareAndSwap("/k", "3", { prevValue: "2" }),
				words: /the third write of the store made \/k/,
			},
		],
		notYet: [
			{ answer: scenario("nothing").set("/a"), words: /nobody wrote \/k/ },
			{ answer: scenario("gone").set("/k").delete("/k"), words: /\/k is gone at the end/ },
			{
				answer: scenario("often").set("/a").set("/b").set("/k", "1").set("/k", "2").set("/k", "3"),
				words: /create_revision is right, and version is 3/,
			},
			{
				answer: scenario("at once").set("/a").set("/b").set("/k", "1").set("/k", "2"),
				words:
					/mod_revision is 4: between the two writes to \/k the store has to be written once, and elsewhere/,
			},
			{
				answer: scenario("idle").set("/a").set("/b").set("/k", "1").update("/none").set("/k", "2"),
				words: /mod_revision is 4: .* what does nothing takes no revision/,
			},
		],
	},
	keptDelete: {
		notebook: "10-versions",
		api: "v3",
		start:
			/the compaction ends at the delete of \/a\/k at 2, and before 3\.4\.34 and 3\.5\.16 that one is not told/,
		solved: [
			{
				answer: scenario("below the delete")
					.set("/a/k", "1")
					.delete("/a/k")
					.compact(1)
					.set("/a/k", "2")
					.watch("late", "/a", { recursive: true, afterIndex: 1 }),
				words: /the delete of \/a\/k at 2 came, since the compaction ended before it, at 1/,
			},
			{
				answer: scenario("another delete")
					.set("/a/k", "1")
					.delete("/a/k")
					.compact()
					.set("/a/k", "2")
					.delete("/a/k")
					.watch("late", "/a", { recursive: true, afterIndex: 2 }),
				words: /the delete of \/a\/k at 4 came/,
			},
		],
		notYet: [
			{
				answer: scenario("no compaction")
					.set("/a/k", "1")
					.delete("/a/k")
					.watch("late", "/a", { recursive: true, afterIndex: 1 }),
				words: /nothing was compacted/,
			},
			{
				answer: scenario("no delete")
					.set("/a/k", "1")
					.compact()
					.watch("late", "/a", { recursive: true, afterIndex: 0 }),
				words: /nothing was removed/,
			},
			{
				answer: scenario("from now on")
					.set("/a/k", "1")
					.delete("/a/k")
					.compact(1)
					.watch("late", "/a", { recursive: true }),
				words: /no watch asked for the past after the compaction/,
			},
			{
				answer: scenario("after the delete")
					.set("/a/k", "1")
					.delete("/a/k")
					.set("/a/k", "2")
					.compact(1)
					.watch("late", "/a", { recursive: true, afterIndex: 2 }),
				words: /the watch asks from 3 on: the delete of \/a\/k at 2 lies before/,
			},
			{
				answer: scenario("while it was open")
					.set("/a/k", "1")
					.set("/a/k", "2")
					.compact(1)
					.watch("late", "/a", { recursive: true, afterIndex: 1 })
					.delete("/a/k"),
				words: /the delete of \/a\/k at 3 came when the watch was open/,
			},
			{
				answer: scenario("compacted away")
					.set("/a/k", "1")
					.delete("/a/k")
					.set("/a/k", "2")
					.compact()
					.watch("late", "/a", { recursive: true, afterIndex: 1 }),
				words: /the delete of \/a\/k at 2 has been compacted with all that is older than 3/,
			},
		],
	},
	wholeRevision: {
		notebook: "11-delivery",
		api: "v3",
		start:
			/the watch asks from revision 4 on: who had handled one event of revision 3 is never told of the other/,
		solved: [
			{
				answer: twoGo.watch("restarted", "/a", { recursive: true, afterIndex: 2 }).set("/a/z", "1"),
				words: /all 2 events of revision 3 came: the watch asks for the revision itself/,
			},
			{
				answer: twoGo.set("/a/z", "1").poll("once", "/a", { recursive: true, afterIndex: 2 }),
				words: /all 2 events of revision 3 came/,
			},
		],
		notYet: [
			{ answer: scenario("one key each").set("/a/x").delete("/a/x"), words: /no write changed several keys/ },
			{
				answer: twoGo.watch("from now on", "/a", { recursive: true }).set("/a/z"),
				words: /no watch asked for the past/,
			},
			{
				answer: scenario("open before")
					.set("/a/x", "1")
					.set("/a/y", "1")
					.watch("w", "/a", { recursive: true, afterIndex: 0 })
					.rmdir("/a", { recursive: true }),
				words: /revision 3 was written when the watch was open/,
			},
			{
				answer: twoGo.watch("one key", "/a/x", { afterIndex: 2 }),
				words: /not all of the 2 events of revision 3 came/,
			},
			{
				answer: twoGo.watch("from the start", "/a", { recursive: true, afterIndex: 0 }),
				words: /revision 3 came whole, and what is older came once more/,
			},
		],
	},
	removalInAGap: {
		notebook: "08-faults",
		start: /\/a\/k was made and removed within the gap: who never knew of it can't miss it/,
		solved: [
			{
				answer: scenario("known before")
					.follow("follower", "/a", { recursive: true })
					.set("/a/k", "1")
					.cut("follower")
					.delete("/a/k")
					.burst("/noise", flood)
					.reconnect("follower"),
				words: /"follower" was told that \/a\/k went between 2 and 1202/,
			},
			{
				answer: scenario("compacted")
					.follow("follower", "/a", { recursive: true })
					.set("/a/k", "1")
					.cut("follower")
					.delete("/a/k")
					.set("/a/l", "1")
					.compact()
					.reconnect("follower"),
				api: "v3",
				words: /"follower" was told that \/a\/k went between 2 and/,
			},
			{
				answer: scenario("a directory")
					.set("/a/d/1", "1")
					.follow("follower", "/a", { recursive: true })
					.cut("follower")
					.rmdir("/a/d", { recursive: true })
					.burst("/noise", flood)
					.reconnect("follower")
					.set("/a/k", "1"),
				words: /"follower" was told that \/a\/d\/1 went between 2 and 1202/,
			},
		],
		notYet: [
			{
				answer: scenario("no follower")
					.watch("w", "/a", { recursive: true })
					.set("/a/k", "1")
					.cut("w")
					.delete("/a/k")
					.burst("/noise", flood)
					.reconnect("w"),
				words: /there is no follower in it/,
			},
			{
				answer: scenario("nothing removed")
					.follow("follower", "/a", { recursive: true })
					.set("/a/k", "1")
					.cut("follower")
					.set("/a/k", "2")
					.burst("/noise", flood)
					.reconnect("follower"),
				words: /nothing below \/a was removed in this run/,
			},
			{
				answer: scenario("made again")
					.follow("follower", "/a", { recursive: true })
					.set("/a/k", "1")
					.cut("follower")
					.delete("/a/k")
					.set("/a/k", "2")
					.burst("/noise", flood)
					.reconnect("follower"),
				words:
					/\/a\/k was removed and made again within the gap: .* that the key changed, not that it was away/,
			},
			{
				answer: scenario("no flood")
					.follow("follower", "/a", { recursive: true })
					.set("/a/k", "1")
					.cut("follower")
					.delete("/a/k")
					.reconnect("follower"),
				words: /the removal of \/a\/k came as an event, index 2: the history still had it/,
			},
			{
				answer: scenario("never back")
					.follow("follower", "/a", { recursive: true })
					.set("/a/k", "1")
					.cut("follower")
					.delete("/a/k")
					.burst("/noise", flood),
				words: /was told of no gap: cut it, let the history pass by, and reconnect it/,
			},
			{
				answer: scenario("after the gap")
					.follow("follower", "/a", { recursive: true })
					.set("/a/k", "1")
					.cut("follower")
					.burst("/noise", flood)
					.reconnect("follower")
					.delete("/a/k"),
				words: /\/a\/k was removed at 1202, outside the gap 2 to 1201/,
			},
		],
	},
	sameEventTwice: {
		notebook: "09-playground",
		start: /each event came once: \/a was removed, but which kind of watcher stays on the list/,
		solved: [
			{
				answer: scenario("a stream on the removed key").mkdir("/a").stream("s", "/a").rmdir("/a"),
				words: /"s" was sent delete \/a, index 2, twice: a stream on exactly the removed key/,
			},
			{
				answer: scenario("after the response")
					.poll("w", "/a", { recursive: true })
					.set("/b", "x")
					.set("/a/1", "x")
					.poll("w", { goOnAfter: "response" }),
				words: /"w" was sent set \/a\/1, index 2, twice: the watcher asked from an index/,
			},
		],
		notYet: [
			{ answer: scenario("nobody").set("/a", "x"), words: /there is no watcher in it/ },
			{
				answer: scenario("two keys of one revision")
					.set("/a/x", "1")
					.set("/a/y", "1")
					.watch("w", "/a", { recursive: true })
					.rmdir("/a", { recursive: true }),
				api: "v3",
				words: /on v3 each event comes once: both ways are v2's/,
			},
			{
				answer: scenario("the same value").stream("s", "/a").set("/a", "x").set("/a", "x"),
				words: /the two writes of \/a are two events, index 1 and 2/,
			},
		],
	},
};

/** The attempt that a notebook starts its reader off with, made by the notebook's own cell. */
function startingAttempt(notebook: string): Scenario {
	const page = pages().find(({ name }) => name === notebook);
	assert.ok(page, notebook);
	const source = codeCells(page.notebook)
		.map(sourceOf)
		.find((each) => each.startsWith("const attempt ="));
	assert.ok(source, `${notebook} has a cell that begins with const attempt =`);
	return vm.runInThisContext(`(scenario, predict) => {\n${source}\nreturn attempt;\n}`)(
		scenario,
		predictionOf,
	);
}

/** The answer of the lab's that an exercise shows in the end, as a cell of a notebook would run it. */
function ownAnswer(name: string): { attempt: Scenario; myBet: Prediction } {
	assert.ok(name in answers);
	const { code } = answers[name as Name];
	return vm.runInThisContext(`(scenario, predict) => {\n${code}\nreturn { attempt, myBet };\n}`)(
		scenario,
		predictionOf,
	);
}

describe("an exercise", () => {
	it("is in one notebook, and every notebook has one", () => {
		for (const [name, { notebook }] of Object.entries(cases)) {
			const page = pages().find((each) => each.name === notebook);
			assert.ok(page, notebook);
			const source = codeCells(page.notebook).map(sourceOf).join("\n");
			assert.match(source, new RegExp(`checkExercise\\(exercises\\.${name},`), notebook);
		}
		assert.deepEqual(Object.keys(cases).sort(), Object.keys(exercises).sort());
		assert.deepEqual(
			Object.values(cases)
				.map(({ notebook }) => notebook)
				.sort(),
			pages().map(({ name }) => name),
		);
	});

	forEachEtcd((server) => {
		async function judged(
			name: string,
			answer: Scenario,
			api: "v2" | "v3" = cases[name]?.api ?? "v2",
		): Promise<{ solved: boolean; words: string }> {
			assert.ok(name in exercises);
			return exercises[name as Name].judge(await answer.run(server.lab, { api }));
		}

		for (const [name, { notebook, start, solved, notYet }] of Object.entries(cases)) {
			describe(`${notebook}: ${name}`, () => {
				it("is not solved by the attempt that the notebook starts with, and says why", async () => {
					const { solved: isSolved, words } = await judged(name, startingAttempt(notebook));
					assert.equal(isSolved, false);
					assert.match(words, start);
				});

				it("is solved by its own answer, which is predicted", async () => {
					const { attempt, myBet } = ownAnswer(name);
					const run = await attempt.run(server.lab, { api: cases[name]?.api ?? "v2" });
					assert.ok(name in exercises);
					const { solved: isSolved, words } = exercises[name as Name].judge(run);
					assert.equal(isSolved, true, words);
					const { wrong, unknown, summary } = comparePrediction(myBet, run);
					assert.deepEqual([wrong, unknown], [0, 0], summary);
				});

				for (const { answer, api, words: expected } of solved) {
					it(`is solved by "${answer.name}"${api ? ` on ${api}` : ""}`, async () => {
						const { solved: isSolved, words } = await judged(name, answer, api);
						assert.match(words, expected);
						assert.equal(isSolved, true);
					});
				}

				for (const { answer, api, words: expected } of notYet) {
					it(`is not solved by "${answer.name}"${api ? ` on ${api}` : ""}, and says what is missing`, async () => {
						const { solved: isSolved, words } = await judged(name, answer, api);
						assert.equal(isSolved, false);
						assert.match(words, expected);
					});
				}
			});
		}
	});
});
