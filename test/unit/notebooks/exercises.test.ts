import assert from "node:assert/strict";
import { exercises, runOnModel, scenario, type Timeline } from "etcd-watch-lab";
import { runIn } from "../../support/scenario/cases";

type Name = keyof typeof exercises;

/**
 * Of each exercise what solves it and what does not: a run by what it is, and below that its steps, as `runIn` reads
 * them, "=>" what the judge's words match.
 */
const table = String.raw`
unseenWrite is solved by
	a write elsewhere, though another watcher heard it
		watch w /a/...; watch other /b/...; set /b/x 1 => "w" never heard of set /b/x, which took index 1: /b/x is not below /a
	a hidden name, and says so
		watch w /a/...; set /a/colour green; set /a/_colour green => "w" never heard of set /a/_colour, which took index 2: .* begins with an underscore
	a write before the watch, and says so
		set /a/1; watch w /a/...; set /a/2 => set /a/1, which took index 1: the watcher was registered at index 1
	a grandchild of a plain watch, and says so
		watch w /a; set /a/b => set /a/b, .*: the watcher is not recursive
	a poll that was over, and says so
		poll w /a/...; set /a/1; set /a/2 => set /a/2, which took index 2: nobody was listening any more
	a second watcher on /a that began too late
		watch w /a/...; set /a/1; watch late /a/...; set /a/2 => "late" never heard of set /a/1
	one reason, and says that there are others (L3)
		watch w /a/...; set /ab/colour green => is not below /a\. You found 1 of 5 reasons \(another place\): what of the key, of the watch or \S
	a write elsewhere on v3, where no name is hidden and there is a reason less (L3)
		watch w /a/...; set /b but api v3 => never heard of set /b, which took revision 1: .* You found 1 of 4 reasons \(another place\)
	each of the reasons, and counts them once (L3)
		set /a/1; watch w /a/...; watch plain /a; set /a/_colour; set /b/1; set /b/2; close w; set /a/1 => You found all 5 reasons$
	no reason of a write that it is not known to have missed (L3)
		watch w /a/...; set /b/1; set /a/1 but w got nothing; w proof none => set /b/1, .* You found 1 of 5 reasons \(another place\)
unseenWrite is not solved by
	refused writes alone
		watch w /a/...; update /a/colour; delete /a/colour => etcd accepted no write in this run: look at the refused ones
	no watcher
		set /b/colour => no watcher: keep the one on /a
	one refused write of two
		watch w /a/...; set /a/colour; set /a/colour/shade => heard of every write that etcd accepted \(set /a/colour/shade was refused with 104 Not a directory, and is none\)
	a write deeper down
		watch w /a/...; set /a/b/c/d => heard of every write
	a watcher that is elsewhere (L1)
		watch w /b/...; set /a/colour green => no watcher on /a: keep the one on /a
	a write below a watcher that is elsewhere
		watch w /z/...; set /b/colour green => no watcher on /a: keep the one on /a
	a refresh, of which nobody could hear
		watch w /a/...; set /a/k 1 ttl 60; refresh /a/k 60 => refresh /a/k raised no event: nobody at all could hear of it
	a silence that nothing proves
		watch w /a/...; set /a/1 but w got nothing; w proof none => not known whether "w" will still hear of set /a/1
plainWatchHearsFromAbove is solved by
	what was written before the watch, and a delete from two levels up
		set /x/y/z 1; set /x/y/z 2; watch plain /x/y/z; rmdir /x/... => "plain" on /x/y/z was sent delete /x: /x was removed, and /x/y/z with it
	an expiry, at the second of two plain watches
		mkdir /lease ttl 1; set /lease/member here; watch own /own; watch plain /lease/member; set /own; expire /lease => "plain" on /lease/member was sent expire /lease: /lease was removed
	a stream, whose key was made again after it
		set /x/y/z 1; stream plain /x/y/z; rmdir /x/...; set /x/y/z 2 => "plain" on /x/y/z was sent delete /x
plainWatchHearsFromAbove is not solved by
	a recursive watch
		set /x/y/z; watch w /x/y/z/...; rmdir /x/... => no watch without recursive
	the key itself
		watch plain /x; set /x; delete /x => was sent set /x, an event of its own key: while it watches, leave that alone
	a key beside it
		watch plain /x/y/z; set /x/other; delete /x/other => heard nothing: which write takes the watched key away without naming it
	a delete from one level up
		set /x/y/z 1; watch plain /x/y/z; rmdir /x/y/... => was sent delete /x/y, from one level up as on this page
	a key that was not there
		set /x/y/other; watch plain /x/y/z; rmdir /x/... => nothing was at /x/y/z when /x went, .* Make the key first
	its own key written as it watched
		watch plain /x/y/z; set /x/y/z 1; rmdir /x/... => was sent delete /x, from above, but set /x/y/z at index 1 was a write to its key
	a delete of a directory with something in it (108)
		set /x/y/z 1; watch plain /x/y/z; rmdir /x => rmdir /x was refused with 108 Directory not empty, .*add { recursive: true }
	a ttl that comes too late (105)
		set /x/y/z 1; watch plain /x/y/z; mkdir /x ttl 1 => mkdir /x was refused with 105 Key already exists, .*give it the ttl when you make it
	a directory that can't be renewed (300)
		set /x/y/z 1; watch plain /x/y/z; updateDirectory /x ttl 1 => updateDirectory /x was refused with 300 .*give it the ttl when you make it
	a delete of a directory as a file (102)
		set /x/y/z 1; watch plain /x/y/z; delete /x => delete /x was refused with 102 Not a file, so there was no event.*a directory goes by \.rmdir\(\)
	a delete of what is not there (100)
		watch plain /x/y/z; rmdir /x/... => rmdir /x was refused with 100 Key not found, .*make it first
	a refusal that has nothing to do with it
		set /x/y/z 1; watch plain /x/y/z; delete /other => heard nothing: which write takes the watched key away without naming it
	the lab's follower, which is no watch
		set /x/y/z 1; follow f /x/y/z; rmdir /x/... => no watch without recursive
	v3 (L11)
		set /x/y/z 1; watch plain /x/y/z; rmdir /x/... but api v3 => a run on v3\. There nothing comes from above: each key that goes has its own event
grandchildAddedAndDeleted is solved by
	a directory in the place of the file, and says why
		watch w /a/...; mkdir /a/b; set /a/b/c; set /a/d; delete /a/b/c; rmdir /a/b => it saw /a/b/c at 2 and its delete at 4: depth was never the reason
	a second grandchild
		watch w /a/...; set /a/b/c; delete /a/b/c; mkdir /a/d => it saw /a/b/c at 1 and its delete at 2
	one that was deleted before the watch, and is added again
		set /a/b/c; delete /a/b/c; watch w /a/...; create /a/b/c; delete /a/b/c => it saw /a/b/c at 3 and its delete at 4
grandchildAddedAndDeleted is not solved by
	one that was never deleted
		watch w /a/...; set /a/b/c; set /a/d => /a/b/c was added, but it was never deleted
	a plain watch
		watch plain /a; set /a/b/c; delete /a/b/c => keep the recursive watch on /a
	one that was added before the watch
		set /a/b/c; watch w /a/...; delete /a/b/c => no grandchild of /a was added in front of the watch
	one added and another one deleted
		set /a/d/old; watch w /a/...; set /a/d/new; delete /a/d/old => /a/d/new was added, but it was never deleted
	a delete before the add
		set /a/d/k; watch w /a/...; delete /a/d/k; set /a/d/k => /a/d/k was added, but it was never deleted
	an update for an add
		set /a/d/k; watch w /a/...; set /a/d/k 2; delete /a/d/k => set /a/d/k changed a grandchild that was there: add one
	one that goes with its directory
		watch w /a/...; set /a/b/c; rmdir /a/b/... => /a/b/c went with /a/b, whose delete is the only event: delete the grandchild itself
	a hidden one
		watch w /a/...; set /a/_b/c; delete /a/_b/c => /a/_b/c was added, but "w" was not told: .* begins with an underscore
	one watcher for the add and another one for the delete
		poll one /a/...; set /a/b/c; poll two /a/...; delete /a/b/c => /a/b/c was added and deleted, but "one" was not told of the delete
	v3
		watch w /a/...; set /a/b/c; delete /a/b/c but api v3 => a run on v3\. There the post's five steps show it
pollsThatLoseNothing is solved by
	four writes, two of them between, and one before the first poll
		set /a/0; poll w /a/...; set /a/1; set /a/2; set /a/3; poll w after event; poll w after event => all of 3 came, 2 of them from between two polls
	beside other polls that lose
		poll loses /a/...; poll w /a/...; set /a/1; set /a/2; poll w after 1; poll w after 2; set /a/3 => all of 3 came, 1 of them from between two polls
pollsThatLoseNothing is not solved by
	a watch
		watch w /a/...; set /a/1; set /a/2; set /a/3 => use \.poll\(\): a watch or a stream would be too easy
	two writes
		poll w /a/...; set /a/1; set /a/2; poll w after event => only 2 writes that it could see: make three
	polls with nothing between
		poll w /a/...; set /a/1; poll w after event; set /a/2; poll w after event; set /a/3 => nothing fell between two polls: write twice before you poll again
	polls that go on after the response
		poll w /a/...; set /b; set /a/1; set /a/2; poll w after response; poll w after response; set /a/3 => the event at 2 came twice, and the one at 3 was lost: the polls went on after the index of the resp
	one poll too few
		poll w /a/...; set /a/1; set /a/2; poll w after event; set /a/3 => the event at 3 was lost: a poll gives one event, and no poll was left for this one
	three writes before the first poll
		set /a/1; set /a/2; set /a/3; poll w /a/... after 0; poll w after event; poll w after event => nothing fell between two polls
	a last poll that only by luck lost nothing
		poll w /a/...; set /a/1; set /a/2; poll w after event; poll w; set /a/3 => nothing was lost, by luck: the poll at index 2 asked for what comes from then on
	v3
		poll w /a/... but api v3 => a run on v3\. \S
quietKeySurvives is solved by
	a poll that was already waiting, and says why
		poll w /q; set /q 1; poll w after event; 1200 × set /noise; set /q 2 => "w" saw index 1202 after 1200 writes to other keys: who is already waiting
	the second of two watchers of the key
		poll late /q; watch w /q; set /q 1; 1200 × set /noise; poll late after event; set /q 2 => "w" saw index 1202 after 1200 writes to other keys
	a stream, after a smaller flood
		stream s /q; set /q 1; 10 × set /noise over 1; set /q 2; 1200 × set /noise; set /q 3 => "s" saw index 1213 after 1200 writes to other keys
quietKeySurvives is not solved by
	a flood that is too small
		poll w /q; set /q 1; 900 × set /noise; poll w after event; set /q 2 => only 900 writes to other keys .*: the window would not have passed
	a key that was written once
		poll w /q; set /q 1; 1200 × set /noise => write the quiet key once before the flood and once after it, with a watcher on it
	a poll after the flood, from then on
		poll w /q; set /q 1; 1200 × set /noise; poll w; set /q 2 => asked after the flood, and for what comes from now on: had its key been written in between
	a poll that lost an event within the flood
		poll w /q; set /q 1; 600 × set /noise; set /q lost; 600 × set /noise; poll w; set /q 2 => "w" did not see its event at 602
	nobody who asks again
		poll w /q; set /q 1; 1200 × set /noise; set /q 2 => "w" did not see its event at 1202
	two smaller floods, one event between, and polls that ask after each
		poll w /q; set /q 1; 600 × set /noise; poll w after event; set /q 2; 600 × set /noise; poll w after event; set /q 3 => only 600 writes to other keys between two neighbouring events
	a watcher that is not on the key
		watch w /else; set /q 1; 1200 × set /noise; set /q 2 => write the quiet key once before the flood and once after it, with a watcher on it
	the lab's follower, which does it by itself
		follow f /q; set /q 1; 1200 × set /noise; set /q 2 => with a watcher on it
	v3 (L18)
		poll w /q; set /q 1; 1200 × set /noise; poll w after event; set /q 2 but api v3 => a run on v3\. There nobody is thrown out by other people's writes
oneEventForMany is solved by
	an expiry, at the second of two watchers
		watch other /b/...; watch w /a/...; set /a/d/_1; mkdir /a/e ttl 1; set /a/e/f/g; expire /a/e => "w" was sent expire /a/e, and /a/e, /a/e/f, /a/e/f/g went: only
	the second of two expiries
		watch w /a/...; set /a/one ttl 1; expire /a/one; mkdir /a/e ttl 2; set /a/e/1; set /a/e/2; expire /a/e => "w" was sent expire /a/e, and /a/e, /a/e/1, /a/e/2 went
oneEventForMany is not solved by
	a delete by hand
		watch w /a/...; set /a/d/1; set /a/d/2; set /a/d/3; rmdir /a/d/... => rmdir /a/d was a client's doing: let etcd remove them by itself
	nothing that went
		watch w /a/...; set /a/d/1 => nothing went: give something a ttl, and wait for it
	a directory with one key
		watch w /a/...; mkdir /a/d ttl 2; set /a/d/1; expire /a/d => expire /a/d took 2 keys with it, /a/d and /a/d/1\. Put one more where they were
	a watcher elsewhere
		watch w /b/...; mkdir /a/d ttl 2; set /a/d/1; set /a/d/2; expire /a/d => no watcher was told that /a/d expired: watch above it
	a plain watch
		watch w /a; set /a/1 => keep the recursive watch: somebody has to be told
	an expiry and a client's delete
		watch w /a/...; mkdir /a/e ttl 1; set /a/e/1; set /a/e/2; set /a/x; delete /a/x; expire /a/e => delete /a/x was a client's doing
	v3 (S4)
		watch w /a/...; set /a/e but api v3 => a run on v3\. There each key that goes has an event of its own
shownByTheReplayAlone is solved by
	a hidden name, though a write elsewhere was refused
		watch live /app/...; delete /app/nothing; set /app/_k x; watch later /app/... after 0 => "later" was given /app/_k from the history, and "live" was there all the time and never told
	the watchers named in the other order, and a third one
		watch other /other; set /app/open; stream live /app/...; set /app/_k/x; watch later /app/... after 1 => "later" was given /app/_k/x from the history, .*the entry "Keys with an underscore come and go"
shownByTheReplayAlone is not solved by
	one watcher
		watch live /app/...; set /app/_k => it takes two watchers on /app
	a plain watch
		mkdir /app; watch live /app; set /app/k; watch later /app/... after 0 => "live" is not recursive: that is the entry "My watch on a directory is silent"
	a watch that came too late
		set /app/k; watch live /app/...; watch later /app/... after 0 => was not there when /app/k was written: that is the entry "The first write after I opened
	a neighbour
		mkdir /ap; watch live /app/...; rmdir /ap; watch later /app/... after 0 => /ap is not below /app: that is the entry "After a reconnect came the delete of a neighbour"
	a refused write
		watch live /app/...; set /app; set /app/k; watch later /app/... after 0 => refused with 104: that is the entry "I wrote a grandchild and heard nothing"
	a refresh
		watch live /app/...; set /app/k x ttl 100; refresh /app/k 100; watch later /app/... after 0 => heard all that came from the history\. Which entry is about keys that a live watch never shows
	a watch without an index
		watch live /app/...; set /app/_k; watch later /app/... => nobody was given anything from the history: ask for the past, with afterIndex
	a history that went by
		watch live /app/...; set /app/_k; 1200 × set /noise; watch later /app/... after 0 => "later" got a 401: that is the entry "A quiet key gets a 401"
	watchers elsewhere
		watch live /b/...; set /b/_k x; watch later /b/... after 0 => it takes two watchers on /app
	a deaf stream (L22)
		set /app/0; stream live /app/... after 0; set /app/d; watch later /app/... after 1 => "live" was not told of set /app/d, for another reason: .*entry "One event from the past and then nothing"
	a slow reader (L22)
		stream live /app/...; set /app/d; watch later /app/... after 0 but live got nothing; live lived asked 0, paused 0, resumed 1 => "live" was not told of set /app/d, .*entry "The stream went deaf after a busy moment"
	single polls (L23)
		poll live /app/...; set /app/1; set /app/2; poll live; set /app/3; watch later /app/... after 0 => "live" was not told of set /app/2, .*entry "Two quick writes and only the first one came"
	a watcher that was closed
		watch live /app/...; set /app/0; close live; set /app/_k; watch later /app/... after 0 => "live" was not there any more
	a refusal that is no 104
		watch live /app/...; set /app/k; delete /app/none; watch later /app/... after 0 => "live" heard all that came from the history\. Which entry
	v3
		watch live /app/... but api v3 => a run on v3\. There no name is hidden
numbersToOrder is not solved by
	v2
		set /k => a run on v2\. Its keys have no version: run it with { api: "v3" }
keptDelete is not solved by
	v2
		set /a/k; delete /a/k => a run on v2\. It has no compaction: run it with { api: "v3" }
wholeRevision is not solved by
	v2
		set /a/k => a run on v2\. There one write raises one event
removalInAGap is solved by
	the second of two followers
		follow one /b/...; follow two /a/...; set /a/k; cut two; delete /a/k; 1200 × set /noise; reconnect two => "two" was told that /a/k went between 2 and 1202
	a directory above what it follows
		set /a/d/k; follow f /a/d/...; cut f; rmdir /a/...; 1200 × set /noise; reconnect f => "f" was told that /a/d/k went between 2 and 1202
removalInAGap is not solved by
	a watch
		watch w /a/...; set /a/k; cut w; delete /a/k; 1200 × set /noise; reconnect w => there is no follower in it
	a change
		follow f /a/...; set /a/k; cut f; set /a/k 2; 1200 × set /noise; reconnect f => nothing below /a was removed in this run
	a key that was made again
		follow f /a/...; set /a/k; cut f; delete /a/k; set /a/k 2; 1200 × set /noise; reconnect f => /a/k was removed and made again within the gap: .* that the key changed, not that it was away
	a follower that never came back
		follow f /a/...; set /a/k; cut f; delete /a/k; 1200 × set /noise => was told of no gap: cut it, let the history pass by, and reconnect it
	a removal after the gap
		follow f /a/...; set /a/k; cut f; 1200 × set /noise; reconnect f; delete /a/k => /a/k was removed at 1202, outside the gap 2 to 1201
	a removal before the gap, with another key changed in it
		follow f /a/...; set /a/k; delete /a/k; cut f; set /a/l; 1200 × set /noise; reconnect f => /a/k was removed at 2, outside the gap 3 to 1203
	the nearest of two followers
		follow far /b/...; follow near /a/...; set /a/k; cut near; delete /a/k; reconnect near => the removal of /a/k came as an event, index 2: the history still had it
sameEventTwice is solved by
	a stream on a removed key, beside a watch, and says why
		set /a/b; watch w /a/b; stream s /a/b; delete /a/b => "s" was sent delete /a/b, index 2, twice: a stream on exactly the removed key is woken by the removal
	a poll that asks from the same index again, and says why
		poll w /a/...; set /a/1; set /a/2; poll w after 0 => "w" was sent set /a/1, index 1, twice: the watcher asked from an index that was not above this
sameEventTwice is not solved by
	v3
		watch w /a/...; set /a/x; delete /a/x but api v3 => on v3 each event comes once: both ways are v2's
	a stream on a key that goes with its directory (L27)
		set /a/b; stream w /a/b; rmdir /a/... => rmdir /a took /a/b with it: the stream has to be on exactly the key that the delete names
	a recursive stream above the removed key
		set /a/b; stream w /a/...; delete /a/b => "w" is on /a, and delete /a/b names another key: the stream has to be on exactly the key
	a watch on the removed key
		mkdir /a; watch w /a; rmdir /a => each event came once: /a was removed, but which kind of watcher stays on the list
	two watchers
		watch one /a; watch two /a; set /a => "one" and "two" were sent set /a once each: it has to be one and the same watcher
	the same value, written twice
		watch w /a/...; set /a/k x; set /a/k x => the two writes of /a/k are two events, index 1 and 2
	a reconnect, which goes on after the last event
		watch w /a/...; set /a/1; cut w; reconnect w; set /a/2 => "w" came back and asked from index 2 on, after its last event
	nobody
		set /a => no watcher in it
`;

function assertJudged(name: Name, isSolved: boolean, run: Timeline, words: RegExp): void {
	const found = exercises[name].judge(run);
	assert.match(found.words, words);
	assert.equal(found.solved, isSolved, found.words);
}

describe("an exercise, of any run", () => {
	const told = new Set<string>();
	let heading = "";
	let what = "";
	for (const line of table.split("\n").slice(1, -1)) {
		if (!line.startsWith("\t")) heading = line;
		else if (!line.startsWith("\t\t")) what = line.trim();
		else {
			const [run = "", pattern = ""] = line.trim().split(" => ");
			const isSolved = heading.endsWith(" is solved by");
			const name = heading.replace(/ is .*/, "") as Name;
			told.add(name);
			it(`${heading} ${what}`, async () =>
				assertJudged(name, isSolved, await runIn(run), new RegExp(pattern)));
		}
	}

	it("is each of those that there are", () => {
		assert.deepEqual([...told].sort(), Object.keys(exercises).sort());
	});

	it("grandchildAddedAndDeleted is solved by the second of two watchers", async () => {
		const begin = scenario("run").watch("plain", "/a").watch("other", "/b", { recursive: true });
		const steps = begin.stream("s", "/a", { recursive: true }).set("/a/b/c");
		const run = await runOnModel(steps.compareAndDelete("/a/b/c", { prevIndex: 1 }));
		assertJudged(
			"grandchildAddedAndDeleted",
			true,
			run,
			/it saw \/a\/b\/c at 1 and its compareAndDelete at 2/,
		);
	});

	it("is solved by no run in which nothing happened, and says something", async () => {
		for (const api of ["v2", "v3"] as const)
			for (const [name, { judge }] of Object.entries(exercises)) {
				const { solved, words } = judge({ ...(await runOnModel(scenario("empty"))), api });
				assert.equal(solved, false, name);
				assert.match(words, /\S{3}/, name);
			}
	});
});
