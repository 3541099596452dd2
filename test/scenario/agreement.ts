import type { Timeline } from "etcd-watch-lab";
import { timelineRows } from "#lib/chart/text.js";
import { claims } from "#lib/claims";
import { comparePrediction, lossTable, predictionOf } from "#lib/page";
import { lostInSilence, missedBy, UnknownReasonError } from "#lib/timeline";
import { accountOf, type WatcherAccount } from "#lib/timeline/account";
import { explain } from "#lib/timeline/explain.js";

/**
 * Where two parts say different things of one run: the record, the account, the explanation, `missedBy`,
 * `lostInSilence`, the chart's text, the prediction, the table of losses and the claims. One line each.
 */
export function disagreements(run: Timeline): string[] {
	const { watchers } = accountOf(run);
	return [...watchers.flatMap((account) => ofWatcher(run, account)), ...ofClaims(run)];
}

function ofWatcher(run: Timeline, account: WatcherAccount): string[] {
	const { watcher, fates, foreign, total } = account;
	const { name } = watcher;
	const found: string[] = [];
	const same = (what: string, one: unknown, other: unknown) => {
		if (JSON.stringify(one) !== JSON.stringify(other))
			found.push(`${what} at "${name}": ${JSON.stringify(one)} and ${JSON.stringify(other)}`);
	};
	// What came is what was recorded, once each.
	const told = fates.flatMap(({ deliveries }) => deliveries);
	same("deliveries told of", told.length + foreign.length, watcher.deliveries.length);
	same("the same", new Set([...told, ...foreign]).size, watcher.deliveries.length);
	for (const { kind, deliveries, change } of fates)
		same(`${change.action} ${change.key} @${change.index} came`, kind === "came", deliveries.length > 0);

	const losses = fates.filter(({ kind }) => kind !== "came" && kind !== "notDue");
	const inSilence = losses.filter((fate) => fate.told === undefined);
	same(
		"missedBy",
		missedBy(run, name),
		losses.map(({ change }) => change.index),
	);
	same(
		"lostInSilence",
		lostInSilence(run, name),
		inSilence.map(({ change }) => change.index),
	);
	same("total", total.due, total.came + losses.length);
	const [lossCell = ""] = /[✓✗].*/.exec(lossTable([{ ...run, watchers: [watcher] }]).text) ?? [];
	same("losses", Number(/\d+/.exec(lossCell)?.[0]), inSilence.length);

	const at = run.watchers.indexOf(watcher);
	const { rows } = timelineRows(run);
	const isEach = run.writes.length <= 40;
	const predicted = comparePrediction(predictionOf({ [name]: "none" }), run).rows;
	run.writes.forEach((write, nth) => {
		const fate = account.fateOf(write);
		const where = `write ${write.id}, ${write.operation} ${write.key}`;
		let reason: string;
		try {
			const explained = explain(run, name, write.id);
			reason = explained.reason;
			same(`${where}: explained as delivered`, explained.delivered, fate.deliveries.length);
			const begins =
				fate.kind === "notKnown" ? /^(not known|not delivered yet|delivered in part)/ : /^(not )?delivered/;
			if (!begins.test(explained.words))
				found.push(`${where} at "${name}": ${fate.kind}, and "${explained.words}"`);
		} catch (error) {
			if (!(error instanceof UnknownReasonError)) throw error;
			reason = "unexplained";
		}
		same(`${where}: reason`, reason, fate.reason);
		same(`${where}: predicted as having come`, predicted[nth]?.came, fate.times);
		if (!isEach) return;
		const cell = rows[nth]?.cells[at] ?? "";
		const isNear = fate.fates.some((one) => one.isNear);
		const says = fate.deliveries.length > 0 ? "came" : isNear ? "absent" : "nothing";
		same(
			`${where}: the chart says`,
			cell === "" ? "nothing" : cell.startsWith("·") ? "absent" : "came",
			says,
		);
		const nobody = ["· nobody waiting", "·"].includes(cell) && fate.kind === "stated";
		if (nobody) found.push(`${where} at "${name}": stated, and the chart says "${cell}"`);
	});
	return found;
}

/** What is true of etcd is refuted by no run, and what is false confirmed by none. */
const isTrue = ["recursiveSeesEveryDepth", "plainWatchIsBlindBelow", "storeHasOneSequence"] as const;
const isFalse = ["grandchildrenAreUnseen"] as const;

function ofClaims(run: Timeline): string[] {
	const verdictOf = (name: keyof typeof claims) => claims[name](run);
	for (const name of Object.keys(claims) as (keyof typeof claims)[]) verdictOf(name);
	const wrong = [
		...isTrue.filter((name) => verdictOf(name).verdict === "refuted"),
		...isFalse.filter((name) => verdictOf(name).verdict === "confirmed"),
	];
	return wrong.map((name) => `${name} is ${verdictOf(name).verdict}: ${verdictOf(name).because}`);
}

/** Every delivery and every silence that no rule accounts for: none on a healthy server, and none on the model. */
export function unexplained(run: Timeline): string[] {
	return accountOf(run).watchers.flatMap(({ watcher, fates }) =>
		fates
			.filter(({ reason }) => reason === "unexplained")
			.map(({ change, kind }) => `${watcher.name}: ${change.action} ${change.key} @${change.index} ${kind}`),
	);
}
