import { exercises, type Timeline } from "etcd-watch-lab";
import { timelineRows } from "#lib/chart/text.js";
import { claims } from "#lib/claims";
import {
	comparePrediction,
	eventsTable,
	explainTable,
	lossTable,
	predictionOf,
	timelineTable,
} from "#lib/page";
import { lostInSilence, missedBy, UnknownReasonError } from "#lib/timeline";
import { accountOf, depthBelow, type Fate, type WatcherAccount } from "#lib/timeline/account";
import { explain } from "#lib/timeline/explain.js";
import { runInWords, stretchesInWords, totalWords } from "#lib/timeline/reading.js";
import { isRemoval } from "#lib/v2/key.js";
import { rawReadings } from "./raw";

/** All that says something of a run. A test puts one that lies in the place of one of them. */
export const parts = {
	accountOf,
	explain,
	missedBy,
	lostInSilence,
	timelineRows,
	timelineTable,
	explainTable,
	eventsTable,
	lossTable,
	comparePrediction,
	runInWords,
	totalWords: (run: Timeline, name: string) => totalWords(accountOf(run).watcher(name)),
	claims: (run: Timeline, name: keyof typeof claims) => claims[name](run),
	judge: (run: Timeline, name: keyof typeof exercises) => exercises[name].judge(run),
};
export type Parts = typeof parts;

/**
 * Where two parts say different things of one run, one line each; a reader of the raw record is one of them.
 * `isTabled`: the tables are among them, which cost more than all else.
 */
export function disagreements(run: Timeline, of: Parts = parts, isTabled = true): string[] {
	const { watchers } = of.accountOf(run);
	const raw = rawReadings(run);
	const { rows } = of.timelineRows(run);
	const isEach = run.writes.length <= 40;
	const tables = isTabled
		? { cells: cellsOf(of.timelineTable(run).html), why: cellsOf(of.explainTable(run).html) }
		: undefined;
	return [
		...watchers.flatMap((account) => [
			...ofRecord(run, account, of, raw(account.watcher)),
			...ofEachWrite(run, account, of),
			...(isTabled ? ofRows(run, account, of) : []),
			...(isEach ? ofCells(run, account, of, { rows, ...tables }) : []),
		]),
		...ofClaims(run, watchers, of),
		...ofExercises(run, watchers, of),
	];
}

/** Collects what differs at one watcher. */
function compared(name: string) {
	const found: string[] = [];
	const same = (what: string, one: unknown, other: unknown) => {
		if (JSON.stringify(one) !== JSON.stringify(other))
			found.push(`${what} at "${name}": ${JSON.stringify(one)} and ${JSON.stringify(other)}`);
	};
	return { found, same };
}

const isAbsent = ({ kind }: Fate) => kind !== "came" && kind !== "notDue";

/** What came is what was recorded, and what is said to be lost is what the record alone shows to be. */
function ofRecord(
	run: Timeline,
	{ watcher, fates, foreign, total }: WatcherAccount,
	of: Parts,
	raw: ReturnType<ReturnType<typeof rawReadings>>,
): string[] {
	const { name, deliveries } = watcher;
	const { found, same } = compared(name);
	const told = fates.flatMap((fate) => fate.deliveries);
	same("deliveries told of", told.length + foreign.length, deliveries.length);
	same("the same", new Set([...told, ...foreign]).size, deliveries.length);
	for (const { kind, deliveries, change } of fates)
		same(`${change.action} ${change.key} @${change.index} came`, kind === "came", deliveries.length > 0);

	const losses = fates.filter(isAbsent);
	const indexes = (some: readonly Fate[]) => some.map(({ change }) => change.index);
	const missed = of.missedBy(run, name);
	const lost = of.lostInSilence(run, name);
	const inSilence = losses.filter((fate) => fate.told === undefined);
	same("missedBy", missed, indexes(losses));
	same("lostInSilence", lost, indexes(inSilence));
	// The record alone does not tell which of the writes without an answer were carried out.
	const answered = new Set(
		run.writes.flatMap(({ outcome }) => (outcome.kind === "accepted" ? [outcome.index] : [])),
	);
	const certain = (some: readonly number[]) =>
		some.filter((index) => answered.has(index) && !raw.open.has(index));
	same("the record's missed", certain(raw.missed), certain(missed));
	same("the record's lost in silence", certain(raw.inSilence), certain(lost));

	same("total", total.due, total.came + losses.length);
	const words = total.due === 0 ? "nothing was due" : `${total.came} of ${total.due} came`;
	same("total in words", of.totalWords(run, name), words);
	const got = deliveries.map(({ index }) => index).sort((a, b) => a - b);
	const stretches = `${got.length} event${got.length === 1 ? "" : "s"}, ${run.api === "v3" ? "revision" : "index"} ${stretchesInWords(got)}`;
	const said = of.runInWords(run);
	if (!said.includes(`) got ${got.length === 0 ? "no event" : stretches}`))
		found.push(`the run in words has not "${stretches}" at "${name}": ${said}`);
	return found;
}

/** The table of its events, and the one of its losses. */
function ofRows(run: Timeline, { watcher, fates }: WatcherAccount, of: Parts): string[] {
	const { name, deliveries, life } = watcher;
	const { found, same } = compared(name);
	const inSilence = fates.filter((fate) => isAbsent(fate) && fate.told === undefined);
	// Of the whole run: what another watcher was sent tells that a write without an answer was carried out.
	const cell = cellsOf(of.lossTable([run]).html)[0]?.[1 + run.watchers.indexOf(watcher)] ?? "";
	same("losses", Number(/\d+/.exec(cell)?.[0]), inSilence.length);
	const waiting = inSilence.filter(({ reason }) => reason === "member silent").length;
	const [, some] = /(\d+) of them so far/.exec(cell) ?? [];
	same("losses so far", cell.endsWith("so far") ? Number(some ?? inSilence.length) : 0, waiting);
	const rows = cellsOf(of.eventsTable(run, name).html);
	const events = rows.map(([action, key, index]) => `${action} ${key} ${index}`);
	same(
		"events in the table",
		events.slice(0, 100),
		deliveries.slice(0, 100).map(({ action, key, index }) => `${action} ${key} ${index}`),
	);
	const gaps = life.filter(({ kind }) => kind === "gap" || kind === "reset").length;
	const [, toldOf] = /told of (.*)/.exec(cell) ?? [];
	if (inSilence.length === 0)
		same(
			"gaps told of",
			[...(toldOf ?? "").matchAll(/\d+/g)].map(Number).reduce((a, b) => a + b, 0),
			gaps,
		);
	return found;
}

/** What is said of a fate in words begins so. */
const beginnings = {
	came: /^delivered(?! in part)/,
	notDue: /^not delivered(?! yet)/,
	missed: /^(not delivered(?! yet)|delivered in part)/,
	stated: /^(not delivered as an event|delivered in part)/,
	notKnown: /^(not known|not delivered yet|delivered in part)/,
};

function ofEachWrite(run: Timeline, account: WatcherAccount, of: Parts): string[] {
	const { name } = account.watcher;
	const { found, same } = compared(name);
	const fates = run.writes.map((write) => account.fateOf(write));
	const exact = fates.flatMap(({ times }, at) => Array<number>(times).fill(at + 1));
	const predicted = of.comparePrediction(predictionOf({ [name]: exact.length > 0 ? exact : "none" }), run);
	const isUnknown = ({ kind, times }: (typeof fates)[number]) => kind === "notKnown" && times === 0;
	same("a prediction of what came: wrong", predicted.wrong, 0);
	same("a prediction of what came: not known", predicted.unknown, fates.filter(isUnknown).length);
	run.writes.forEach((write, nth) => {
		const fate = fates[nth];
		if (!fate) return;
		const where = `write ${write.id}, ${write.operation} ${write.key}`;
		let reason: string;
		try {
			const explained = of.explain(run, name, write.id);
			reason = explained.reason;
			same(`${where}: explained as delivered`, explained.delivered, fate.deliveries.length);
			if (!beginnings[fate.kind].test(explained.words))
				found.push(`${where} at "${name}": ${fate.kind}, and "${explained.words}"`);
		} catch (error) {
			if (!(error instanceof UnknownReasonError)) throw error;
			reason = "unexplained";
		}
		same(`${where}: reason`, reason, fate.reason);
		const row = predicted.rows[nth];
		same(`${where}: predicted as having come`, row?.came, fate.times);
		same(`${where}: predicted as known`, row?.isKnown, !isUnknown(fate));
	});
	return found;
}

interface Tables {
	readonly rows: ReturnType<typeof timelineRows>["rows"];
	readonly cells?: readonly (readonly string[])[];
	readonly why?: readonly (readonly string[])[];
}

/** The chart's text, the table, and the table of reasons: each write has a row of its own. */
function ofCells(run: Timeline, account: WatcherAccount, of: Parts, { rows, cells, why }: Tables): string[] {
	const { found, same } = compared(account.watcher.name);
	const at = run.watchers.indexOf(account.watcher);
	run.writes.forEach((write, nth) => {
		const fate = account.fateOf(write);
		const where = `write ${write.id}, ${write.operation} ${write.key}`;
		const cell = rows[nth]?.cells[at] ?? "";
		const near = fate.fates.filter((one) => one.isNear);
		const says = fate.deliveries.length > 0 ? "came" : near.length > 0 ? "absent" : "nothing";
		same(
			`${where}: the chart says`,
			cell === "" ? "nothing" : cell.startsWith("·") ? "absent" : "came",
			says,
		);
		if (says === "came") {
			same(`${where}: how often`, Number(/×(\d+)/.exec(cell)?.[1] ?? 1), fate.times);
			const isReplayed = fate.deliveries.every(({ fromHistory }) => fromHistory);
			same(`${where}: from the history`, cell.endsWith("(from history)"), isReplayed);
		}
		const isStated = near.some(({ kind }) => kind === "stated");
		if (says === "absent" && isStated) same(`${where}: stated`, cell, "· in the gap");
		if (cell === "· in the gap" && !near.some(({ told }) => told !== undefined))
			found.push(`${where} at "${account.watcher.name}": no gap was told of, and the chart says "${cell}"`);
		if (cell === "· nobody waiting" && near.every(({ state }) => state === "asking"))
			found.push(`${where} at "${account.watcher.name}": it was asking, and the chart says "${cell}"`);
		if (cells === undefined || why === undefined) return;
		same(`${where}: the table`, cells[nth]?.[3 + at], cell);
		const words = why[nth]?.[2 + at] ?? "";
		if (fate.reason === "unexplained") same(`${where}: unexplained`, words.startsWith("UNEXPLAINED"), true);
		else same(`${where}: why`, words, of.explain(run, account.watcher.name, write.id).words);
	});
	return found;
}

const letters = { "&amp;": "&", "&lt;": "<", "&gt;": ">", "&quot;": '"', "&apos;": "'", "&#39;": "'" };

/** The text of each cell of a table's rows. */
function cellsOf(html: string): string[][] {
	const text = (cell: string) =>
		cell
			.replace(/<[^>]*>/g, "")
			.replace(/&\w+;|&#39;/g, (one) => letters[one as keyof typeof letters] ?? one);
	return [...html.matchAll(/<tr>(<td.*?)<\/tr>/gs)].map(([, row = ""]) =>
		[...row.matchAll(/<td[^>]*>(.*?)<\/td>/gs)].map(([, cell = ""]) => text(cell)),
	);
}

type ClaimName = keyof typeof claims;

/** False of etcd, whatever happens to it: of v2 all of these, of v3 the first. */
export const isFalse: readonly ClaimName[] = [
	"grandchildrenAreUnseen",
	"versionsArePerKey",
	"keysCountTheirOwnWrites",
	"removalNamesEveryKey",
	"responseIndexIsSafeToGoOnFrom",
];
/** True or false as it comes: what is past the window, or past a snapshot, is lost. */
export const depends: readonly ClaimName[] = ["goLoopLosesNothingMore", "afterIndexLosesNothing"];
export const isTrue: readonly ClaimName[] = (Object.keys(claims) as ClaimName[]).filter(
	(name) => !isFalse.includes(name) && !depends.includes(name),
);
const isTrueOfV3: readonly ClaimName[] = [
	"childrenAreSeen",
	"recursiveSeesEveryDepth",
	"plainWatchIsBlindBelow",
	"storeHasOneSequence",
	"lateWatchMissesTheStart",
	"listAndWatchLosesNothing",
	"eventsCarryTheNode",
];

type Verdicts = "confirmed" | "refuted";

/** What the account has to say for a claim to end so. */
const accounted: Partial<
	Record<ClaimName, Partial<Record<Verdicts, (of: WatcherAccount, fate: Fate) => boolean>>>
> = {
	grandchildrenAreUnseen: { refuted: (of, fate) => isCome(fate) && isDeep(of, fate) },
	recursiveSeesEveryDepth: { confirmed: (of, fate) => isCome(fate) && isDeep(of, fate) },
	childrenAreSeen: { confirmed: ({ watcher }, fate) => watcher.recursive && isCome(fate) },
	plainWatchIsBlindBelow: {
		confirmed: ({ watcher }, { kind, reason }) =>
			!watcher.recursive && kind === "notDue" && reason === "not recursive",
	},
	pollsLoseWhatFallsBetween: {
		confirmed: ({ watcher }, fate) => watcher.kind === "poll" && fate.reason === "between two polls",
	},
	slowStreamLosesInSilence: {
		confirmed: ({ watcher }, fate) => watcher.kind === "stream" && fate.kind === "missed",
	},
	streamWithPastIndexGoesDead: {
		confirmed: ({ watcher }, fate) => watcher.kind === "stream" && fate.kind === "missed",
	},
	goLoopLosesNothingMore: {
		confirmed: ({ watcher }, fate) => watcher.kind === "watch" && isCome(fate),
		refuted: ({ watcher }, fate) => watcher.kind === "watch" && fate.kind === "missed",
	},
	lateWatchMissesTheStart: { confirmed: (_, { reason }) => reason === "not yet asked" },
	deletedKeysStreamHearsTwice: { confirmed: (_, { deliveries }) => deliveries.length === 2 },
	ancestorsDeleteIsSeenBelow: { confirmed: (_, fate) => isCome(fate) && isRemoval(fate.change) },
};

function isCome({ kind }: Fate): boolean {
	return kind === "came";
}

function isDeep({ watcher }: WatcherAccount, { change }: Fate): boolean {
	return watcher.recursive && (depthBelow(change.key, watcher.key) ?? 0) >= 2;
}

/** What is true of etcd is refuted by no run, what is false confirmed by none, and a verdict is one on this run. */
function ofClaims(run: Timeline, watchers: readonly WatcherAccount[], of: Parts): string[] {
	return (Object.keys(claims) as ClaimName[]).flatMap((name) => {
		const { verdict, because, evidence } = of.claims(run, name);
		const found: string[] = [];
		const [never, always] =
			run.api === "v2" ? [isFalse, isTrue] : [["grandchildrenAreUnseen"] as const, isTrueOfV3];
		const isWrong = verdict === "confirmed" ? never : verdict === "refuted" ? always : [];
		if ((isWrong as readonly ClaimName[]).includes(name)) found.push(`${name} is ${verdict}: ${because}`);
		const shows = verdict === "untested" ? undefined : accounted[name]?.[verdict];
		if (shows && !watchers.some((one) => one.fates.some((fate) => shows(one, fate))))
			found.push(`${name} is ${verdict}, and nothing in the account shows it: ${because}`);
		for (const one of evidence) {
			const watcher = "watcher" in one ? run.watchers.find((each) => each.name === one.watcher) : undefined;
			const isThere =
				one.kind === "write"
					? run.writes.includes(one.write)
					: one.kind === "delivery"
						? watcher?.deliveries.includes(one.delivery)
						: watcher?.life.includes(one.event);
			if (!isThere) found.push(`${name} has evidence that is not in the run: ${JSON.stringify(one)}`);
		}
		return found;
	});
}

type Shows = (of: WatcherAccount) => boolean;

const some = (of: WatcherAccount, is: (fate: Fate) => boolean) => of.fates.some(is);

/** What the account has to say of one watcher for an exercise to be solved; `exactly`: and it is solved if it does. */
const judged: Partial<
	Record<keyof typeof exercises, { readonly shows: Shows; readonly exactly?: true; readonly api?: "v2" }>
> = {
	unseenWrite: {
		shows: (of) =>
			of.watcher.key === "/a" &&
			some(of, (fate) => fate.change.raisesEvent && !isCome(fate) && fate.kind !== "notKnown"),
		exactly: true,
	},
	sameEventTwice: {
		shows: ({ watcher: { deliveries } }) =>
			new Set(deliveries.map(({ index, key }) => `${index} ${key}`)).size < deliveries.length,
		exactly: true,
	},
	removalInAGap: {
		shows: ({ watcher: { life } }) =>
			life.some((event) => event.kind === "gap" && (event.removed ?? []).length > 0),
		exactly: true,
	},
	pollsThatLoseNothing: {
		shows: ({ watcher, total }) => watcher.kind === "poll" && total.came >= 3 && total.due === total.came,
		api: "v2",
	},
	plainWatchHearsFromAbove: {
		shows: (of) =>
			!of.watcher.recursive &&
			some(of, (fate) => isCome(fate) && (depthBelow(of.watcher.key, fate.change.key) ?? 0) > 0),
		api: "v2",
	},
	grandchildAddedAndDeleted: {
		shows: (of) =>
			of.watcher.key === "/a" &&
			some(of, (fate) => isCome(fate) && isDeep(of, fate) && isRemoval(fate.change)),
		api: "v2",
	},
	quietKeySurvives: {
		shows: (of) => some(of, (fate) => isCome(fate) && fate.change.index > 1000),
		api: "v2",
	},
	oneEventForMany: {
		shows: (of) =>
			of.watcher.recursive &&
			some(of, (fate) => isCome(fate) && fate.change.action === "expire" && fate.change.gone.length >= 2),
		api: "v2",
	},
	shownByTheReplayAlone: { shows: (of) => some(of, ({ reason }) => reason === "hidden"), api: "v2" },
};

function ofExercises(run: Timeline, watchers: readonly WatcherAccount[], of: Parts): string[] {
	return (Object.keys(exercises) as (keyof typeof exercises)[]).flatMap((name) => {
		const { solved, words } = of.judge(run, name);
		const { shows, exactly, api } = judged[name] ?? {};
		if (shows === undefined) return [];
		const isShown = (api === undefined || api === run.api) && watchers.some(shows);
		if (solved && !isShown) return [`${name} is solved, and nothing in the account shows it: ${words}`];
		return exactly && isShown && !solved ? [`${name} is not solved, and the account shows it: ${words}`] : [];
	});
}

/** Every delivery and every silence that no rule accounts for: none on a healthy server, and none on the model. */
export function unexplained(run: Timeline): string[] {
	return accountOf(run).watchers.flatMap(({ watcher, fates }) =>
		fates
			.filter(({ reason }) => reason === "unexplained")
			.map(({ change, kind }) => `${watcher.name}: ${change.action} ${change.key} @${change.index} ${kind}`),
	);
}
