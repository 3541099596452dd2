import type { Target } from "../scenario/api";
import { scenario } from "../scenario/scenario";
import { checkWrites } from "../scenario/server";
import { EventIndexClearedError } from "../v2";

/** How far back the server's event history went at one moment, counted from the start of the experiment. */
export interface HistoryMoment {
	/** The store's index. */
	readonly index: number;
	/** The lowest index that could still be asked for. */
	readonly oldestKept: number;
	readonly newestKept: number;
}

/** The same with what is to be said of it. */
export interface WindowMoment extends HistoryMoment {
	/** What happened then, in a few words. */
	readonly note?: string;
}

/** An event to follow. */
export interface WindowEvent {
	readonly index: number;
	/** Such as "set /quiet". */
	readonly label: string;
}

/**
 * Writes one key once, then `count` times to other keys, and asks the server after every `every` writes how far
 * back its history goes: with waitIndex=1, which is answered by a 401 that names the oldest index kept. Indexes
 * are counted from before the first write; what the server keeps from before that is left out.
 * @throws SharedServerError when the server has other users; errors of the keys API
 */
export async function slideHistory(
	target: Target,
	options: { readonly count: number; readonly every: number },
): Promise<{ readonly moments: readonly HistoryMoment[]; readonly quietIndex: number }> {
	checkWrites(target, options.count, `sliding the history by ${options.count} writes`);
	const { origin } = await scenario("the quiet key").set("/quiet/key", "still here").run(target);
	const moments: HistoryMoment[] = [await historyNow(target, origin)];
	for (let written = 0; written < options.count; written += options.every) {
		const count = Math.min(options.every, options.count - written);
		await scenario("other people's writes").burst("/noise", { count, keyCount: 10 }).run(target);
		moments.push(await historyNow(target, origin));
	}
	return { moments, quietIndex: 1 };
}

async function historyNow({ v2 }: Target, origin: number): Promise<HistoryMoment> {
	try {
		const poll = await v2.poll("/", { recursive: true, afterIndex: 0 });
		poll.close();
		// Nothing was cleared yet: the store's whole life is in the history.
		const index = poll.headers.etcdIndex - origin;
		return { index, oldestKept: 1, newestKept: index };
	} catch (error) {
		if (!(error instanceof EventIndexClearedError)) throw error;
		const index = error.index - origin;
		return { index, oldestKept: Math.max(1, error.oldestIndex - origin), newestKept: index };
	}
}
