import fs from "node:fs";
import path from "node:path";

/**
 * How often a second `work` is done, which does `count` things at a time: the best of the rounds, since whatever
 * else the machine does can only slow one down.
 */
export async function rate(
	count: number,
	work: () => void | Promise<void>,
	rounds = 7,
	roundMs = 400,
): Promise<number> {
	let best = 0;
	for (let nth = 0; nth <= rounds; nth++) {
		const { times, ms } = await round(work, roundMs);
		best = Math.max(best, (times * count * 1000) / ms);
	}
	return best;
}

async function round(
	work: () => void | Promise<void>,
	roundMs: number,
): Promise<{ times: number; ms: number }> {
	const begin = performance.now();
	let times = 0;
	let ms = 0;
	while (ms < roundMs) {
		const done = work();
		if (done) await done;
		times++;
		ms = performance.now() - begin;
	}
	return { times, ms };
}

/** The middle one, or the mean of the two in the middle. */
export function median(values: readonly number[]): number {
	const sorted = values.toSorted((a, b) => a - b);
	const middle = sorted.length / 2;
	return ((sorted[Math.ceil(middle) - 1] ?? Number.NaN) + (sorted[Math.floor(middle)] ?? Number.NaN)) / 2;
}

/** The smallest value that is not below such a share of them, from above 0 to 1. */
export function quantile(values: readonly number[], share: number): number {
	return values.toSorted((a, b) => a - b)[Math.ceil(values.length * share) - 1] ?? Number.NaN;
}

export function rounded(value: number, digits = 0): number {
	return Number(value.toFixed(digits));
}

/** Writes bench/results/NAME.json and its charts, which are SVG by their names. */
export function writeResults(name: string, results: object, charts: Readonly<Record<string, string>>): void {
	const folder = path.resolve(__dirname, "..", "results");
	fs.mkdirSync(folder, { recursive: true });
	fs.writeFileSync(path.join(folder, `${name}.json`), `${JSON.stringify(results, null, "\t")}\n`);
	for (const [chart, svg] of Object.entries(charts)) fs.writeFileSync(path.join(folder, `${chart}.svg`), svg);
}
