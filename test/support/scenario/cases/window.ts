import { casesOf } from "../cases";

/** Cases for the claims of lib/src/claims/window.ts. */
export const windowCases = casesOf(`
historyHoldsAThousandEvents
	confirmed: at index 1002 the oldest it could still have was 3: 1000 events
		when the oldest kept is the thousandth from the end
			poll w /q; set /q; 1001 × set /noise; poll w after event => w: error @1002
	refuted: the oldest it could still have was 4: 999 events, not 1000
		when one less is kept
			poll w /q; set /q; 1001 × set /noise; poll w after event
			but w lived asked 0, answered 1, error 401 1002 2-3 => w: error @1002
	refuted: at index 1101 .* 902 events, not 1000
		by the second watcher, though the first fits
			poll w /q; poll v /q; set /q; 1001 × set /noise; poll w after event; 99 × set /noise;
			poll v after event
			but v lived asked 0, answered 1, error 401 1101 2-199 => w: error @1002, v: error @1101
	untested: no watch asked for more than there was
		when nobody got a 401
			poll w /q; set /q; 5 × set /noise
		at a member whose history holds what there has been since a restart
			poll w /q; set /q; 1001 × set /noise; poll w after event
			but member restart 800; w lived asked 0, answered 1, error 401 1002 2-801
		at a member whose history holds what there has been since a wipe
			poll w /q; set /q; 1001 × set /noise; poll w after event
			but member wipe 800; w lived asked 0, answered 1, error 401 1002 2-801
		at a member whose history holds what there has been since a snapshot
			poll w /q; set /q; 1001 × set /noise; poll w after event
			but member snapshot 800; w lived asked 0, answered 1, error 401 1002 2-801
		by another error
			set /q; 5 × set /noise; watch w /q but w lived error 300 6; w proof error
		at a member that began anew at that very index
			poll w /q; set /q but member restart 1002; w lived asked 0, answered 1, error 401 1002 2-2
	confirmed: the oldest it could still have was 4: 1000 events
		though a ttl was renewed, which wakes nobody and takes its place in the history (N30)
			poll w /q; set /q; refresh /q 60; 1001 × set /noise; poll w after event => w: error @1003
	refuted: the oldest it could still have was 3: 1001 events, not 1000
		when a renewed ttl takes no place in the history
			poll w /q; set /q; refresh /q 60; 1001 × set /noise; poll w after event
			but w lived asked 0, answered 1, error 401 1003 2-2 => w: error @1003
	confirmed: at index 1002 the oldest it could still have was 3
		though the member stood still before, and began anew later
			poll w /q; set /q
			but member pause 800; member restart 1003; w lived asked 0, answered 1, error 401 1002 2-2
			=> w: error @1002
quietKeyIsThrownOut
	refuted: a watch asked for what lay further back, and was served
		by a second watch that was served, though the first was thrown out (S7)
			poll w /q; set /q; 1001 × set /noise; poll w after event; watch v /q after 0
			but v lived asked 1002 from 1; v got 1 replayed; v proof fence => v: asked @1002 from 1
		by a watch that was served from further back
			set /q; 1001 × set /noise; watch w /q after 0
			but w lived asked 1002 from 1; w got 1 replayed; w proof fence => w: asked @1002 from 1
		by a watch that was served one event from beyond the edge
			set /q; 1000 × set /noise; watch w /q after 0
			but w lived asked 1001 from 1; w got 1 replayed; w proof fence => w: asked @1001 from 1
		though a ttl was renewed before the index that it asked for
			refresh /q 60; set /q; 1000 × set /noise; watch w /q after 1
			but w lived asked 1002 from 2; w got 2 replayed => w: asked @1002 from 2
		when the first and the last index of the window are renewed ttls, which count
			refresh /q 60; set /q; 999 × set /noise; refresh /q 60; watch w /q after 0
			but w lived asked 1002 from 1; w got 2 replayed; w proof fence => w: asked @1002 from 1
	untested: no watch asked for an index that lay 1000 events back
		by a watch at a member that was behind, which served what it still had
			set /q; 1001 × set /noise; watch v /q after 0
			but member pause 5; v lived asked 1002 from 1; v got 1@5 replayed; v proof fence
		by a watch served from the very edge of the window
			set /q; 999 × set /noise; watch w /q after 0
		by a short run
			watch w /q; set /q; 3 × set /noise
		by a watch that had been waiting all the time
			watch w /q; set /q; 1001 × set /noise; set /q
	confirmed: "w" asked for index 2 and got 401, and no write from there to 1002 was on its key
		by a 401 without a write to its own key
			poll w /q; set /q; 1001 × set /noise; poll w after event => w: error @1002
		though keys whose names begin alike, and hidden ones, were written
			poll w /q; set /q; set /qq; set /q2/x; 999 × set /noise; poll w after event => w: error @1002
	untested: had lost events of its own
		when the last of the writes was to its own key
			poll w /q; set /q; 1000 × set /noise; set /q; poll w after event => set /q @1002
		when the watch that got 401 had lost events of its own
			set /q/1; 1001 × set /q; watch w /q/... but w lived error 401 1002 1-2; w proof error
			=> set /q/1 @1, 1001 × set /q @2
	confirmed: "w" asked for index 2 and got 401, and no write from there to 2 was on its key
		though its key was written after it was refused
			poll w /q; set /q; set /x; set /q but w lived asked 0, answered 1, error 401 2 2-2 => w: error @2
	confirmed: "w" asked for revision 2 and was refused, since it has been compacted, and no write
		in v3 by a watch on a key that was not written since
			watch w /q; set /q; set /x; set /x but api v3; w lived asked 0, error 11 3 2-2; w proof error
			=> w: error @3
listAndWatchLosesNothing
	untested: nothing was written after the list
		by a member that was sent the whole store after the list (S1)
			set /a/1; set /a/2; watch w /a/... after 2; set /a/3; set /x; set /x
			but member pause 2; member resume 5; member snapshot 5; w lived error 401 2 1-1,
			listed 2 /a/1@1+/a/2@2, asked 2 from 3; w missed 3
			=> w: listed @2
		when nothing was written after the list
			set /a/1; set /a/2; watch w /a/... after 2 but w lived listed 2 /a/1@1+/a/2@2, asked 2 from 3
			=> w: listed @2
		when it was closed, with the next event perhaps on its way
			set /a/1; set /a/2; watch w /a/... after 2; set /a/3; close w
			but w lived listed 2 /a/1@1+/a/2@2, asked 2 from 3, closed 3; w missed 3 => w: listed @2
		when only others' keys were written after it
			set /a/1; set /a/2; watch w /a/... after 2; set /b
			but w lived listed 2 /a/1@1+/a/2@2, asked 2 from 3 => w: listed @2
	refuted: the tree that was read is not the state at that index
		by the second of two lists, though the first was right (S7)
			set /a/1; set /a/2; watch w /a/... after 2; watch v /a/... after 2; set /a/3
			but w lived listed 2 /a/1@1+/a/2@2, asked 2 from 3; v lived listed 2, asked 2 from 3
			=> v: listed @2
		by a tree that lacks a file
			set /a/1; set /a/2; watch w /a/... after 2; set /a/3 but w lived listed 2 /a/1@1, asked 2 from 3
			=> w: listed @2
		by a tree with an older state of a file
			set /a/1; set /a/1; watch w /a/... after 2; set /a/3 but w lived listed 2 /a/1@1, asked 2 from 3
			=> w: listed @2
		by a tree with a file that was deleted
			set /a/1; delete /a/1; watch w /a/... after 2; set /a/3
			but w lived listed 2 /a/1@1, asked 2 from 3 => w: listed @2
		by a file of a write that surely failed
			set /a/1; set /a/2; watch w /a/... after 2; set /a/3
			but w lived listed 2 /a/1@1+/a/2@2, asked 2 from 3; write 2 undone => w: listed @2
		by a tree that lacks a file, whichever other one may have expired
			set /a/1 ttl 60; set /a/2; watch w /a/... after 2; set /a/3
			but w lived listed 2 /a/1@1, asked 2 from 3 => w: listed @2
		by a tree that lacks a file, whatever another one's write without an answer made
			set /a/1; set /a/2; watch w /a/... after 2; set /a/3
			but w lived listed 2 /a/2@2, asked 2 from 3; write 2 unanswered => w: listed @2
	confirmed: the read held what had been missed, and 1 event after it came
		when the tree was right and the next event came
			set /a/1; set /a/2; watch w /a/... after 2; set /a/3
			but w lived error 401 2 1-1, listed 2 /a/1@1+/a/2@2, asked 2 from 3
			=> w: listed @2, w < set /a/3 @3
		by a single poll, which leaves what comes after its event to the next
			set /a/1; set /a/2; poll w /a/... after 2; set /a/3; set /a/4
			but w lived listed 2 /a/1@1+/a/2@2, asked 2 from 3, answered 3 => w: listed @2, w < set /a/3 @3
		though the tree shows no hidden keys
			set /a/_h; set /a/_d/x; watch w /a/... after 2; set /a/3 but w lived listed 2, asked 2 from 3
			=> w: listed @2, w < set /a/3 @3
		though a read without recursive goes one level deep
			set /a/1; set /a/d/x; watch w /a after 2; rmdir /a/... but w lived listed 2 /a/1@1, asked 2 from 3
			=> w: listed @2, w < delete /a @3
		though a key with a ttl had expired unseen
			set /a/1 ttl 1; set /a/2; watch w /a/... after 2; set /a/3
			but w lived listed 2 /a/2@2, asked 2 from 3 => w: listed @2, w < set /a/3 @3
		though the tree holds what an unanswered write may have made
			set /a/1; set /a/2; watch w /a/... after 2; set /a/3
			but w lived listed 2 /a/1@1+/a/2@2, asked 2 from 3; write 2 unanswered
			=> w: listed @2, w < set /a/3 @3
		though others' keys are not in the tree
			set /b; set /a/2; watch w /a/... after 2; set /a/3 but w lived listed 2 /a/2@2, asked 2 from 3
			=> w: listed @2, w < set /a/3 @3
		in v3 by a watch on one key, which reads no other
			set /a; set /b; watch w /a after 2; set /a
			but api v3; write 2 key /a/x; w lived listed 2 /a@1, asked 2 from 3 => w: listed @2, w < put /a @3
	refuted: the event at 3 did not come after it
		by an event after the list that did not come
			set /a/1; set /a/2; watch w /a/... after 2; set /a/3; set /a/4
			but w lived error 401 2 1-1, listed 2 /a/1@1+/a/2@2, asked 2 from 3; w missed 3
			=> w: listed @2, set /a/3 @3
	untested: no watch recovered by a list
		when nobody listed
			watch w /a/...; set /a/1; set /a/2; set /a/3
		when it went on from now on instead of from the list
			set /a/1; set /a/2; set /a/3; watch w /a/... but w lived listed 2 /a/1@1+/a/2@2, asked 3
		when the silence is not proven
			set /a/1; set /a/2; watch w /a/... after 2; set /a/3
			but w lived listed 2 /a/1@1+/a/2@2, asked 2 from 3; w missed 3; w proof none
		when it asked for nothing after the list
			set /a/1; watch w /a/... but w lived error 401 1 1-1, listed 1 /a/1@1
	confirmed: 2 events after it came
		by a second list after a second 401
			set /a/1; set /a/2; watch w /a/... after 2; set /a/3; cut w; set /a/4; set /a/5
			but w lived listed 2 /a/1@1+/a/2@2, asked 2 from 3, cut 3, error 401 4 4-4,
			listed 4 /a/1@1+/a/2@2+/a/3@3+/a/4@4, asked 4 from 5; w got 3, 5; w proof fence
			=> w: listed @2, w < set /a/3 @3, w: listed @4, w < set /a/5 @5
	refuted: the range that was read is not the state at that revision
		in v3 by a range that lacks a key
			set /a/1; set /a/2; watch w /a/... after 2; set /a/3
			but api v3; w lived listed 2 /a/1@1, asked 2 from 3 => w: listed @2
`);
