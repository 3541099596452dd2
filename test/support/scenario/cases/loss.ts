import { casesOf } from "../cases";

/** Cases for the claims of lib/src/claims/loss.ts. */
export const lossCases = casesOf(`
pollsLoseWhatFallsBetween
	refuted: an event from between two polls came all the same
		by the second watcher, though the first lost it (S7)
			poll w /a/...; poll v /a/...; set /a/1; set /a/2; poll w; poll v; set /a/3
			but v lived asked 0, answered 1, asked 2, answered 2; v got 1, 2 replayed => set /a/2 @2
		when the second poll is sent it all the same
			poll w /a/...; set /a/1; set /a/2; poll w; set /a/3
			but w lived asked 0, answered 1, asked 2, answered 2; w got 1, 2 replayed => set /a/2 @2
	confirmed: 1 event fell between two polls, none came
		by the write between two polls
			poll w /a/...; set /a/1; set /a/2; poll w; set /a/3 => set /a/2 @2
	untested: nothing was written between two polls without an index
		when nothing was written between them
			poll w /a/...; set /a/1; poll w; set /a/2
		by a second poll that asks with an index
			poll w /a/...; set /a/1; set /a/2; poll w after 1; set /a/3
		when a third poll came back for it with an index
			poll w /a/...; set /a/1; set /a/2; poll w; set /a/3; poll w after 1
		when the silence is not proven
			poll w /a/...; set /a/1; set /a/2; poll w; set /a/3
			but w lived asked 0, answered 1, asked 2; w missed 3; w proof none
		when what fell between was refused, hidden, silent or elsewhere
			poll w /a/...; set /a/1; set /a/1/x; set /a/_h; refresh /a/1 60; set /ab; poll w; set /a/3
		when the first poll was closed, with something perhaps on its way
			poll w /a/...; set /a/1; set /a/2; close w; poll w; set /a/3
			but w lived asked 0, closed 2, asked 2, answered 3; w missed 1
		when the second poll was closed, with something perhaps on its way
			poll w /a/...; set /a/1; set /a/2; poll w; close w; set /a/3
		by a stream that was cut
			stream w /a/...; set /a/1; cut w; set /a/2; reconnect w; set /a/3
		after a first poll that had an index, and left the rest to the next one
			set /a/1; set /a/2; poll w /a/... after 0; poll w; set /a/3
		when one came from after the first poll was closed
			poll w /a/...; set /a/1; set /a/2; poll w; set /a/3
			but w lived asked 0, closed 1, asked 2, answered 3; w got 2 replayed, 3
		by what was written before the first poll
			set /a/0; poll w /a/...; set /a/1
		by a poll that a proxy answered with nothing
			poll w /a/...; set /a/1; set /a/2 but w lived asked 0; w got nothing; w proof answered
		by a second poll that asks with an index behind it
			poll w /a/...; set /a/1; set /a/2; poll w after 2; set /a/3
	refuted: an event from between two watches came all the same
		in v3 when the second watch is sent it all the same
			poll w /a/...; set /a/1; set /a/2; poll w; set /a/3
			but api v3; w lived asked 0, answered 1, asked 2, answered 2; w got 1, 2 replayed => set /a/2 @2
	confirmed: 1 event fell between two watches, none came
		in v3 by the write between two watches
			poll w /a/...; set /a/1; set /a/2; poll w; set /a/3 but api v3 => set /a/2 @2
goLoopLosesNothingMore
	refuted: "one" lost 2 events after its first; "two" lost 1 event after its first
		by one that its member never told it of, having been sent the whole store, by each loop (S7)
			watch one /a/...; watch two /a/...; set /a/1; set /a/2; set /a/3; set /a/4
			but member pause 1; member resume 3; member snapshot 3; one missed 2, 3; two missed 2
			=> set /a/2 @2, set /a/3 @3, set /a/2 @2
	refuted: "w" lost 2 events after its first; 2 more it never asked for, since it had ended
		by a 401, and says what it never asked for afterwards (L53)
			watch w /a/...; set /a/1; cut w; set /a/2; set /a/3; set /a/4; set /a/5
			but w lived asked 0, cut 1, error 401 4 2-3; w proof error => set /a/2 @2, set /a/3 @3
	confirmed: both events after the first came$
		when all after its first event came
			watch w /a/...; set /a/1; set /a/2; set /a/3 => w < set /a/1 @1, w < set /a/2 @2, w < set /a/3 @3
		by a loop that was cut and came back for what it missed
			watch w /a/...; set /a/1; cut w; set /a/2; set /a/3; reconnect w
			=> w < set /a/1 @1, w < set /a/2 @2 replayed, w < set /a/3 @3 replayed
	confirmed: the one event after the first came, hidden names aside$
		when only a hidden name's did not come, and says so
			watch w /a/...; set /a/1; set /a/_2; set /a/3 => w < set /a/1 @1, w < set /a/3 @3
		though the history gave it a hidden one, too
			watch w /a/...; set /a/1; cut w; set /a/_h; set /a/2; reconnect w
			=> w < set /a/1 @1, w < set /a/_h @2 replayed, w < set /a/2 @3 replayed
	refuted: "w" lost 1 event after its first
		by one that did not come
			watch w /a/...; set /a/1; set /a/2; set /a/3 but w missed 2 => set /a/2 @2
		when one came twice and another not at all
			watch w /a/...; set /a/1; set /a/2; set /a/3 but w got 1, 2, 2 => set /a/3 @3
	untested: no loop had a first event and something to see after it
		when only its first event came, and was the last
			watch w /a/...; set /a/1
		when it never had a first event
			watch w /a/...; set /a/1; set /a/2; set /a/3 but w missed 1, 2, 3
		when the silence is not proven
			watch w /a/...; set /a/1; set /a/2; set /a/3 but w missed 2, 3; w proof none
		by what was written after it was cut for good
			watch w /a/...; set /a/1; cut w; set /a/2; set /a/3
		by what was written after it was closed
			watch w /a/...; set /a/1; close w; set /a/2; set /a/3
		by a 401 that keeps only others' events from it
			watch w /q; set /q; cut w; set /a/1; set /a/2; set /a/3
			but w lived asked 0, cut 1, error 401 4 2-3; w proof error
		by hidden keys, renewed ttls and refused writes
			watch w /a/...; set /a/1; set /a/_h; refresh /a/1 60; set /a/1/x; set /ab/c
		by polls, which forget
			poll w /a/...; set /a/1; set /a/2; poll w; set /a/3
		by a 401 that keeps events from it, when the silence is not proven
			watch w /a/...; set /a/1; cut w; set /a/2; set /a/3; set /a/4
			but w lived asked 0, cut 1, error 401 4 2-3; w proof none
		when nobody knows what it asked for
			watch w /a; set /a; set /a but w lived cut 0
		by a child, which it did not ask for
			watch w /a; mkdir /a; set /a/x
	confirmed: the one event after the first came
		though it lost what was written before its first event
			watch w /a/...; cut w; set /a/1; set /a/2; reconnect w; set /a/3; set /a/4
			=> w < set /a/3 @3, w < set /a/4 @4
		by what came up to the moment when it was closed
			watch w /a/...; set /a/1; set /a/2; close w; set /a/3 => w < set /a/1 @1, w < set /a/2 @2
		by a directory's delete above it as the last event
			watch w /a/b; set /a/b; rmdir /a/... => w < set /a/b @1, w < delete /a @2
	refuted: "w" lost 2 events after its first
		by events of its own that a 401 keeps from it
			watch w /a/...; set /a/1; cut w; set /a/2; set /a/3; set /a/4
			but w lived asked 0, cut 1, error 401 4 2-3; w proof error => set /a/2 @2, set /a/3 @3
		by what it never asked for, when it came back from an index of a wiped store
			watch w /a/...; set /a/1; cut w; set /a/2; set /a/3; reconnect w
			but w lived asked 0, cut 1, asked 1, cut 1, asked 3 from 4; w missed 2, 3 => set /a/2 @2, set /a/3 @3
	confirmed: the one event after the first came$
		beside a loop that had nothing to see after its first
			watch w /a/...; watch v /b; set /b; set /a/1; set /a/2 => w < set /a/1 @2, w < set /a/2 @3
streamWithPastIndexGoesDead
	refuted: ^2 events came
		by the second of two streams, though the first is deaf (S7)
			set /a/1; set /a/2; stream deaf /a/... after 0; stream hears /a/... after 0; set /a/3
			but hears got 1 replayed, 3; hears proof fence
			=> hears: asked @2 from 1, hears < set /a/1 @1 replayed, hears < set /a/3 @3
		when a second event came
			set /a/1; set /a/2; stream s /a/... after 0; set /a/3 but s got 1 replayed, 3; s proof fence
			=> s: asked @2 from 1, s < set /a/1 @1 replayed, s < set /a/3 @3
	confirmed: one event came, 2 events did not
		when one event came and the live ones did not
			set /a/1; set /a/2; stream s /a/... after 0; set /a/3
			=> s: asked @2 from 1, s < set /a/1 @1 replayed, set /a/2 @2, set /a/3 @3
	confirmed: one event came, 1 event did not
		by two events, the very one asked for and one that did not come
			set /a/1; stream s /a/... after 0; set /a/2
			=> s: asked @1 from 1, s < set /a/1 @1 replayed, set /a/2 @2
	untested: no stream was asked for an event in the past
		by a stream from now on
			stream s /a/...; set /a/1; set /a/2; set /a/3
		by a loop, even one that was sent one event only
			set /a/1; set /a/2; watch w /a/... after 0; set /a/3 but w missed 2, 3
		with one event in all to see
			set /a/1; stream s /a/... after 0
		when the past held nothing for it, so that it was registered and lives on
			set /b/1; stream s /a/... after 0; set /a/2; set /a/3
		by an index in the future
			stream s /a/... after 1; set /a/1; set /a/2; set /a/3
		by one that was cut and came back from now on
			set /a/1; set /a/2; stream s /a/... after 0; set /a/3; cut s; reconnect s; set /a/4
		by one that was closed, with something perhaps on its way
			set /a/1; set /a/2; stream s /a/... after 0; set /a/3; close s
		by one that stopped reading, which is silent for that reason too
			set /a/1; set /a/2; stream s /a/... after 0; pause s; set /a/3; resume s
		when the silence is not proven
			set /a/1; set /a/2; stream s /a/... after 0; set /a/3 but s proof none
		by a stream from now on that was sent one all the same
			set /a/1; stream s /a/...; set /a/2 but s got 1 replayed, 2
		when nobody knows what it asked for
			stream s /a/...; set /a/1 but s lived cut 0
	confirmed: one event came, 3 events did not
		when the one event was a hidden key's, which only the history shows, and none of the others came
			set /a/_h; set /a/1; stream s /a/... after 0; set /a/2; set /a/3
			=> s: asked @2 from 1, s < set /a/_h @1 replayed, set /a/1 @2, set /a/2 @3, set /a/3 @4
deletedKeysStreamHearsTwice
	refuted: it came once
		by the second delete, though the first came twice (S7)
			stream s /a; set /a; delete /a; set /a; delete /a but s got 1, 2, 2, 3, 4 => s < delete /a @4
		when it came once
			stream s /a; set /a; delete /a but s got 1, 2 => s < delete /a @2
	confirmed: the same index came two times
		by the same index two times
			stream s /a; set /a; delete /a => s < delete /a @2, s < delete /a @2
		by the very first event that it could hear
			set /a; stream s /a; delete /a => s < delete /a @2, s < delete /a @2
		by the delete after it was cut and came back
			stream s /a; set /a; delete /a; cut s; reconnect s; set /a; delete /a but s got 1, 2, 3, 4, 4
			=> s < delete /a @4, s < delete /a @4
	refuted: it came 3 times
		when it came three times, and says so
			stream s /a; set /a; delete /a but s got 1, 2, 2, 2
			=> s < delete /a @2, s < delete /a @2, s < delete /a @2
	untested: no key was deleted that a stream was on
		when nothing was deleted
			stream s /a; set /a
		by a stream that was dropped by the server, perhaps before the second copy (S8)
			stream s /a; set /a; delete /a but s got 1, 2; s proof gone
		by the delete of a directory above, which comes once
			stream s /a/b; set /a/b; rmdir /a/...
		by the delete of a child, which comes once
			stream s /a/...; set /a/b; delete /a/b
		by a loop, which asks anew between the two
			watch w /a; set /a; delete /a
		by an expiry, of which the claim does not speak
			stream s /a; set /a ttl 1; expire /a but s got 1, 2
		by a delete replayed from the history, which comes once
			set /a; delete /a; stream s /a after 1
		when it was closed, with the second copy perhaps on its way
			stream s /a; set /a; delete /a; close s but s got 1, 2
		when the silence is not proven
			stream s /a; set /a; delete /a but s got 1, 2; s proof none
		when it was cut and came back, with the second copy perhaps lost on its way
			stream s /a; set /a; delete /a; cut s; reconnect s but s got 1, 2
		when the set came twice and nothing was deleted
			stream s /a; set /a but s got 1, 1
		by a delete replayed from the history, whatever is known of the rest
			set /a; delete /a; stream s /a after 1 but s proof fence
	confirmed: the same revision came two times
		in v3 by the same revision two times
			stream s /a; set /a; delete /a but api v3 => s < delete /a @2, s < delete /a @2
slowStreamLosesInSilence
	refuted: it was told
		by the second stream, which was told, though the first was not (S7)
			stream silent /a/...; pause silent; stream told /a/...; pause told; set /a/1; set /a/2; set /a/3;
			resume silent; resume told; set /a/4
			but silent missed 2, 3, 4; silent proof gone; told lived asked 0, paused 0, resumed 3,
			error 400 3; told missed 2, 3, 4; told proof error
			=> told: error @3
		when an error told it
			stream s /a/...; pause s; set /a/1; set /a/2; set /a/3; resume s; set /a/4
			but s lived asked 0, paused 0, resumed 3, error 400 3; s missed 2, 3, 4; s proof error
			=> s: error @3
	confirmed: 2 of 4 events never came, also of those written after it read on; no error
		when events during and after the pause never came
			stream s /a/...; pause s; set /a/1; set /a/2; set /a/3; resume s; set /a/4
			but s missed 3, 4; s proof gone => set /a/3 @3, set /a/4 @4, s: paused @0, s: resumed @3
	confirmed: 2 of 4 events never came; no error
		when only events during the pause are missing, and says no more than that
			stream s /a/...; pause s; set /a/1; set /a/2; set /a/3; resume s; set /a/4 but s missed 2, 3
			=> set /a/2 @2, set /a/3 @3, s: paused @0, s: resumed @3
	untested: it was cut afterwards
		when it was cut afterwards, by whomever
			stream s /a/...; pause s; set /a/1; set /a/2; set /a/3; resume s; cut s; reconnect s; set /a/4
			but s missed 2 => s: paused @0, s: resumed @3
		when it was cut afterwards, and the last event before was the one that is missing
			stream s /a/...; set /a/1; pause s; set /a/2; set /a/3; resume s; cut s; reconnect s; set /a/4
			but s missed 3 => s: paused @1, s: resumed @3
	untested: no stream paused while there was something to see
		when nobody paused
			stream s /a/...; set /a/1; set /a/2; set /a/3; set /a/4
		by one that never read on
			stream s /a/...; pause s; set /a/1; set /a/2; set /a/3; set /a/4
		when the silence is not proven
			stream s /a/...; pause s; set /a/1; set /a/2; set /a/3; resume s; set /a/4
			but s missed 2, 3, 4; s proof none
		by one with an index in the past, which is deaf anyway
			set /a/1; stream s /a/... after 0; pause s; set /a/2; set /a/3; resume s; set /a/4
		when what happened in the pause was none of its business
			set /a/x; stream s /a/...; pause s; set /a/_h; set /ab; set /a/x/y; refresh /a/x 60; resume s
		by one with an index in the future
			stream s /a/... after 1; pause s; set /a/1; set /a/2; set /a/3; resume s; set /a/4
			but s missed 3; s proof gone
	untested: it read on in time: every event came
		by a pause too short to lose anything
			stream s /a/...; pause s; set /a/1; set /a/2; set /a/3; resume s; set /a/4
			=> s: paused @0, s: resumed @3
		by a stream whose member was sent the whole store meanwhile (S1)
			stream s /a/...; pause s; set /a/1; set /a/2; set /a/3; resume s; set /a/4
			but member pause 1; member resume 3; member snapshot 3; s missed 2, 3
			=> s: paused @0, s: resumed @3
		by an event from before the pause
			stream s /a/...; set /a/1; pause s; set /a/2; set /a/3; resume s; set /a/4 but s missed 1
			=> s: paused @1, s: resumed @3
		when it was cut after it had read all, for what came later
			stream s /a/...; pause s; set /a/1; set /a/2; resume s; cut s; set /a/3; set /a/4
			=> s: paused @0, s: resumed @2
	confirmed: 3 of 4 events never came
		by the second stream, though the first read on in time
			stream quick /a/...; pause quick; stream slow /a/...; pause slow; set /a/1; set /a/2; set /a/3;
			resume quick; resume slow; set /a/4
			but slow missed 2, 3, 4; slow proof gone
			=> set /a/2 @2, set /a/3 @3, slow: paused @0, slow: resumed @3, set /a/4 @4
		though it had been cut before the pause, and came back
			stream s /a/...; cut s; reconnect s; pause s; set /a/1; set /a/2; set /a/3; resume s; set /a/4
			but s missed 2, 3, 4; s proof gone
			=> set /a/2 @2, set /a/3 @3, s: paused @0, s: resumed @3, set /a/4 @4
	confirmed: ^1 of 2 events never came; 2 of 2 events never came; no error
		by two streams, and not by what came before they paused
			stream s /a/...; stream t /a/...; set /a/0; pause s; pause t; set /a/1; set /a/2; resume s; resume t
			but s missed 3; s proof gone; t missed 2, 3; t proof gone
			=> set /a/2 @3, s: paused @1, s: resumed @3, set /a/1 @2, set /a/2 @3, t: paused @1, t: resumed @3
afterIndexLosesNothing
	refuted: 2 events did not come
		by what the index of a wiped store passed over (S10)
			watch w /a/...; set /a/1; set /a/2; cut w; set /a/3; set /a/4; set /a/5; set /a/6; reconnect w
			but member wipe 2; w lived asked 0, cut 2, asked 6 from 5; w missed 3, 4
			=> set /a/3 @3, set /a/4 @4
		by what the index of a wiped store passed over, and nothing before it and after it
			watch w /a/...; set /a/1; cut w; set /a/2; set /a/3; set /a/4; set /a/5; set /a/6; reconnect w
			but member wipe 2; member wipe 7; w lived asked 0, cut 1, asked 6 from 5, closed 6;
			w missed 2, 3, 4, 5, 6; w proof closed => set /a/3 @3, set /a/4 @4
	confirmed: 2 events from before the watch began came out of the history
		by what came out of the history
			set /a/1; set /a/2; watch w /a/... after 0; set /a/3
			=> w: asked @2 from 1, w < set /a/1 @1 replayed, w < set /a/2 @2 replayed
	refuted: 1 event did not come
		by an event in between that did not come
			set /a/1; set /a/2; watch w /a/... after 0; set /a/3 but w missed 2 => set /a/2 @2
		by a live event that a watch begun in the past did not get
			set /a/1; set /a/2; watch w /a/... after 0; set /a/3 but w missed 3 => set /a/3 @3
		by a poll that skips to the second
			set /a/1; set /a/2; poll w /a/... after 0; set /a/3 but w got 2 replayed => set /a/1 @1
		by a poll that waits on though the past holds something for it
			set /a/1; set /a/2; set /a/3; poll w /a/... after 0
			but w lived asked 3 from 1; w missed 1; w proof fence => set /a/1 @1
		by what the index of a wiped store passed over, if it was due
			watch w /a; mkdir /a; set /a/k; cut w; set /a/x; rmdir /a/...; set /a/y; set /a/z; reconnect w
			but member wipe 2; w lived asked 0, cut 2, asked 6 from 5; w missed 4 => rmdir /a @4
	refuted: 401, the event 1 is gone
		by a 401 that came after another error
			set /a/1; set /a/2; set /a/3; set /a/4; watch w /a/...
			but w lived error 300 4, error 401 4 1-1; w proof error => w: error @4
	refuted: past the last 1000 events of the store there is no way back: 401, the events 1 to 2 are gone
		by a 401
			set /a/1; set /a/2; set /a/3; set /a/4; watch w /a/... but w lived error 401 4 1-2; w proof error
			=> w: error @4
	untested: no watch asked for an index that was already past
		when no watch asked for the past
			watch w /a/...; watch next /a/... after 0; set /a/1; set /a/2; set /a/3
		by what a member never told of, having been sent the whole store (S1)
			watch w /a/...; set /a/1; set /a/2; set /a/3; set /a/4
			but w lived asked 0 from 0; w got 1, 2; member pause 2; member resume 4; member snapshot 4
		by an index in the future, though it lost what came then
			watch w /a/... after 1; set /a/1; set /a/2; set /a/3 but w missed 3
		when the silence is not proven
			set /a/1; set /a/2; set /a/3; watch w /a/... after 0 but w missed 1, 2, 3; w proof none
		by a stream, whose deafness is another claim's
			set /a/1; set /a/2; set /a/3; stream w /a/... after 0
		when it was closed before anything was read
			set /a/1; set /a/2; set /a/3; watch w /a/... after 0; close w but w missed 1, 2, 3
		when the past held only a hidden key, a renewed ttl and a sibling
			set /a/1; set /a/_h; refresh /a/1 60; set /ab/1; set /a/1/x; watch w /a/... after 1
			but w got nothing
		by events that had come before, live, and were not asked for again
			poll w /a/...; set /a/1; poll w after 0; set /a/2; set /a/3
			but w lived asked 0, answered 1, asked 1 from 1; w got 1; w proof fence
		by what came to a watch of which the rest is not known
			set /a/1; set /a/2; set /a/3; watch w /a/... after 0 but w proof none
		when the index of a wiped store passed something over, and the silence is not proven
			watch w /a/...; set /a/1; set /a/2; cut w; set /a/3; set /a/4; set /a/5; set /a/6; reconnect w
			but member wipe 2; w lived asked 0, cut 2, asked 6 from 5; w missed 3, 4; w proof none
		by one from now on that lost an event
			watch w /a/...; set /a/1; set /a/2 but w missed 2
		by a stream that was sent one event of the past, whose deafness is another claim's
			set /a/1; set /a/2; set /a/3; stream w /a/... after 0 but w proof fence
	confirmed: 1 event from before
		by a poll that gives the first of two past events and leaves the other to the next
			set /a/1; set /a/2; poll w /a/... after 0; set /a/3
			=> w: asked @2 from 1, w < set /a/1 @1 replayed
		by a loop that was cut and asked again
			watch w /a/...; set /a/1; cut w; set /a/2; reconnect w; set /a/3
			=> w: asked @2 from 2, w < set /a/2 @2 replayed
		though it came twice
			set /a/1; watch w /a/... after 0 but w got 1 replayed, 1 replayed
			=> w: asked @1 from 1, w < set /a/1 @1 replayed
		though it asked again for what had nothing of its own
			set /a/1; watch w /a/... after 0; cut w; set /b; reconnect w
			=> w: asked @1 from 1, w < set /a/1 @1 replayed
		by what lay in the past alone, where the history filled up meanwhile
			set /a/1; watch w /a/... after 0; set /a/2 but w got 1 replayed, 2@2 replayed
			=> w: asked @1 from 1, w < set /a/1 @1 replayed
		in v3 of a name that v2 hides
			set /a/_h; watch w /a/... after 0 but api v3 => w: asked @1 from 1, w < put /a/_h @1 replayed
	confirmed: 2 events from before the watch began
		when another fault than a wipe was why it was passed over
			watch w /a/...; set /a/1; set /a/2; cut w; set /a/3; set /a/4; set /a/5; set /a/6; reconnect w
			but member kill 2; w lived asked 0, cut 2, asked 6 from 5; w got 1, 2, 5 replayed, 6 replayed
			=> w: asked @6 from 5, w < set /a/5 @5 replayed, w < set /a/6 @6 replayed
		by two polls, the one for what the other left
			set /a/1; set /a/2; poll w /a/... after 0; poll w after 1
			=> w: asked @2 from 1, w < set /a/1 @1 replayed, w: asked @2 from 2, w < set /a/2 @2 replayed
	refuted: past a compaction there is no way back, the event 1 is gone
		in v3 by a watch from what was compacted
			set /a/1; set /a/2; watch w /a/... but api v3; w lived error 11 2 1-1; w proof error => w: error @2
responseIndexIsSafeToGoOnFrom
	confirmed: nothing was lost or repeated
		when the poll after it gave the next event, not the same
			poll w /a/...; set /a/1; poll w after 0; set /a/2; set /a/3
			but w lived asked 0, answered 1, asked 1 from 1, answered 2; w got 1, 2
			=> w < set /a/1 @1, w: asked @1 from 1
		though a later poll asked for the same event again on purpose
			poll w /a/...; set /a/1; poll w after 0; set /a/2; poll w after 0; set /a/3
			but w lived asked 0, answered 1, asked 1 from 1, answered 2, asked 2 from 1, answered 2; w got 1,
			2, 1 replayed
			=> w < set /a/1 @1, w: asked @1 from 1
	refuted: the event at 1 came again: its response's header says 0
		by the same event again
			poll w /a/...; set /a/1; poll w after 0; set /a/2; set /a/3
			=> w < set /a/1 @1, w: asked @1 from 1, w < set /a/1 @1 replayed
		by the second poll of two, though the first lost nothing, and by both of two watchers (S7)
			poll right /a/...; poll wrong /a/...; set /a/1; poll right after 0; poll wrong after 0; set /a/2;
			set /a/3
			but right lived asked 0, answered 1, asked 1 from 1, answered 2; right got 1, 2
			=> wrong < set /a/1 @1, wrong: asked @1 from 1, wrong < set /a/1 @1 replayed
	refuted: 2 events between the event and the header's index did not come
		by the events that lay between a replayed one and its header
			set /a/1; set /a/2; set /a/3; poll w /a/... after 0; poll w after 3; set /a/4
			=> w < set /a/1 @1 replayed, w: asked @3 from 4, set /a/2 @2, set /a/3 @3
		though the next poll waits for ever
			set /a/1; set /a/2; set /a/3; poll w /a/... after 0; poll w after 3
			=> w < set /a/1 @1 replayed, w: asked @3 from 4, set /a/2 @2, set /a/3 @3
	refuted: 1 event between the event and the header's index did not come
		though a later poll came back for what was skipped
			set /a/1; set /a/2; poll w /a/... after 0; poll w after 2; set /a/3; poll w after 1; set /a/4
			=> w < set /a/1 @1 replayed, w: asked @2 from 3, set /a/2 @2
	untested: no watch went on from its response's index
		when it went on after the event's own index
			poll w /a/...; set /a/1; set /a/2; poll w after 1; set /a/3
		by a loop whose next index happens to be a header's
			set /a/1; set /a/2; set /a/3; watch w /a/... after 0; cut w; reconnect w; set /a/4
		when the header was the event's own index
			set /a/1; poll w /a/... after 0; poll w after 1; set /a/2
		when nothing of its own lay between the event and the header
			set /a/1; set /b/2; set /a/_h; poll w /a/... after 0; poll w after 3; set /a/4
		when the next poll was not answered
			poll w /a/...; set /a/1; poll w after 0; close w
			but w lived asked 0, answered 1, asked 1 from 1, closed 1; w got 1; w proof closed
		when the silence is not proven
			set /a/1; set /a/2; set /a/3; poll w /a/... after 0; poll w after 3; set /a/4
			but w lived asked 3 from 1, answered 3, asked 3 from 4; w missed 4; w proof none
		when the events between came by an earlier poll, so that there was nothing to lose
			set /a/1; poll w /a/...; set /a/2; poll w after 0; poll w after 2; set /a/3
		when the events between came by two earlier polls
			set /a/1; poll w /a/...; set /a/2; poll w; set /a/3; poll w after 0; poll w after 3; set /a/4
		when what did not come was lost before the event
			poll w /a/...; set /a/1; set /a/2; set /a/3; poll w after 2; poll w after 3; set /a/4
	refuted: the event at 1 came again: .* had begun; the event at 1
		by both of two watchers
			poll one /a/...; poll two /a/...; set /a/1; poll one after 0; poll two after 0; set /a/2
			=> one < set /a/1 @1, one: asked @1 from 1, one < set /a/1 @1 replayed,
			=> two < set /a/1 @1, two: asked @1 from 1, two < set /a/1 @1 replayed
`);
