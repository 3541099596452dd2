import { randomInt } from "node:crypto";
import { parseArgs } from "node:util";
import { isProof, tellCounts } from "#tools/programs/counted";
import { runMain, wholeNumber } from "../../support/arguments";
import { Bar } from "../../support/bar";
import { notCovered } from "../../support/coverage";
import { etcdOf, kinds } from "../../support/etcds";
import { search, summary, tooFew } from "./many";

/** `npm run differential`, as the process that tools/src/programs/engine.ts starts. */
async function main(): Promise<number> {
	const { values } = parseArgs({
		options: {
			runs: { type: "string", default: "1000" },
			seed: { type: "string" },
			path: { type: "string" },
			etcd: { type: "string" },
			servers: { type: "string", default: "6" },
		},
	});
	const seed = values.seed === undefined ? randomInt(1_000_000_000) : wholeNumber("seed", values.seed);
	const runs = wholeNumber("runs", values.runs);
	const binaries = await binariesFor(
		values.etcd,
		values.path === undefined ? wholeNumber("servers", values.servers) : 1,
	);
	console.log(`seed ${seed}, ${binaries.length} servers`);
	const bar = new Bar("{bar} {value} of {total} programs, {rate} a second, {eta_formatted} to go", {
		plainEveryMs: 30_000,
		etaBuffer: 1_000,
	});
	let begin = performance.now();
	const searched = await search({
		binaries,
		seed,
		runs,
		...(values.path === undefined ? {} : { path: values.path }),
		ready() {
			begin = performance.now();
			bar.start(runs, { rate: 0 });
		},
		found() {
			bar.stop();
			console.log("a difference; looking for the smallest program that shows it");
		},
		ran({ programs }) {
			bar.update(programs, { rate: Math.round((programs * 1000) / (performance.now() - begin)) });
		},
	});
	bar.stop();
	console.log(summary(searched));
	console.log(searched.difference ?? "no difference");
	if (searched.difference !== undefined) return 1;
	if (!isProof) return 0;
	const seldom = tooFew(searched.counts);
	console.log(seldom.length === 0 ? "" : `shown too seldom: ${seldom.join(", ")}`);
	const { programs, expiry, overflow } = searched.counts;
	tellCounts(searched.byVersion.keys(), { programs, "with an expiry": expiry, "past the history": overflow });
	return seldom.length === 0 ? 0 : 1;
}

async function binariesFor(kind: string | undefined, count: number): Promise<readonly string[]> {
	if (kind !== undefined && !isKind(kind))
		throw new Error(`--etcd is one of ${kinds.join(", ")}, not "${kind}"`);
	const found: string[] = [];
	for (const wanted of kind === undefined ? kinds : [kind]) {
		const etcd = await etcdOf(wanted);
		if ("binary" in etcd) found.push(etcd.binary);
		else if (isProof) notCovered(etcd.missing);
		else console.log(`without ${etcd.missing}`);
	}
	if (found.length === 0) throw new Error(`there is no such etcd here`);
	return Array.from({ length: count }, (_, nth) => found[nth % found.length] ?? "");
}

function isKind(text: string): text is (typeof kinds)[number] {
	return kinds.some((kind) => kind === text);
}

runMain(main);
