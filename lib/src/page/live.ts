import { randomUUID } from "node:crypto";
import type { Chart } from "../chart/frame";
import { chartBundle } from "./chart";
import { type Bundle, inNotebook, show } from "./display";
import { type Table, tableBundle } from "./table";

/** What can be shown and shown again in the same place. */
export type View = Chart | Table;

/** One output that is updated in place while an experiment runs. */
export interface Live {
	/**
	 * Shows this instead of what was there. Called more often than five times a second, only the latest is shown,
	 * a moment later. Give a function where making the view costs something: it is called only for what is shown.
	 * @throws what a function given earlier threw, when it was called in between.
	 */
	update(view: View | (() => View)): void;
	/** Shows the latest now, if it isn't shown yet, and ends the updates: call it in a `finally`. */
	finish(): void;
}

/** What the pace of updates depends on: replaced in tests. */
export interface Pace {
	now(): number;
	/** Calls back after so many milliseconds; returns how to call it off. */
	later(callback: () => void, ms: number): () => void;
	send(bundle: Bundle, update: boolean): void;
}

const BETWEEN_MS = 200;

/**
 * Begins an output that can be updated in place: a chart that grows, or a table. Outside a notebook only what is
 * shown last is printed, at `finish()`.
 */
export function live(initial?: View): Live {
	const displayId = `lab-${randomUUID()}`;
	const notebook = inNotebook();
	let last: Bundle | undefined;
	const output = paced({
		now: () => performance.now(),
		later: (callback, ms) => {
			const timer = setTimeout(callback, ms);
			return () => clearTimeout(timer);
		},
		send: (bundle, update) => {
			last = bundle;
			if (notebook) show(bundle, { displayId, update });
		},
	});
	if (initial) output.update(initial);
	return {
		update: (view) => output.update(view),
		finish: () => {
			output.finish();
			if (!notebook && last) show(last);
			last = undefined;
		},
	};
}

/** The pacing alone: at most one send in 200 ms, and the latest is never lost. */
export function paced(pace: Pace): Live {
	let waiting: (() => View) | undefined;
	let callOff: (() => void) | undefined;
	let failed: { readonly error: unknown } | undefined;
	let sentAt = Number.NEGATIVE_INFINITY;
	let sent = false;
	let finished = false;

	const send = () => {
		callOff?.();
		callOff = undefined;
		const view = waiting;
		waiting = undefined;
		if (!view) return;
		pace.send(bundleOf(view()), sent);
		sent = true;
		sentAt = pace.now();
	};
	const sendLater = () => {
		try {
			send();
		} catch (error) {
			failed = { error };
		}
	};
	const complain = () => {
		if (!failed) return;
		const { error } = failed;
		failed = undefined;
		throw error;
	};
	return {
		update(view) {
			complain();
			if (finished) throw new Error("this live output is finished: begin another with live()");
			waiting = typeof view === "function" ? view : () => view;
			const due = sentAt + BETWEEN_MS - pace.now();
			if (due <= 0) send();
			else callOff ??= pace.later(sendLater, due);
		},
		finish() {
			finished = true;
			send();
			complain();
		},
	};
}

/** A view in the forms that a notebook chooses from. */
export function bundleOf(view: View): Bundle {
	return "spec" in view ? chartBundle(view) : tableBundle(view);
}
