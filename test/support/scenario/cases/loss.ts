import type { LifeEvent } from "#lib/timeline";
import {
	answered,
	asked,
	cleared,
	closed,
	confirms,
	cut,
	expire,
	leavesUntested,
	paused,
	poll,
	refresh,
	refused,
	refutes,
	remove,
	replayed,
	resumed,
	rmdir,
	set,
	stream,
	watch,
} from "../builders";

const three = [set("/a/1"), set("/a/2"), set("/a/3")];
const four = [...three, set("/a/4")];
const recursive = true;
/** Two polls from now on, with the second write between them. */
const twoPolls = [asked(0), answered(1), asked(2), answered(3)];
/** The claim about a stream that stops, in a run of its own. */
const stopped = [asked(0), paused(0), resumed(3)];

/** The error that etcd sends to whom it throws out at a recovery. */
const toldOf = (at: number): LifeEvent => ({
	kind: "error",
	at,
	code: 400,
	message: "watcher is cleared due to etcd recovery",
	cause: "",
});

/** Cases for the claims of lib/src/claims/loss.ts. */
export const lossCases = {
	pollsLoseWhatFallsBetween: [
		refutes(
			"by the second watcher, though the first lost it (S7)",
			{
				writes: three,
				watchers: [
					poll("w", "/a", { recursive, life: twoPolls, sent: [1, 3] }),
					poll("v", "/a", {
						recursive,
						life: [asked(0), answered(1), asked(2), answered(2)],
						sent: [1, replayed(2, 2)],
					}),
				],
			},
			/an event from between two polls came all the same/,
			["set /a/2 @2"],
		),
		confirms(
			"by the write between two polls",
			{ writes: three, watchers: [poll("w", "/a", { recursive, life: twoPolls, sent: [1, 3] })] },
			/1 event fell between two polls, none came/,
			["set /a/2 @2"],
		),
		refutes(
			"when the second poll is sent it all the same",
			{
				writes: three,
				watchers: [
					poll("w", "/a", {
						recursive,
						life: [asked(0), answered(1), asked(2), answered(2)],
						sent: [1, replayed(2, 2)],
					}),
				],
			},
			/an event from between two polls came all the same/,
			["set /a/2 @2"],
		),
		leavesUntested(
			"when nothing was written between them",
			{
				writes: [set("/a/1"), set("/a/2")],
				watchers: [
					poll("w", "/a", {
						recursive,
						life: [asked(0), answered(1), asked(1), answered(2)],
						sent: [1, 2],
					}),
				],
			},
			/nothing was written between two polls without an index/,
		),
		leavesUntested(
			"by a second poll that asks with an index",
			{
				writes: three,
				watchers: [
					poll("w", "/a", {
						recursive,
						life: [asked(0), answered(1), asked(2, 2), answered(2)],
						sent: [1, replayed(2, 2)],
					}),
				],
			},
			/nothing was written between/,
		),
		leavesUntested(
			"when a third poll came back for it with an index",
			{
				writes: three,
				watchers: [
					poll("w", "/a", {
						recursive,
						life: [...twoPolls, asked(3, 2), answered(3)],
						sent: [1, 3, replayed(2, 3)],
					}),
				],
			},
			/nothing was written between/,
		),
		leavesUntested(
			"when the silence is not proven",
			{
				writes: three,
				watchers: [
					poll("w", "/a", { recursive, life: [asked(0), answered(1), asked(2)], sent: [1], proof: "none" }),
				],
			},
			/nothing was written between/,
		),
		leavesUntested(
			"when what fell between was refused, hidden, silent or elsewhere",
			{
				writes: [
					set("/a/1"),
					refused("set", "/a/1/x", "/a/1"),
					set("/a/_h"),
					refresh("/a/1"),
					set("/ab"),
					set("/a/3"),
				],
				watchers: [
					poll("w", "/a", {
						recursive,
						life: [asked(0), answered(1), asked(4), answered(5)],
						sent: [1, 5],
					}),
				],
			},
			/nothing was written between/,
		),
		leavesUntested(
			"when the first poll was closed, with something perhaps on its way",
			{
				writes: three,
				watchers: [
					poll("w", "/a", { recursive, life: [asked(0), closed(2), asked(2), answered(3)], sent: [3] }),
				],
			},
			/nothing was written between/,
		),
		leavesUntested(
			"when the second poll was closed, with something perhaps on its way",
			{
				writes: three,
				watchers: [
					poll("w", "/a", {
						recursive,
						life: [asked(0), answered(1), asked(2), closed(2)],
						sent: [1],
						proof: "closed",
					}),
				],
			},
			/nothing was written between/,
		),
		leavesUntested(
			"by a stream that was cut",
			{
				writes: three,
				watchers: [stream("w", "/a", { recursive, life: [asked(0), cut(1), asked(2)], sent: [1, 3] })],
			},
			/nothing was written between/,
		),
		leavesUntested(
			"after a first poll that had an index, and left the rest to the next one",
			{
				writes: three,
				watchers: [
					poll("w", "/a", {
						recursive,
						life: [asked(2, 1), answered(2), asked(2), answered(3)],
						sent: [replayed(1, 2), 3],
					}),
				],
			},
			/nothing was written between/,
		),
	],
	goLoopLosesNothingMore: [
		refutes(
			"by one that its member never told it of, having been sent the whole store, by each loop (S7)",
			{
				writes: four,
				faults: [
					{ kind: "pause", at: 1 },
					{ kind: "resume", at: 3 },
					{ kind: "snapshot", at: 3 },
				],
				watchers: [
					watch("one", "/a", { recursive, sent: [1, 4] }),
					watch("two", "/a", { recursive, sent: [1, 3, 4] }),
				],
			},
			/"one" lost 2 events after its first; "two" lost 1 event after its first/,
			["set /a/2 @2", "set /a/3 @3", "set /a/2 @2"],
		),
		refutes(
			"by a 401, and says what it never asked for afterwards (L53)",
			{
				writes: [...four, set("/a/5")],
				watchers: [
					watch("w", "/a", {
						recursive,
						sent: [1],
						life: [asked(0), cut(1), cleared(4, 2, 3)],
						proof: "error",
					}),
				],
			},
			/"w" lost 2 events after its first; 2 more it never asked for, since it had ended/,
			["set /a/2 @2", "set /a/3 @3"],
		),
		confirms(
			"when all after its first event came",
			{ writes: three, watchers: [watch("w", "/a", { recursive, sent: [1, 2, 3] })] },
			/both events after the first came$/,
			["w < set /a/1 @1", "w < set /a/2 @2", "w < set /a/3 @3"],
		),
		confirms(
			"when only a hidden name's did not come, and says so",
			{
				writes: [set("/a/1"), set("/a/_2"), set("/a/3")],
				watchers: [watch("w", "/a", { recursive, sent: [1, 3] })],
			},
			/the one event after the first came, hidden names aside$/,
			["w < set /a/1 @1", "w < set /a/3 @3"],
		),
		refutes(
			"by one that did not come",
			{ writes: three, watchers: [watch("w", "/a", { recursive, sent: [1, 3] })] },
			/"w" lost 1 event after its first/,
			["set /a/2 @2"],
		),
		leavesUntested(
			"when only its first event came, and was the last",
			{ writes: [set("/a/1")], watchers: [watch("w", "/a", { recursive, sent: [1] })] },
			/no loop had a first event and something to see after it/,
		),
		leavesUntested(
			"when it never had a first event",
			{ writes: three, watchers: [watch("w", "/a", { recursive })] },
			/no loop had a first event/,
		),
		confirms(
			"though it lost what was written before its first event",
			{
				writes: four,
				watchers: [watch("w", "/a", { recursive, life: [asked(0), cut(0), asked(2)], sent: [3, 4] })],
			},
			/the one event after the first came/,
			["w < set /a/3 @3", "w < set /a/4 @4"],
		),
		leavesUntested(
			"when the silence is not proven",
			{ writes: three, watchers: [watch("w", "/a", { recursive, sent: [1], proof: "none" })] },
			/no loop had a first event/,
		),
		leavesUntested(
			"by what was written after it was cut for good",
			{
				writes: three,
				watchers: [watch("w", "/a", { recursive, sent: [1], life: [asked(0), cut(1)], proof: "closed" })],
			},
			/no loop had a first event/,
		),
		leavesUntested(
			"by what was written after it was closed",
			{
				writes: three,
				watchers: [watch("w", "/a", { recursive, sent: [1], life: [asked(0), closed(1)], proof: "closed" })],
			},
			/no loop had a first event/,
		),
		confirms(
			"by what came up to the moment when it was closed",
			{
				writes: three,
				watchers: [
					watch("w", "/a", { recursive, sent: [1, 2], life: [asked(0), closed(2)], proof: "closed" }),
				],
			},
			/the one event after the first came/,
			["w < set /a/1 @1", "w < set /a/2 @2"],
		),
		confirms(
			"by a loop that was cut and came back for what it missed",
			{
				writes: three,
				watchers: [
					watch("w", "/a", {
						recursive,
						life: [asked(0), cut(1), asked(3, 2)],
						sent: [1, replayed(2, 3), replayed(3, 3)],
					}),
				],
			},
			/both events after the first came/,
			["w < set /a/1 @1", "w < set /a/2 @2 replayed", "w < set /a/3 @3 replayed"],
		),
		refutes(
			"by events of its own that a 401 keeps from it",
			{
				writes: four,
				watchers: [
					watch("w", "/a", {
						recursive,
						sent: [1],
						life: [asked(0), cut(1), cleared(4, 2, 3)],
						proof: "error",
					}),
				],
			},
			/"w" lost 2 events after its first/,
			["set /a/2 @2", "set /a/3 @3"],
		),
		leavesUntested(
			"by a 401 that keeps only others' events from it",
			{
				writes: [set("/q"), ...three],
				watchers: [
					watch("w", "/q", { sent: [1], life: [asked(0), cut(1), cleared(4, 2, 3)], proof: "error" }),
				],
			},
			/no loop had a first event/,
		),
		leavesUntested(
			"by hidden keys, renewed ttls and refused writes",
			{
				writes: [set("/a/1"), set("/a/_h"), refresh("/a/1"), refused("set", "/a/1/x", "/a/1"), set("/ab/c")],
				watchers: [watch("w", "/a", { recursive, sent: [1] })],
			},
			/no loop had a first event/,
		),
		leavesUntested(
			"by polls, which forget",
			{ writes: three, watchers: [poll("w", "/a", { recursive, life: twoPolls, sent: [1, 3] })] },
			/no loop had a first event/,
		),
		confirms(
			"by a directory's delete above it as the last event",
			{ writes: [set("/a/b"), rmdir("/a")], watchers: [watch("w", "/a/b", { sent: [1, 2] })] },
			/the one event after the first came/,
			["w < set /a/b @1", "w < delete /a @2"],
		),
		refutes(
			"when one came twice and another not at all",
			{ writes: three, watchers: [watch("w", "/a", { recursive, sent: [1, 2, 2] })] },
			/"w" lost 1 event/,
			["set /a/3 @3"],
		),
	],
	streamWithPastIndexGoesDead: [
		refutes(
			"by the second of two streams, though the first is deaf (S7)",
			{
				writes: three,
				watchers: [
					stream("deaf", "/a", { recursive, life: [asked(2, 1)], sent: [replayed(1, 2)], proof: "gone" }),
					stream("hears", "/a", { recursive, life: [asked(2, 1)], sent: [replayed(1, 2), 3] }),
				],
			},
			/2 events came/,
			["hears: asked @2 from 1", "hears < set /a/1 @1 replayed", "hears < set /a/3 @3"],
		),
		confirms(
			"when one event came and the live ones did not",
			{
				writes: three,
				watchers: [
					stream("s", "/a", { recursive, life: [asked(2, 1)], sent: [replayed(1, 2)], proof: "gone" }),
				],
			},
			/one event came, 2 events did not/,
			["s: asked @2 from 1", "s < set /a/1 @1 replayed", "set /a/2 @2", "set /a/3 @3"],
		),
		confirms(
			"by two events, the very one asked for and one that did not come",
			{
				writes: [set("/a/1"), set("/a/2")],
				watchers: [
					stream("s", "/a", { recursive, life: [asked(1, 1)], sent: [replayed(1, 1)], proof: "gone" }),
				],
			},
			/one event came, 1 event did not/,
			["s: asked @1 from 1", "s < set /a/1 @1 replayed", "set /a/2 @2"],
		),
		leavesUntested(
			"by a loop, even one that was sent one event only",
			{
				writes: three,
				watchers: [watch("w", "/a", { recursive, life: [asked(2, 1)], sent: [replayed(1, 2)] })],
			},
			/no stream was asked/,
		),
		refutes(
			"when a second event came",
			{
				writes: three,
				watchers: [stream("s", "/a", { recursive, life: [asked(2, 1)], sent: [replayed(1, 2), 3] })],
			},
			/2 events came/,
			["s: asked @2 from 1", "s < set /a/1 @1 replayed", "s < set /a/3 @3"],
		),
		leavesUntested(
			"by a stream from now on",
			{ writes: three, watchers: [stream("s", "/a", { recursive, sent: [1, 2, 3] })] },
			/no stream was asked for an event in the past/,
		),
		leavesUntested(
			"with one event in all to see",
			{
				writes: [set("/a/1")],
				watchers: [
					stream("s", "/a", { recursive, life: [asked(1, 1)], sent: [replayed(1, 1)], proof: "gone" }),
				],
			},
			/no stream was asked/,
		),
		leavesUntested(
			"when the past held nothing for it, so that it was registered and lives on",
			{
				writes: [set("/b/1"), set("/a/2"), set("/a/3")],
				watchers: [stream("s", "/a", { recursive, life: [asked(1, 1)], sent: [2, 3] })],
			},
			/no stream was asked/,
		),
		leavesUntested(
			"by an index in the future",
			{
				writes: three,
				watchers: [stream("s", "/a", { recursive, life: [asked(0, 2)], sent: [2, 3] })],
			},
			/no stream was asked/,
		),
		leavesUntested(
			"by one that was cut and came back from now on",
			{
				writes: four,
				watchers: [
					stream("s", "/a", {
						recursive,
						life: [asked(2, 1), cut(3), asked(3)],
						sent: [replayed(1, 2), 4],
					}),
				],
			},
			/no stream was asked/,
		),
		leavesUntested(
			"by one that was closed, with something perhaps on its way",
			{
				writes: three,
				watchers: [
					stream("s", "/a", {
						recursive,
						life: [asked(2, 1), closed(3)],
						sent: [replayed(1, 2)],
						proof: "closed",
					}),
				],
			},
			/no stream was asked/,
		),
		leavesUntested(
			"by one that stopped reading, which is silent for that reason too",
			{
				writes: three,
				watchers: [
					stream("s", "/a", {
						recursive,
						life: [asked(2, 1), paused(2), resumed(3)],
						sent: [replayed(1, 2)],
						proof: "gone",
					}),
				],
			},
			/no stream was asked/,
		),
		leavesUntested(
			"when the silence is not proven",
			{
				writes: three,
				watchers: [
					stream("s", "/a", { recursive, life: [asked(2, 1)], sent: [replayed(1, 2)], proof: "none" }),
				],
			},
			/no stream was asked/,
		),
		confirms(
			"when the one event was a hidden key's, which only the history shows, and none of the others came",
			{
				writes: [set("/a/_h"), ...three],
				watchers: [
					stream("s", "/a", { recursive, life: [asked(2, 1)], sent: [replayed(1, 2)], proof: "gone" }),
				],
			},
			/one event came, 3 events did not/,
			["s: asked @2 from 1", "s < set /a/_h @1 replayed", "set /a/1 @2", "set /a/2 @3", "set /a/3 @4"],
		),
	],
	deletedKeysStreamHearsTwice: [
		refutes(
			"by the second delete, though the first came twice (S7)",
			{
				writes: [set("/a"), remove("/a"), set("/a"), remove("/a")],
				watchers: [stream("s", "/a", { sent: [1, 2, 2, 3, 4] })],
			},
			/it came once/,
			["s < delete /a @4"],
		),
		leavesUntested(
			"by a stream that was dropped by the server, perhaps before the second copy (S8)",
			{
				writes: [set("/a"), remove("/a")],
				watchers: [stream("s", "/a", { sent: [1, 2], proof: "gone" })],
			},
			/no key was deleted/,
		),
		confirms(
			"by the same index two times",
			{ writes: [set("/a"), remove("/a")], watchers: [stream("s", "/a", { sent: [1, 2, 2] })] },
			/the same index came two times/,
			["s < delete /a @2", "s < delete /a @2"],
		),
		refutes(
			"when it came once",
			{ writes: [set("/a"), remove("/a")], watchers: [stream("s", "/a", { sent: [1, 2] })] },
			/it came once/,
			["s < delete /a @2"],
		),
		refutes(
			"when it came three times, and says so",
			{ writes: [set("/a"), remove("/a")], watchers: [stream("s", "/a", { sent: [1, 2, 2, 2] })] },
			/it came 3 times/,
			["s < delete /a @2", "s < delete /a @2", "s < delete /a @2"],
		),
		leavesUntested(
			"when nothing was deleted",
			{ writes: [set("/a")], watchers: [stream("s", "/a", { sent: [1] })] },
			/no key was deleted that a stream was on/,
		),
		leavesUntested(
			"by the delete of a directory above, which comes once",
			{ writes: [set("/a/b"), rmdir("/a")], watchers: [stream("s", "/a/b", { sent: [1, 2] })] },
			/no key was deleted/,
		),
		leavesUntested(
			"by the delete of a child, which comes once",
			{ writes: [set("/a/b"), remove("/a/b")], watchers: [stream("s", "/a", { recursive, sent: [1, 2] })] },
			/no key was deleted/,
		),
		leavesUntested(
			"by a loop, which asks anew between the two",
			{ writes: [set("/a"), remove("/a")], watchers: [watch("w", "/a", { sent: [1, 2] })] },
			/no key was deleted/,
		),
		leavesUntested(
			"by an expiry, of which the claim does not speak",
			{ writes: [set("/a"), expire("/a")], watchers: [stream("s", "/a", { sent: [1, 2] })] },
			/no key was deleted/,
		),
		leavesUntested(
			"by a delete replayed from the history, which comes once",
			{
				writes: [set("/a"), remove("/a")],
				watchers: [stream("s", "/a", { life: [asked(2, 2)], sent: [replayed(2, 2)], proof: "gone" })],
			},
			/no key was deleted/,
		),
		leavesUntested(
			"when it was closed, with the second copy perhaps on its way",
			{
				writes: [set("/a"), remove("/a")],
				watchers: [stream("s", "/a", { sent: [1, 2], life: [asked(0), closed(2)], proof: "closed" })],
			},
			/no key was deleted/,
		),
		leavesUntested(
			"when the silence is not proven",
			{ writes: [set("/a"), remove("/a")], watchers: [stream("s", "/a", { sent: [1, 2], proof: "none" })] },
			/no key was deleted/,
		),
		leavesUntested(
			"when it was cut and came back, with the second copy perhaps lost on its way",
			{
				writes: [set("/a"), remove("/a")],
				watchers: [stream("s", "/a", { sent: [1, 2], life: [asked(0), cut(2), asked(2)] })],
			},
			/no key was deleted/,
		),
		confirms(
			"by the very first event that it could hear",
			{
				writes: [set("/a"), remove("/a")],
				watchers: [stream("s", "/a", { sent: [2, 2], life: [asked(1)] })],
			},
			/the same index came two times/,
			["s < delete /a @2", "s < delete /a @2"],
		),
		confirms(
			"by the delete after it was cut and came back",
			{
				writes: [set("/a"), remove("/a"), set("/a"), remove("/a")],
				watchers: [stream("s", "/a", { sent: [1, 2, 3, 4, 4], life: [asked(0), cut(2), asked(2)] })],
			},
			/the same index came two times/,
			["s < delete /a @4", "s < delete /a @4"],
		),
		leavesUntested(
			"when the set came twice and nothing was deleted",
			{ writes: [set("/a")], watchers: [stream("s", "/a", { sent: [1, 1] })] },
			/no key was deleted/,
		),
	],
	slowStreamLosesInSilence: [
		leavesUntested(
			"by a stream whose member was sent the whole store meanwhile (S1)",
			{
				writes: four,
				faults: [
					{ kind: "pause", at: 1 },
					{ kind: "resume", at: 3 },
					{ kind: "snapshot", at: 3 },
				],
				watchers: [stream("s", "/a", { recursive, life: stopped, sent: [1, 4] })],
			},
			/it read on in time/,
			["s: paused @0", "s: resumed @3"],
		),
		refutes(
			"by the second stream, which was told, though the first was not (S7)",
			{
				writes: four,
				watchers: [
					stream("silent", "/a", { recursive, life: stopped, sent: [1], proof: "gone" }),
					stream("told", "/a", { recursive, life: [...stopped, toldOf(3)], sent: [1], proof: "error" }),
				],
			},
			/it was told/,
			["told: error @3"],
		),
		confirms(
			"when events during and after the pause never came",
			{
				writes: four,
				watchers: [stream("s", "/a", { recursive, life: stopped, sent: [1, 2], proof: "gone" })],
			},
			/2 of 4 events never came, also of those written after it read on; no error/,
			["set /a/3 @3", "set /a/4 @4", "s: paused @0", "s: resumed @3"],
		),
		confirms(
			"when only events during the pause are missing, and says no more than that",
			{ writes: four, watchers: [stream("s", "/a", { recursive, life: stopped, sent: [1, 4] })] },
			/2 of 4 events never came; no error/,
			["set /a/2 @2", "set /a/3 @3", "s: paused @0", "s: resumed @3"],
		),
		refutes(
			"when an error told it",
			{
				writes: four,
				watchers: [
					stream("s", "/a", {
						recursive,
						life: [asked(0), paused(0), resumed(3), toldOf(3)],
						sent: [1],
						proof: "error",
					}),
				],
			},
			/it was told/,
			["s: error @3"],
		),
		leavesUntested(
			"when it was cut afterwards, by whomever",
			{
				writes: four,
				watchers: [
					stream("s", "/a", {
						recursive,
						life: [asked(0), paused(0), resumed(3), cut(3), asked(3)],
						sent: [1, 4],
					}),
				],
			},
			/it was cut afterwards/,
			["s: paused @0", "s: resumed @3"],
		),
		leavesUntested(
			"when it was cut afterwards, and the last event before was the one that is missing",
			{
				writes: four,
				watchers: [
					stream("s", "/a", {
						recursive,
						life: [asked(0), paused(1), resumed(3), cut(3), asked(3)],
						sent: [1, 2, 4],
					}),
				],
			},
			/it was cut afterwards/,
			["s: paused @1", "s: resumed @3"],
		),
		leavesUntested(
			"by an event from before the pause",
			{
				writes: four,
				watchers: [
					stream("s", "/a", { recursive, life: [asked(0), paused(1), resumed(3)], sent: [2, 3, 4] }),
				],
			},
			/it read on in time/,
			["s: paused @1", "s: resumed @3"],
		),
		leavesUntested(
			"when nobody paused",
			{ writes: four, watchers: [stream("s", "/a", { recursive, sent: [1, 2, 3, 4] })] },
			/no stream paused while there was something to see/,
		),
		leavesUntested(
			"by a pause too short to lose anything",
			{ writes: four, watchers: [stream("s", "/a", { recursive, life: stopped, sent: [1, 2, 3, 4] })] },
			/it read on in time: every event came/,
			["s: paused @0", "s: resumed @3"],
		),
		confirms(
			"by the second stream, though the first read on in time",
			{
				writes: four,
				watchers: [
					stream("quick", "/a", { recursive, life: stopped, sent: [1, 2, 3, 4] }),
					stream("slow", "/a", { recursive, life: stopped, sent: [1], proof: "gone" }),
				],
			},
			/3 of 4 events never came/,
			["set /a/2 @2", "set /a/3 @3", "slow: paused @0", "slow: resumed @3", "set /a/4 @4"],
		),
		leavesUntested(
			"by one that never read on",
			{
				writes: four,
				watchers: [stream("s", "/a", { recursive, life: [asked(0), paused(0)], proof: "none" })],
			},
			/no stream paused/,
		),
		leavesUntested(
			"when the silence is not proven",
			{ writes: four, watchers: [stream("s", "/a", { recursive, life: stopped, sent: [1], proof: "none" })] },
			/no stream paused/,
		),
		confirms(
			"though it had been cut before the pause, and came back",
			{
				writes: four,
				watchers: [
					stream("s", "/a", {
						recursive,
						life: [asked(0), cut(0), asked(0), paused(0), resumed(3)],
						sent: [1],
						proof: "gone",
					}),
				],
			},
			/3 of 4 events never came/,
			["set /a/2 @2", "set /a/3 @3", "s: paused @0", "s: resumed @3", "set /a/4 @4"],
		),
		leavesUntested(
			"when it was cut after it had read all, for what came later",
			{
				writes: four,
				watchers: [
					stream("s", "/a", {
						recursive,
						life: [asked(0), paused(0), resumed(2), cut(2)],
						sent: [1, 2],
						proof: "closed",
					}),
				],
			},
			/it read on in time/,
			["s: paused @0", "s: resumed @2"],
		),
		leavesUntested(
			"by one with an index in the past, which is deaf anyway",
			{
				writes: four,
				watchers: [
					stream("s", "/a", {
						recursive,
						life: [asked(1, 1), paused(1), resumed(3)],
						sent: [replayed(1, 1)],
						proof: "gone",
					}),
				],
			},
			/no stream paused/,
		),
		leavesUntested(
			"when what happened in the pause was none of its business",
			{
				writes: [set("/a/_h"), set("/ab"), refused("set", "/a/x/y", "/a/x"), refresh("/a/1")],
				watchers: [stream("s", "/a", { recursive, life: stopped })],
			},
			/no stream paused/,
		),
	],
	afterIndexLosesNothing: [
		refutes(
			"by what the index of a wiped store passed over (S10)",
			{
				writes: [...four, set("/a/5"), set("/a/6")],
				faults: [{ kind: "wipe", at: 2 }],
				watchers: [
					watch("w", "/a", {
						recursive,
						life: [asked(0), cut(2), asked(6, 5)],
						sent: [1, 2, replayed(5, 6), replayed(6, 6)],
					}),
				],
			},
			/2 events did not come/,
			["set /a/3 @3", "set /a/4 @4"],
		),
		leavesUntested(
			"by what a member never told of, having been sent the whole store (S1)",
			{
				writes: four,
				faults: [
					{ kind: "pause", at: 2 },
					{ kind: "resume", at: 4 },
					{ kind: "snapshot", at: 4 },
				],
				watchers: [watch("w", "/a", { recursive, life: [asked(0, 0)], sent: [1, 2] })],
			},
			/no watch asked/,
		),
		confirms(
			"by what came out of the history",
			{
				writes: three,
				watchers: [
					watch("w", "/a", { recursive, life: [asked(2, 1)], sent: [replayed(1, 2), replayed(2, 2), 3] }),
				],
			},
			/2 events from before the watch began came out of the history/,
			["w: asked @2 from 1", "w < set /a/1 @1 replayed", "w < set /a/2 @2 replayed"],
		),
		refutes(
			"by an event in between that did not come",
			{
				writes: three,
				watchers: [watch("w", "/a", { recursive, life: [asked(2, 1)], sent: [replayed(1, 2), 3] })],
			},
			/1 event did not come/,
			["set /a/2 @2"],
		),
		refutes(
			"by a live event that a watch begun in the past did not get",
			{
				writes: three,
				watchers: [
					watch("w", "/a", { recursive, life: [asked(2, 1)], sent: [replayed(1, 2), replayed(2, 2)] }),
				],
			},
			/1 event did not come/,
			["set /a/3 @3"],
		),
		leavesUntested(
			"by an index in the future, though it lost what came then",
			{ writes: three, watchers: [watch("w", "/a", { recursive, life: [asked(0, 2)], sent: [2] })] },
			/no watch asked/,
		),
		refutes(
			"by a 401 that came after another error",
			{
				writes: four,
				watchers: [
					watch("w", "/a", {
						recursive,
						life: [
							{ kind: "error", at: 4, code: 300, message: "Raft Internal Error", cause: "" },
							cleared(4, 1, 1),
						],
						proof: "error",
					}),
				],
			},
			/401, the event 1 is gone/,
			["w: error @4"],
		),
		refutes(
			"by a 401",
			{
				writes: four,
				watchers: [watch("w", "/a", { recursive, life: [cleared(4, 1, 2)], proof: "error" })],
			},
			/past the last 1000 events of the store there is no way back: 401, the events 1 to 2 are gone/,
			["w: error @4"],
		),
		leavesUntested(
			"when no watch asked for the past",
			{
				writes: three,
				watchers: [
					watch("w", "/a", { recursive, sent: [1, 2, 3] }),
					watch("next", "/a", { recursive, life: [asked(0, 1)], sent: [1, 2, 3] }),
				],
			},
			/no watch asked for an index that was already past/,
		),
		confirms(
			"by a poll that gives the first of two past events and leaves the other to the next",
			{
				writes: three,
				watchers: [poll("w", "/a", { recursive, life: [asked(2, 1), answered(2)], sent: [replayed(1, 2)] })],
			},
			/1 event from before/,
			["w: asked @2 from 1", "w < set /a/1 @1 replayed"],
		),
		refutes(
			"by a poll that skips to the second",
			{
				writes: three,
				watchers: [poll("w", "/a", { recursive, life: [asked(2, 1), answered(2)], sent: [replayed(2, 2)] })],
			},
			/1 event did not come/,
			["set /a/1 @1"],
		),
		refutes(
			"by a poll that waits on though the past holds something for it",
			{ writes: three, watchers: [poll("w", "/a", { recursive, life: [asked(3, 1)], proof: "fence" })] },
			/1 event did not come/,
			["set /a/1 @1"],
		),
		leavesUntested(
			"when the silence is not proven",
			{
				writes: three,
				watchers: [watch("w", "/a", { recursive, life: [asked(3, 1)], proof: "none" })],
			},
			/no watch asked/,
		),
		leavesUntested(
			"by a stream, whose deafness is another claim's",
			{
				writes: three,
				watchers: [
					stream("w", "/a", { recursive, life: [asked(3, 1)], sent: [replayed(1, 3)], proof: "gone" }),
				],
			},
			/no watch asked/,
		),
		leavesUntested(
			"when it was closed before anything was read",
			{
				writes: three,
				watchers: [watch("w", "/a", { recursive, life: [asked(3, 1), closed(3)], proof: "closed" })],
			},
			/no watch asked/,
		),
		leavesUntested(
			"when the past held only a hidden key, a renewed ttl and a sibling",
			{
				writes: [set("/a/_h"), refresh("/a/1"), set("/ab/1"), refused("set", "/a/1/x", "/a/1")],
				watchers: [watch("w", "/a", { recursive, life: [asked(3, 1)] })],
			},
			/no watch asked/,
		),
		leavesUntested(
			"by events that had come before, live, and were not asked for again",
			{
				writes: three,
				watchers: [
					poll("w", "/a", {
						recursive,
						life: [asked(0), answered(1), asked(1, 1)],
						sent: [1],
						proof: "fence",
					}),
				],
			},
			/no watch asked/,
		),
		confirms(
			"by a loop that was cut and asked again",
			{
				writes: three,
				watchers: [
					watch("w", "/a", {
						recursive,
						life: [asked(0), cut(1), asked(2, 2)],
						sent: [1, replayed(2, 2), 3],
					}),
				],
			},
			/1 event from before/,
			["w: asked @2 from 2", "w < set /a/2 @2 replayed"],
		),
	],
	responseIndexIsSafeToGoOnFrom: [
		refutes(
			"by the second poll of two, though the first lost nothing, and by both of two watchers (S7)",
			{
				writes: three,
				watchers: [
					poll("right", "/a", {
						recursive,
						life: [asked(0), answered(1), asked(1, 1), answered(2)],
						sent: [1, 2],
					}),
					poll("wrong", "/a", {
						recursive,
						life: [asked(0), answered(1), asked(1, 1), answered(1)],
						sent: [1, replayed(1, 1)],
					}),
				],
			},
			/the event at 1 came again/,
			["wrong < set /a/1 @1", "wrong: asked @1 from 1", "wrong < set /a/1 @1 replayed"],
		),
		confirms(
			"when the poll after it gave the next event, not the same",
			{
				writes: three,
				watchers: [
					poll("w", "/a", {
						recursive,
						life: [asked(0), answered(1), asked(1, 1), answered(2)],
						sent: [1, 2],
					}),
				],
			},
			/nothing was lost or repeated/,
			["w < set /a/1 @1", "w: asked @1 from 1"],
		),
		refutes(
			"by the same event again",
			{
				writes: three,
				watchers: [
					poll("w", "/a", {
						recursive,
						life: [asked(0), answered(1), asked(1, 1), answered(1)],
						sent: [1, replayed(1, 1)],
					}),
				],
			},
			/the event at 1 came again: its response's header says 0/,
			["w < set /a/1 @1", "w: asked @1 from 1", "w < set /a/1 @1 replayed"],
		),
		refutes(
			"by the events that lay between a replayed one and its header",
			{
				writes: four,
				watchers: [
					poll("w", "/a", {
						recursive,
						life: [asked(3, 1), answered(3), asked(3, 4), answered(4)],
						sent: [replayed(1, 3), 4],
					}),
				],
			},
			/2 events between the event and the header's index did not come/,
			["w < set /a/1 @1 replayed", "w: asked @3 from 4", "set /a/2 @2", "set /a/3 @3"],
		),
		refutes(
			"though a later poll came back for what was skipped",
			{
				writes: four,
				watchers: [
					poll("w", "/a", {
						recursive,
						life: [asked(2, 1), answered(2), asked(2, 3), answered(3), asked(3, 2), answered(3)],
						sent: [replayed(1, 2), 3, replayed(2, 3)],
					}),
				],
			},
			/1 event between the event and the header's index did not come/,
			["w < set /a/1 @1 replayed", "w: asked @2 from 3", "set /a/2 @2"],
		),
		confirms(
			"though a later poll asked for the same event again on purpose",
			{
				writes: three,
				watchers: [
					poll("w", "/a", {
						recursive,
						life: [asked(0), answered(1), asked(1, 1), answered(2), asked(2, 1), answered(2)],
						sent: [1, 2, replayed(1, 2)],
					}),
				],
			},
			/nothing was lost or repeated/,
			["w < set /a/1 @1", "w: asked @1 from 1"],
		),
		leavesUntested(
			"when the header was the event's own index",
			{
				writes: [set("/a/1"), set("/a/2")],
				watchers: [
					poll("w", "/a", {
						recursive,
						life: [asked(1, 1), answered(1), asked(1, 2), answered(2)],
						sent: [replayed(1, 1), 2],
					}),
				],
			},
			/no watch went on/,
		),
		leavesUntested(
			"when it went on after the event's own index",
			{
				writes: three,
				watchers: [
					poll("w", "/a", {
						recursive,
						life: [asked(0), answered(1), asked(2, 2), answered(2)],
						sent: [1, replayed(2, 2)],
					}),
				],
			},
			/no watch went on from its response's index/,
		),
		leavesUntested(
			"by a loop whose next index happens to be a header's",
			{
				writes: four,
				watchers: [
					watch("w", "/a", {
						recursive,
						life: [asked(3, 1), cut(3), asked(3, 4)],
						sent: [replayed(1, 3), replayed(2, 3), replayed(3, 3), 4],
					}),
				],
			},
			/no watch went on from its response's index/,
		),
		leavesUntested(
			"when nothing of its own lay between the event and the header",
			{
				writes: [set("/a/1"), set("/b/2"), set("/a/_h"), set("/a/4")],
				watchers: [
					poll("w", "/a", {
						recursive,
						life: [asked(3, 1), answered(3), asked(3, 4), answered(4)],
						sent: [replayed(1, 3), 4],
					}),
				],
			},
			/no watch went on/,
		),
		leavesUntested(
			"when the next poll was not answered",
			{
				writes: [set("/a/1")],
				watchers: [
					poll("w", "/a", {
						recursive,
						life: [asked(0), answered(1), asked(1, 1), closed(1)],
						sent: [1],
						proof: "closed",
					}),
				],
			},
			/no watch went on/,
		),
		leavesUntested(
			"when the silence is not proven",
			{
				writes: four,
				watchers: [
					poll("w", "/a", {
						recursive,
						life: [asked(3, 1), answered(3), asked(3, 4)],
						sent: [replayed(1, 3)],
						proof: "none",
					}),
				],
			},
			/no watch went on/,
		),
		leavesUntested(
			"when the events between came by an earlier poll, so that there was nothing to lose",
			{
				writes: three,
				watchers: [
					poll("w", "/a", {
						recursive,
						life: [asked(1), answered(2), asked(2, 1), answered(2), asked(2, 3), answered(3)],
						sent: [2, replayed(1, 2), 3],
					}),
				],
			},
			/no watch went on/,
		),
	],
};
