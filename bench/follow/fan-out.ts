import { rounded } from "../measure";
import type { Usage } from "../parties/protocol";
import { type Bench, indexNow } from "./bench";
import { Party } from "./party";

/** How many watchers, and how many events each of them gets: enough of them to measure, and few enough to wait for. */
export interface FanOutSize {
	readonly watchers: number;
	readonly events: number;
}

export interface FanOutResult {
	readonly party: string;
	readonly watchers: number;
	readonly events: number;
	/** Of the watching process, above what it takes with no watcher at all: of a few watchers it is mostly noise. */
	readonly bytesPerWatcher: number;
	/** The heap and its buffers, after a garbage collection. */
	readonly heapBytesPerWatcher: number;
	/** Processor time of the watching process. */
	readonly openMicrosecondsPerWatcher: number;
	readonly microsecondsPerDelivery: number;
	readonly deliveriesPerSecond: number;
}

/** Many watchers of one key in one process. Each size begins in a new process. */
export async function fanOut(
	bench: Bench,
	name: string,
	file: string,
	sizes: readonly FanOutSize[],
): Promise<readonly FanOutResult[]> {
	const results: FanOutResult[] = [];
	for (const size of sizes) {
		const party = Party.node(name, file);
		try {
			results.push(await measure(bench, party, size));
		} finally {
			await party.close();
		}
	}
	return results;
}

async function measure(bench: Bench, party: Party, { watchers, events }: FanOutSize): Promise<FanOutResult> {
	const { endpoint, lab, writer } = bench;
	const key = lab.newPrefix();
	await lab.v2.mkdir(key);
	const write = (count: number) =>
		writer.ask({ mode: "write", endpoint, key, keyCount: 50, count, connections: 1 });
	const open = async (count: number): Promise<Usage> =>
		await party.ask({ mode: "open", endpoint, key, afterIndex: await indexNow(bench), watchers: count });
	// The same with a single watcher first, so that code and connections that are there once count for nobody.
	await open(1);
	await write(100);
	await party.ask({ mode: "deliver", events: 100 });
	await party.ask({ mode: "shut" });
	const before = await open(0);
	const opened = await open(watchers);
	const delivering = party.ask({ mode: "deliver", events });
	const { ns } = await write(events);
	const delivered = await delivering;
	const deliveries = watchers * events;
	return {
		party: party.name,
		watchers,
		events,
		bytesPerWatcher: Math.round((opened.rssBytes - before.rssBytes) / watchers),
		heapBytesPerWatcher: Math.round((opened.heapBytes - before.heapBytes) / watchers),
		openMicrosecondsPerWatcher: rounded(((opened.cpuMs - before.cpuMs) * 1_000) / watchers, 1),
		microsecondsPerDelivery: rounded(((delivered.cpuMs - opened.cpuMs) * 1_000) / deliveries, 2),
		deliveriesPerSecond: Math.round((deliveries * 1e9) / (delivered.ns - (ns[0] ?? 0))),
	};
}
