import { type Chart, chartOf, type Titles } from "../../chart/frame";
import type { Shape } from "../../chart/shape";
import { COLOUR } from "../../chart/style";
import { showChart } from "../../page/chart";
import { pixelsOf, printable, textTable } from "../../timeline/printable";
import { type VersionColumn, versionExperiments } from "./columns";
import type { VersionExperiment } from "./experiment";
import { MATRIX_WIDTH, markOf, rowName } from "./matrix";

type Versions = VersionExperiment["versions"];

/** The minor versions that the lab knows of, in order. */
const series: readonly string[] = ["3.4", "3.5", "3.6", "3.7"];

interface Release {
	/** Its place in `series`; -1: the lab knows nothing of it. */
	readonly place: number;
	readonly patch: number;
}

function releaseOf(etcd: string): Release {
	const [, minor = "", patch = ""] = /^v?(\d+\.\d+)\.(\d+)/.exec(etcd) ?? [];
	return { place: series.indexOf(minor), patch: Number(patch) };
}

function patchesIn(versions: Versions, place: number): readonly [number, number] | undefined {
	return versions[series[place] ?? ""];
}

/** Whether a release is one of those that have it, by etcd's changelogs; false for one that the lab knows nothing of. */
export function isIn(versions: Versions, etcd: string): boolean {
	const { place, patch } = releaseOf(etcd);
	const patches = patchesIn(versions, place);
	return patches !== undefined && patch >= patches[0] && patch <= patches[1];
}

/** The first release from this one on that does not have it; undefined where none is known. */
export function freeFrom(versions: Versions, etcd: string): string | undefined {
	return firstFree([versions], etcd);
}

/** The first release from this one on that has none of the faults that a release has mended. */
export function freeOfAll(etcd: string): string | undefined {
	const mended = faults.map(({ versions }) => versions).filter((versions) => freeFrom(versions, "3.4.0"));
	return firstFree(mended, etcd);
}

const faults = versionExperiments.filter(({ kind }) => kind === "fault");

function firstFree(all: readonly Versions[], etcd: string): string | undefined {
	const begin = releaseOf(etcd);
	if (begin.place < 0) return undefined;
	for (const [place, minor] of series.entries()) {
		if (place < begin.place) continue;
		const earliest = place === begin.place ? begin.patch : 0;
		// A fault can end only at a release after its last one.
		const ends = all.map((versions) => (patchesIn(versions, place)?.[1] ?? -1) + 1).filter(Number.isFinite);
		const candidates = [earliest, ...ends.filter((patch) => patch > earliest)].sort((a, b) => a - b);
		for (const patch of candidates) {
			const release = `${minor}.${patch}`;
			if (all.every((versions) => !isIn(versions, release))) return release;
		}
	}
	return undefined;
}

const ROW = 21;
const HEAD = 30;
/** What of the plot is left for the words beside the bars. */
const WORDS = 150;

/**
 * Draws which faults a server has: a row for a fault, along the patch releases of its minor version, a bar over those
 * that have it by etcd's changelogs. The mark at the server's own release is what was seen on it. Pure.
 */
export function upgradeChart(yours: VersionColumn, options: Titles = {}): Chart {
	const { etcd } = yours;
	const { place, patch } = releaseOf(etcd);
	const minor = series[place];
	const rows = faults.map((experiment) => ({
		experiment,
		patches: patchesIn(experiment.versions, place),
		words: wordsOf(experiment, etcd),
	}));
	const ends = rows.flatMap(({ patches }) => patches?.filter(Number.isFinite) ?? []);
	const most = Math.max(patch, ...ends, 1) + 2;
	const x = (at: number) => Math.round(((MATRIX_WIDTH - WORDS) * (at + 0.5)) / (most + 1));
	const free = freeOfAll(etcd);
	const {
		title = `Which of these has etcd ${printable(etcd)}?`,
		subtitle = minor === undefined
			? "The lab knows nothing of the releases of its minor version"
			: `A bar: the releases of ${minor} that have it, by etcd's changelogs. ${free === undefined ? "No release is free of all" : free === etcd ? "It is free of all that a release has mended" : `Free of all that a release has mended: ${free}`}`,
	} = options;
	const height = HEAD + rows.length * ROW;
	const widest = Math.max(...faults.map((one) => pixelsOf(rowName(one), 11.5)));
	const left = Math.ceil(widest) + 28;
	const shapes: Shape[] = [
		{ style: "columnHead", x: x(patch), y: 8, text: `yours, ${printable(etcd)}` },
		{ style: "head", x: MATRIX_WIDTH - WORDS + 10, y: 8, text: "upgrade to at least" },
		{ style: "event", x: x(patch), y: 16, y2: height },
		...rows.flatMap(({ experiment, patches, words }, nth): Shape[] => {
			const y = HEAD + nth * ROW + ROW / 2;
			const found = yours.results[experiment.id];
			const hasIt = isIn(experiment.versions, etcd);
			const bar: Shape[] =
				patches === undefined
					? []
					: [
							{
								style: hasIt ? "affected" : "track",
								...{ x: x(patches[0] - 0.5), x2: x(Math.min(patches[1], most) + 0.5), y: y - 5, y2: y + 5 },
								say: `${experiment.name}: ${rangeWords(minor ?? "", patches)}`,
								tip: { fault: experiment.claim, releases: rangeWords(minor ?? "", patches) },
							},
						];
			return [
				{ style: "rowName", x: -14, y, text: rowName(experiment) },
				{ style: "row", x: 0, x2: MATRIX_WIDTH, y: y + ROW / 2 },
				...bar,
				{
					style: markOf(experiment, found),
					...{ x: x(patch), y, size: 110 },
					say: `${experiment.name}, seen on yours: ${found?.verdict ?? "not run"}`,
					tip: { fault: experiment.claim, "what was seen": found?.because ?? "not run" },
				},
				{
					style: "number",
					...{ x: MATRIX_WIDTH - WORDS + 10, y, text: words },
					colour: hasIt ? COLOUR.refusedText : COLOUR.quiet,
				},
			];
		}),
	];
	return chartOf({
		title,
		subtitle,
		description: rows.map(({ experiment, words }) => `${experiment.name}: ${words}.`).join(" "),
		text: `${[
			printable(title),
			printable(subtitle),
			"",
			...textTable(
				[
					[
						"fault",
						minor === undefined ? "" : `releases of ${minor}`,
						"seen on yours",
						"upgrade to at least",
						"or",
					],
				],
				rows.map(({ experiment, patches, words }) => [
					rowName(experiment),
					patches === undefined ? "none" : rangeWords(minor ?? "", patches),
					yours.results[experiment.id]?.verdict ?? "not run",
					words,
					isIn(experiment.versions, etcd) ? experiment.advice : "",
				]),
				[],
			),
		].join("\n")}\n`,
		left,
		plotHeight: height + 4,
		plotWidth: MATRIX_WIDTH,
		above: 10,
		below: 12,
		shapes,
	});
}

/** Shows `upgradeChart`. */
export function showUpgrades(yours: VersionColumn, options: Titles = {}): void {
	showChart(upgradeChart(yours, options));
}

function rangeWords(minor: string, [first, last]: readonly [number, number]): string {
	if (!Number.isFinite(last)) return first === 0 ? "all" : `from ${minor}.${first} on`;
	return first === last ? `${minor}.${first}` : `${minor}.${first} to ${minor}.${last}`;
}

function wordsOf({ versions }: VersionExperiment, etcd: string): string {
	if (!isIn(versions, etcd)) return "not in yours";
	return freeFrom(versions, etcd) ?? "no release mends it";
}
