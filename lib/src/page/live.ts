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

const BETWEEN_MS = 200;

/**
 * Begins an output that can be updated in place: a chart that grows, or a table. Outside a notebook only what is
 * shown last is printed, at `finish()`.
 */
export function live(initial?: View): Live {
	const displayId = `lab-${randomUUID()}`;
	const notebook = inNotebook();
	let last: Bundle | undefined;
	const output = paced((bundle, update) => {
		last = bundle;
		if (notebook) show(bundle, { displayId, update });
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

/** The pacing alone: after each send a pause of 200 ms, at whose end the latest that was given meanwhile is sent. */
export function paced(send: (bundle: Bundle, isUpdate: boolean) => void): Live {
	let waiting: View | (() => View) | undefined;
	let pause: NodeJS.Timeout | undefined;
	let isUpdate = false;
	let isFinished = false;
	const failed: unknown[] = [];

	const sendLatest = () => {
		const view = waiting;
		waiting = undefined;
		clearTimeout(pause);
		pause = undefined;
		if (view === undefined) return;
		send(bundleOf(typeof view === "function" ? view() : view), isUpdate);
		isUpdate = true;
		if (!isFinished) pause = setTimeout(sendLater, BETWEEN_MS);
	};
	const sendLater = () => {
		try {
			sendLatest();
		} catch (error) {
			failed.push(error);
		}
	};
	const complain = () => {
		for (const error of failed.splice(0)) throw error;
	};
	return {
		update(view) {
			complain();
			if (isFinished) throw new Error("this live output is finished: begin another with live()");
			waiting = view;
			if (pause === undefined) sendLatest();
		},
		finish() {
			isFinished = true;
			sendLatest();
			complain();
		},
	};
}

/** A view in the forms that a notebook chooses from. */
function bundleOf(view: View): Bundle {
	return "spec" in view ? chartBundle(view) : tableBundle(view);
}
