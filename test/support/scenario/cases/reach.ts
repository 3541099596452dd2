import { casesOf } from "../cases";

/** Cases for the claims of lib/src/claims/reach.ts. */
export const reachCases = casesOf(`
childrenAreSeen
	untested: both a child added and a child deleted
		when the child was there before, and was only written anew
			set /a/b; watch w /a/...; update /a/b; delete /a/b
			=> update /a/b @2, w < update /a/b @2, delete /a/b @3, w < delete /a/b @3
		while no child was deleted
			watch w /a/...; set /a/b => set /a/b @1, w < set /a/b @1
		when the silence is not proven
			watch w /a/...; set /a/b; delete /a/b but w missed 1, 2; w proof none
		by a hidden child
			watch w /a/...; set /a/_b; delete /a/_b
		by a sibling whose name begins alike
			watch w /a/...; set /ab; delete /ab; set /ab/c; delete /ab/c
		when the delete was refused
			watch w /a/...; set /a/b; delete /a/d => set /a/b @1, w < set /a/b @1
		by what was on its way when the watch was closed
			watch w /a/...; set /a/b; delete /a/b; close w but w missed 2 => set /a/b @1, w < set /a/b @1
		by what was on its way when the stream was cut
			stream w /a/...; set /a/b; delete /a/b; cut w; reconnect w but w missed 2
			=> set /a/b @1, w < set /a/b @1
		by a poll that a proxy answered with nothing
			poll w /a/...; set /a/b; delete /a/b but w lived asked 0; w missed 1
		by what a poll answered from the history leaves to the next one
			set /a/x; set /a/b; delete /a/b; poll w /a/... after 0 => set /a/x @1, w < set /a/x @1 replayed
		by a stream that stopped reading
			stream w /a/...; pause w; set /a/b; delete /a/b; resume w but w missed 1, 2
		by a follower, which is no witness of etcd's watch
			follow w /a/...; set /a/b; delete /a/b
	confirmed: all 3 events came
		by the post's run
			watch recursive /a/...; watch plain /a; set /a/b; set /a/b/c; set /a/d; delete /a/b/c; delete /a/b
			=> set /a/b @1, recursive < set /a/b @1, set /a/d @2, recursive < set /a/d @2, delete /a/b @3,
			=> recursive < delete /a/b @3
	refuted: 1 event did not come; the first is delete /a/b at "w"
		by a child's delete that never came
			watch w /a/...; set /a/b; delete /a/b but w missed 2 => delete /a/b @2
		when the add came twice and the delete not at all
			stream w /a/...; set /a/b; delete /a/b but w got 1, 1 => delete /a/b @2
	confirmed: both events came
		at the root key too
			watch w /...; set /b; delete /b => set /b @1, w < set /b @1, delete /b @2, w < delete /b @2
		by events that came out of order
			watch w /a/...; set /a/b; delete /a/b but w got 2, 1
			=> set /a/b @1, w < set /a/b @1, delete /a/b @2, w < delete /a/b @2
		though others' writes took indexes between
			watch w /a/...; set /a/b; delete /a/b but write 2 index 9; write 1 index 4
			=> set /a/b @4, w < set /a/b @4, delete /a/b @9, w < delete /a/b @9
		by a watch opened late, for what it was there for
			set /a/x; watch w /a/...; set /a/b; delete /a/b
			=> set /a/b @2, w < set /a/b @2, delete /a/b @3, w < delete /a/b @3
	refuted: 1 event did not come; the first is set /a/c at "w"
		by an add that did not come, though nothing was deleted
			watch w /a/...; set /a/b; set /a/c but w missed 2 => set /a/c @2
	confirmed: ^children written and deleted under a recursive watch: both
		by a child's add and delete
			watch w /a/...; set /a/b; delete /a/b
			=> set /a/b @1, w < set /a/b @1, delete /a/b @2, w < delete /a/b @2
	confirmed: ^keys one level below a watched prefix, put and deleted: both
		in v3 of a name that v2 hides
			watch w /a/...; set /a/_h; delete /a/_h but api v3; w got 1, 2
			=> set /a/_h @1, w < put /a/_h @1, delete /a/_h @2, w < delete /a/_h @2
grandchildrenAreUnseen
	untested: nobody wrote two levels below
		by a member that was sent the whole store meanwhile (S1)
			watch w /a/...; mkdir /a/b; set /a/k; set /a/b/c; delete /a/b/c; set /a/k
			but member pause 2; member resume 4; member snapshot 4; w missed 3, 4
		by a stream that the server dropped, though its reader never paused (S8)
			stream w /a/b/...; set /a/b/c; set /a/b/d but w missed 1, 2; w proof gone
		by a refused child, and does not take it for a grandchild
			watch w /a/...; create /a/b but w missed 1
		when the silence is not proven
			watch w /a/...; set /a/b/c but w missed 1; w proof none
		by hidden grandchildren, hidden in either part
			watch w /a/...; set /a/b/_c; set /a/_b/c
		by the grandchild of a sibling whose name begins alike
			watch w /a/...; set /ab/c/d
		by a watch without recursive
			watch w /a; set /a/b/c
		by a watch that began after it
			set /a/b/c; watch w /a/...
		by a stream with an index in the past, which is deaf to all
			set /a/b; stream w /a/... after 0; set /a/b2/c but w proof fence
		by a ttl that was renewed, which raises no event for anybody
			set /a/b/c; watch w /a/...; refresh /a/b/c 60
		between two polls, when nobody listened
			poll w /a/...; set /a/b; set /a/c/d; poll w; set /a/e
	confirmed: the one event did not come, and it is known that nothing was on its way
		when an accepted grandchild stays unseen to the fence
			watch w /a/...; set /a/b/c but w missed 1 => set /a/b/c @1
	refuted: 1 event came; the first is set /a/b/d at "w"
		by one grandchild that was seen
			watch w /a/...; set /a/b/c; set /a/b/d but w missed 1 => set /a/b/d @2, w < set /a/b/d @2
	untested: no grandchild was ever written: 2 writes tried it and etcd refused
		by the post's run, where etcd refused every grandchild
			watch recursive /a/...; watch plain /a; set /a/b; set /a/b/c; set /a/d; delete /a/b/c; delete /a/b
			=> set /a/b/c refused 104 /a/b, delete /a/b/c refused 104 /a/b
	refuted: 1 event came
		by what came, though the rest of the silence is not proven
			watch w /a/...; set /a/b/c but w proof none => set /a/b/c @1, w < set /a/b/c @1
	refuted: the first is set /a/b at "w"
		at the root key
			watch w /...; set /a/b => set /a/b @1, w < set /a/b @1
	confirmed: ^two or more levels below a recursive watch: the one
		and says where
			watch w /a/...; set /a/b/c but w missed 1 => set /a/b/c @1
	confirmed: ^two or more levels below a watched prefix: the one
		in v3 when a key two levels below stays unseen
			watch w /a/...; set /a/b/c but api v3; w missed 1 => set /a/b/c @1
	untested: nobody wrote two levels below a recursive watch
		by what was refused, not two levels below a watch or below one that is not recursive
			watch w /a/...; watch p /p; set /a/f; create /a/f; set /p/f; set /p/f/x
recursiveSeesEveryDepth
	untested: no write two levels or more below
		by a member that was sent the whole store meanwhile (S1)
			watch w /a/...; mkdir /a/b; set /a/k; set /a/b/c; delete /a/b/c; set /a/k
			but member pause 2; member resume 4; member snapshot 4; w missed 3, 4
		by a stream that the server dropped, though its reader never paused (S8)
			stream w /a/...; set /a/b; set /a/b/c; set /a/b/d but w proof gone
		by what came to a watch of which the rest is not known: it could not have refuted it
			watch w /a/...; set /a/b/c; set /a/b/d but w missed 2; w proof none
		by the post's run
			watch recursive /a/...; watch plain /a; set /a/b; set /a/b/c; set /a/d; delete /a/b/c; delete /a/b
		by children alone
			watch w /a/...; set /a/b; delete /a/b
		when the deep silence is not proven
			watch w /a/...; set /a/b; set /a/c/d but w missed 2; w proof none
		by a hidden part on the way down
			watch w /a/...; set /a/_b/c/d
	refuted: 1 event did not come; the first is put /a/b/d at "two"
		by the second of two watchers, and names it, in v3 too (S7)
			watch one /a/...; watch two /a/...; set /a/b/c; set /a/b/d but two missed 2; api v3
			=> set /a/b/d @2
	confirmed: down to 3 levels below the key: both events came
		by writes down to the third level
			watch w /a/...; set /a/b; set /a/c/d/e
			=> set /a/b @1, w < set /a/b @1, set /a/c/d/e @2, w < set /a/c/d/e @2
	refuted: 1 event did not come; the first is set /a/c/d at "w"
		by a grandchild that did not come
			watch w /a/...; set /a/b; set /a/c/d but w missed 2 => set /a/c/d @2
	refuted: the first is delete /a/c/d
		by the delete of a grandchild that did not come, and names it after one that did
			watch w /a/...; set /a/c/d; delete /a/c/d but w missed 2 => delete /a/c/d @2
	confirmed: down to 2 levels
		below a hidden directory that is itself the watched one
			watch w /_a/...; set /_a/b/c => set /_a/b/c @1, w < set /_a/b/c @1
	confirmed: down to 2 levels below the key: all 3 events came
		by a loop that was cut and asked again for what was on its way
			watch w /a/...; set /a/b; set /a/c/d; set /a/c/e; cut w; reconnect w
			but w lived asked 0, cut 3, asked 3 from 2; w got 1, 2 replayed, 3 replayed
			=> set /a/b @1, w < set /a/b @1, set /a/c/d @2, w < set /a/c/d @2 replayed, set /a/c/e @3,
			=> w < set /a/c/e @3 replayed
	confirmed: down to 2 levels below the key: the one event came
		beside a watch that is not recursive, and a write elsewhere
			watch w /a/...; watch p /a; set /b; set /a/b/c => set /a/b/c @2, w < set /a/b/c @2
	confirmed: down to 2 levels below the prefix: the one event came
		in v3 by a key two levels below
			watch w /a/...; set /a/b/c but api v3 => set /a/b/c @1, w < put /a/b/c @1
plainWatchIsBlindBelow
	untested: nothing was written below
		by a member that was sent the whole store meanwhile (S1)
			mkdir /a/b; set /a/k; watch w /a/b; set /a/b/c; delete /a/b/c; set /a/k
			but member pause 2; member resume 4; member snapshot 4
		by a stream that is deaf, or whose reader paused: it would not have heard of the key itself either
			set /a; stream deaf /a after 0; delete /a; stream slow /a; pause slow; stream dropped /a;
			set /a/b; resume slow
			but slow proof gone; dropped proof gone
		when only the watched key itself was written
			watch w /a; set /a
		when the silence is not proven
			watch w /a; set /a/b; delete /a/b but w proof none
		by hidden children, which recursive would not show either
			watch w /a; set /a/_b; set /a/_c/d
		by refused writes
			set /a/b; watch w /a; set /a/b/c
		by a sibling whose name begins alike
			watch w /a; set /ab/c; set /ab
		when it was closed and had heard nothing
			watch w /a; set /a/b; delete /a/b; close w
	confirmed: none of 3 events came
		by the post's run
			watch recursive /a/...; watch plain /a; set /a/b; set /a/b/c; set /a/d; delete /a/b/c; delete /a/b
			=> set /a/b @1, set /a/d @2, delete /a/b @3
	refuted: 1 event came; the first is delete /a/b at "w"
		by a child's event that came
			watch w /a; set /a/b; delete /a/b but w got 2 => delete /a/b @2, w < delete /a/b @2
	confirmed: the one event did not come
		though the directory's own delete comes
			watch w /a; set /a/b; rmdir /a/... => set /a/b @1
		before the last event that came to a watch that was closed then
			watch w /a; set /a/b; rmdir /a/...; set /a/c; close w => set /a/b @1
	refuted: the first is set /a at "w"
		at the root key
			watch w /; set /a but w got 1 => set /a @1, w < set /a @1
	confirmed: ^below a watch without recursive: the one
		and says where
			watch w /a; set /a/b => set /a/b @1
	confirmed: ^names that begin with the one key of a watch: the one
		in v3 when a key whose name begins with the watched one stays unseen
			watch w /a; set /a/b but api v3 => set /a/b @1
ancestorsDeleteIsSeenBelow
	untested: no directory that holds a watched key was removed
		by a member that was sent the whole store meanwhile (S1)
			set /a/b/c; watch w /a/b/c; rmdir /a/...; set /x
			but member pause 1; member resume 3; member snapshot 3; w missed 2
		when no directory was removed
			watch w /a/b; set /a/b; delete /a/b
		by a directory deleted above a key that did not exist
			watch w /a/b; set /a/x; rmdir /a/...
		by a directory deleted above a key that was gone already
			watch w /a/b; set /a/b; delete /a/b; rmdir /a/...
		by the delete of a sibling whose name begins alike
			watch w /ab/c; set /a/x; set /ab/c; rmdir /a/...
		by a refused delete
			watch w /a/b; set /a/b; rmdir /a
		when the silence is not proven
			watch w /a/b; set /a/b; rmdir /a/... but w missed 2; w proof none
	confirmed: directories removed above a watched key: the one event came
		by a directory's delete above a watched file
			set /a/b/c; watch w /a/b/c; rmdir /a/... => rmdir /a @2, w < delete /a @2
		by its expiry, which no client asked for
			mkdir /a ttl 1; set /a/b; watch w /a/b; expire /a => expire /a @3, w < expire /a @3
		for a hidden key that is itself watched
			watch w /a/_b; set /a/_b; rmdir /a/... => rmdir /a @2, w < delete /a @2
	refuted: 1 event did not come; the first is delete /a at "recursive"
		by a delete above that did not come, with or without recursive
			set /a/b/c; watch plain /a/b/c; watch recursive /a/b/...; rmdir /a/... but recursive missed 2
			=> rmdir /a @2
fileNeedsNoRecursive
	refuted: "gr" and "gp" were sent different events
		by the second of two pairs, though the first was sent the same (S7)
			watch fr /f/...; watch fp /f; watch gr /g/...; watch gp /g; set /f; set /g but gp missed 2
			=> gr < set /g @2
	confirmed: both were sent the same events
		when both were sent the file's events
			watch r /f/...; watch p /f; set /f; update /f; delete /f
			=> r < set /f @1, r < update /f @2, r < delete /f @3, p < set /f @1, p < update /f @2,
			=> p < delete /f @3
		by what both listened for, when one of them was opened late
			watch r /f/...; set /f; watch p /f; update /f => r < update /f @2, p < update /f @2
		though a stream is sent the delete twice
			watch r /f/...; stream p /f; set /f; delete /f
			=> r < set /f @1, r < delete /f @2, p < set /f @1, p < delete /f @2
		though the history replays a sibling's delete to the one that asks for the past
			watch p /foo; mkdir /fo; set /foo; rmdir /fo/...; watch r /foo/... after 0
			=> r < set /foo @2 replayed, p < set /foo @2
		though both streams are sent the delete twice
			stream r /f/...; stream p /f; set /f; delete /f
			=> r < set /f @1, r < delete /f @2, p < set /f @1, p < delete /f @2
	refuted: "r" and "p" were sent different events
		when one of them lacks an event
			watch r /f/...; watch p /f; set /f; update /f but p missed 2
			=> r < set /f @1, r < update /f @2, p < set /f @1
		when one of them was sent nothing at all
			watch r /f/...; watch p /f; set /f but p missed 1 => r < set /f @1
	untested: no file was watched both ways
		by a single watch
			watch r /f/...; set /f
		by a directory, where they differ
			watch r /f/...; watch p /f; set /f/x
		by a file that gave way to a directory
			watch r /f/...; watch p /f; set /f; delete /f; set /f/x
		by an empty directory
			watch r /f/...; watch p /f; mkdir /f; rmdir /f/...
		when one silence is not proven
			watch r /f/...; watch p /f; set /f but p missed 1; p proof none
		by a poll that was over when the file changed again
			watch r /f/...; set /f; poll p /f but p lived asked 1, answered 9; p proof answered
		when nobody knows that it was a file
			watch r /d/f/...; watch p /d/f; set /d/f; set /x; rmdir /d/...
			but r missed 1; p missed 1; write 1 unanswered
		by an empty directory that gave way to a file
			watch r /f/...; watch p /f; mkdir /f; rmdir /f/...; set /f
missingKeyIsWaitedFor
	untested: no key was made
		for the root, which is always there (L54)
			watch w /; set /a but write 1 key /; w got 1
		when the key was there before the watch
			set /a/x; watch w /a/x; update /a/x
		by the delete of a directory that was made in passing, without an event
			watch w /a; set /a/x; rmdir /a/...
		when the key's making was refused
			set /a; watch w /a/x; set /a/x
		when the silence is not proven
			watch w /a/x; set /a/x but w missed 1; w proof none
		by a sibling whose name begins alike
			watch w /x; set /xy
		by a stream that stopped reading before
			stream w /x; pause w; set /x; resume w but w missed 1
		by one that was there, went with its directory, and was made anew
			set /d/x; watch w /d/x; rmdir /d/...; set /d/x
	confirmed: keys made after their watch began: the one event came
		by a key made after its watch began
			watch w /a/x; set /a/x => set /a/x @1, w < set /a/x @1
		by a key made anew after its delete
			set /x; delete /x; watch w /x; set /x => set /x @3, w < set /x @3
		for a hidden key
			watch w /_x; set /_x => set /_x @1, w < set /_x @1
	refuted: 1 event did not come; the first is set /a/x at "w"
		by a key's making that did not come
			watch w /a/x; set /a/x; update /a/x but w missed 1 => set /a/x @1
implicitParentsRaiseNoEvent
	confirmed: 1 write made directories in passing
		when only the write's own event came
			watch w /a/...; set /a/b/c => set /a/b/c @1
		though the making of a directory elsewhere got no answer and its event came
			watch w /a/...; mkdir /a/d; set /a/b/c but write 1 unanswered => set /a/b/c @2
		though others wrote elsewhere, and removed the directory
			watch w /a/...; set /a/b/c but w got 1, 2 set /a/z=x, 3 delete /a/b/ => set /a/b/c @1
		though somebody tried to make the directory afterwards, too
			watch w /a/...; set /a/b/c; mkdir /a/b but w got 1, 2 create /a/b/ => set /a/b/c @1
	refuted: an event came for a directory that nobody wrote
		by an event for the directory on the way
			watch w /a/...; set /a/b/c but w got 1 create /a/b/, 1 => w < create /a/b @1
		by such an event as a set, with another write elsewhere
			watch w /a/...; set /a/b/c; set /a/d/e but w got 1 set /a/b/, 1, 2 => w < set /a/b @1
	untested: no directory was made in passing
		when the directory was there
			mkdir /a/b; watch w /a/...; set /a/b/c
		when the write went two levels deep right below a directory made before
			set /a/b/x; watch w /a/...; set /a/b/c
		when the making of that very directory got no answer and its event came: it was there
			watch w /a/...; mkdir /a/b; set /a/b/c but write 1 unanswered
		when the watch began later
			set /a/b/c; watch w /a/...
		when the silence is not proven
			watch w /a/...; set /a/b/c but w proof none
		when it was closed, with more perhaps on its way
			watch w /a/...; set /a/b/c; close w
		by a hidden directory made in passing, which nobody would see
			watch w /a/...; set /a/_b/c
		when the write's own event did not come
			watch w /a/...; set /a/b/c but w missed 1
		by a stream that did not read
			stream w /a/...; pause w; set /a/b/c; resume w
lateWatchMissesTheStart
	confirmed: 1 event before the watch began, none came
		when the write before it never came
			set /a/1; watch w /a/...; set /a/2 => set /a/1 @1, w: asked @1
	refuted: "w" was sent an event from before it began
		by an event from before it began
			set /a/1; watch w /a/...; set /a/2 but w got 1 replayed, 2 => w < set /a/1 @1 replayed
	untested: every watch was registered before the first write
		when it was there from the start
			watch w /a/...; set /a/1
		by an event that was new at a member that was behind (S38)
			set /a/1; watch w /a/...; set /a/2 but w got 1, 2
		by a watch that asked with an index
			set /a/1; watch w /a/... after 0
		by a poll that came back for the start with an index
			set /a/1; poll w /a/...; set /a/2; poll w after 0
		when what came before was none of its business
			set /ab/1; set /a/_h; set /ab/1/c; refresh /a/_h 60; watch w /a/...; set /a/2
			but write 3 key /a/b/c; write 4 key /a/x
		when the silence is not proven
			set /a/1; watch w /a/... but w proof none
		when it was closed, with something perhaps on its way
			set /a/1; watch w /a/...; close w
		by one that asked with an index and was sent what lay before it
			set /a/1; set /a/2; watch w /a/... after 1 but w got 1 replayed, 2 replayed
		by what fell between two polls and came all the same
			poll w /a/...; set /a/1; set /a/2; poll w; set /a/3
			but w lived asked 0, answered 1, asked 2, answered 2; w got 1, 2 replayed
	confirmed: 2 events before the watch began
		by a directory's delete above a key that existed, and not by one above a key that did not
			set /a/b; rmdir /a/...; set /c/x; rmdir /c/...; watch w /a/b; watch never /c/b
			=> set /a/b @1, w: asked @4, rmdir /a @2, w: asked @4
`);
