import type { Answer } from "../../page/exercise";

/** An answer to each exercise, as a reader would write it into the exercise's first cell. */
export const answers = {
	unseenWrite: answer(
		'.watch("w", "/a", { recursive: true })\n.set("/a/_colour", "green")',
		'{ w: "none" }',
		"A name that begins with an underscore is hidden from those who watch above it. There are other reasons: a key elsewhere, a write before the watch, a watch without recursive, one that was closed.",
	),
	plainWatchHearsFromAbove: answer(
		'.set("/x/y/z", "1")\n.watch("plain", "/x/y/z")\n.set("/x/y/other", "2")\n.rmdir("/x", { recursive: true })',
		"{ plain: [3] }",
		"The removal of /x takes /x/y/z with it, and tells the watchers on each node that goes. The expiry of a directory does, too.",
	),
	grandchildAddedAndDeleted: answer(
		'.watch("recursive", "/a", { recursive: true })\n.mkdir("/a/b")\n.set("/a/b/c", "a-b-c")\n.set("/a/d", "a-d")\n.delete("/a/b/c")\n.rmdir("/a/b")',
		"{ recursive: [1, 2, 3, 4, 5] }",
		"/a/b has to be a directory, so that /a/b/c can be written. Then a directory is removed, with rmdir, and no file.",
	),
	pollsThatLoseNothing: answer(
		'.poll("w", "/a", { recursive: true })\n.set("/a/1", "x")\n.set("/a/2", "x")\n.poll("w", { goOnAfter: "event" })\n.poll("w", { goOnAfter: "event" })\n.set("/a/3", "x")',
		"{ w: [1, 2, 3] }",
		"A poll that goes on after the event is answered from the history. It is one event a poll, so there have to be three.",
	),
	quietKeySurvives: answer(
		'.poll("quiet", "/quiet/key")\n.set("/quiet/key", "1")\n.poll("quiet", { goOnAfter: "event" })\n.burst("/noise", { count: 1200, keyCount: 10 })\n.set("/quiet/key", "2")',
		"{ quiet: [1, 1202] }",
		"The index is looked up when the poll is asked, and that was before the flood. A poll that waits stays however much is written.",
	),
	oneEventForMany: answer(
		'.watch("w", "/a", { recursive: true })\n.mkdir("/a/d", { ttl: 1 })\n.set("/a/d/1", "x")\n.set("/a/d/2", "x")\n.awaitExpiry("/a/d")',
		'{ w: "all" }',
		"The directory has the ttl. When it expires, all below it goes with it, and the one event names the directory.",
	),
	numbersToOrder: answer(
		'.watch("w", "/k")\n.set("/elsewhere", "1")\n.set("/elsewhere", "2")\n.set("/k", "1")\n.set("/elsewhere", "3")\n.set("/k", "2")',
		"{ w: [3, 5] }",
		"create_revision and mod_revision are numbers of the store: 3 and 5. version counts the writes to /k since it was made: 2.",
	),
	shownByTheReplayAlone: answer(
		'.watch("live", "/app", { recursive: true })\n.set("/app/_conf/k", "x")\n.watch("later", "/app", { recursive: true, afterIndex: 0 })',
		'{ live: "none", later: [1] }',
		"A hidden name: a live watch above it is not told of it, and the scan of the history does not look at names.",
	),
	removalInAGap: answer(
		'.follow("follower", "/a", { recursive: true })\n.set("/a/k", "1")\n.cut("follower")\n.delete("/a/k")\n.burst("/noise", { count: 1200, keyCount: 10 })\n.reconnect("follower")',
		"{ follower: [1] }",
		"The follower knew /a/k before it was cut. It comes back after the history has passed by, lists, and what it knew and the list has not is named as removed.",
	),
	sameEventTwice: answer(
		'.mkdir("/a")\n.stream("s", "/a")\n.rmdir("/a")',
		"{ s: [2, 2] }",
		"A stream on exactly the key that is removed is told as a watcher of the node, and as one of the event's path. The other way is a poll that goes on after the index of the response.",
	),
	keptDelete: answer(
		'.set("/a/k", "1")\n.delete("/a/k")\n.compact(1)\n.set("/a/k", "2")\n.watch("late", "/a", { recursive: true, afterIndex: 1 })',
		"{ late: [2, 3] }",
		"The compaction ends below the delete, so that the delete itself is kept whole on every version.",
	),
	wholeRevision: answer(
		'.set("/a/x", "1")\n.set("/a/y", "1")\n.rmdir("/a", { recursive: true })\n.watch("restarted", "/a", { recursive: true, afterIndex: 2 })\n.set("/a/z", "1")',
		"{ restarted: [3, 4] }",
		"Who had seen one event of revision 3 has it not whole: the watch goes on after revision 2, and is told of both.",
	),
};

/** @param steps of the scenario, a line each */
function answer(steps: string, prediction: string, because: string): Answer {
	const code = [
		'const attempt = scenario("an answer")',
		...steps.split("\n").map((line) => `  ${line}`),
	].join("\n");
	return { code: `${code};\nconst myBet = predict(${prediction});`, because };
}
