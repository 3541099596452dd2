import { isRecord, type Output, sorted } from "./file";
import { type Line, unaligned } from "./line-diff";
import { normalised } from "./normalise";
import { CHART, formOf, PICTURE, TABLE, TEXT, textOf } from "./outputs";
import type { VolatileCell } from "./volatile-cells";

/** The forms of an output, what a stream or an error says among them, in the order in which they are told of. */
export function formsOf({ data }: Output): string[] {
	if (data === undefined) return [TEXT];
	const known = [TEXT, TABLE, CHART, PICTURE].filter((mime) => data[mime] !== undefined);
	return [...new Set([...known, ...Object.keys(data).sort()])];
}

/**
 * A form of an output as lines of text: two are the same if their lines are. A text is its lines, HTML is a line for
 * each row, paragraph and item, a chart a line for each of its values by its JSON path and one for each row of its
 * data, a picture is one line.
 *
 * @param entry the output is of a cell whose numbers are not compared
 */
export function canonicalText(output: Output, mime: string, entry?: VolatileCell): Line[] {
	if (mime === CHART) return [...chartLines(output.data?.[mime], "", entry)];
	const text = rawText(output, mime);
	if (mime === PICTURE) return [pictureLine(text, entry)];
	return mime === TABLE ? htmlLines(text, entry) : textLines(text, entry);
}

/** A form as it is: where it is equal, its lines are. */
export function rawText(output: Output, mime: string): string {
	return mime === TEXT ? textOf(output) : (formOf(output, mime) ?? "");
}

/** The lines of a text; without those of its tables' and lists' bodies where their number may differ. */
export function textLines(text: string, entry?: VolatileCell): Line[] {
	let inTable = false;
	return text.split("\n").flatMap((shown) => {
		const isRuler = /^─[─┼]*$/.test(shown);
		inTable = isRuler || (inTable && shown !== "");
		if (entry?.rows === "vary" && ((inTable && !isRuler) || /^ +- /.test(shown))) return [];
		return [{ compared: tolerant(shown, entry), shown }];
	});
}

function htmlLines(html: string, entry: VolatileCell | undefined): Line[] {
	const lines = html.replace(/<(?:li|ul|tbody|\/(?:tr|thead|tbody|table|li|ul|p))>/g, (tag) =>
		tag.startsWith("</") ? `${tag}\n` : `\n${tag}`,
	);
	return lines.split("\n").flatMap((shown) => {
		const isRow = /^(?:<tbody>)?(?:<tr><td|<li>)/.test(shown);
		if (shown.trim() === "" || (entry?.rows === "vary" && isRow)) return [];
		return [{ compared: tolerant(shown, entry), shown }];
	});
}

/** Of a volatile cell its name alone: it draws what its chart tells. */
function pictureLine(svg: string, entry: VolatileCell | undefined): Line {
	const drawn = entry === undefined ? svg : (/^<svg [^>]*?aria-label="([^"]*)"/.exec(svg)?.[1] ?? "");
	return { compared: tolerant(drawn, entry), shown: svg };
}

function* chartLines(value: unknown, path: string, entry: VolatileCell | undefined): Generator<Line> {
	const isList = Array.isArray(value) && value.length > 0;
	if (isList && /(?:^|\.)(?:data\.values|datasets\.[^.]+)$/.test(path)) {
		if (entry?.rows === "vary") {
			const names = [...new Set(value.flatMap((row) => columns(row)))].sort().join(", ");
			return yield line(`${path}, columns: ${names}`);
		}
		for (const [at, row] of value.entries())
			yield {
				compared: `${path}: ${comparable(row, entry)}`,
				shown: `${path}, row ${at + 1}: ${comparable(row)}`,
			};
	} else if (isList && value.every(isRecord)) {
		yield line(`${path}: a list of ${value.length}`);
		for (const [at, each] of value.entries()) yield* chartLines(each, `${path}[${at}]`, entry);
	} else if (isRecord(value) && Object.keys(value).length > 0) {
		for (const key of Object.keys(value).sort())
			yield* chartLines(value[key], path === "" ? key : `${path}.${key}`, entry);
	} else
		yield { compared: `${path}: ${comparable(value, entry)}`, shown: `${path}: ${JSON.stringify(value)}` };
}

function line(text: string): Line {
	return { compared: text, shown: text };
}

/** The names of a row's values, such as "tip.index". */
function columns(row: unknown, path = ""): string[] {
	if (!isRecord(row)) return [path];
	return Object.keys(row).flatMap((key) => columns(row[key], path === "" ? key : `${path}.${key}`));
}

/** A value as JSON with sorted keys: two that may be taken for the same are equal. */
function comparable(value: unknown, entry?: VolatileCell): string {
	return JSON.stringify(sorted(value), (_, each: unknown) => {
		if (typeof each === "string") return tolerant(each, entry);
		return typeof each === "number" && entry !== undefined ? "n" : each;
	});
}

/** Not the digits of a name (v3, p50) or of a colour (#0072B2). */
const NUMBER = /(?<![#\w.])[-−]?\d+(?:[.,]\d+)*/g;

function tolerant(text: string, entry: VolatileCell | undefined): string {
	const fixed = normalised(text);
	return entry === undefined ? fixed : unaligned(fixed.replace(NUMBER, "n"));
}
