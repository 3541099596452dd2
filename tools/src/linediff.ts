import { type Lens, unaligned } from "./lens";
import { type Pair, paired } from "./pairs";

/** A line of an output. */
export interface Line {
	/** What is compared. */
	readonly compared: string;
	/** What a reader is shown. */
	readonly shown: string;
	/** What is shown of two lines that otherwise look alike. */
	readonly closely: string;
}

/** The changed lines that are shown of one form of one output. */
const MOST_LINES = 12;
const WIDEST = 150;

/** The lines of a text; without those of its tables' and lists' bodies if they are not compared. */
export function textLines(text: string, lens: Lens): Line[] {
	let inTable = false;
	return text.split("\n").flatMap((shown) => {
		const isRuler = /^─[─┼]*$/.test(shown);
		inTable = isRuler || (inTable && shown !== "");
		if (!lens.rows && ((inTable && !isRuler) || /^ +- /.test(shown))) return [];
		return [{ compared: lens.text(shown), shown, closely: shown.replaceAll(" ", "␣") }];
	});
}

/** The lines of some HTML, as it is laid out: a row, a paragraph, an item each. */
export function htmlLines(html: string, lens: Lens): Line[] {
	const lines = html.replace(/<(?:li|ul|tbody|\/(?:tr|thead|tbody|table|li|ul|p))>/g, (tag) =>
		tag.startsWith("</") ? `${tag}\n` : `\n${tag}`,
	);
	return lines.split("\n").flatMap((line) => {
		if (line.trim() === "" || (!lens.rows && /^(?:<tbody>)?(?:<tr><td|<li>)/.test(line))) return [];
		return [{ compared: lens.text(line), shown: plain(line), closely: line }];
	});
}

const ENTITIES: Readonly<Record<string, string>> = { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'" };

function plain(html: string): string {
	return html
		.replace(/<\/t[dh]>(?=<t[dh])/g, " │ ")
		.replace(/<[^<>]*>/g, "")
		.replace(/&(\w+);/g, (entity, name) => ENTITIES[name] ?? entity);
}

/**
 * What differs, a line each: "- " as it was, "+ " as it is, "  " for the line before and the line after. One long
 * value widens its column in every line of a table: that is told only if nothing else differs.
 */
export function lineDiff(before: readonly Line[], after: readonly Line[]): string[] {
	const loosely = linesOf(
		paired(before, after, (a, b) => unaligned(a.compared) === unaligned(b.compared)),
		false,
	);
	if (loosely.length > 0) return loosely;
	return linesOf(
		paired(before, after, (a, b) => a.compared === b.compared),
		true,
	);
}

function linesOf(pairs: readonly Pair<Line>[], closely: boolean): string[] {
	const lines: string[] = [];
	let [changed, more] = [0, 0];
	pairs.forEach((pair, at) => {
		if (pair.same) {
			const beside = pairs[at - 1]?.same === false || pairs[at + 1]?.same === false;
			if (beside && changed < MOST_LINES && pair.after?.shown) lines.push(`  ${clipped(pair.after.shown)}`);
		} else if (changed >= MOST_LINES) more++;
		else {
			lines.push(...bothLines(pair.before, pair.after, closely || pair.before?.shown === pair.after?.shown));
			changed++;
		}
	});
	return more === 0 ? lines : [...lines, `  … and ${more} more`];
}

function bothLines(before: Line | undefined, after: Line | undefined, closely: boolean): string[] {
	const [a, b] = [before, after].map((line) => (closely ? line?.closely : line?.shown));
	const from = a === undefined || b === undefined ? 0 : firstDifference(a, b);
	return [
		...(a === undefined ? [] : [`- ${clipped(a, from)}`]),
		...(b === undefined ? [] : [`+ ${clipped(b, from)}`]),
	];
}

/** Where two texts begin to differ. */
export function firstDifference(a: string, b: string): number {
	let at = 0;
	while (at < a.length && a[at] === b[at]) at++;
	return at;
}

/** At most `widest` characters of a line, with what comes at `from` among them. */
export function clipped(line: string, from = 0, widest = WIDEST): string {
	if (line.length <= widest) return line;
	const start = from < widest * 0.7 ? 0 : Math.min(from - Math.floor(widest / 4), line.length - widest);
	const end = start + widest;
	return `${start > 0 ? "…" : ""}${line.slice(start, end)}${end < line.length ? "…" : ""}`;
}
