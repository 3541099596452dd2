import {
	answered,
	asked,
	cleared,
	closed,
	confirms,
	crowd,
	cut,
	file,
	leavesUntested,
	listed,
	poll,
	refresh,
	refutes,
	remove,
	replayed,
	set,
	unanswered,
	watch,
} from "../builders";

const recursive = true;
/** The quiet key's one write, and then as many of other people's. */
const quiet = (others: number) => [set("/q"), ...crowd(others)];
/** It asked on from its first event when the store stood at `at`; the oldest event kept is `oldest`. */
const thrownOut = (at: number, oldest: number) => ({
	sent: [1],
	life: [asked(0), answered(1), cleared(at, 2, oldest - 1)],
	proof: "error" as const,
});
/** A tree with two files, of which a watcher lost sight, and one write after its list. */
const recovery = [set("/a/1"), set("/a/2"), set("/a/3")];
const seen = [file("/a/1", 1), file("/a/2", 2)];

/** Cases for the claims of lib/src/claims/window.ts. */
export const windowCases = {
	historyHoldsAThousandEvents: [
		confirms(
			"when the oldest kept is the thousandth from the end",
			{ writes: quiet(1001), watchers: [poll("w", "/q", thrownOut(1002, 3))] },
			/at index 1002 the oldest it could still have was 3: 1000 events/,
			["w: error @1002"],
		),
		refutes(
			"when one less is kept",
			{ writes: quiet(1001), watchers: [poll("w", "/q", thrownOut(1002, 4))] },
			/the oldest it could still have was 4: 999 events, not 1000/,
			["w: error @1002"],
		),
		refutes(
			"by the second watcher, though the first fits",
			{
				writes: quiet(1100),
				watchers: [poll("w", "/q", thrownOut(1002, 3)), poll("v", "/q", thrownOut(1101, 200))],
			},
			/at index 1101 .* 902 events, not 1000/,
			["w: error @1002", "v: error @1101"],
		),
		leavesUntested(
			"when nobody got a 401",
			{ writes: quiet(5), watchers: [poll("w", "/q", { sent: [1], life: [asked(0), answered(1)] })] },
			/no watch asked for more than there was/,
		),
		confirms(
			"though a ttl was renewed, which wakes nobody and takes its place in the history (N30)",
			{
				writes: [set("/q"), refresh("/q"), ...crowd(1001)],
				watchers: [poll("w", "/q", thrownOut(1003, 4))],
			},
			/the oldest it could still have was 4: 1000 events/,
			["w: error @1003"],
		),
		refutes(
			"when a renewed ttl takes no place in the history",
			{
				writes: [set("/q"), refresh("/q"), ...crowd(1001)],
				watchers: [poll("w", "/q", thrownOut(1003, 3))],
			},
			/the oldest it could still have was 3: 1001 events, not 1000/,
			["w: error @1003"],
		),
		...(["restart", "wipe", "snapshot"] as const).map((kind) =>
			leavesUntested(
				`at a member whose history holds what there has been since a ${kind}`,
				{
					writes: quiet(1001),
					faults: [{ kind, at: 800 }],
					watchers: [poll("w", "/q", thrownOut(1002, 802))],
				},
				/no watch asked for more than there was/,
			),
		),
		leavesUntested(
			"by another error",
			{
				writes: quiet(5),
				watchers: [
					watch("w", "/q", {
						life: [{ kind: "error", at: 6, code: 300, message: "Raft Internal Error", cause: "" }],
						proof: "error",
					}),
				],
			},
			/no watch asked for more/,
		),
	],
	quietKeyIsThrownOut: [
		refutes(
			"by a second watch that was served, though the first was thrown out (S7)",
			{
				writes: quiet(1001),
				watchers: [
					poll("w", "/q", thrownOut(1002, 3)),
					watch("v", "/q", { life: [asked(1002, 1)], sent: [replayed(1, 1002)] }),
				],
			},
			/a watch asked for what lay further back, and was served/,
			["v: asked @1002 from 1"],
		),
		leavesUntested(
			"by a watch at a member that was behind, which served what it still had",
			{
				writes: quiet(1001),
				faults: [{ kind: "pause", at: 5 }],
				watchers: [watch("v", "/q", { life: [asked(1002, 1)], sent: [replayed(1, 5)] })],
			},
			/no watch asked for an index that lay 1000 events back/,
		),
		confirms(
			"by a 401 without a write to its own key",
			{ writes: quiet(1001), watchers: [poll("w", "/q", thrownOut(1002, 3))] },
			/"w" asked for index 2 and got 401, and no write from there to 1002 was on its key/,
			["w: error @1002"],
		),
		refutes(
			"by a watch that was served from further back",
			{
				writes: quiet(1001),
				watchers: [watch("w", "/q", { life: [asked(1002, 1)], sent: [replayed(1, 1002)] })],
			},
			/a watch asked for what lay further back, and was served/,
			["w: asked @1002 from 1"],
		),
		refutes(
			"by a watch that was served one event from beyond the edge",
			{
				writes: quiet(1000),
				watchers: [watch("w", "/q", { life: [asked(1001, 1)], sent: [replayed(1, 1001)] })],
			},
			/a watch asked for what lay further back, and was served/,
			["w: asked @1001 from 1"],
		),
		refutes(
			"though a ttl was renewed before the index that it asked for",
			{
				writes: [refresh("/q"), ...quiet(1000)],
				watchers: [watch("w", "/q", { life: [asked(1002, 2)], sent: [replayed(2, 1002)] })],
			},
			/a watch asked for what lay further back, and was served/,
			["w: asked @1002 from 2"],
		),
		refutes(
			"when the first and the last index of the window are renewed ttls, which count",
			{
				writes: [refresh("/q"), ...quiet(999), refresh("/q")],
				watchers: [watch("w", "/q", { life: [asked(1002, 1)], sent: [replayed(2, 1002)] })],
			},
			/a watch asked for what lay further back, and was served/,
			["w: asked @1002 from 1"],
		),
		leavesUntested(
			"when the last of the writes was to its own key",
			{ writes: [...quiet(1000), set("/q")], watchers: [poll("w", "/q", thrownOut(1002, 3))] },
			/had lost events of its own/,
			["set /q @1002"],
		),
		leavesUntested(
			"by a watch served from the very edge of the window",
			{
				writes: quiet(999),
				watchers: [watch("w", "/q", { life: [asked(1000, 1)], sent: [replayed(1, 1000)] })],
			},
			/no watch asked for an index that lay 1000 events back/,
		),
		leavesUntested(
			"when the watch that got 401 had lost events of its own",
			{
				writes: [set("/q/1"), ...crowd(1001, "/q")],
				watchers: [watch("w", "/q", { recursive, life: [cleared(1002, 1, 2)], proof: "error" })],
			},
			/had lost events of its own/,
			["set /q/1 @1", ...crowd(1001, "/q").map(({ key }, at) => `set ${key} @${at + 2}`)],
		),
		confirms(
			"though keys whose names begin alike, and hidden ones, were written",
			{
				writes: [set("/q"), set("/qq"), set("/q2/x"), ...crowd(999)],
				watchers: [poll("w", "/q", thrownOut(1002, 3))],
			},
			/no write from there to 1002 was on its key/,
			["w: error @1002"],
		),
		leavesUntested(
			"by a short run",
			{ writes: quiet(3), watchers: [watch("w", "/q", { sent: [1] })] },
			/no watch asked for an index that lay 1000 events back/,
		),
		leavesUntested(
			"by a watch that had been waiting all the time",
			{ writes: [...quiet(1001), set("/q")], watchers: [watch("w", "/q", { sent: [1, 1003] })] },
			/no watch asked for an index that lay 1000 events back/,
		),
	],
	listAndWatchLosesNothing: [
		leavesUntested(
			"by a member that was sent the whole store after the list (S1)",
			{
				writes: [...recovery, set("/x"), set("/x")],
				faults: [
					{ kind: "pause", at: 2 },
					{ kind: "resume", at: 5 },
					{ kind: "snapshot", at: 5 },
				],
				watchers: [watch("w", "/a", { recursive, life: [cleared(2, 1, 1), listed(2, seen), asked(2, 3)] })],
			},
			/nothing was written after the list/,
			["w: listed @2"],
		),
		refutes(
			"by the second of two lists, though the first was right (S7)",
			{
				writes: recovery,
				watchers: [
					watch("w", "/a", { recursive, life: [listed(2, seen), asked(2, 3)], sent: [3] }),
					watch("v", "/a", { recursive, life: [listed(2, []), asked(2, 3)], sent: [3] }),
				],
			},
			/the tree that was read is not the state at that index/,
			["v: listed @2"],
		),
		confirms(
			"when the tree was right and the next event came",
			{
				writes: recovery,
				watchers: [
					watch("w", "/a", {
						recursive,
						life: [cleared(2, 1, 1), listed(2, seen), asked(2, 3)],
						sent: [3],
					}),
				],
			},
			/the read held what had been missed, and 1 event after it came/,
			["w: listed @2", "w < set /a/3 @3"],
		),
		refutes(
			"by an event after the list that did not come",
			{
				writes: [...recovery, set("/a/4")],
				watchers: [
					watch("w", "/a", {
						recursive,
						life: [cleared(2, 1, 1), listed(2, seen), asked(2, 3)],
						sent: [4],
					}),
				],
			},
			/the event at 3 did not come after it/,
			["w: listed @2", "set /a/3 @3"],
		),
		refutes(
			"by a tree that lacks a file",
			{
				writes: recovery,
				watchers: [
					watch("w", "/a", {
						recursive,
						life: [listed(2, [file("/a/1", 1)]), asked(2, 3)],
						sent: [3],
					}),
				],
			},
			/the tree that was read is not the state at that index/,
			["w: listed @2"],
		),
		refutes(
			"by a tree with an older state of a file",
			{
				writes: [set("/a/1"), set("/a/1"), set("/a/3")],
				watchers: [
					watch("w", "/a", { recursive, life: [listed(2, [file("/a/1", 1)]), asked(2, 3)], sent: [3] }),
				],
			},
			/the tree that was read is not the state/,
			["w: listed @2"],
		),
		refutes(
			"by a tree with a file that was deleted",
			{
				writes: [set("/a/1"), remove("/a/1"), set("/a/3")],
				watchers: [
					watch("w", "/a", { recursive, life: [listed(2, [file("/a/1", 1)]), asked(2, 3)], sent: [3] }),
				],
			},
			/the tree that was read is not the state/,
			["w: listed @2"],
		),
		leavesUntested(
			"when nobody listed",
			{ writes: recovery, watchers: [watch("w", "/a", { recursive, sent: [1, 2, 3] })] },
			/no watch recovered by a list/,
		),
		leavesUntested(
			"when nothing was written after the list",
			{
				writes: [set("/a/1"), set("/a/2")],
				watchers: [watch("w", "/a", { recursive, life: [listed(2, seen), asked(2, 3)] })],
			},
			/nothing was written after the list/,
			["w: listed @2"],
		),
		leavesUntested(
			"when it went on from now on instead of from the list",
			{
				writes: recovery,
				watchers: [watch("w", "/a", { recursive, life: [listed(2, seen), asked(3)] })],
			},
			/no watch recovered by a list/,
		),
		confirms(
			"by a single poll, which leaves what comes after its event to the next",
			{
				writes: [...recovery, set("/a/4")],
				watchers: [
					poll("w", "/a", { recursive, life: [listed(2, seen), asked(2, 3), answered(3)], sent: [3] }),
				],
			},
			/1 event after it came/,
			["w: listed @2", "w < set /a/3 @3"],
		),
		confirms(
			"by a second list after a second 401",
			{
				writes: [...recovery, set("/a/4"), set("/a/5")],
				watchers: [
					watch("w", "/a", {
						recursive,
						life: [
							listed(2, seen),
							asked(2, 3),
							cut(3),
							cleared(4, 4, 4),
							listed(4, [...seen, file("/a/3", 3), file("/a/4", 4)]),
							asked(4, 5),
						],
						sent: [3, 5],
					}),
				],
			},
			/2 events after it came/,
			["w: listed @2", "w < set /a/3 @3", "w: listed @4", "w < set /a/5 @5"],
		),
		confirms(
			"though the tree shows no hidden keys",
			{
				writes: [set("/a/_h"), set("/a/_d/x"), set("/a/3")],
				watchers: [watch("w", "/a", { recursive, life: [listed(2, []), asked(2, 3)], sent: [3] })],
			},
			/1 event after it came/,
			["w: listed @2", "w < set /a/3 @3"],
		),
		confirms(
			"though a read without recursive goes one level deep",
			{
				writes: [set("/a/1"), set("/a/d/x"), remove("/a")],
				watchers: [watch("w", "/a", { life: [listed(2, [file("/a/1", 1)]), asked(2, 3)], sent: [3] })],
			},
			/1 event after it came/,
			["w: listed @2", "w < delete /a @3"],
		),
		confirms(
			"though a key with a ttl had expired unseen",
			{
				writes: [set("/a/1", "v", { ttl: 1 }), set("/a/2"), set("/a/3")],
				watchers: [
					watch("w", "/a", { recursive, life: [listed(2, [file("/a/2", 2)]), asked(2, 3)], sent: [3] }),
				],
			},
			/1 event after it came/,
			["w: listed @2", "w < set /a/3 @3"],
		),
		confirms(
			"though the tree holds what an unanswered write may have made",
			{
				writes: [set("/a/1"), unanswered("set", "/a/2"), set("/a/3", "v", { index: 3 })],
				watchers: [watch("w", "/a", { recursive, life: [listed(2, seen), asked(2, 3)], sent: [3] })],
			},
			/1 event after it came/,
			["w: listed @2", "w < set /a/3 @3"],
		),
		refutes(
			"by a file of a write that surely failed",
			{
				writes: [set("/a/1"), unanswered("set", "/a/2", false), set("/a/3", "v", { index: 3 })],
				watchers: [watch("w", "/a", { recursive, life: [listed(2, seen), asked(2, 3)], sent: [3] })],
			},
			/the tree that was read is not the state/,
			["w: listed @2"],
		),
		leavesUntested(
			"when the silence is not proven",
			{
				writes: recovery,
				watchers: [watch("w", "/a", { recursive, life: [listed(2, seen), asked(2, 3)], proof: "none" })],
			},
			/no watch recovered by a list/,
		),
		leavesUntested(
			"when it was closed, with the next event perhaps on its way",
			{
				writes: recovery,
				watchers: [
					watch("w", "/a", {
						recursive,
						life: [listed(2, seen), asked(2, 3), closed(3)],
						proof: "closed",
					}),
				],
			},
			/nothing was written after the list/,
			["w: listed @2"],
		),
	],
};
