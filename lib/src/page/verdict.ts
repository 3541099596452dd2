import { escapeUTF8 } from "entities";
import type { Evidence, Verdict } from "../claims/claim";
import { printable, shortened } from "../timeline/printable";
import { lifeWords, recordedIn, refusalWords, type Unit, unitOf, writeWords } from "../timeline/reading";
import { show } from "./display";
import { htmlBlock, type Table, tableBundle } from "./table";

const SIGN = { confirmed: "✓", refuted: "✗", untested: "?" } as const;
/** Claims give all that they found; what is shown has to fit under a cell. */
const MOST_EVIDENCE = 6;

/** One row of evidence as a sentence. */
function evidenceWords(evidence: Evidence, unit: Unit = "index"): string {
	switch (evidence.kind) {
		case "write": {
			const { write } = evidence;
			const { outcome } = write;
			// The writes of a burst race each other: a number would only look like an index that is off.
			const one = `write${write.burst === undefined ? ` ${write.id}` : " of a burst"}, ${writeWords(write, unit)}`;
			if (outcome.kind !== "accepted") return `${one}: ${refusalWords(outcome)}`;
			const event = outcome.raisesEvent ? "" : ", and raised no event";
			return `${one}: took ${unit} ${outcome.index}${event}`;
		}
		case "delivery": {
			const { delivery } = evidence;
			const from = delivery.fromHistory ? ", from the history" : "";
			return `${printable(evidence.watcher)} got ${delivery.action} ${shortened(delivery.key, 60)}, ${unit} ${delivery.index}${from}`;
		}
		case "life":
			return `${printable(evidence.watcher)}: ${lifeWords(evidence.event, unit)}`;
	}
}

export interface VerdictOptions {
	/** False leaves out the rows that show it, where a chart beside it does. */
	readonly evidence?: boolean;
}

/** A verdict as HTML and text: the claim, how it ends, why, and the rows that show it. */
export function verdictView(verdict: Verdict, options: VerdictOptions = {}): Table {
	const { claim, because } = verdict;
	const unit = unitOf({ api: verdict.api ?? "v2" });
	const head = `${SIGN[verdict.verdict]} ${verdict.verdict}`;
	const evidence = options.evidence === false ? [] : verdict.evidence;
	const rows = evidence.slice(0, MOST_EVIDENCE).map((one) => evidenceWords(one, unit));
	const more = evidence.length - rows.length;
	if (more > 0) rows.push(`… and ${more} more`);
	rows.push(...recordedIn([verdict]));
	const list =
		rows.length === 0 ? "" : `<ul>${rows.map((row) => `<li>${escapeUTF8(row)}</li>`).join("")}</ul>`;
	return {
		html: htmlBlock(
			[
				`<p><strong>${escapeUTF8(head)}</strong>: ${escapeUTF8(printable(claim))}</p>`,
				`<p>${escapeUTF8(printable(because))}</p>${list}`,
			],
			`verdict ${verdict.verdict}`,
		),
		text: `${[`${head}: ${printable(claim)}`, `  ${printable(because)}`, ...rows.map((row) => `  - ${row}`)].join("\n")}\n`,
	};
}

/** Shows how a claim ends, why, and the evidence. To have it as data, call `verdictView`. */
export function showVerdict(verdict: Verdict, options: VerdictOptions = {}): void {
	show(tableBundle(verdictView(verdict, options)));
}
