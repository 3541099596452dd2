import {
	answered,
	asked,
	closed,
	confirms,
	cut,
	expire,
	leavesUntested,
	mkdir,
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
	type TimelineSketch,
	unanswered,
	update,
	type WatcherSketch,
	watch,
} from "../builders";

/** A child added and deleted again. */
const child = [set("/a/b"), remove("/a/b")];
/** The post's run: its recursive watch saw the three that etcd accepted. */
const post = {
	writes: [
		set("/a/b"),
		refused("set", "/a/b/c", "/a/b"),
		set("/a/d"),
		refused("delete", "/a/b/c", "/a/b"),
		remove("/a/b"),
	],
	watchers: [watch("recursive", "/a", { recursive: true, sent: [1, 2, 3] }), watch("plain", "/a")],
};

/** A child, and a grandchild that is written and deleted while a member stands still, which is then sent the store. */
const grandchild = [mkdir("/a/b"), set("/a/k"), set("/a/b/c"), remove("/a/b/c"), set("/a/k")];
const skipped = (watcher: WatcherSketch): TimelineSketch => ({
	writes: grandchild,
	faults: [
		{ kind: "pause", at: 2 },
		{ kind: "resume", at: 4 },
		{ kind: "snapshot", at: 4 },
	],
	watchers: [watcher],
});

/** A write of v3. */
const put = (key: string) => set(key, "v", { operation: "put", action: "put" });

export const reachCases = {
	childrenAreSeen: [
		leavesUntested(
			"when the child was there before, and was only written anew",
			{
				writes: [set("/a/b"), update("/a/b"), remove("/a/b")],
				watchers: [watch("w", "/a", { recursive: true, life: [asked(1)], sent: [2, 3] })],
			},
			/both a child added and a child deleted/,
			["update /a/b @2", "w < update /a/b @2", "delete /a/b @3", "w < delete /a/b @3"],
		),
		confirms("by the post's run", post, /all 3 events came/, [
			"set /a/b @1",
			"recursive < set /a/b @1",
			"set /a/d @2",
			"recursive < set /a/d @2",
			"delete /a/b @3",
			"recursive < delete /a/b @3",
		]),
		refutes(
			"by a child's delete that never came",
			{ writes: child, watchers: [watch("w", "/a", { recursive: true, sent: [1] })] },
			/1 event did not come; the first is delete \/a\/b at "w"/,
			["delete /a/b @2"],
		),
		refutes(
			"when the add came twice and the delete not at all",
			{ writes: child, watchers: [stream("w", "/a", { recursive: true, sent: [1, 1] })] },
			/1 event did not come; the first is delete/,
			["delete /a/b @2"],
		),
		leavesUntested(
			"while no child was deleted",
			{ writes: [set("/a/b")], watchers: [watch("w", "/a", { recursive: true, sent: [1] })] },
			/both a child added and a child deleted/,
			["set /a/b @1", "w < set /a/b @1"],
		),
		confirms(
			"at the root key too",
			{
				writes: [set("/b"), remove("/b")],
				watchers: [watch("w", "/", { recursive: true, sent: [1, 2] })],
			},
			/both events came/,
			["set /b @1", "w < set /b @1", "delete /b @2", "w < delete /b @2"],
		),
		confirms(
			"by events that came out of order",
			{ writes: child, watchers: [watch("w", "/a", { recursive: true, sent: [2, 1] })] },
			/both events came/,
			["set /a/b @1", "w < set /a/b @1", "delete /a/b @2", "w < delete /a/b @2"],
		),
		confirms(
			"though others' writes took indexes between",
			{
				writes: [set("/a/b", "v", { index: 4 }), remove("/a/b", { index: 9 })],
				watchers: [watch("w", "/a", { recursive: true, sent: [4, 9] })],
			},
			/both events came/,
			["set /a/b @4", "w < set /a/b @4", "delete /a/b @9", "w < delete /a/b @9"],
		),
		confirms(
			"by a watch opened late, for what it was there for",
			{
				writes: [set("/a/x"), ...child],
				watchers: [watch("w", "/a", { recursive: true, life: [asked(1)], sent: [2, 3] })],
			},
			/both events came/,
			["set /a/b @2", "w < set /a/b @2", "delete /a/b @3", "w < delete /a/b @3"],
		),
		leavesUntested(
			"when the silence is not proven",
			{ writes: child, watchers: [watch("w", "/a", { recursive: true, proof: "none" })] },
			/no recursive watch was there/,
		),
		leavesUntested(
			"by a hidden child",
			{ writes: [set("/a/_b"), remove("/a/_b")], watchers: [watch("w", "/a", { recursive: true })] },
			/no recursive watch was there/,
		),
		leavesUntested(
			"by a sibling whose name begins alike",
			{
				writes: [set("/ab"), remove("/ab"), set("/ab/c"), remove("/ab/c")],
				watchers: [watch("w", "/a", { recursive: true })],
			},
			/no recursive watch was there/,
		),
		leavesUntested(
			"when the delete was refused",
			{
				writes: [set("/a/b"), refused("delete", "/a/d", "/a/d", 100)],
				watchers: [watch("w", "/a", { recursive: true, sent: [1] })],
			},
			/no recursive watch was there/,
			["set /a/b @1", "w < set /a/b @1"],
		),
		leavesUntested(
			"by what was on its way when the watch was closed",
			{
				writes: child,
				watchers: [
					watch("w", "/a", { recursive: true, sent: [1], life: [asked(0), closed(2)], proof: "closed" }),
				],
			},
			/no recursive watch was there/,
			["set /a/b @1", "w < set /a/b @1"],
		),
		leavesUntested(
			"by what was on its way when the stream was cut",
			{
				writes: child,
				watchers: [stream("w", "/a", { recursive: true, sent: [1], life: [asked(0), cut(2), asked(2)] })],
			},
			/no recursive watch was there/,
			["set /a/b @1", "w < set /a/b @1"],
		),
		leavesUntested(
			"by a poll that a proxy answered with nothing",
			{ writes: child, watchers: [poll("w", "/a", { recursive: true, proof: "answered" })] },
			/no recursive watch was there/,
		),
		leavesUntested(
			"by what a poll answered from the history leaves to the next one",
			{
				writes: [set("/a/x"), ...child],
				watchers: [
					poll("w", "/a", { recursive: true, life: [asked(3, 1), answered(3)], sent: [replayed(1, 3)] }),
				],
			},
			/no recursive watch was there/,
			["set /a/x @1", "w < set /a/x @1 replayed"],
		),
		leavesUntested(
			"by a stream that stopped reading",
			{
				writes: child,
				watchers: [stream("w", "/a", { recursive: true, life: [asked(0), paused(0), resumed(2)] })],
			},
			/no recursive watch was there/,
		),
	],
	grandchildrenAreUnseen: [
		leavesUntested(
			"by a member that was sent the whole store meanwhile (S1)",
			skipped(watch("w", "/a", { recursive: true, sent: [1, 2, 5] })),
			/nobody wrote two levels below/,
		),
		leavesUntested(
			"by a stream that the server dropped, though its reader never paused (S8)",
			{
				writes: [set("/a/b/c"), set("/a/b/d")],
				watchers: [stream("w", "/a/b", { recursive: true, proof: "gone" })],
			},
			/nobody wrote two levels below/,
		),
		confirms(
			"when an accepted grandchild stays unseen to the fence",
			{ writes: [set("/a/b/c")], watchers: [watch("w", "/a", { recursive: true })] },
			/the one event did not come, and it is known that nothing was on its way/,
			["set /a/b/c @1"],
		),
		refutes(
			"by one grandchild that was seen",
			{
				writes: [set("/a/b/c"), set("/a/b/d")],
				watchers: [watch("w", "/a", { recursive: true, sent: [2] })],
			},
			/1 event came; the first is set \/a\/b\/d at "w"/,
			["set /a/b/d @2", "w < set /a/b/d @2"],
		),
		leavesUntested(
			"by the post's run, where etcd refused every grandchild",
			post,
			/no grandchild was ever written: 2 writes tried it and etcd refused/,
			["set /a/b/c refused 104 /a/b", "delete /a/b/c refused 104 /a/b"],
		),
		leavesUntested(
			"by a refused child, and does not take it for a grandchild",
			{
				writes: [refused("create", "/a/b", "/a/b", 105)],
				watchers: [watch("w", "/a", { recursive: true })],
			},
			/nobody wrote two levels below/,
		),
		leavesUntested(
			"when the silence is not proven",
			{ writes: [set("/a/b/c")], watchers: [watch("w", "/a", { recursive: true, proof: "none" })] },
			/nobody wrote two levels below/,
		),
		refutes(
			"by what came, though the rest of the silence is not proven",
			{
				writes: [set("/a/b/c")],
				watchers: [watch("w", "/a", { recursive: true, proof: "none", sent: [1] })],
			},
			/1 event came/,
			["set /a/b/c @1", "w < set /a/b/c @1"],
		),
		leavesUntested(
			"by hidden grandchildren, hidden in either part",
			{
				writes: [set("/a/b/_c"), set("/a/_b/c")],
				watchers: [watch("w", "/a", { recursive: true })],
			},
			/nobody wrote two levels below/,
		),
		leavesUntested(
			"by the grandchild of a sibling whose name begins alike",
			{ writes: [set("/ab/c/d")], watchers: [watch("w", "/a", { recursive: true })] },
			/nobody wrote two levels below/,
		),
		leavesUntested(
			"by a watch without recursive",
			{ writes: [set("/a/b/c")], watchers: [watch("w", "/a")] },
			/nobody wrote two levels below/,
		),
		leavesUntested(
			"by a watch that began after it",
			{ writes: [set("/a/b/c")], watchers: [watch("w", "/a", { recursive: true, life: [asked(1)] })] },
			/nobody wrote two levels below/,
		),
		leavesUntested(
			"by a stream with an index in the past, which is deaf to all",
			{
				writes: [set("/a/b"), set("/a/b2/c")],
				watchers: [stream("w", "/a", { recursive: true, life: [asked(1, 1)], sent: [replayed(1, 1)] })],
			},
			/nobody wrote two levels below/,
		),
		leavesUntested(
			"by a ttl that was renewed, which raises no event for anybody",
			{
				writes: [set("/a/b/c"), refresh("/a/b/c")],
				watchers: [watch("w", "/a", { recursive: true, life: [asked(1)] })],
			},
			/nobody wrote two levels below/,
		),
		leavesUntested(
			"between two polls, when nobody listened",
			{
				writes: [set("/a/b"), set("/a/c/d"), set("/a/e")],
				watchers: [
					poll("w", "/a", {
						recursive: true,
						life: [asked(0), answered(1), asked(2), answered(3)],
						sent: [1, 3],
					}),
				],
			},
			/nobody wrote two levels below/,
		),
		refutes(
			"at the root key",
			{ writes: [set("/a/b")], watchers: [watch("w", "/", { recursive: true, sent: [1] })] },
			/the first is set \/a\/b at "w"/,
			["set /a/b @1", "w < set /a/b @1"],
		),
	],
	recursiveSeesEveryDepth: [
		leavesUntested(
			"by a member that was sent the whole store meanwhile (S1)",
			skipped(watch("w", "/a", { recursive: true, sent: [1, 2, 5] })),
			/no write two levels or more below/,
		),
		leavesUntested(
			"by a stream that the server dropped, though its reader never paused (S8)",
			{
				writes: [set("/a/b"), set("/a/b/c"), set("/a/b/d")],
				watchers: [stream("w", "/a", { recursive: true, sent: [1], proof: "gone" })],
			},
			/no write two levels or more below/,
		),
		leavesUntested(
			"by what came to a watch of which the rest is not known: it could not have refuted it",
			{
				writes: [set("/a/b/c"), set("/a/b/d")],
				watchers: [watch("w", "/a", { recursive: true, sent: [1], proof: "none" })],
			},
			/no write two levels or more below/,
		),
		refutes(
			"by the second of two watchers, and names it, in v3 too (S7)",
			{
				api: "v3",
				writes: [put("/a/b/c"), put("/a/b/d")],
				watchers: [
					watch("one", "/a", { recursive: true, sent: [1, 2] }),
					watch("two", "/a", { recursive: true, sent: [1] }),
				],
			},
			/1 event did not come; the first is put \/a\/b\/d at "two"/,
			["put /a/b/d @2"],
		),
		confirms(
			"by writes down to the third level",
			{
				writes: [set("/a/b"), set("/a/c/d/e")],
				watchers: [watch("w", "/a", { recursive: true, sent: [1, 2] })],
			},
			/down to 3 levels below the key: both events came/,
			["set /a/b @1", "w < set /a/b @1", "set /a/c/d/e @2", "w < set /a/c/d/e @2"],
		),
		refutes(
			"by a grandchild that did not come",
			{
				writes: [set("/a/b"), set("/a/c/d")],
				watchers: [watch("w", "/a", { recursive: true, sent: [1] })],
			},
			/1 event did not come; the first is set \/a\/c\/d at "w"/,
			["set /a/c/d @2"],
		),
		refutes(
			"by the delete of a grandchild that did not come, and names it after one that did",
			{
				writes: [set("/a/c/d"), remove("/a/c/d")],
				watchers: [watch("w", "/a", { recursive: true, sent: [1] })],
			},
			/the first is delete \/a\/c\/d/,
			["delete /a/c/d @2"],
		),
		leavesUntested("by the post's run", post, /no write two levels or more below/),
		leavesUntested(
			"by children alone",
			{ writes: child, watchers: [watch("w", "/a", { recursive: true, sent: [1, 2] })] },
			/no write two levels or more below/,
		),
		leavesUntested(
			"when the deep silence is not proven",
			{
				writes: [set("/a/b"), set("/a/c/d")],
				watchers: [watch("w", "/a", { recursive: true, sent: [1], proof: "none" })],
			},
			/no write two levels or more below/,
		),
		leavesUntested(
			"by a hidden part on the way down",
			{ writes: [set("/a/_b/c/d")], watchers: [watch("w", "/a", { recursive: true })] },
			/no write two levels or more below/,
		),
		confirms(
			"below a hidden directory that is itself the watched one",
			{
				writes: [set("/_a/b/c")],
				watchers: [watch("w", "/_a", { recursive: true, sent: [1] })],
			},
			/down to 2 levels/,
			["set /_a/b/c @1", "w < set /_a/b/c @1"],
		),
		confirms(
			"by a loop that was cut and asked again for what was on its way",
			{
				writes: [set("/a/b"), set("/a/c/d"), set("/a/c/e")],
				watchers: [
					watch("w", "/a", {
						recursive: true,
						life: [asked(0), cut(3), asked(3, 2)],
						sent: [1, replayed(2, 3), replayed(3, 3)],
					}),
				],
			},
			/down to 2 levels below the key: all 3 events came/,
			[
				"set /a/b @1",
				"w < set /a/b @1",
				"set /a/c/d @2",
				"w < set /a/c/d @2 replayed",
				"set /a/c/e @3",
				"w < set /a/c/e @3 replayed",
			],
		),
	],
	plainWatchIsBlindBelow: [
		leavesUntested(
			"by a member that was sent the whole store meanwhile (S1)",
			{ ...skipped(watch("w", "/a/b", { life: [asked(2)] })), writes: grandchild },
			/nothing was written below/,
		),
		leavesUntested(
			"by a stream that is deaf, or whose reader paused: it would not have heard of the key itself either",
			{
				writes: [set("/a"), remove("/a"), set("/a/b")],
				watchers: [
					stream("deaf", "/a", { life: [asked(1, 1)], sent: [replayed(1, 1)], proof: "gone" }),
					stream("slow", "/a", { life: [asked(2), paused(2), resumed(3)], proof: "gone" }),
					stream("dropped", "/a", { life: [asked(2)], proof: "gone" }),
				],
			},
			/nothing was written below/,
		),
		confirms("by the post's run", post, /none of 3 events came/, [
			"set /a/b @1",
			"set /a/d @2",
			"delete /a/b @3",
		]),
		refutes(
			"by a child's event that came",
			{ writes: child, watchers: [watch("w", "/a", { sent: [2] })] },
			/1 event came; the first is delete \/a\/b at "w"/,
			["delete /a/b @2", "w < delete /a/b @2"],
		),
		leavesUntested(
			"when only the watched key itself was written",
			{ writes: [set("/a")], watchers: [watch("w", "/a", { sent: [1] })] },
			/nothing was written below/,
		),
		leavesUntested(
			"when the silence is not proven",
			{ writes: child, watchers: [watch("w", "/a", { proof: "none" })] },
			/nothing was written below/,
		),
		leavesUntested(
			"by hidden children, which recursive would not show either",
			{ writes: [set("/a/_b"), set("/a/_c/d")], watchers: [watch("w", "/a")] },
			/nothing was written below/,
		),
		leavesUntested(
			"by refused writes",
			{ writes: [refused("set", "/a/b/c", "/a/b")], watchers: [watch("w", "/a")] },
			/nothing was written below/,
		),
		leavesUntested(
			"by a sibling whose name begins alike",
			{ writes: [set("/ab/c"), set("/ab")], watchers: [watch("w", "/a")] },
			/nothing was written below/,
		),
		leavesUntested(
			"when it was closed and had heard nothing",
			{ writes: child, watchers: [watch("w", "/a", { life: [asked(0), closed(2)], proof: "closed" })] },
			/nothing was written below/,
		),
		confirms(
			"though the directory's own delete comes",
			{
				writes: [set("/a/b"), rmdir("/a")],
				watchers: [watch("w", "/a", { sent: [2] })],
			},
			/the one event did not come/,
			["set /a/b @1"],
		),
		confirms(
			"before the last event that came to a watch that was closed then",
			{
				writes: [set("/a/b"), rmdir("/a"), set("/a/c")],
				watchers: [watch("w", "/a", { sent: [2], life: [asked(0), closed(3)], proof: "closed" })],
			},
			/the one event did not come/,
			["set /a/b @1"],
		),
		refutes(
			"at the root key",
			{ writes: [set("/a")], watchers: [watch("w", "/", { sent: [1] })] },
			/the first is set \/a at "w"/,
			["set /a @1", "w < set /a @1"],
		),
	],
	ancestorsDeleteIsSeenBelow: [
		leavesUntested(
			"by a member that was sent the whole store meanwhile (S1)",
			{
				writes: [set("/a/b/c"), rmdir("/a"), set("/x")],
				faults: [
					{ kind: "pause", at: 1 },
					{ kind: "resume", at: 3 },
					{ kind: "snapshot", at: 3 },
				],
				watchers: [watch("w", "/a/b/c", { life: [asked(1)] })],
			},
			/no directory that holds a watched key was removed/,
		),
		confirms(
			"by a directory's delete above a watched file",
			{
				writes: [set("/a/b/c"), rmdir("/a")],
				watchers: [watch("w", "/a/b/c", { life: [asked(1)], sent: [2] })],
			},
			/directories removed above a watched key: the one event came/,
			["rmdir /a @2", "w < delete /a @2"],
		),
		confirms(
			"by its expiry, which no client asked for",
			{
				writes: [mkdir("/a", { ttl: 1 }), set("/a/b"), expire("/a")],
				watchers: [watch("w", "/a/b", { life: [asked(2)], sent: [3] })],
			},
			/the one event came/,
			["expire /a @3", "w < expire /a @3"],
		),
		refutes(
			"by a delete above that did not come, with or without recursive",
			{
				writes: [set("/a/b/c"), rmdir("/a")],
				watchers: [
					watch("plain", "/a/b/c", { life: [asked(1)], sent: [2] }),
					watch("recursive", "/a/b", { recursive: true, life: [asked(1)] }),
				],
			},
			/1 event did not come; the first is delete \/a at "recursive"/,
			["rmdir /a @2"],
		),
		leavesUntested(
			"when no directory was removed",
			{ writes: child, watchers: [watch("w", "/a/b", { sent: [1, 2] })] },
			/no directory that holds a watched key was removed/,
		),
		leavesUntested(
			"by a directory deleted above a key that did not exist",
			{ writes: [set("/a/x"), rmdir("/a")], watchers: [watch("w", "/a/b")] },
			/no directory that holds a watched key was removed/,
		),
		leavesUntested(
			"by a directory deleted above a key that was gone already",
			{
				writes: [set("/a/b"), remove("/a/b"), rmdir("/a")],
				watchers: [watch("w", "/a/b", { sent: [1, 2] })],
			},
			/no directory that holds a watched key was removed/,
		),
		leavesUntested(
			"by the delete of a sibling whose name begins alike",
			{ writes: [set("/a/x"), set("/ab/c"), rmdir("/a")], watchers: [watch("w", "/ab/c", { sent: [2] })] },
			/no directory that holds a watched key was removed/,
		),
		leavesUntested(
			"by a refused delete",
			{
				writes: [set("/a/b"), refused("rmdir", "/a", "/a", 108)],
				watchers: [watch("w", "/a/b", { sent: [1] })],
			},
			/no directory that holds a watched key was removed/,
		),
		leavesUntested(
			"when the silence is not proven",
			{
				writes: [set("/a/b"), rmdir("/a")],
				watchers: [watch("w", "/a/b", { sent: [1], proof: "none" })],
			},
			/no directory that holds a watched key was removed/,
		),
		confirms(
			"for a hidden key that is itself watched",
			{
				writes: [set("/a/_b"), rmdir("/a")],
				watchers: [watch("w", "/a/_b", { sent: [1, 2] })],
			},
			/the one event came/,
			["rmdir /a @2", "w < delete /a @2"],
		),
	],
	fileNeedsNoRecursive: [
		refutes(
			"by the second of two pairs, though the first was sent the same (S7)",
			{
				writes: [set("/f"), set("/g")],
				watchers: [
					watch("fr", "/f", { recursive: true, sent: [1] }),
					watch("fp", "/f", { sent: [1] }),
					watch("gr", "/g", { recursive: true, sent: [2] }),
					watch("gp", "/g"),
				],
			},
			/"gr" and "gp" were sent different events/,
			["gr < set /g @2"],
		),
		confirms(
			"when both were sent the file's events",
			{
				writes: [set("/f"), update("/f"), remove("/f")],
				watchers: [
					watch("r", "/f", { recursive: true, sent: [1, 2, 3] }),
					watch("p", "/f", { sent: [1, 2, 3] }),
				],
			},
			/both were sent the same events/,
			[
				"r < set /f @1",
				"r < update /f @2",
				"r < delete /f @3",
				"p < set /f @1",
				"p < update /f @2",
				"p < delete /f @3",
			],
		),
		refutes(
			"when one of them lacks an event",
			{
				writes: [set("/f"), update("/f")],
				watchers: [watch("r", "/f", { recursive: true, sent: [1, 2] }), watch("p", "/f", { sent: [1] })],
			},
			/"r" and "p" were sent different events/,
			["r < set /f @1", "r < update /f @2", "p < set /f @1"],
		),
		refutes(
			"when one of them was sent nothing at all",
			{
				writes: [set("/f")],
				watchers: [watch("r", "/f", { recursive: true, sent: [1] }), watch("p", "/f")],
			},
			/"r" and "p" were sent different events/,
			["r < set /f @1"],
		),
		leavesUntested(
			"by a single watch",
			{ writes: [set("/f")], watchers: [watch("r", "/f", { recursive: true, sent: [1] })] },
			/no file was watched both ways/,
		),
		leavesUntested(
			"by a directory, where they differ",
			{
				writes: [set("/f/x")],
				watchers: [watch("r", "/f", { recursive: true, sent: [1] }), watch("p", "/f")],
			},
			/no file was watched both ways/,
		),
		leavesUntested(
			"by a file that gave way to a directory",
			{
				writes: [set("/f"), remove("/f"), set("/f/x")],
				watchers: [
					watch("r", "/f", { recursive: true, sent: [1, 2, 3] }),
					watch("p", "/f", { sent: [1, 2] }),
				],
			},
			/no file was watched both ways/,
		),
		leavesUntested(
			"by an empty directory",
			{
				writes: [mkdir("/f"), rmdir("/f")],
				watchers: [watch("r", "/f", { recursive: true, sent: [1, 2] }), watch("p", "/f", { sent: [1, 2] })],
			},
			/no file was watched both ways/,
		),
		leavesUntested(
			"when one silence is not proven",
			{
				writes: [set("/f")],
				watchers: [watch("r", "/f", { recursive: true, sent: [1] }), watch("p", "/f", { proof: "none" })],
			},
			/no file was watched both ways/,
		),
		confirms(
			"by what both listened for, when one of them was opened late",
			{
				writes: [set("/f"), update("/f")],
				watchers: [
					watch("r", "/f", { recursive: true, sent: [1, 2] }),
					watch("p", "/f", { life: [asked(1)], sent: [2] }),
				],
			},
			/both were sent the same events/,
			["r < update /f @2", "p < update /f @2"],
		),
		confirms(
			"though a stream is sent the delete twice",
			{
				writes: [set("/f"), remove("/f")],
				watchers: [
					watch("r", "/f", { recursive: true, sent: [1, 2] }),
					stream("p", "/f", { sent: [1, 2, 2] }),
				],
			},
			/both were sent the same events/,
			["r < set /f @1", "r < delete /f @2", "p < set /f @1", "p < delete /f @2"],
		),
		confirms(
			"though the history replays a sibling's delete to the one that asks for the past",
			{
				writes: [mkdir("/fo"), set("/foo"), rmdir("/fo")],
				watchers: [
					watch("r", "/foo", {
						recursive: true,
						life: [asked(3, 1)],
						sent: [replayed(2, 3), replayed(3, 3)],
					}),
					watch("p", "/foo", { sent: [2] }),
				],
			},
			/both were sent the same events/,
			["r < set /foo @2 replayed", "p < set /foo @2"],
		),
		leavesUntested(
			"by a poll that was over when the file changed again",
			{
				writes: [set("/f")],
				watchers: [
					watch("r", "/f", { recursive: true, sent: [1] }),
					poll("p", "/f", { life: [asked(1), answered(9)] }),
				],
			},
			/no file was watched both ways/,
		),
	],
	missingKeyIsWaitedFor: [
		leavesUntested(
			"for the root, which is always there (L54)",
			{ writes: [set("/")], watchers: [watch("w", "/", { sent: [1] })] },
			/no key was made/,
		),
		confirms(
			"by a key made after its watch began",
			{ writes: [set("/a/x")], watchers: [watch("w", "/a/x", { sent: [1] })] },
			/keys made after their watch began: the one event came/,
			["set /a/x @1", "w < set /a/x @1"],
		),
		refutes(
			"by a key's making that did not come",
			{ writes: [set("/a/x"), update("/a/x")], watchers: [watch("w", "/a/x", { sent: [2] })] },
			/1 event did not come; the first is set \/a\/x at "w"/,
			["set /a/x @1"],
		),
		leavesUntested(
			"when the key was there before the watch",
			{
				writes: [set("/a/x"), update("/a/x")],
				watchers: [watch("w", "/a/x", { life: [asked(1)], sent: [2] })],
			},
			/no key was made/,
		),
		leavesUntested(
			"by the delete of a directory that was made in passing, without an event",
			{ writes: [set("/a/x"), rmdir("/a")], watchers: [watch("w", "/a", { sent: [2] })] },
			/no key was made/,
		),
		confirms(
			"by a key made anew after its delete",
			{
				writes: [set("/x"), remove("/x"), set("/x")],
				watchers: [watch("w", "/x", { life: [asked(2)], sent: [3] })],
			},
			/the one event came/,
			["set /x @3", "w < set /x @3"],
		),
		leavesUntested(
			"when the key's making was refused",
			{ writes: [refused("set", "/a/x", "/a")], watchers: [watch("w", "/a/x")] },
			/no key was made/,
		),
		leavesUntested(
			"when the silence is not proven",
			{ writes: [set("/a/x")], watchers: [watch("w", "/a/x", { proof: "none" })] },
			/no key was made/,
		),
		confirms(
			"for a hidden key",
			{ writes: [set("/_x")], watchers: [watch("w", "/_x", { sent: [1] })] },
			/the one event came/,
			["set /_x @1", "w < set /_x @1"],
		),
		leavesUntested(
			"by a sibling whose name begins alike",
			{ writes: [set("/xy")], watchers: [watch("w", "/x")] },
			/no key was made/,
		),
		leavesUntested(
			"by a stream that stopped reading before",
			{
				writes: [set("/x")],
				watchers: [stream("w", "/x", { life: [asked(0), paused(0), resumed(1)] })],
			},
			/no key was made/,
		),
	],
	implicitParentsRaiseNoEvent: [
		confirms(
			"when only the write's own event came",
			{ writes: [set("/a/b/c")], watchers: [watch("w", "/a", { recursive: true, sent: [1] })] },
			/1 write made directories in passing/,
			["set /a/b/c @1"],
		),
		refutes(
			"by an event for the directory on the way",
			{
				writes: [set("/a/b/c")],
				watchers: [
					watch("w", "/a", {
						recursive: true,
						sent: [
							{
								index: 1,
								action: "create",
								key: "/a/b",
								node: { key: "/a/b", dir: true, modifiedIndex: 1, createdIndex: 1 },
							},
							1,
						],
					}),
				],
			},
			/an event came for a directory that nobody wrote/,
			["w < create /a/b @1"],
		),
		refutes(
			"by such an event as a set, with another write elsewhere",
			{
				writes: [set("/a/b/c"), set("/a/d/e")],
				watchers: [
					watch("w", "/a", {
						recursive: true,
						sent: [
							{
								index: 1,
								key: "/a/b",
								node: { key: "/a/b", dir: true, modifiedIndex: 1, createdIndex: 1 },
							},
							1,
							2,
						],
					}),
				],
			},
			/an event came for a directory that nobody wrote/,
			["w < set /a/b @1"],
		),
		leavesUntested(
			"when the directory was there",
			{
				writes: [mkdir("/a/b"), set("/a/b/c")],
				watchers: [watch("w", "/a", { recursive: true, life: [asked(1)], sent: [2] })],
			},
			/no directory was made in passing/,
		),
		leavesUntested(
			"when the write went two levels deep right below a directory made before",
			{
				writes: [set("/a/b/x"), set("/a/b/c")],
				watchers: [watch("w", "/a", { recursive: true, life: [asked(1)], sent: [2] })],
			},
			/no directory was made in passing/,
		),
		confirms(
			"though the making of a directory elsewhere got no answer and its event came",
			{
				writes: [unanswered("mkdir", "/a/d"), set("/a/b/c", "v", { index: 2 })],
				watchers: [
					watch("w", "/a", {
						recursive: true,
						sent: [
							{
								index: 1,
								action: "create",
								node: { key: "/a/d", dir: true, modifiedIndex: 1, createdIndex: 1 },
							},
							2,
						],
					}),
				],
			},
			/1 write made directories in passing/,
			["set /a/b/c @2"],
		),
		leavesUntested(
			"when the making of that very directory got no answer and its event came: it was there",
			{
				writes: [unanswered("mkdir", "/a/b"), set("/a/b/c", "v", { index: 2 })],
				watchers: [
					watch("w", "/a", {
						recursive: true,
						sent: [
							{
								index: 1,
								action: "create",
								node: { key: "/a/b", dir: true, modifiedIndex: 1, createdIndex: 1 },
							},
							2,
						],
					}),
				],
			},
			/no directory was made in passing/,
		),
		leavesUntested(
			"when the watch began later",
			{ writes: [set("/a/b/c")], watchers: [watch("w", "/a", { recursive: true, life: [asked(1)] })] },
			/no directory was made in passing/,
		),
		leavesUntested(
			"when the silence is not proven",
			{
				writes: [set("/a/b/c")],
				watchers: [watch("w", "/a", { recursive: true, sent: [1], proof: "none" })],
			},
			/no directory was made in passing/,
		),
		leavesUntested(
			"when it was closed, with more perhaps on its way",
			{
				writes: [set("/a/b/c")],
				watchers: [
					watch("w", "/a", { recursive: true, sent: [1], life: [asked(0), closed(1)], proof: "closed" }),
				],
			},
			/no directory was made in passing/,
		),
		leavesUntested(
			"by a hidden directory made in passing, which nobody would see",
			{ writes: [set("/a/_b/c")], watchers: [watch("w", "/a", { recursive: true })] },
			/no directory was made in passing/,
		),
	],
	lateWatchMissesTheStart: [
		leavesUntested(
			"by an event that was new at a member that was behind (S38)",
			{
				writes: [set("/a/1"), set("/a/2")],
				watchers: [
					watch("w", "/a", { recursive: true, life: [asked(1)], sent: [{ index: 1, etcdIndex: 0 }, 2] }),
				],
			},
			/every watch was registered before/,
		),
		confirms(
			"when the write before it never came",
			{
				writes: [set("/a/1"), set("/a/2")],
				watchers: [watch("w", "/a", { recursive: true, life: [asked(1)], sent: [2] })],
			},
			/1 event before the watch began, none came/,
			["set /a/1 @1", "w: asked @1"],
		),
		refutes(
			"by an event from before it began",
			{
				writes: [set("/a/1"), set("/a/2")],
				watchers: [watch("w", "/a", { recursive: true, life: [asked(1)], sent: [replayed(1, 1), 2] })],
			},
			/"w" was sent an event from before it began/,
			["w < set /a/1 @1 replayed"],
		),
		leavesUntested(
			"when it was there from the start",
			{ writes: [set("/a/1")], watchers: [watch("w", "/a", { recursive: true, sent: [1] })] },
			/every watch was registered before the first write/,
		),
		leavesUntested(
			"by a watch that asked with an index",
			{
				writes: [set("/a/1")],
				watchers: [watch("w", "/a", { recursive: true, life: [asked(1, 1)], sent: [replayed(1, 1)] })],
			},
			/every watch was registered before/,
		),
		leavesUntested(
			"by a poll that came back for the start with an index",
			{
				writes: [set("/a/1"), set("/a/2")],
				watchers: [
					poll("w", "/a", {
						recursive: true,
						life: [asked(1), answered(2), asked(2, 1), answered(2)],
						sent: [2, replayed(1, 2)],
					}),
				],
			},
			/every watch was registered before/,
		),
		leavesUntested(
			"when what came before was none of its business",
			{
				writes: [set("/ab/1"), set("/a/_h"), refused("set", "/a/b/c", "/a/b"), refresh("/a/x"), set("/a/2")],
				watchers: [watch("w", "/a", { recursive: true, life: [asked(3)], sent: [4] })],
			},
			/every watch was registered before/,
		),
		leavesUntested(
			"when the silence is not proven",
			{
				writes: [set("/a/1")],
				watchers: [watch("w", "/a", { recursive: true, life: [asked(1)], proof: "none" })],
			},
			/every watch was registered before/,
		),
		leavesUntested(
			"when it was closed, with something perhaps on its way",
			{
				writes: [set("/a/1")],
				watchers: [watch("w", "/a", { recursive: true, life: [asked(1), closed(1)], proof: "closed" })],
			},
			/every watch was registered before/,
		),
		confirms(
			"by a directory's delete above a key that existed, and not by one above a key that did not",
			{
				writes: [set("/a/b"), rmdir("/a"), set("/c/x"), rmdir("/c")],
				watchers: [watch("w", "/a/b", { life: [asked(4)] }), watch("never", "/c/b", { life: [asked(4)] })],
			},
			/2 events before the watch began/,
			["set /a/b @1", "w: asked @4", "rmdir /a @2", "w: asked @4"],
		),
	],
};
