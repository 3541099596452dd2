import assert from "node:assert/strict";
import { timelineRows } from "#lib/chart/text.js";
import type { LifeEvent, Timeline } from "#lib/timeline";
import { accountOf } from "#lib/timeline/account";
import { totalWords } from "#lib/timeline/reading.js";
import { runIn } from "../../support/scenario/cases";

/** What `otherwise` has no words for: "server VERSION", "compacted INDEX AT", and what else the watcher lived through. */
function besides(run: Timeline, words: string): Timeline {
	const [what, ...rest] = words.split(" ");
	const [first = 0, second = 0] = rest.map(Number);
	const lived = (...life: LifeEvent[]) => ({
		...run,
		watchers: run.watchers.map((one) => ({ ...one, life })),
	});
	const [{ life = [] } = {}] = run.watchers;
	const [told, nothing] = [
		{ why: "cleared", keys: [] },
		{ added: [], changed: [] },
	];
	switch (what) {
		case "server":
			return { ...run, server: rest[0] ?? "" };
		case "compacted":
			return { ...run, compactions: [...(run.compactions ?? []), { index: first, at: second }] };
		case "gap":
			return lived(...life, { kind: "gap", at: second, from: first, to: second, ...nothing, ...told });
		case "reset":
			return lived(...life, { kind: "reset", at: second, lastIndex: first, ...told });
		case "wiped":
			return lived(...life, { kind: "asked", at: first, waitIndex: second, ofWiped: true });
		case "cut":
			return lived(...life, { kind: "cut", at: first }, { kind: "asked", at: first, waitIndex: second });
		case "unasked":
			return lived();
	}
	throw new Error(`a run can't be had with "${words}"`);
}

/** By its title, runs: as `runIn` has them, and with what it has no words for; and below each what is said of it. */
function rows(table: string, saidOf: (run: Timeline) => string): void {
	for (const one of table.split(/^\t(?=\w)/m).slice(1)) {
		const [title = "", ...lines] = one.trimEnd().split("\n");
		it(title, async () => {
			let run = "";
			for (const line of lines) {
				if (!line.startsWith("\t\t\t")) run = line.trim();
				else {
					const [steps = "", more] = run.split(" with ");
					const seen = (more?.split(", ") ?? []).reduce(besides, await runIn(steps));
					assert.equal(saidOf(seen), line.trim(), run);
				}
			}
		});
	}
}

describe("what became of each write at a watcher, and by which rule", () => {
	const table = `
	is not yet delivered where the member stands still, and lost where its connection is cut or it has ended
		watch w /a; set /a; set /a; set /a but w got 1; w proof none; member pause 1
			came own key | notKnown member silent | notKnown member silent
		watch w /a; set /a; set /a; set /a but w lived asked 0, cut 3; w got 1; w proof none; member pause 1; member kill 3
			came own key | missed lost with its connection | missed lost with its connection
		watch w /a; set /a; set /a; set /a but w lived asked 0, cut 3; w got 1; w proof none; member cutOff 1; member kill 3
			came own key | missed lost with its connection | missed lost with its connection
		watch w /a; set /a; set /a but w lived asked 0, cut 1, asked 1; w got 1; w proof none; member pause 1; member kill 1; member restart 1
			came own key | notKnown unproven
	is told by v3's own rule where it was asked for as the past
		mkdir /fo; rmdir /fo/...; watch w /foo after 0 but w got nothing; api v3
			notDue elsewhere | notDue elsewhere
		set /b; watch w /a after 0 but w got nothing; api v3
			notDue elsewhere
	is missed where the history would have given what a live watch is not told of
		set /a/_h; watch w /a/... after 0 but w got nothing
			missed unexplained
	is a finding where the history gives what it has no rule for
		set /b; watch w /a after 0 but w got 1 replayed
			came unexplained
	is a finding where no unanswered write can have made the key that was removed
		watch w /d/k; set /d/x; rmdir /d/... but w got 2
			notDue elsewhere | came unexplained
		watch w /d/k; set /d/x; set /e; rmdir /d/... but w got 3; write 2 unanswered
			notDue elsewhere | notKnown unanswered write | came unexplained
	is followed where it took the key away, known to have been there or not, and else a finding
		follow w /d/k; set /d/x; rmdir /d/... but w got 2
			notDue elsewhere | came followed
		follow w /d/k; set /d/x; rmdir /d/... but w got 1, 2
			came unexplained | came followed
	is a finding where a v3 follower is given an event twice, its member sent the store or not
		follow w /a; set /a but w got 1, 1; api v3
			came unexplained
		follow w /a; set /a but w got 1, 1; api v3; member snapshot 1
			came unexplained
	is twice by the removal of its key at a v2 stream alone
		watch w /a; set /a; delete /a but w got 1, 2, 2
			came own key | came unexplained
		stream w /a; set /a; delete /a but w got 1, 2, 2; api v3
			came own key | came unexplained
		stream w /a/...; set /a/1; delete /a/1 but w got 1, 2, 2
			came recursive | came unexplained
	is told again where a v3 member was sent the store after it, and nowhere else
		watch w /a; set /a; set /a but w got 1, 2, 2; api v3; member pause 1; member resume 2; member snapshot 2
			came own key | came told again
		watch w /a; set /a; set /a but w got 1, 2, 2; api v3; member snapshot 1; member pause 2
			came own key | came unexplained
		watch w /a; set /a; set /a but w got 1, 2, 2; member snapshot 2
			came own key | came unexplained
	is asked again by a second request, from the history or not
		watch w /a; set /a; cut w; reconnect w but w got 1, 1
			came asked again
		watch w /a; set /a but w got 1, 1
			came unexplained
		watch w /a; set /a but w got 1, 1 replayed
			came asked again
	is stated within a gap and within a reset, and missed beside them
		follow w /a/...; set /a; set /a; set /a; set /a but w got nothing with gap 2 3
			missed unexplained | stated in a stated gap | stated in a stated gap | missed unexplained
		follow w /a/...; set /a; set /a; set /a; set /a but w got nothing with reset 2 3
			missed unexplained | missed unexplained | stated in a stated gap | missed unexplained
	is cleared only from the index on that an error says is gone
		watch w /a; set /a; set /a; set /a but w lived asked 0, error 401 3 2-2; w got nothing; w proof error
			missed over | missed cleared | missed over
		watch w /a; set /a; set /a; set /a but w lived asked 0, error 400 1; w got 1; w proof error
			came own key | missed over | missed over
	is ahead of the store only after the request for an index of the wiped one, and where that is the last
		watch w /a; set /a; set /a; set /a but w lived asked 0, cut 1; w got 1; member wipe 2 with wiped 2 2
			came own key | missed over | missed ahead of the store
		watch w /a; set /a; set /a; set /a but w lived asked 0, cut 1; w got 1; member wipe 1 with wiped 1 2, cut 3 4
			came own key | missed over | missed over
	is not known at a silent member, and is not explained by one that is silent no more
		watch w /a; set /a; set /a; set /a but w got 1; w proof none; member cutOff 1; member heal 3
			came own key | notKnown unproven | notKnown unproven
		watch w /a; set /a; set /a but w got 1; w proof none; member cutOff 1
			came own key | notKnown member silent
		watch w /a; set /a; set /a; set /a but w got 1; w proof none; member cutOff 1; member pause 2
			came own key | notKnown member silent | notKnown member silent
		watch w /a; set /a; set /a but w got 1; member pause 1
			came own key | missed unexplained
	is skipped by the store that came after the last fault before it, at a v2 watch that had asked before
		watch w /a; set /a; set /a; set /a; set /a but w got 1, 2, 4; member pause 1; member resume 1; member snapshot 1; member pause 2; member resume 4; member snapshot 4
			came own key | came own key | missed member sent the whole store | came own key
		watch w /a; set /a; set /a; set /a but w got 1; api v3; member pause 1; member resume 3; member snapshot 3
			came own key | missed unexplained | missed unexplained
		watch w /a; set /a; set /a; set /a but w lived asked 3 from 2; w got nothing; member pause 1; member resume 3; member snapshot 3
			notDue asked from later on | missed unexplained | missed unexplained
		watch w /a; set /a; set /a; set /a but w lived asked 0, cut 1, asked 2; w got 1; member pause 1; member kill 1; member restart 2; member snapshot 2
			came own key | missed over | missed unexplained
	is missed by a deaf stream, and waits for a paused reader unless the server has dropped it
		set /a; stream w /a after 0; set /a
			came history: own key | missed deaf stream
		stream w /a; set /a; pause w; set /a but w missed 2
			came own key | notKnown reader paused
		stream w /a; set /a; pause w; set /a but w missed 2; w proof gone
			came own key | missed reader paused
	is missed by a stream that the server dropped after the one whose connection was cut
		stream w /a; set /a; set /a; cut w; reconnect w; set /a; set /a but w got 1; w proof gone
			came own key | missed lost with its connection | missed dropped | missed dropped
	is missed when it was cleared, between two polls, and when all was over
		poll w /a; set /a; set /a; poll w; set /a; set /a
			came own key | missed between two polls | came own key | missed over
		watch w /a; set /a but w lived cut 0; w got nothing
			missed over
	is not known at a watcher that never asked
		watch w /a; set /a but w got nothing; w proof none with unasked
			notKnown unproven
	is a delete that a compaction took away, in v3 up to 3.4.33 and 3.5.15
		set /a; delete /a; set /a; watch w /a after 1 but w got 3 replayed; api v3 with server 3.5.9, compacted 2 3
			notDue asked from later on | missed delete compacted away | came history: own key
		set /a; delete /a; set /a; watch w /a after 1 but w got 3 replayed; api v3 with server 3.4.33, compacted 1 2, compacted 2 3
			notDue asked from later on | missed delete compacted away | came history: own key
		set /a; delete /a; set /a; watch w /a after 1 but w got 3 replayed; api v3 with server 3.5.15, compacted 2 3
			notDue asked from later on | missed delete compacted away | came history: own key
		set /a; delete /a; set /a; watch w /a after 1 but w got 3 replayed; api v3 with server 3.4.34, compacted 2 3
			notDue asked from later on | missed unexplained | came history: own key
		set /a; delete /a; set /a; watch w /a after 1 but w got 3 replayed; api v3 with server 3.5.16, compacted 2 3
			notDue asked from later on | missed unexplained | came history: own key
		set /a; delete /a; set /a; watch w /a after 1 but w got 3 replayed; api v3 with server 3.6.0, compacted 2 3
			notDue asked from later on | missed unexplained | came history: own key
	is no such delete where it was compacted elsewhere or later, was no delete, was asked for otherwise, or is no etcd 3's
		set /a; delete /a; set /a; watch w /a after 1 but w got 3 replayed; api v3 with server 3.5.9, compacted 1 3
			notDue asked from later on | missed unexplained | came history: own key
		set /a; delete /a; set /a; watch w /a after 1 but w got 3 replayed; api v3 with server 3.5.9, compacted 2 4
			notDue asked from later on | missed unexplained | came history: own key
		set /a; set /a; set /a; watch w /a after 1 but w got 3 replayed; api v3 with server 3.5.9, compacted 2 3
			notDue asked from later on | missed unexplained | came history: own key
		set /a; delete /a; set /a; follow w /a after 1 but w got 3; api v3 with server 3.5.9, compacted 2 3
			notDue asked from later on | missed unexplained | came own key
		set /a; delete /a; set /a; watch w /a after 0 but w got 1 replayed, 3 replayed; api v3 with server 3.5.9, compacted 2 3
			came history: own key | missed unexplained | came history: own key
		set /a; delete /a; set /a; watch w /a after 1 but w got 3 replayed with server 3.5.9, compacted 2 3
			notDue asked from later on | missed unexplained | came history: own key
		set /a; delete /a; set /a; watch w /a after 1 but w got 3 replayed; api v3 with server 13.5.9, compacted 2 3
			notDue asked from later on | missed unexplained | came history: own key
	`;
	rows(table, (run) =>
		run.writes
			.map((write) => accountOf(run).watcher("w").fateOf(write))
			.map(({ kind, reason }) => `${kind} ${reason}`)
			.join(" | "),
	);
});

describe("what a chart's text shows of each write at a watcher", () => {
	const table = `
	is nothing of what no v3 watch is told of
		watch w /a/b; set /a; delete /a but api v3
			- | -: nothing was due
	is that it was not reading only of what came after it stopped
		stream w /a; set /a; set /a; pause w; set /a; resume w but w missed 1, 2
			· | · | set: 1 of 3 events came
	is that it was asking where the request is one of a store that was wiped
		watch w /a; set /a; set /a; set /a but w lived asked 0, cut 1; w got 1; member wipe 2 with wiped 2 2
			set | · nobody waiting | ·: 1 of 3 events came
	counts no renewed ttl among what was not due
		watch w /a; set /a; refresh /a 60; set /b
			set | - | -: 1 of 1 event came
	`;
	rows(table, (run) => {
		const [account] = accountOf(run).watchers;
		const cells = timelineRows(run).rows.map((row) => row.cells[0] || "-");
		return `${cells.join(" | ")}: ${account && totalWords(account, "event")}`;
	});
});

describe("when a stream's connection was open", () => {
	const table = `
	is deaf in v2 alone, after an answer from the history
		set /a; stream w /a after 0
			deaf
		set /a; stream w /a after 0 but api v3
			listening
	`;
	rows(table, (run) =>
		accountOf(run)
			.watcher("w")
			.spans.map(({ kind }) => kind)
			.join(" | "),
	);
});
