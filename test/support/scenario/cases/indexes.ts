import { casesOf } from "../cases";

/** Cases for the claims of lib/src/claims/indexes.ts. */
export const indexCases = casesOf(`
versionsArePerKey
	confirmed: writes to different keys have the same modifiedIndex
		when two keys have a write of the same index
			set /a; set /b; set /c but write 2 index 1; write 3 index 2 => set /a @1, set /b @1
	refuted: 2 keys share one sequence: no two of 3 writes have the same modifiedIndex
		when no two writes to two keys share an index
			set /a; set /b; set /a => set /a @1, set /b @2, set /a @3
	untested: fewer than two keys were written
		by writes to a single key
			set /a; set /a
		when the second key's write was refused or never answered
			set /a; set /a/b; set /c but write 3 unanswered
	refuted: 2 keys share one sequence
		though an expiry was waited for under two names and is there twice
			mkdir /d ttl 1; set /x; expire /d but write 3 again
			=> mkdir /d @1, set /x @2, expire /d @3, expire /d @3
		across the indexes that others took
			set /a; set /b but write 2 index 70; write 1 index 5 => set /a @5, set /b @70
storeHasOneSequence
	confirmed: 2 keys share it: no two of 3 writes have the same number
		by writes to two keys, no two of one index
			set /a; set /b; set /a/b; set /a => set /a @1, set /b @2, set /a @3
	refuted: two writes to different keys have the same number
		by two keys' writes of one index
			set /a; set /b but write 2 index 1 => set /a @1, set /b @1
	confirmed: 2 keys share it
		though an expiry is there twice
			mkdir /d ttl 1; set /x; expire /d but write 3 again
			=> mkdir /d @1, set /x @2, expire /d @3, expire /d @3
	untested: fewer than two keys
		by writes to a single key
			set /a; set /a
keysCountTheirOwnWrites
	confirmed: version does: it goes up by 1
		though a key was made anew after an expiry that nobody recorded (S2)
			set /k; set /x; set /k; set /k
			but api v3; write 1 version 1; write 2 version 1; write 3 version 1; write 3 new;
			write 4 version 2
			=> set /k @1, set /k @3, set /k @4
		though the key was deleted in between
			set /k; delete /k; set /x; set /k but api v3; write 1 version 1; write 4 version 1
			=> set /k @1, delete /k @2, set /k @4
	refuted: none of modifiedIndex, createdIndex does: each jumps
		when a key's numbers jump by what was written elsewhere
			set /a; set /b; update /a => set /a @1, update /a @3
		by a key that had been a directory's before
			set /a/b; rmdir /a/...; set /a; set /x; set /a => rmdir /a @2, set /a @3, set /a @5
		by one of two keys, though the other's counts
			set /a; set /b; set /a; set /b but write 3 modifiedIndex 2
			=> set /a @1, set /b @2, set /a @3, set /b @4
	confirmed: modifiedIndex does: it goes up by 1 with each write since the key was made
		when one of them counts the key's own writes alone
			set /a; set /b; set /a but write 3 modifiedIndex 2 => set /a @1, set /a @3
	untested: no key was written, and written again after a write to another one
		when no key was written again after another one
			set /a; set /a; set /b
		when the key was only deleted after it
			set /a; set /b; delete /a
		by a key that was only removed
			set /a/b; rmdir /a/...
refusedWriteTakesNoIndex
	untested: others write on this server, or etcd does
		by the index that a member took for itself when it came up again (S3)
			set /f; set /f/x; set /g but write 3 index 3; member kill 1; member restart 1
			=> set /f/x refused 104 /f
		when an index is missing just where a write was refused: another client may have it
			set /a/b; set /a/b/c; set /a/d but write 3 index 3 => set /a/b/c refused 104 /a/b
		when others write on this server, seen by an index missing elsewhere
			set /a/b; set /a/b/c; set /a/d; set /a/e but write 4 index 5; write 3 index 3
			=> set /a/b/c refused 104 /a/b
		when more indexes are missing than writes were refused there
			set /a/b; set /a/b/c; set /a/d but write 3 index 9 => set /a/b/c refused 104 /a/b
		when fewer indexes are missing than writes were refused there
			set /a/b; set /a/b/c; delete /a/b/c; set /a/d but write 4 index 3; write 3 cause /a/b
			=> set /a/b/c refused 104 /a/b, delete /a/b/c refused 104 /a/b
		when the missing index may be that of a write that got no answer
			set /a/b; set /a/x; set /a/b/c; set /a/d but write 2 unanswered => set /a/b/c refused 104 /a/b
	confirmed: the indexes around 1 refused write follow each other without a gap
		by a refused write between two neighbours
			set /a/b; set /a/b/c; set /a/d => set /a/b/c refused 104 /a/b
		by one refused before the first accepted write
			delete /a; set /a but write 1 cause /a => delete /a refused 100 /a
		when the index that it seems to have is an expiry's that no step waited for (S2)
			watch w /a/...; set /a/f; set /a/x ttl 1; set /a/y ttl 2; expire /a/x; set /a/f/g; set /a/z
			but write 6 index 6; w got 1, 2, 3, 4, 5 expire /a/y, 6 => set /a/f/g refused 104 /a/f
		though others' writes left a gap elsewhere
			set /a/b; set /a/b/c; set /a/d; set /a/e but write 4 index 7 => set /a/b/c refused 104 /a/b
		across a ttl's renewal, which takes the index that no event has
			set /a; create /a; refresh /a 60; set /b => create /a refused 105 /a
	refuted: 1 event came of a write that was refused
		when its event was sent all the same
			watch w /a/...; set /a/b x; set /a/b/c x; set /a/d x
			but write 3 index 3; w got 1, 2 set /a/b/c=x, 3 => w < set /a/b/c @2
	untested: no refused write was followed by an accepted one
		when nothing was accepted after it
			set /a/b; set /a/b/c
		without a refused write
			set /a; set /b
	untested: ^indexes are missing around a refused write, and nobody
		when an index is missing where a write was refused
			set /a/b; set /a/b/c; set /a/d but write 3 index 3 => set /a/b/c refused 104 /a/b
	untested: ^revisions are missing around a write without a change, and nobody
		in v3 when a revision is missing where a write changed nothing
			set /a/b; set /a/b/c; set /a/d but api v3; write 3 index 3 => set /a/b/c refused 104 /a/b
	confirmed: the revisions around 1 write without a change follow each other
		in v3 by a write without a change between two neighbours
			set /a/b; set /a/b/c; set /a/d but api v3 => set /a/b/c refused 104 /a/b
	confirmed: the indexes around 1 refused write follow
		though others' writes came, one to another key and one of another value
			watch w /a/...; set /a/b x; set /a/b/c x; set /a/d x
			but write 3 index 4; w got 1, 2 set /a/z=x, 3 set /a/b/c=y, 4 => set /a/b/c refused 104 /a/b
		though the same came before it was tried
			watch w /a/...; set /a/b x; set /a/x x; set /a/b/c x; set /a/d x
			but write 2 undone; w got 1, 2 set /a/b/c=x, 3 => set /a/b/c refused 104 /a/b
		though another client's write in order has the key that was asked for
			watch w /a/...; set /a/b x; createInOrder /a/b x; set /a/d x
			but write 3 index 3; w got 1, 2 set /a/b=x, 3 => createInOrder /a/b refused 104 /a/b
		of a delete, though another client made the key
			watch w /a/...; set /a/b x; delete /a/x; set /a/d x
			but write 2 cause /a/x; write 3 index 3; w got 1, 2 create /a/x/, 3 => delete /a/x refused 100 /a/x
		of an empty value, though another client wrote one
			watch w /a/...; set /a/b; create /a/b; set /a/d
			but write 3 index 3; w got 1, 2 set /a/b=, 3 => create /a/b refused 105 /a/b
setMakesTheKeyAnew
	confirmed: the createdIndexes show it
		by a set and an update over the same key
			set /a; set /a; update /a => set /a @2, update /a @3
		by a compareAndSwap that kept it
			set /a v; set /a v; swap /a v v => set /a @2, compareAndSwap /a @3
	refuted: a createdIndex says otherwise
		by an update that made it anew
			set /a; set /a; update /a but write 3 createdIndex 3 => update /a @3
		by a set that kept it, with no update in sight
			set /a; set /a but write 2 createdIndex 1 => set /a @2
	untested: it takes a set and an update over keys that were there
		without an update
			set /a; set /a => set /a @2
		when the set was over a deleted key
			set /a; delete /a; set /a; update /a => delete /a @2, update /a @4
		by a directory's renewed ttl
			set /d; update /d; set /a; set /a but write 1 dir true; write 2 dir true => set /a @4
		when the update was refused
			set /a; set /a; update /b => set /a @2
	confirmed: the create_revisions show it
		in v3 by a put and a txn put over the same key
			set /a; set /a; update /a but api v3 => set /a @2, update /a @3
	refuted: a create_revision says otherwise
		in v3 by a put that kept it
			set /a; set /a but api v3; write 2 createdIndex 1 => set /a @2
responseIndexIsWhereTheWatchBegan
	confirmed: in both live responses the header lies below
		by headers below their events' indexes
			stream w /a/...; set /a/1; set /a/2 => w < set /a/1 @1, w < set /a/2 @2
	refuted: a response's index is not below its event's
		by a header that is the event's own index
			poll w /a/...; set /a/1 but w got 1@1 replayed => w < set /a/1 @1 replayed
		by the second of two polls from now on, whose header is the event's own index
			poll w /a/...; set /a/1; poll w; set /a/2 but w got 1, 2@2 replayed => w < set /a/2 @2 replayed
		by a stream from now on whose header is the event's own index
			stream w /a/...; set /a/1; set /a/2 but w got 1, 2@2 replayed => w < set /a/2 @2 replayed
	untested: the member was behind
		by a header below anything that was asked: its member was behind
			set /a/1; watch w /a/...; set /a/2 but w got 2@0
		whatever happened to the watch before it asked
			set /a/1; watch w /a/...; set /a/2 but w lived cut 0, asked 1; w got 2@0
	confirmed: in the one live response
		by the live one alone, when the loop was cut at first and came back with an index
			watch w /a/...; cut w; set /a/1; set /a/2; reconnect w; set /a/3
			but w lived asked 0, cut 0, asked 2 from 1; w got 1 replayed, 2 replayed, 3 => w < set /a/3 @3
		by the live one alone of two polls, when the other asked with an index
			set /a/1; set /a/2; poll w /a/... after 0; poll w; set /a/3 => w < set /a/3 @3
		by the live ones alone, where a replay's header rightly lies above its event
			set /a/1; set /a/2; watch w /a/... after 0; set /a/3 => w < set /a/3 @3
		though a loop's second request was answered out of the history that filled up meanwhile
			watch w /a/...; set /a/1; set /a/2; set /a/3 but w got 1, 2@3 replayed, 3@3 replayed
			=> w < set /a/1 @1
	untested: no live event came
		when all came out of the history
			set /a/1; watch w /a/... after 0
		when nothing came
			set /a
removalNamesEveryKey
	untested: no watch was told of a delete of a range with several keys
		in v3 by the delete of a key, below which another one stays (S4)
			watch w /a/...; set /a; set /b; delete /a but api v3; write 2 key /a/x; w got 1, 2, 3
	untested: no watch was told of the removal of a directory with keys in it
		by a poll, which gives one event, and a stream that is deaf after it
			set /a/d/1; poll p /a/...; rmdir /a/d/...; stream s /a/... after 1; close s
		when what was removed held nothing
			watch w /a/...; mkdir /a/d; rmdir /a/d/...
		when the silence is not proven
			watch w /a/...; set /a/d/1; rmdir /a/d/... but w proof none
		by a watch without recursive
			watch w /a/d; set /a/d/1; rmdir /a/d/...
		by the removal of a directory above
			watch w /a/b/...; set /a/b/c; rmdir /a/...
	refuted: 1 key went with no event to name it: /a/d/1
		by the one event of a directory with a key in it
			watch w /a/...; set /a/d/1; rmdir /a/d/... => w < delete /a/d @2
		by the removal of the watched directory itself
			watch w /a/d/...; set /a/d/1; rmdir /a/d/... => w < delete /a/d @2
		at a stream
			stream s /a/...; set /a/d/1; rmdir /a/d/... => s < delete /a/d @2
		by one out of the history, at a loop
			set /a/d/1; rmdir /a/d/...; watch w /a/... after 1 => w < delete /a/d @2 replayed
	refuted: 2 keys went with no event to name it: /a/d/e, /a/d/e/1
		by the one event of a directory with another in it, made on the way
			watch w /a/...; set /a/d/e/1; rmdir /a/d/... => w < delete /a/d @2
	confirmed: each key that went had an event of its own
		by an event for each key, which etcd does not send
			watch w /a/...; set /a/d/1; rmdir /a/d/... but w got 1, 2, 2 delete /a/d/1
			=> w < delete /a/d @2, w < delete /a/d/1 @2
eventsCarryTheNode
	confirmed: all 3 events carried the new value, or for a delete the old node
		by the new value, and by the old node for a delete
			watch w /a; set /a 1; update /a 2; delete /a => w < set /a @1, w < update /a @2, w < delete /a @3
	refuted: 1 event did not say what the key became
		by an event without a value
			watch w /a; set /a but w got 1 set /a => w < set /a @1
		by an event with another value than the write's
			watch w /a; set /a 1; set /a 2 but w got 1, 2 set /a=1 => w < set /a @2
		by a delete that does not say what was there
			watch w /a; set /a; delete /a but w got 2 delete /a => w < delete /a @2
		by an event without a value, of a write that got no answer
			watch w /a; set /a v but w got 1 set /a; write 1 unanswered => w < set /a @1
	untested: no event came
		when no event came
			watch w /b; set /a
	confirmed: the one event carried
		by a directory, which has no value
			watch w /a/...; mkdir /a/d => w < create /a/d @1
		by an event whose write got no answer, with which it can't be compared
			watch w /a; set /a v but write 1 unanswered => w < set /a @1
		though nothing proves that no more was to come: it is about what came
			watch w /a; set /a but w proof none => w < set /a @1
		by an empty value, which is a value
			watch w /a; set /a => w < set /a @1
	confirmed: both events carried the new value, or for a delete the old one, as prev_kv
		in v3 by the new value, and by the old one for a delete
			watch w /a; set /a 1; delete /a but api v3 => w < put /a @1, w < delete /a @2
	confirmed: both events carried
		by another client's event, with which nothing can be compared
			watch w /a/...; set /a/b v but w got 1, 2 set /a/c=x => w < set /a/b @1, w < set /a/c @2
`);
