import v8 from "node:v8";
import vm from "node:vm";
import { type Follower, follow } from "etcd-watch-lab/follow";
import { startLab } from "etcd-watch-lab/server";
import { curveChart } from "#lib/pages";
import { isProof, tellCounts } from "#tools/programs/counted";
import { client, Party } from "./follow/party";
import { rounded, writeResults } from "./measure";

const minutes = Number(process.argv[2] ?? 20);
const atATime = 20_000;
const key = "/soak";

/** One sample. Bytes are after a garbage collection. */
interface Sample {
	readonly minute: number;
	readonly events: number;
	readonly heapMiB: number;
	readonly rssMiB: number;
}

/** Counts what follows the index without a hole: nobody else writes to this server. */
async function count(
	follower: Follower,
	afterIndex: number,
	seen: { index: number; wrong: string[] },
): Promise<void> {
	seen.index = afterIndex;
	for await (const change of follower) {
		if (change.kind !== "event") seen.wrong.push(`a ${change.kind} after ${seen.index}`);
		else if (change.index !== seen.index + 1) seen.wrong.push(`${change.index} after ${seen.index}`);
		seen.index = change.kind === "event" ? change.index : change.state.index;
	}
}

async function main(): Promise<void> {
	v8.setFlagsFromString("--expose-gc");
	const collect = vm.runInNewContext("gc") as () => void;
	const lab = await startLab({ env: {} });
	const writer = Party.start(client("the writer", "writer"));
	const samples: Sample[] = [];
	const seen = { index: 0, wrong: [] as string[] };
	let last = 0;
	try {
		const follower = follow(lab.v2, key, { recursive: true });
		const { index: afterIndex } = await follower.ready();
		const counting = count(follower, afterIndex, seen);
		const begin = performance.now();
		const sample = () => {
			collect();
			const { heapUsed, rss } = process.memoryUsage();
			const minute = rounded((performance.now() - begin) / 60_000, 2);
			const events = seen.index - afterIndex;
			samples.push({
				minute,
				events,
				heapMiB: rounded(heapUsed / 2 ** 20, 1),
				rssMiB: rounded(rss / 2 ** 20, 1),
			});
			console.log(JSON.stringify(samples.at(-1)));
		};
		while (performance.now() - begin < minutes * 60_000) {
			const { indexes } = await writer.ask("write", {
				api: "v2",
				endpoint: lab.endpoints[0] ?? "",
				key,
				keyCount: 100,
				count: atATime,
				connections: 16,
			});
			last = indexes.reduce((one, two) => Math.max(one, two), last);
			if ((samples.at(-1)?.minute ?? 0) * 60_000 + 30_000 < performance.now() - begin) sample();
		}
		while (seen.index < last) await new Promise(setImmediate);
		sample();
		await follower.close();
		await counting;
	} finally {
		await writer.close();
		await lab.close();
	}
	const first = samples[0];
	const grown = Math.max(...samples.map(({ heapMiB }) => heapMiB)) - (first?.heapMiB ?? 0);
	const results = {
		etcd: lab.version,
		minutes,
		events: samples.at(-1)?.events ?? 0,
		wrong: seen.wrong.length,
		grownMiB: rounded(grown, 1),
		samples,
	};
	const chart = curveChart({
		title: `${minutes} minutes at full speed: the follower's memory`,
		subtitle: `${results.events} events, ${results.wrong} lost, repeated or out of order`,
		x: { label: "minutes" },
		y: { label: "MiB in use" },
		series: [
			{ name: "heap", points: samples.map(({ minute, heapMiB }) => [minute, heapMiB] as const) },
			{ name: "process", points: samples.map(({ minute, rssMiB }) => [minute, rssMiB] as const) },
		],
	});
	if (isProof) tellCounts([lab.version], { events: results.events, minutes });
	else writeResults("soak", results, { soak: chart.svg });
	console.log(
		`${results.events} events in ${minutes} minutes, ${results.wrong} wrong ${seen.wrong.slice(0, 3).join("; ")}; ` +
			`the heap grew by ${results.grownMiB} MiB (wanted: at most 64)`,
	);
	if (results.wrong > 0 || grown > 64) process.exitCode = 1;
}

main().catch((error: unknown) => {
	console.error(error);
	process.exitCode = 1;
});
