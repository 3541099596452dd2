import assert from "node:assert/strict";
import type { Notebook } from "#tools/notebooks/file";
import { codeCells, type ShownVerdict, textOf } from "./reading";

/** A part of the claim's statement, and how it ends. */
export type ExpectedVerdict = readonly [claim: string, verdict: ShownVerdict["verdict"]];

/** What each notebook shows, in the order in which it shows it. A notebook without verdicts says so: []. */
export const expectedVerdicts: Readonly<Record<string, readonly ExpectedVerdict[]>> = {
	"00-start-here": [
		["sees its direct children added and deleted", "confirmed"],
		["writes to grandchildren of the watched directory are not seen", "untested"],
		// On v3.
		["does not see writes two levels below it", "refuted"],
	],
	"01-recursive": [
		["With recursive, a watch on a directory sees its direct children added and deleted", "confirmed"],
		["Without recursive, a watch does not see what happens to its children", "confirmed"],
		["The delete or expiry of a directory reaches watches on keys inside it", "confirmed"],
		["The delete or expiry of a directory reaches watches on keys inside it", "confirmed"],
		["On a file, a watch with recursive and one without see the same", "confirmed"],
		["A watch on a key that does not exist waits", "confirmed"],
		["Directories that etcd makes on the way to a key raise no event", "confirmed"],
		// On v3.
		["sees the keys one level below it put and deleted", "confirmed"],
		["A watch on one key does not see the keys whose names begin with it", "confirmed"],
	],
	"02-grandchild-writes": [
		["writes to grandchildren of the watched directory are not seen", "untested"],
		["A write that etcd refuses takes no index", "confirmed"],
		["is the store's index when the watch began, not the event's", "confirmed"],
		["writes to grandchildren of the watched directory are not seen", "refuted"],
		["sees writes at every depth below its key", "confirmed"],
		["Directories that etcd makes on the way to a key raise no event", "confirmed"],
		// On v3.
		["does not see writes two levels below it", "refuted"],
	],
	"03-missed-events": [
		["An event carries the node", "confirmed"],
		["never sees what was written before it was registered", "confirmed"],
		["What happens between two long polls without an index is lost", "confirmed"],
		["the Go client's loop loses nothing", "confirmed"],
		[
			"A stream asked with an index in the past gives the one event that it finds there, and is silent for ever",
			"confirmed",
		],
		["A stream on exactly the deleted key is sent the delete twice", "confirmed"],
		["A stream that stops reading for long enough loses events for good", "confirmed"],
		// On v3.
		["is silent for ever", "refuted"],
		["A watch on exactly the deleted key is sent the delete twice", "refuted"],
	],
	"04-afterindex-recovery": [
		["With afterIndex a watch loses no event that happened in between", "confirmed"],
		["A watch on a quiet key is thrown out by other people's writes", "confirmed"],
		["holds the last 1000 events of the store", "confirmed"],
		["With afterIndex a watch loses no event that happened in between", "refuted"],
		["reading the tree and watching on from that read misses nothing of the state", "confirmed"],
		["reading the tree and watching on from that read misses nothing of the state", "confirmed"],
		["To go on after the X-Etcd-Index of the last response loses nothing", "refuted"],
		["v2 has only versions of single keys", "refuted"],
		// On v3.
		["A watch on a quiet key is thrown out by other people's writes", "refuted"],
		["reading the range and watching on from that read misses nothing of the state", "confirmed"],
	],
	"05-events-as-a-log": [
		["An event carries the node", "confirmed"],
		["A set over a key gives it a new createdIndex", "confirmed"],
		["Directories that etcd makes on the way to a key raise no event", "confirmed"],
		["is told as an event for each key that goes with it", "refuted"],
		// On v3.
		["The delete of a range is told as an event for each key that goes with it", "confirmed"],
	],
	"06-indexes-and-revisions": [
		["The writes to all keys of the store are numbered in one sequence", "confirmed"],
		["A key has a number that counts the writes to it", "refuted"],
		["The writes to all keys of the store are numbered in one sequence", "confirmed"],
		["A key has a number that counts the writes to it", "confirmed"],
		["A watch on a quiet key is thrown out by other people's writes", "confirmed"],
		["A watch on a quiet key is thrown out by other people's writes", "refuted"],
		["A watch on a quiet key is thrown out by other people's writes", "confirmed"],
		["reading the range and watching on from that read misses nothing of the state", "confirmed"],
	],
	"07-field-guide": [
		["never sees what was written before it was registered", "confirmed"],
		["What happens between two long polls without an index is lost", "confirmed"],
		["Without recursive, a watch does not see what happens to its children", "confirmed"],
		["writes to grandchildren of the watched directory are not seen", "refuted"],
		["Directories that etcd makes on the way to a key raise no event", "confirmed"],
		[
			"A stream asked with an index in the past gives the one event that it finds there, and is silent for ever",
			"confirmed",
		],
		["A stream that stops reading for long enough loses events for good", "confirmed"],
		["A stream on exactly the deleted key is sent the delete twice", "confirmed"],
		["A watch on a quiet key is thrown out by other people's writes", "confirmed"],
		["To go on after the X-Etcd-Index of the last response loses nothing", "refuted"],
		["A set over a key gives it a new createdIndex", "confirmed"],
		// On v3.
		["never sees what was written before it was registered", "confirmed"],
		["A watch on one key does not see the keys whose names begin with it", "confirmed"],
	],
	"08-faults": [
		["the Go client's loop loses nothing", "confirmed"],
		["the Go client's loop loses nothing", "refuted"],
	],
	"09-playground": [
		["A recursive watch sees writes at every depth below its key", "untested"],
		["the Go client's loop loses nothing", "confirmed"],
		["An event carries the node", "confirmed"],
		// On v3.
		["With a start revision a watch loses no event that happened in between", "confirmed"],
		["reading the range and watching on from that read misses nothing of the state", "confirmed"],
	],
	"10-versions": [
		// On v3 of 3.4.23 and 3.5.1 (issue 18089).
		["With a start revision a watch loses no event that happened in between", "refuted"],
	],
	"11-delivery": [
		["Who saves each event's mod_revision, and goes on after it, loses nothing", "refuted"],
		["Who saves each message's header.revision,", "refuted"],
		["Who saves each message's last mod_revision,", "refuted"],
		["Who saves a revision that is whole,", "confirmed"],
	],
};

/** The cells that may be above 15 lines, by a part of their source. */
export const longCells: readonly string[] = [
	// 02: the numbers that the post printed, which the formatter gives a line each.
	"const printed = [",
];

/** Fails unless exactly the expected verdicts were shown, in their order; `times` is how often each cell ran. */
export function assertVerdicts(name: string, shown: readonly ShownVerdict[]): void {
	const expected = expectedVerdicts[name];
	assert.ok(
		expected,
		`test/pages/notebooks/expected.ts has no entry for ${name}: add the verdicts that it shows`,
	);
	const found = shown.map(({ claim, verdict }, at) => {
		const fragment = expected[at]?.[0];
		return [fragment !== undefined && claim.includes(fragment) ? fragment : claim, verdict];
	});
	assert.deepEqual(found, expected);
}

/** Fails where a cell threw, wrote to stderr, or is not numbered by a run from top to bottom. */
export function assertClean(notebook: Notebook): void {
	codeCells(notebook).forEach((cell, index) => {
		const where = `cell ${index + 1}`;
		assert.equal(cell.execution_count, index + 1, `${where} is numbered by a run from top to bottom`);
		for (const output of cell.outputs ?? []) {
			assert.notEqual(output.output_type, "error", where);
			assert.notEqual(output.name, "stderr", `${where}: ${textOf(output)}`);
		}
	});
}
