import {
	type AcceptedWrite,
	accepted,
	deliveriesOf,
	deliveriesOfWrite,
	endIsProven,
	hearsAll,
	isHidden,
	isVisible,
	listened,
	listenings,
	silenceIsProven,
} from "../timeline/scope";
import type { LifeEvent, Timeline, WatcherRecord } from "../timeline/timeline";
import {
	all,
	claim,
	confirmed,
	count,
	deliveryEvidence,
	type Evidence,
	type Finding,
	lifeEvidence,
	refuted,
	untested,
	writeEvidence,
} from "./claim";

type Asked = Extract<LifeEvent, { kind: "asked" }>;

/** The writes that the watcher would have seen, had it been listening. */
function visible(timeline: Timeline, watcher: WatcherRecord): AcceptedWrite[] {
	return accepted(timeline).filter((write) => isVisible(timeline, watcher, write));
}

function lostBy(watcher: WatcherRecord, writes: readonly AcceptedWrite[]): AcceptedWrite[] {
	return writes.filter((write) => deliveriesOfWrite(watcher, write).length === 0);
}

export const pollsLoseWhatFallsBetween = claim(
	"What happens between two long polls without an index is lost",
	(timeline) => {
		const evidence: Evidence[] = [];
		let lost = 0;
		for (const watcher of timeline.watchers) {
			if (watcher.kind !== "poll" || !endIsProven(watcher)) continue;
			const times = listenings(watcher);
			const due = visible(timeline, watcher);
			// From here on another poll came back with an index.
			const back = times.reduce(
				(first, { asked, from }) => (asked.waitIndex === undefined ? first : Math.min(first, from)),
				Number.POSITIVE_INFINITY,
			);
			times.slice(1).forEach((later, at) => {
				const before = times[at];
				if (before?.end?.kind !== "answered" || later.asked.waitIndex !== undefined) return;
				for (const write of due) {
					if (write.index <= before.to || write.index >= Math.min(later.from, back)) continue;
					lost += deliveriesOfWrite(watcher, write).length === 0 ? 1 : 0;
					evidence.push(writeEvidence(write));
				}
			});
		}
		if (evidence.length === 0) return untested("nothing was written between two polls without an index");
		return lost === evidence.length
			? confirmed(`${count(lost, "event")} fell between two polls, none came`, evidence)
			: refuted("an event from between two polls came all the same", evidence);
	},
);

function clearedFor(watcher: WatcherRecord, index: number): boolean {
	return watcher.life.some(
		(event) => event.kind === "error" && event.gap && event.gap.from <= index && index <= event.gap.to,
	);
}

export const goLoopLosesNothingMore = claim(
	"From its first event on, the Go client's loop loses nothing: it asks with that event's index + 1",
	(timeline) => {
		const evidence: Evidence[] = [];
		let seen = 0;
		let isAnyHidden = false;
		for (const watcher of timeline.watchers) {
			const [first] = watcher.deliveries;
			const last = listenings(watcher).at(-1);
			if (watcher.kind !== "watch" || !first || !last || !silenceIsProven(watcher)) continue;
			// Nobody asks for what comes after its end; what it can't have after a 401 it did ask for.
			const after = visible(timeline, watcher).filter(
				({ index }) => index > first.index && (index <= last.to || clearedFor(watcher, index)),
			);
			const lost = lostBy(watcher, after);
			if (lost.length > 0) {
				return refuted(
					`"${watcher.name}" lost ${count(lost.length, "event")} after its first`,
					lost.map(writeEvidence),
				);
			}
			seen += after.length;
			isAnyHidden ||= accepted(timeline).some(
				({ key, index }) => index > first.index && isHidden(key, watcher.key),
			);
			for (const delivery of watcher.deliveries) evidence.push(deliveryEvidence(watcher, delivery));
		}
		if (seen === 0) return untested("no loop had a first event and something to see after it");
		const aside = isAnyHidden ? ", hidden names aside" : "";
		return confirmed(`${all(seen, "event")} after the first came${aside}`, evidence);
	},
	{ v2Only: "its watch is one stream, and no loop that asks" },
);

export const streamWithPastIndexGoesDead = claim(
	"A stream asked with an index in the past gives the one event that it finds there, and is silent for ever",
	(timeline) => {
		for (const watcher of timeline.watchers) {
			const [time, again] = listenings(watcher);
			if (watcher.kind !== "stream" || time?.asked.waitIndex === undefined || !silenceIsProven(watcher))
				continue;
			// Not one that ended, came back from now on, or stopped reading: its silence has another reason.
			if (again || time.end || watcher.life.some(({ kind }) => kind === "paused")) continue;
			const { asked, from } = time;
			const due = visible(timeline, watcher).filter(({ index }) => index >= from);
			// With nothing to replay it is registered, and lives on.
			if (due.length < 2 || !due.some(({ index }) => index <= asked.at)) continue;
			const lost = lostBy(watcher, due);
			const evidence = [
				lifeEvidence(watcher, asked),
				...watcher.deliveries.map((delivery) => deliveryEvidence(watcher, delivery)),
			];
			return watcher.deliveries.length === 1
				? confirmed(`one event came, ${count(lost.length, "event")} did not`, [
						...evidence,
						...lost.map(writeEvidence),
					])
				: refuted(`${count(watcher.deliveries.length, "event")} came`, evidence);
		}
		return untested("no stream was asked for an event in the past and had another one to see");
	},
);

export const deletedKeysStreamHearsTwice = claim(
	"A stream on exactly the deleted key is sent the delete twice",
	(timeline) => {
		for (const watcher of timeline.watchers) {
			if (watcher.kind !== "stream" || !endIsProven(watcher) || !hearsAll(watcher)) continue;
			// Of one that was cut, the second copy may have been on its way.
			const whole = listenings(watcher).find(({ end }) => end === undefined);
			const first = watcher.deliveries.find(
				({ action, key, index }) =>
					action === "delete" && key === watcher.key && whole && index >= whole.from,
			);
			if (!first) continue;
			const copies = deliveriesOf(watcher, first.index).filter(({ key }) => key === watcher.key);
			const evidence = copies.map((delivery) => deliveryEvidence(watcher, delivery));
			return copies.length === 2
				? confirmed("the same index came two times", evidence)
				: refuted(copies.length === 1 ? "it came once" : `it came ${copies.length} times`, evidence);
		}
		return untested("no key was deleted that a stream was on");
	},
);

export const slowStreamLosesInSilence = claim(
	"A stream that stops reading for long enough loses events for good, and nobody tells it",
	(timeline) => {
		const inTime: Evidence[] = [];
		for (const watcher of timeline.watchers) {
			const stop = watcher.life.findIndex(({ kind }) => kind === "paused");
			const after = watcher.life.slice(stop);
			const [paused] = after;
			const resumed = after.find(({ kind }) => kind === "resumed");
			if (watcher.kind !== "stream" || stop < 0 || !paused || !resumed || !silenceIsProven(watcher)) continue;
			// One that was asked with an index is silent for a reason of its own.
			if (listenings(watcher).some(({ asked }) => asked.waitIndex !== undefined)) continue;
			const told = after.filter(({ kind }) => kind === "error" || kind === "cut");
			const due = visible(timeline, watcher).filter(
				({ index }) => index > paused.at && (told[0] ? index <= told[0].at : listened(watcher, index)),
			);
			const lost = lostBy(watcher, due);
			if (lost.length === 0) {
				if (due.length > 0) inTime.push(lifeEvidence(watcher, paused), lifeEvidence(watcher, resumed));
				continue;
			}
			const evidence = [
				...lost.slice(0, 2).map(writeEvidence),
				lifeEvidence(watcher, paused),
				lifeEvidence(watcher, resumed),
			];
			const later = lost.some(({ index }) => index > resumed.at);
			return told.length > 0
				? refuted(
						"it was told",
						told.map((event) => lifeEvidence(watcher, event)),
					)
				: confirmed(
						`${lost.length} of ${count(due.length, "event")} never came${later ? ", also of those written after it read on" : ""}; ` +
							"no error, no end of the connection",
						evidence,
					);
		}
		if (inTime.length > 0) return untested("it read on in time: every event came", inTime);
		return untested("no stream paused while there was something to see");
	},
);

/** The times in which a watcher asked with an index that lay in the past. */
function askedBack(
	watcher: WatcherRecord,
): { asked: Asked; from: number; to: number; end: LifeEvent | undefined }[] {
	return listenings(watcher).filter(
		({ asked }) => asked.waitIndex !== undefined && asked.waitIndex <= asked.at,
	);
}

export const afterIndexLosesNothing = claim(
	"With afterIndex a watch loses no event that happened in between",
	(timeline): Finding => {
		const evidence: Evidence[] = [];
		let repaired = 0;
		for (const watcher of timeline.watchers) {
			const cleared = watcher.life.find((event) => event.kind === "error" && event.gap !== undefined);
			if (cleared?.kind === "error" && cleared.gap) {
				const { from, to } = cleared.gap;
				const gone = from === to ? `the event ${from} is gone` : `the events ${from} to ${to} are gone`;
				const why =
					timeline.api === "v3"
						? "past a compaction there is no way back"
						: "past the last 1000 events of the store there is no way back: 401";
				return refuted(`${why}, ${gone}`, [lifeEvidence(watcher, cleared)]);
			}
			if (watcher.kind === "stream" || !silenceIsProven(watcher)) continue;
			// A single poll gives one event: what comes after it is the next poll's.
			for (const { asked, from, to } of askedBack(watcher)) {
				const until = watcher.kind === "watch" ? to : Math.min(to, asked.at);
				const due = visible(timeline, watcher).filter(({ index }) => index >= from && index <= until);
				const lost = watcher.kind === "watch" ? lostBy(watcher, due) : lostBy(watcher, due.slice(0, 1));
				if (lost.length > 0)
					return refuted(`${count(lost.length, "event")} did not come`, lost.map(writeEvidence));
				const back = due
					.filter(({ index }) => index <= asked.at)
					.flatMap(({ index }) =>
						deliveriesOf(watcher, index)
							.filter(({ fromHistory }) => fromHistory)
							.slice(0, 1),
					);
				repaired += back.length;
				evidence.push(
					lifeEvidence(watcher, asked),
					...back.map((delivery) => deliveryEvidence(watcher, delivery)),
				);
			}
		}
		if (repaired === 0) return untested("no watch asked for an index that was already past");
		return confirmed(
			`${count(repaired, "event")} from before the watch began came out of the history`,
			evidence,
		);
	},
);

export const responseIndexIsSafeToGoOnFrom = claim(
	"To go on after the X-Etcd-Index of the last response loses nothing and repeats nothing",
	(timeline) => {
		let tried = 0;
		const evidence: Evidence[] = [];
		for (const watcher of timeline.watchers) {
			if (watcher.kind !== "poll" || !silenceIsProven(watcher)) continue;
			const times = listenings(watcher);
			for (const [at, { answer: delivery }] of times.entries()) {
				const next = times[at + 1];
				if (!delivery || !next || next.asked.waitIndex !== delivery.etcdIndex + 1) continue;
				const { index: here, etcdIndex: header } = delivery;
				const between = visible(timeline, watcher).filter(({ index }) => index > here && index <= header);
				// Nothing to repeat, or nothing to lose.
				if (header >= here ? between.length === 0 : !next.answer) continue;
				tried++;
				evidence.push(deliveryEvidence(watcher, delivery), lifeEvidence(watcher, next.asked));
				const again = next.answer;
				if (again?.index === here) {
					return refuted(
						`the event at ${here} came again: its response's header says ${header}, where the watch had begun`,
						[...evidence, deliveryEvidence(watcher, again)],
					);
				}
				// What a later poll came back for was skipped all the same.
				const heard = new Set(times.slice(0, at + 2).map(({ answer }) => answer?.index));
				const skipped = between.filter(({ index }) => !heard.has(index));
				if (skipped.length > 0) {
					return refuted(
						`${count(skipped.length, "event")} between the event and the header's index did not come`,
						[...evidence, ...skipped.map(writeEvidence)],
					);
				}
			}
		}
		if (tried === 0)
			return untested("no watch went on from its response's index where that differs from its event's");
		return confirmed("nothing was lost or repeated", evidence);
	},
	{ v2Only: "its messages carry the store's revision of the moment in which they are sent" },
);
