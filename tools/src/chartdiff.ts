import type { Lens } from "./lens";
import { clipped, firstDifference } from "./linediff";
import { paired } from "./pairs";

/** One thing that two charts have different. */
export interface ChartDifference {
	/** Such as "data of layer 4 (point): 1 of 3 rows differs". */
	readonly what: string;
	readonly lines: readonly string[];
}

type Json = Readonly<Record<string, unknown>>;

/** The places of a chart that are named; the others are counted. */
const MOST_PLACES = 5;
const MOST_ROWS = 4;
/** The length of a value. */
const BRIEF = 70;

/** A difference, and where in a chart it is. */
interface Place extends ChartDifference {
	/** Such as "data", "encoding.x.type", "description". */
	readonly path: string;
	/** The layers and views in which it is; "" for the chart itself. */
	readonly view: string;
}

/** What two Vega-Lite specifications have different, through a lens: titles, encodings, marks, rows of data. */
export function chartDiff(before: unknown, after: unknown, lens: Lens): ChartDifference[] {
	const found = merged(places(before, after, [], "", lens)).map(({ path, view, what, lines }) => ({
		what: `${path}${view === "" ? "" : ` of ${view}`}: ${what}`,
		lines,
	}));
	const more = found.length - MOST_PLACES;
	if (more <= 0) return found;
	return [...found.slice(0, MOST_PLACES), { what: `${more} more that differ`, lines: [] }];
}

/** One set of rows is often drawn by several layers: told of once. */
function merged(found: readonly Place[]): Place[] {
	const byContent = new Map<string, Place>();
	for (const place of found) {
		const content = JSON.stringify([place.path, place.what, place.lines]);
		const first = byContent.get(content);
		byContent.set(content, first === undefined ? place : { ...first, view: `${first.view}, ${place.view}` });
	}
	return [...byContent.values()];
}

function places(before: unknown, after: unknown, path: readonly string[], view: string, lens: Lens): Place[] {
	if (look(before, lens) === look(after, lens)) return [];
	if (isRows(path) && Array.isArray(before) && Array.isArray(after)) {
		const difference = rowDiff(before, after, lens);
		return difference === undefined ? [] : [{ path: path[0] ?? "", view, ...difference }];
	}
	const parts = partsOf(before, after);
	if (parts === undefined)
		return [{ path: path.join(".") || "the whole", view, ...valueDiff(before, after) }];
	return parts.flatMap((key) => {
		const [a, b] = [at(before, key), at(after, key)];
		const [last = ""] = path.slice(-1);
		if (!VIEWS.includes(last)) return places(a, b, [...path, key], view, lens);
		return places(a, b, [], `${viewName(last, key, a)}${view === "" ? "" : ` of ${view}`}`, lens);
	});
}

const VIEWS = ["layer", "hconcat", "vconcat", "concat"];

/** Such as "layer 4 (point)". */
function viewName(list: string, index: string, spec: unknown): string {
	const mark = at(spec, "mark");
	const type = typeof mark === "string" ? mark : at(mark, "type");
	const name = `${list === "layer" ? "layer" : "view"} ${Number(index) + 1}`;
	return typeof type === "string" ? `${name} (${type})` : name;
}

function valueDiff(before: unknown, after: unknown): ChartDifference {
	const [was, is] = brief(before, after);
	if (was.length + is.length <= BRIEF) return { what: `${was} is now ${is}`, lines: [] };
	return { what: "differs", lines: [`- ${was}`, `+ ${is}`] };
}

function isRows(path: readonly string[]): boolean {
	return (path.at(-2) === "data" && path.at(-1) === "values") || path.at(-2) === "datasets";
}

/** The keys to look into: those of two objects, or of two lists of objects that are as long as each other. */
function partsOf(before: unknown, after: unknown): string[] | undefined {
	if (Array.isArray(before) && Array.isArray(after)) {
		const deep = [...before, ...after].every((each) => isObject(each));
		return deep && before.length === after.length ? Object.keys(before) : undefined;
	}
	if (!isObject(before) || !isObject(after)) return undefined;
	return [...new Set([...Object.keys(before), ...Object.keys(after)])].sort();
}

function rowDiff(
	before: readonly unknown[],
	after: readonly unknown[],
	lens: Lens,
): ChartDifference | undefined {
	if (!lens.rows) {
		const [was, is] = [columns(before), columns(after)];
		return was === is ? undefined : { what: `the columns ${was} are now ${is}`, lines: [] };
	}
	const pairs = paired(before, after, (a, b) => look(a, lens) === look(b, lens));
	const changed = pairs.flatMap((pair, index) => (pair.same ? [] : [{ ...pair, row: index + 1 }]));
	const lines = changed
		.slice(0, MOST_ROWS)
		.flatMap(({ row, before, after }) => rowLines(row, before, after, lens));
	const more = changed.length - MOST_ROWS;
	if (more > 0) lines.push(`  … and ${more} more`);
	const what =
		before.length === after.length
			? `${changed.length} of ${after.length} rows ${changed.length === 1 ? "differs" : "differ"}`
			: `it had ${inRows(before.length)}, and has ${inRows(after.length)}`;
	return { what, lines };
}

function inRows(count: number): string {
	return `${count} row${count === 1 ? "" : "s"}`;
}

/** The fields that differ; of a row that is on one side only, all of them. */
function rowLines(row: number, before: unknown, after: unknown, lens: Lens): string[] {
	const [was, is] = [flat(before), flat(after)];
	const both = before !== undefined && after !== undefined;
	const [a, b]: string[][] = [[], []];
	for (const key of new Set([...was.keys(), ...is.keys()])) {
		if (both && look(was.get(key), lens) === look(is.get(key), lens)) continue;
		const [x, y] = brief(was.get(key), is.get(key));
		a?.push(`${key} ${x}`);
		b?.push(`${key} ${y}`);
	}
	return [
		...(before === undefined ? [] : [clipped(`- row ${row}: ${a?.join(", ")}`)]),
		...(after === undefined ? [] : [clipped(`+ row ${row}: ${b?.join(", ")}`)]),
	];
}

/** A row's fields by their path, such as "tip.index"; what is no object is its own only field. */
function flat(row: unknown, path = ""): Map<string, unknown> {
	if (!isObject(row)) return new Map(row === undefined ? [] : [[path || "value", row]]);
	return new Map(
		Object.keys(row).flatMap((key) => [...flat(row[key], path === "" ? key : `${path}.${key}`)]),
	);
}

function columns(rows: readonly unknown[]): string {
	return [...new Set(rows.flatMap((row) => [...flat(row).keys()]))].sort().join(", ") || "(none)";
}

/** A value as it looks through a lens, as text: two that look the same are equal. */
function look(value: unknown, lens: Lens): string {
	return (
		JSON.stringify(value, (_, each: unknown) => {
			if (typeof each === "string") return lens.text(each);
			if (typeof each === "number") return lens.number(each);
			if (!isObject(each)) return each;
			return Object.fromEntries(Object.entries(each).sort(([a], [b]) => (a < b ? -1 : 1)));
		}) ?? "nothing"
	);
}

/** Two values, short, with what differs in what is left of them. */
function brief(before: unknown, after: unknown): [string, string] {
	const [a, b] = [before, after].map((value) => {
		if (value === undefined) return "nothing";
		if (Array.isArray(value) && value.every((each) => isObject(each))) return `a list of ${value.length}`;
		return JSON.stringify(value);
	}) as [string, string];
	const from = firstDifference(a, b);
	return [clipped(a, from, BRIEF), clipped(b, from, BRIEF)];
}

function at(value: unknown, key: string): unknown {
	if (Array.isArray(value)) return value[Number(key)];
	return isObject(value) ? value[key] : undefined;
}

function isObject(value: unknown): value is Json {
	return typeof value === "object" && value !== null && !Array.isArray(value);
}
