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
} from "../claim";
import {
	type AcceptedWrite,
	accepted,
	deliveriesOf,
	isVisible,
	listened,
	listenings,
	silenceIsProven,
} from "../scope";
import type { LifeEvent, Timeline, WatcherRecord } from "../timeline";

type Asked = Extract<LifeEvent, { kind: "asked" }>;

/** The writes that the watcher would have seen, had it been listening. */
function visible(timeline: Timeline, watcher: WatcherRecord): AcceptedWrite[] {
	return accepted(timeline).filter((write) => isVisible(timeline, watcher, write));
}

function lostBy(watcher: WatcherRecord, writes: readonly AcceptedWrite[]): AcceptedWrite[] {
	return writes.filter(({ index }) => deliveriesOf(watcher, index).length === 0);
}

export const pollsLoseWhatFallsBetween = claim(
	"What happens between two long polls without an index is lost",
	(timeline) => {
		const evidence: Evidence[] = [];
		let lost = 0;
		for (const watcher of timeline.watchers) {
			if (watcher.kind !== "poll" || !silenceIsProven(watcher)) continue;
			const times = listenings(watcher);
			times.slice(1).forEach((later, at) => {
				const before = times[at];
				if (!before || later.asked.waitIndex !== undefined) return;
				for (const write of visible(timeline, watcher)) {
					if (write.index <= before.to || write.index >= later.from) continue;
					lost += deliveriesOf(watcher, write.index).length === 0 ? 1 : 0;
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

export const goLoopLosesNothingMore = claim(
	"From its first event on, the Go client's loop loses nothing: it asks with that event's index + 1",
	(timeline) => {
		const evidence: Evidence[] = [];
		let seen = 0;
		for (const watcher of timeline.watchers) {
			const [first] = watcher.deliveries;
			const ended = watcher.life.some(({ kind }) => kind === "closed");
			if (watcher.kind !== "watch" || !first || ended || !silenceIsProven(watcher)) continue;
			const after = visible(timeline, watcher).filter(({ index }) => index > first.index);
			const lost = lostBy(watcher, after);
			if (lost.length > 0) {
				return refuted(
					`"${watcher.name}" lost ${count(lost.length, "event")} after its first`,
					lost.map(writeEvidence),
				);
			}
			seen += after.length;
			evidence.push(...watcher.deliveries.map((delivery) => deliveryEvidence(watcher, delivery)));
		}
		if (seen === 0) return untested("no loop had a first event and something to see after it");
		return confirmed(`${all(seen, "event")} after the first came`, evidence);
	},
);

export const streamWithPastIndexGoesDead = claim(
	"A stream asked with an index in the past gives one event and is silent for ever",
	(timeline) => {
		for (const watcher of timeline.watchers) {
			const [time] = listenings(watcher);
			if (watcher.kind !== "stream" || time?.asked.waitIndex === undefined || !silenceIsProven(watcher))
				continue;
			const waitIndex = time.asked.waitIndex;
			const due = visible(timeline, watcher).filter(({ index }) => index >= waitIndex);
			if (due.length < 2 || waitIndex > time.asked.at) continue;
			const evidence = [
				lifeEvidence(watcher, time.asked),
				...watcher.deliveries.map((delivery) => deliveryEvidence(watcher, delivery)),
			];
			return watcher.deliveries.length === 1
				? confirmed(`one event came, ${count(due.length - 1, "event")} did not`, [
						...evidence,
						...lostBy(watcher, due).map(writeEvidence),
					])
				: refuted(`${count(watcher.deliveries.length, "event")} came`, evidence);
		}
		return untested("no stream was asked with an index in the past and had two events to see");
	},
);

export const deletedKeysStreamHearsTwice = claim(
	"A stream on exactly the deleted key is sent the delete twice",
	(timeline) => {
		for (const watcher of timeline.watchers) {
			if (watcher.kind !== "stream" || !silenceIsProven(watcher)) continue;
			const removed = watcher.deliveries.filter(
				({ action, key }) => action === "delete" && key === watcher.key,
			);
			const [first] = removed;
			if (!first) continue;
			const evidence = removed.map((delivery) => deliveryEvidence(watcher, delivery));
			return deliveriesOf(watcher, first.index).length === 2
				? confirmed("the same index came two times", evidence)
				: refuted("it came once", evidence);
		}
		return untested("no key was deleted that a stream was on");
	},
);

export const slowStreamLosesInSilence = claim(
	"A stream that stops reading for long enough loses events for good, and nobody tells it",
	(timeline) => {
		for (const watcher of timeline.watchers) {
			const paused = watcher.life.find(({ kind }) => kind === "paused");
			const resumed = watcher.life.find(({ kind }) => kind === "resumed");
			if (watcher.kind !== "stream" || !paused || !resumed || !silenceIsProven(watcher)) continue;
			const due = visible(timeline, watcher).filter(
				({ index }) => index > paused.at && listened(watcher, index),
			);
			if (due.length === 0) continue;
			const lost = lostBy(watcher, due);
			const told = watcher.life.filter(({ kind }) => kind === "error" || kind === "cut");
			const evidence = [
				...lost.slice(0, 2).map(writeEvidence),
				lifeEvidence(watcher, paused),
				lifeEvidence(watcher, resumed),
			];
			if (lost.length === 0) return refuted(`${all(due.length, "event")} came when it read on`, evidence);
			return told.length > 0
				? refuted(
						"it was told",
						told.map((event) => lifeEvidence(watcher, event)),
					)
				: confirmed(
						`${lost.length} of ${count(due.length, "event")} never came, those after it read on again among them; ` +
							"no error, no end of the connection",
						evidence,
					);
		}
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
			const cleared = watcher.life.find((event) => event.kind === "error" && event.code === 401);
			if (cleared?.kind === "error" && cleared.gap) {
				const { from, to } = cleared.gap;
				return refuted(
					`past the last 1000 events of the store there is no way back: 401, the events ${from} to ${to} are gone`,
					[lifeEvidence(watcher, cleared)],
				);
			}
			if (watcher.kind === "stream" || !silenceIsProven(watcher)) continue;
			// A single poll gives one event: what comes after it is the next poll's.
			for (const { asked, from, to } of askedBack(watcher)) {
				const until = watcher.kind === "watch" ? to : Math.min(to, asked.at);
				const due = visible(timeline, watcher).filter(({ index }) => index >= from && index <= until);
				const lost = watcher.kind === "watch" ? lostBy(watcher, due) : lostBy(watcher, due.slice(0, 1));
				if (lost.length > 0)
					return refuted(`${count(lost.length, "event")} did not come`, lost.map(writeEvidence));
				const back = due.filter(({ index }) => index <= asked.at);
				repaired += back.length;
				evidence.push(
					lifeEvidence(watcher, asked),
					...back.flatMap(({ index }) =>
						deliveriesOf(watcher, index).map((delivery) => deliveryEvidence(watcher, delivery)),
					),
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
			if (!silenceIsProven(watcher)) continue;
			for (const [at, delivery] of watcher.deliveries.entries()) {
				const next = watcher.life.filter((event): event is Asked => event.kind === "asked")[at + 1];
				const wrong = next?.waitIndex === delivery.etcdIndex + 1 && delivery.etcdIndex !== delivery.index;
				if (!next || !wrong) continue;
				tried++;
				evidence.push(deliveryEvidence(watcher, delivery), lifeEvidence(watcher, next));
				const again = watcher.deliveries.slice(at + 1).filter(({ index }) => index === delivery.index);
				if (again.length > 0) {
					return refuted(
						`the event at ${delivery.index} came again: its response's header says ${delivery.etcdIndex}, where the watch had begun`,
						[...evidence, ...again.map((repeat) => deliveryEvidence(watcher, repeat))],
					);
				}
				const skipped = visible(timeline, watcher).filter(
					({ index }) =>
						index > delivery.index &&
						index <= delivery.etcdIndex &&
						deliveriesOf(watcher, index).length === 0,
				);
				if (skipped.length > 0) {
					return refuted(
						`${count(skipped.length, "event")} between the event and the header's index never came`,
						[...evidence, ...skipped.map(writeEvidence)],
					);
				}
			}
		}
		if (tried === 0)
			return untested("no watch went on from its response's index where that differs from its event's");
		return confirmed("nothing was lost or repeated", evidence);
	},
);
