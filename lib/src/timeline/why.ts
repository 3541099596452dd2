import { explain, UnknownReasonError } from "./explain";
import { printable } from "./printable";
import type { Timeline } from "./timeline";

/** Why a watcher was or wasn't told of a write; said loudly where no known rule accounts for it. */
export function whyWords(timeline: Timeline, watcher: string, write: number): string {
	try {
		return printable(explain(timeline, watcher, write).words);
	} catch (error) {
		if (error instanceof UnknownReasonError) return `UNEXPLAINED: ${printable(error.message)}`;
		throw error;
	}
}

/** The same after a sentence that has already said whether it came. */
export function becauseWords(timeline: Timeline, watcher: string, write: number): string {
	return whyWords(timeline, watcher, write).replace(/^(not )?delivered: /, "");
}
