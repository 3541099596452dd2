import { isHiddenFrom } from "../v2/key";
import { accountOf, type WriteFate } from "./account";
import { type Reason, type Sentence, SILENT, sourceOf, unacceptedWords } from "./account/reasons";
import { printable } from "./printable";
import type { Timeline, WatcherRecord } from "./timeline";
import { UnknownReasonError, Words } from "./why";

export type { Reason } from "./account/reasons";

/** Why a watcher was or wasn't told of a write. */
export interface Explanation {
	/** How many times the event came; 0 for silence. */
	readonly delivered: number;
	readonly reason: Reason;
	/** One or two plain sentences. */
	readonly words: string;
	/** Where in etcd's tree, at v3.5.9, the rule stands; "" where it is the client's. */
	readonly source: string;
	/** The notebook that shows it, such as "01-recursive". */
	readonly notebook: string;
}

/**
 * Says in one or two sentences why a watcher was or wasn't told of a write, by the rule that decided.
 * @param write its number, from 1 in the order tried
 * @throws RangeError for a watcher or a write that the run lacks; UnknownReasonError where no rule accounts for it
 */
export function explain(timeline: Timeline, watcher: string, write: number): Explanation {
	const { account, fate } = fateAt(timeline, watcher, write);
	const { reason, deliveries } = fate;
	const [source, notebook] =
		(timeline.api === "v2" ? hiddenFromHistory(account.watcher, fate) : undefined) ??
		sourceOf(reason, timeline.api);
	const words = sentenceOf(timeline, watcher, write).join(": ");
	return { delivered: deliveries.length, reason, words, source, notebook };
}

function sentenceOf(timeline: Timeline, watcher: string, write: number): Sentence {
	const { account, fate } = fateAt(timeline, watcher, write);
	return fate.worst === undefined
		? unacceptedWords(timeline.api, fate.write)
		: new Words(account, fate, fate.worst).all();
}

function fateAt(timeline: Timeline, watcher: string, write: number) {
	const account = accountOf(timeline).watcher(watcher);
	// They are numbered in their order, and a long run is asked for each of them.
	const inOrder = timeline.writes[write - 1];
	const written = inOrder?.id === write ? inOrder : timeline.writes.find(({ id }) => id === write);
	if (!written) throw new RangeError(`there is no write ${write}: this run has ${timeline.writes.length}`);
	return { account, fate: account.fateOf(written) };
}

function hiddenFromHistory({ key }: WatcherRecord, { reason, worst }: WriteFate) {
	if (!worst || reason !== "history: recursive" || !isHiddenFrom(key, worst.change.key)) return undefined;
	return [sourceOf(reason, "v2")[0], "09-playground"] as const;
}

/** Whether a watcher was told of a write, and why; said loudly where no known rule accounts for it. */
function said(timeline: Timeline, watcher: string, write: number): Sentence {
	try {
		return sentenceOf(timeline, watcher, write);
	} catch (error) {
		if (error instanceof UnknownReasonError) return ["UNEXPLAINED", error.message];
		throw error;
	}
}

/** Why a watcher was or wasn't told of a write, in a whole sentence. */
export function whyWords(timeline: Timeline, watcher: string, write: number): string {
	return printable(said(timeline, watcher, write).join(": "));
}

/** The same after a sentence that has already said whether it came; `often`: and how often. */
export function becauseWords(timeline: Timeline, watcher: string, write: number, often = false): string {
	const [came, why] = said(timeline, watcher, write);
	return printable(often || came === "delivered" || came === SILENT ? why : `${came}: ${why}`);
}
