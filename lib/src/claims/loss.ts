import type { Fate } from "../timeline/account";
import { isBelow, isHiddenFrom } from "../v2/key";
import {
	all,
	came,
	claim,
	confirmed,
	count,
	type Evidence,
	isLost,
	isVisible,
	lifeEvidence,
	refuted,
	sentEvidence,
	testifies,
	untested,
	writesOf,
} from "./claim";

export const pollsLoseWhatFallsBetween = claim(
	"What happens between two long polls without an index is lost",
	({ watchers, say }) => {
		// Only a poll is answered.
		const known = watchers.filter(({ watcher: { proof } }) => proof !== "closed" && proof !== "none");
		const between = known.flatMap(({ finder, fates }) =>
			fates.filter(({ change: { index }, ask }) => {
				const [before, later] = [finder.before(index), finder.after(index)];
				if (ask || before?.end?.kind !== "answered" || !later) return false;
				return later.waitIndex === undefined && index > before.end.at;
			}),
		);
		const lost = between.filter((fate) => fate.reason === "between two polls");
		const heard = between.filter(came);
		if (heard.length > 0)
			return refuted(
				`an event from between two ${say("polls", "watches")} came all the same`,
				writesOf(heard),
			);
		return lost.length === 0
			? untested(
					say(
						"nothing was written between two polls without an index",
						"nothing was written between two watches without a start revision",
					),
				)
			: confirmed(
					`${count(lost.length, "event")} fell between two ${say("polls", "watches")}, none came`,
					writesOf(lost),
				);
	},
	{ v3: "What happens between two watches without a start revision is lost" },
);

export const goLoopLosesNothingMore = claim(
	"From its first event on, the Go client's loop loses nothing: it asks with that event's index + 1",
	(run) => {
		const kept: Evidence[] = [];
		const lost: Evidence[] = [];
		const words: string[] = [];
		let seen = 0;
		let isAnyHidden = false;
		for (const { watcher, asks, fates } of run.watchers) {
			const [first] = watcher.deliveries;
			if (watcher.kind !== "watch" || !first || watcher.proof === "none") continue;
			const since = fates.filter(({ change }) => change.index > first.index);
			const after = since.filter((fate) => isVisible(run, watcher, fate));
			const gone = after.filter((fate) => isLost(fate) || isGone(fate, asks.at(-1)?.at ?? 0));
			if (gone.length > 0) {
				const over = after.filter((fate) => fate.reason === "over" && !gone.includes(fate)).length;
				const more = over === 0 ? "" : `; ${over} more it never asked for, since it had ended`;
				words.push(`"${watcher.name}" lost ${count(gone.length, "event")} after its first${more}`);
				lost.push(...writesOf(gone));
			}
			const heard = after.filter((fate) => came(fate) && testifies(fate)).length;
			seen += heard;
			isAnyHidden ||= since.some(
				({ change }) => isBelow(change.key, watcher.key) && isHiddenFrom(watcher.key, change.key),
			);
			if (heard > 0) kept.push(...sentEvidence(watcher, watcher.deliveries));
		}
		if (words.length > 0) return refuted(words.join("; "), lost);
		if (seen === 0) return untested("no loop had a first event and something to see after it");
		const aside = isAnyHidden ? ", hidden names aside" : "";
		return confirmed(`${all(seen, "event")} after the first came${aside}`, kept);
	},
	{ v2Only: "its watch is one stream, and no loop that asks" },
);

/**
 * Whatever kept it from a loop, which asks for all: what comes after its end it doesn't ask for. It came while nobody
 * asked, if the loop came back from a later index: one that it carried over from a store that was wiped.
 */
function isGone({ reason, change }: Fate, lastAsked: number): boolean {
	if (reason === "over") return change.index <= lastAsked;
	return ["cleared", "member sent the whole store", "ahead of the store"].includes(reason);
}

export const streamWithPastIndexGoesDead = claim(
	"A stream asked with an index in the past gives the one event that it finds there, and is silent for ever",
	({ watchers, say }) => {
		const dead: Evidence[] = [];
		const alive: Evidence[] = [];
		const lost: Fate[] = [];
		let heard = 0;
		for (const { watcher, asks, fates } of watchers) {
			const [ask, again] = asks;
			// Not one that ended, came back from now on, or stopped reading: its silence has another reason.
			if (watcher.kind !== "stream" || ask?.waitIndex === undefined || watcher.proof === "none") continue;
			if (again || ask.end || ask.pauses.length > 0) continue;
			const silent = fates.filter((fate) => fate.reason === "deaf stream" || isLost(fate));
			const due = [...fates.filter(came), ...silent];
			// With nothing to replay it is registered, and lives on.
			if (due.length < 2 || !due.some(({ change }) => change.index <= ask.at)) continue;
			const rows = [lifeEvidence(watcher, ask.asked), ...sentEvidence(watcher, watcher.deliveries)];
			if (watcher.deliveries.length === 1) {
				dead.push(...rows, ...writesOf(silent));
				lost.push(...silent);
			} else {
				alive.push(...rows);
				heard += watcher.deliveries.length;
			}
		}
		if (alive.length > 0) return refuted(`${count(heard, "event")} came`, alive);
		return dead.length > 0
			? confirmed(`one event came, ${count(lost.length, "event")} did not`, dead)
			: untested(
					`no ${say("stream", "watch that stays open")} was asked for an event in the past and had another one to see`,
				);
	},
	{
		v3: "A watch with a start revision in the past gives the one event that it finds there, and is silent for ever",
	},
);

export const deletedKeysStreamHearsTwice = claim(
	"A stream on exactly the deleted key is sent the delete twice",
	({ watchers, say }) => {
		const deletes = watchers
			.filter(({ watcher }) => watcher.kind === "stream")
			.flatMap(({ watcher, fates }) =>
				fates
					.filter((fate) => came(fate) && fate.change.action === "delete" && fate.change.key === watcher.key)
					// The second copy may have been on its way when it was cut, and is not in the history.
					.filter((fate) => testifies(fate) && fate.ask?.end === undefined)
					.filter(({ deliveries }) => deliveries[0]?.fromHistory === false)
					.map(({ deliveries }) => ({ watcher, deliveries })),
			);
		const others = deletes.filter(({ deliveries }) => deliveries.length !== 2);
		const evidence = (found: typeof deletes) =>
			found.flatMap(({ watcher, deliveries }) => sentEvidence(watcher, deliveries));
		const [other] = others;
		if (other) {
			const times = other.deliveries.length;
			return refuted(times === 1 ? "it came once" : `it came ${times} times`, evidence(others));
		}
		return deletes.length > 0
			? confirmed(`the same ${say("index", "revision")} came two times`, evidence(deletes))
			: untested(`no key was deleted that a ${say("stream", "watch that stays open")} was on`);
	},
	{ v3: "A watch on exactly the deleted key is sent the delete twice" },
);

export const slowStreamLosesInSilence = claim(
	"A stream that stops reading for long enough loses events for good, and nobody tells it",
	({ watchers, say }) => {
		const inTime: Evidence[] = [];
		const silent: Evidence[] = [];
		const told: Evidence[] = [];
		const cutOff: Evidence[] = [];
		const words: string[] = [];
		for (const { watcher, asks, fates } of watchers) {
			// Only a stream is paused.
			const paused = watcher.life.find(({ kind }) => kind === "paused");
			if (!paused || watcher.proof === "none") continue;
			const after = watcher.life.slice(watcher.life.indexOf(paused));
			const resumed = after.find(({ kind }) => kind === "resumed");
			// One that was asked with an index is silent for a reason of its own.
			if (!resumed || asks.some(({ waitIndex }) => waitIndex !== undefined)) continue;
			const due = fates.filter(
				(fate) => fate.change.index > paused.at && (came(fate) || fate.reason === "reader paused"),
			);
			const lost = due.filter((fate) => !came(fate));
			const rows = [lifeEvidence(watcher, paused), lifeEvidence(watcher, resumed)];
			const errors = after.filter(({ kind }) => kind === "error");
			if (lost.length === 0) {
				if (due.length > 0) inTime.push(...rows);
			} else if (errors.length > 0) told.push(...errors.map((event) => lifeEvidence(watcher, event)));
			// A cut tells it that there may be something to ask for, and it may be the scenario's.
			else if (after.some(({ kind }) => kind === "cut")) cutOff.push(...rows);
			else {
				const later = lost.some(({ change }) => change.index > resumed.at);
				const also = later ? ", also of those written after it read on" : "";
				words.push(`${lost.length} of ${count(due.length, "event")} never came${also}`);
				silent.push(...writesOf(lost.slice(0, 2)), ...rows, ...writesOf(lost.slice(2)));
			}
		}
		if (told.length > 0) return refuted("it was told", told);
		if (words.length > 0) return confirmed(`${words.join("; ")}; no error, no end of the connection`, silent);
		if (cutOff.length > 0)
			return untested("it was cut afterwards, and so knows that it may lack something", cutOff);
		return inTime.length > 0
			? untested("it read on in time: every event came", inTime)
			: untested(`no ${say("stream", "watch")} paused while there was something to see`);
	},
	{ v3: "A watch that stops reading for long enough loses events for good, and nobody tells it" },
);
