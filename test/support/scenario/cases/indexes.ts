import {
	answered,
	asked,
	closed,
	confirms,
	cut,
	expire,
	file,
	leavesUntested,
	mkdir,
	poll,
	refresh,
	refused,
	refutes,
	remove,
	replayed,
	rmdir,
	set,
	stream,
	swap,
	unanswered,
	update,
	watch,
} from "../builders";

/** Cases for the claims of lib/src/claims/indexes.ts. */
export const indexCases = {
	versionsArePerKey: [
		confirms(
			"when two keys have a write of the same index",
			{ writes: [set("/a"), set("/b", "v", { index: 1 }), set("/c", "v", { index: 2 })] },
			/writes to different keys have the same modifiedIndex/,
			["set /a @1", "set /b @1"],
		),
		refutes(
			"when no two writes to two keys share an index",
			{ writes: [set("/a"), set("/b"), set("/a")] },
			/2 keys share one sequence: no two of 3 writes have the same modifiedIndex/,
			["set /a @1", "set /b @2", "set /a @3"],
		),
		leavesUntested(
			"by writes to a single key",
			{ writes: [set("/a"), set("/a")] },
			/fewer than two keys were written/,
		),
		leavesUntested(
			"when the second key's write was refused or never answered",
			{ writes: [set("/a"), refused("set", "/a/b", "/a"), unanswered("set", "/c")] },
			/fewer than two keys were written/,
		),
		refutes(
			"though an expiry was waited for under two names and is there twice",
			{
				writes: [mkdir("/d", { ttl: 1 }), set("/x"), expire("/d"), expire("/d", { index: 3 })],
			},
			/2 keys share one sequence/,
			["mkdir /d @1", "set /x @2", "expire /d @3", "expire /d @3"],
		),
		refutes(
			"across the indexes that others took",
			{ writes: [set("/a", "v", { index: 5 }), set("/b", "v", { index: 70 })] },
			/no two of 2 writes/,
			["set /a @5", "set /b @70"],
		),
	],
	storeHasOneSequence: [
		confirms(
			"by writes to two keys, no two of one index",
			{ writes: [set("/a"), set("/b"), refused("set", "/a/b", "/a"), set("/a")] },
			/2 keys share it: no two of 3 writes have the same number/,
			["set /a @1", "set /b @2", "set /a @3"],
		),
		refutes(
			"by two keys' writes of one index",
			{ writes: [set("/a"), set("/b", "v", { index: 1 })] },
			/two writes to different keys have the same number/,
			["set /a @1", "set /b @1"],
		),
		confirms(
			"though an expiry is there twice",
			{ writes: [mkdir("/d", { ttl: 1 }), set("/x"), expire("/d"), expire("/d", { index: 3 })] },
			/2 keys share it/,
			["mkdir /d @1", "set /x @2", "expire /d @3", "expire /d @3"],
		),
		leavesUntested("by writes to a single key", { writes: [set("/a"), set("/a")] }, /fewer than two keys/),
	],

	keysCountTheirOwnWrites: [
		confirms(
			"though a key was made anew after an expiry that nobody recorded (S2)",
			{
				api: "v3",
				writes: [
					set("/k", "v", { node: { version: 1 } }),
					set("/x", "v", { node: { version: 1 } }),
					set("/k", "v", { node: { version: 1 }, isNew: true }),
					set("/k", "v", { node: { version: 2 } }),
				],
			},
			/version does: it goes up by 1/,
			["set /k @1", "set /k @3", "set /k @4"],
		),
		refutes(
			"when a key's numbers jump by what was written elsewhere",
			{ writes: [set("/a"), set("/b"), update("/a")] },
			/none of modifiedIndex, createdIndex does: each jumps/,
			["set /a @1", "update /a @3"],
		),
		confirms(
			"when one of them counts the key's own writes alone",
			{ writes: [set("/a"), set("/b"), set("/a", "v", { node: { modifiedIndex: 2 } })] },
			/modifiedIndex does: it goes up by 1 with each write since the key was made/,
			["set /a @1", "set /a @3"],
		),
		leavesUntested(
			"when no key was written again after another one",
			{ writes: [set("/a"), set("/a"), set("/b")] },
			/no key was written, and written again after a write to another one/,
		),
		leavesUntested(
			"when the key was only deleted after it",
			{ writes: [set("/a"), set("/b"), remove("/a")] },
			/no key was written, and written again/,
		),
	],

	refusedWriteTakesNoIndex: [
		leavesUntested(
			"by the index that a member took for itself when it came up again (S3)",
			{
				writes: [set("/f"), refused("set", "/f/x", "/f"), set("/g", "v", { index: 3 })],
				faults: [
					{ kind: "kill", at: 1 },
					{ kind: "restart", at: 1 },
				],
			},
			/others write on this server, or etcd does/,
			["set /f/x refused 104 /f"],
		),
		confirms(
			"by a refused write between two neighbours",
			{ writes: [set("/a/b"), refused("set", "/a/b/c", "/a/b"), set("/a/d")] },
			/the indexes around 1 refused write follow each other without a gap/,
			["set /a/b/c refused 104 /a/b"],
		),
		confirms(
			"by one refused before the first accepted write",
			{ writes: [refused("delete", "/a", "/a", 100), set("/a")] },
			/around 1 refused write/,
			["delete /a refused 100 /a"],
		),
		refutes(
			"when its event was sent all the same",
			{
				writes: [set("/a/b"), refused("set", "/a/b/c", "/a/b"), set("/a/d", "v", { index: 3 })].map(
					(write) => ({ ...write, value: "x" }),
				),
				watchers: [
					watch("w", "/a", {
						recursive: true,
						sent: [1, { index: 2, node: file("/a/b/c", 2, { value: "x" }), key: "/a/b/c" }, 3],
					}),
				],
			},
			/1 event came of a write that was refused/,
			["w < set /a/b/c @2"],
		),
		leavesUntested(
			"when an index is missing just where a write was refused: another client may have it",
			{ writes: [set("/a/b"), refused("set", "/a/b/c", "/a/b"), set("/a/d", "v", { index: 3 })] },
			/others write on this server/,
			["set /a/b/c refused 104 /a/b"],
		),
		confirms(
			"when the index that it seems to have is an expiry's that no step waited for (S2)",
			{
				writes: [
					set("/a/f"),
					set("/a/x", "", { ttl: 1 }),
					set("/a/y", "", { ttl: 1 }),
					expire("/a/x"),
					refused("set", "/a/f/g", "/a/f"),
					set("/a/z", "v", { index: 6 }),
				],
				watchers: [
					watch("w", "/a", {
						recursive: true,
						sent: [1, 2, 3, 4, { index: 5, action: "expire", node: file("/a/y", 5) }, 6],
					}),
				],
			},
			/without a gap/,
			["set /a/f/g refused 104 /a/f"],
		),
		leavesUntested(
			"when nothing was accepted after it",
			{ writes: [set("/a/b"), refused("set", "/a/b/c", "/a/b")] },
			/no refused write was followed by an accepted one/,
		),
		leavesUntested("without a refused write", { writes: [set("/a"), set("/b")] }, /no refused write/),
		leavesUntested(
			"when others write on this server, seen by an index missing elsewhere",
			{
				writes: [
					set("/a/b"),
					refused("set", "/a/b/c", "/a/b"),
					set("/a/d", "v", { index: 3 }),
					set("/a/e", "v", { index: 5 }),
				],
			},
			/others write on this server/,
			["set /a/b/c refused 104 /a/b"],
		),
		leavesUntested(
			"when more indexes are missing than writes were refused there",
			{ writes: [set("/a/b"), refused("set", "/a/b/c", "/a/b"), set("/a/d", "v", { index: 9 })] },
			/others write on this server/,
			["set /a/b/c refused 104 /a/b"],
		),
		leavesUntested(
			"when fewer indexes are missing than writes were refused there",
			{
				writes: [
					set("/a/b"),
					refused("set", "/a/b/c", "/a/b"),
					refused("delete", "/a/b/c", "/a/b"),
					set("/a/d", "v", { index: 3 }),
				],
			},
			/others write on this server/,
			["set /a/b/c refused 104 /a/b", "delete /a/b/c refused 104 /a/b"],
		),
		leavesUntested(
			"when the missing index may be that of a write that got no answer",
			{
				writes: [
					set("/a/b"),
					unanswered("set", "/a/x"),
					refused("set", "/a/b/c", "/a/b"),
					set("/a/d", "v", { index: 3 }),
				],
			},
			/others write on this server/,
			["set /a/b/c refused 104 /a/b"],
		),
		confirms(
			"though others' writes left a gap elsewhere",
			{
				writes: [set("/a/b"), refused("set", "/a/b/c", "/a/b"), set("/a/d"), set("/a/e", "v", { index: 7 })],
			},
			/without a gap/,
			["set /a/b/c refused 104 /a/b"],
		),
		confirms(
			"across a ttl's renewal, which takes the index that no event has",
			{ writes: [set("/a"), refused("create", "/a", "/a", 105), refresh("/a"), set("/b")] },
			/without a gap/,
			["create /a refused 105 /a"],
		),
	],
	setMakesTheKeyAnew: [
		confirms(
			"by a set and an update over the same key",
			{ writes: [set("/a"), set("/a"), update("/a")] },
			/the createdIndexes show it/,
			["set /a @2", "update /a @3"],
		),
		confirms(
			"by a compareAndSwap that kept it",
			{ writes: [set("/a"), set("/a"), swap("/a")] },
			/the createdIndexes show it/,
			["set /a @2", "compareAndSwap /a @3"],
		),
		refutes(
			"by an update that made it anew",
			{ writes: [set("/a"), set("/a"), update("/a", "v", { node: { createdIndex: 3 } })] },
			/a createdIndex says otherwise/,
			["update /a @3"],
		),
		refutes(
			"by a set that kept it, with no update in sight",
			{ writes: [set("/a"), set("/a", "v", { node: { createdIndex: 1 } })] },
			/a createdIndex says otherwise/,
			["set /a @2"],
		),
		leavesUntested(
			"without an update",
			{ writes: [set("/a"), set("/a")] },
			/it takes a set and an update over keys that were there/,
			["set /a @2"],
		),
		leavesUntested(
			"when the set was over a deleted key",
			{ writes: [set("/a"), remove("/a"), set("/a"), update("/a")] },
			/it takes a set and an update/,
			["delete /a @2", "update /a @4"],
		),
		leavesUntested(
			"by a directory's renewed ttl",
			{ writes: [mkdir("/d"), update("/d", "", { dir: true, ttl: 9 }), set("/a"), set("/a")] },
			/it takes a set and an update/,
			["set /a @4"],
		),
		leavesUntested(
			"when the update was refused",
			{ writes: [set("/a"), set("/a"), refused("update", "/b", "/b", 100)] },
			/it takes a set and an update/,
			["set /a @2"],
		),
	],
	responseIndexIsWhereTheWatchBegan: [
		confirms(
			"by headers below their events' indexes",
			{
				writes: [set("/a/1"), set("/a/2")],
				watchers: [stream("w", "/a", { recursive: true, sent: [1, 2] })],
			},
			/in both live responses the header lies below/,
			["w < set /a/1 @1", "w < set /a/2 @2"],
		),
		refutes(
			"by a header that is the event's own index",
			{
				writes: [set("/a/1")],
				watchers: [
					poll("w", "/a", {
						recursive: true,
						life: [asked(0), answered(1)],
						sent: [{ index: 1, etcdIndex: 1, fromHistory: true }],
					}),
				],
			},
			/a response's index is not below its event's/,
			["w < set /a/1 @1 replayed"],
		),
		leavesUntested(
			"by a header below anything that was asked: its member was behind",
			{
				writes: [set("/a/1"), set("/a/2")],
				watchers: [
					watch("w", "/a", { recursive: true, life: [asked(1)], sent: [{ index: 2, etcdIndex: 0 }] }),
				],
			},
			/the member was behind/,
		),
		refutes(
			"by the second of two polls from now on, whose header is the event's own index",
			{
				writes: [set("/a/1"), set("/a/2")],
				watchers: [
					poll("w", "/a", {
						recursive: true,
						life: [asked(0), answered(1), asked(1), answered(2)],
						sent: [1, { index: 2, etcdIndex: 2, fromHistory: true }],
					}),
				],
			},
			/a response's index is not below its event's/,
			["w < set /a/2 @2 replayed"],
		),
		refutes(
			"by a stream from now on whose header is the event's own index",
			{
				writes: [set("/a/1"), set("/a/2")],
				watchers: [
					stream("w", "/a", { recursive: true, sent: [1, { index: 2, etcdIndex: 2, fromHistory: true }] }),
				],
			},
			/a response's index is not below its event's/,
			["w < set /a/2 @2 replayed"],
		),
		confirms(
			"by the live one alone, when the loop was cut at first and came back with an index",
			{
				writes: [set("/a/1"), set("/a/2"), set("/a/3")],
				watchers: [
					watch("w", "/a", {
						recursive: true,
						life: [asked(0), cut(0), asked(2, 1)],
						sent: [replayed(1, 2), replayed(2, 2), 3],
					}),
				],
			},
			/in the one live response/,
			["w < set /a/3 @3"],
		),
		confirms(
			"by the live one alone of two polls, when the other asked with an index",
			{
				writes: [set("/a/1"), set("/a/2"), set("/a/3")],
				watchers: [
					poll("w", "/a", {
						recursive: true,
						life: [asked(2, 1), answered(2), asked(2), answered(3)],
						sent: [replayed(1, 2), 3],
					}),
				],
			},
			/in the one live response/,
			["w < set /a/3 @3"],
		),
		leavesUntested(
			"when all came out of the history",
			{
				writes: [set("/a/1")],
				watchers: [watch("w", "/a", { recursive: true, life: [asked(1, 1)], sent: [replayed(1, 1)] })],
			},
			/no live event came/,
		),
		leavesUntested("when nothing came", { writes: [set("/a")] }, /no live event came/),
		confirms(
			"by the live ones alone, where a replay's header rightly lies above its event",
			{
				writes: [set("/a/1"), set("/a/2"), set("/a/3")],
				watchers: [
					watch("w", "/a", {
						recursive: true,
						life: [asked(2, 1)],
						sent: [replayed(1, 2), replayed(2, 2), 3],
					}),
				],
			},
			/in the one live response/,
			["w < set /a/3 @3"],
		),
		confirms(
			"though a loop's second request was answered out of the history that filled up meanwhile",
			{
				writes: [set("/a/1"), set("/a/2"), set("/a/3")],
				watchers: [watch("w", "/a", { recursive: true, sent: [1, replayed(2, 3), replayed(3, 3)] })],
			},
			/in the one live response/,
			["w < set /a/1 @1"],
		),
	],
	removalNamesEveryKey: [
		leavesUntested(
			"in v3 by the delete of a key, below which another one stays (S4)",
			{
				api: "v3",
				writes: [set("/a"), set("/a/x"), remove("/a")],
				watchers: [watch("w", "/a", { recursive: true, sent: [1, 2, 3] })],
			},
			/no watch was told of a delete of a range with several keys/,
		),
		leavesUntested(
			"by a poll, which gives one event, and a stream that is deaf after it",
			{
				writes: [set("/a/d/1"), rmdir("/a/d")],
				watchers: [
					poll("p", "/a", { recursive: true, life: [asked(1), answered(2)], sent: [2] }),
					stream("s", "/a", {
						recursive: true,
						life: [asked(2, 2), closed(2)],
						sent: [replayed(2, 2)],
						proof: "closed",
					}),
				],
			},
			/no watch was told of the removal of a directory with keys in it/,
		),
		refutes(
			"by the one event of a directory with a key in it",
			{
				writes: [set("/a/d/1"), rmdir("/a/d")],
				watchers: [watch("w", "/a", { recursive: true, sent: [1, 2] })],
			},
			/1 key went with no event to name it: \/a\/d\/1/,
			["w < delete /a/d @2"],
		),
		refutes(
			"by the one event of a directory with another in it, made on the way",
			{
				writes: [set("/a/d/e/1"), rmdir("/a/d")],
				watchers: [watch("w", "/a", { recursive: true, sent: [1, 2] })],
			},
			/2 keys went with no event to name it: \/a\/d\/e, \/a\/d\/e\/1/,
			["w < delete /a/d @2"],
		),
		confirms(
			"by an event for each key, which etcd does not send",
			{
				writes: [set("/a/d/1"), rmdir("/a/d")],
				watchers: [watch("w", "/a", { recursive: true, sent: [1, 2, { index: 2, key: "/a/d/1" }] })],
			},
			/each key that went had an event of its own/,
			["w < delete /a/d @2", "w < delete /a/d/1 @2"],
		),
		leavesUntested(
			"when what was removed held nothing",
			{
				writes: [mkdir("/a/d"), rmdir("/a/d")],
				watchers: [watch("w", "/a", { recursive: true, sent: [1, 2] })],
			},
			/no watch was told of the removal of a directory with keys in it/,
		),
	],
	eventsCarryTheNode: [
		confirms(
			"by the new value, and by the old node for a delete",
			{
				writes: [set("/a", "1"), update("/a", "2"), remove("/a")],
				watchers: [watch("w", "/a", { sent: [1, 2, 3] })],
			},
			/all 3 events carried the new value, or for a delete the old node/,
			["w < set /a @1", "w < update /a @2", "w < delete /a @3"],
		),
		refutes(
			"by an event without a value",
			{
				writes: [set("/a")],
				watchers: [
					watch("w", "/a", {
						sent: [{ index: 1, node: { key: "/a", dir: false, modifiedIndex: 1, createdIndex: 1 } }],
					}),
				],
			},
			/1 event did not say what the key became/,
			["w < set /a @1"],
		),
		refutes(
			"by an event with another value than the write's",
			{
				writes: [set("/a", "1"), set("/a", "2")],
				watchers: [
					watch("w", "/a", {
						sent: [
							1,
							{
								index: 2,
								node: { key: "/a", value: "1", dir: false, modifiedIndex: 2, createdIndex: 2 },
							},
						],
					}),
				],
			},
			/1 event did not say/,
			["w < set /a @2"],
		),
		refutes(
			"by a delete that does not say what was there",
			{ writes: [remove("/a")], watchers: [watch("w", "/a", { sent: [1] })] },
			/1 event did not say/,
			["w < delete /a @1"],
		),
		leavesUntested(
			"when no event came",
			{ writes: [set("/a")], watchers: [watch("w", "/b")] },
			/no event came/,
		),
		confirms(
			"by a directory, which has no value",
			{ writes: [mkdir("/a/d")], watchers: [watch("w", "/a", { recursive: true, sent: [1] })] },
			/the one event carried/,
			["w < create /a/d @1"],
		),
		confirms(
			"by an event whose write got no answer, with which it can't be compared",
			{
				writes: [unanswered("set", "/a")],
				watchers: [
					watch("w", "/a", {
						sent: [
							{ index: 1, node: { key: "/a", value: "v", dir: false, modifiedIndex: 1, createdIndex: 1 } },
						],
					}),
				],
			},
			/the one event carried/,
			["w < set /a @1"],
		),
		confirms(
			"though nothing proves that no more was to come: it is about what came",
			{ writes: [set("/a")], watchers: [watch("w", "/a", { sent: [1], proof: "none" })] },
			/the one event carried/,
			["w < set /a @1"],
		),
		confirms(
			"by an empty value, which is a value",
			{ writes: [set("/a", "")], watchers: [watch("w", "/a", { sent: [1] })] },
			/the one event carried/,
			["w < set /a @1"],
		),
	],
};
