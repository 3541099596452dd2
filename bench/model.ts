import { type Command, ModelStore } from "etcd-watch-lab/model";
import { startLab } from "etcd-watch-lab/server";
import type { V2Client } from "etcd-watch-lab/v2";
import { curveChart } from "#lib/pages";
import { rate, writeResults } from "./measure";

const directories = 10;
const keysEach = 100;

/** A tree of 1,000 keys. */
function fill(store: ModelStore): void {
	for (let nth = 0; nth < directories * keysEach; nth++)
		store.apply({ operation: "set", key: keyOf(nth), value: "0" });
}

function keyOf(nth: number): string {
	return `/dir${nth % directories}/key${Math.floor(nth / directories) % keysEach}`;
}

/** Every kind of write on all of the keys, in an order that no cache likes: what is deleted is made again. */
function commands(): readonly Command[] {
	const all: Command[] = [];
	for (let nth = 0; nth < 4_000; nth++) {
		const key = keyOf((nth * 617) % (directories * keysEach));
		const value = String(nth);
		switch (nth % 8) {
			case 0:
				all.push({ operation: "update", key, value });
				break;
			case 1:
				all.push({ operation: "compareAndSwap", key, value, expected: { prevValue: "not this" } });
				break;
			case 2:
				all.push({ operation: "delete", key }, { operation: "create", key, value });
				break;
			default:
				all.push({ operation: "set", key, value });
		}
	}
	return all;
}

async function operationsOfTheModel(): Promise<number> {
	const store = new ModelStore();
	fill(store);
	for (let nth = 0; nth < 10; nth++) {
		store.watch({ key: `/dir${nth}`, recursive: true, stream: true });
	}
	const program = commands();
	return await rate(program.length, () => {
		for (const command of program) store.apply(command);
	});
}

/** The writes of one client, one after the other. */
async function writesToEtcd(v2: V2Client, root: string): Promise<number> {
	let nth = 0;
	return await rate(1, async () => {
		await v2.set(root + keyOf(nth++), String(nth));
	});
}

/** Writes a second while so many watchers wait, of which three want each write. */
async function writesWith(watchers: number): Promise<number> {
	const store = new ModelStore();
	fill(store);
	for (const key of ["/", "/dir0", "/dir0/key0"]) store.watch({ key, recursive: true, stream: true });
	for (let nth = 3; nth < watchers; nth++) {
		store.watch({ key: `/elsewhere${nth}/key`, recursive: nth % 2 === 0, stream: nth % 3 === 0 });
	}
	const count = 10_000;
	return await rate(count, () => {
		for (let nth = 0; nth < count; nth++) store.apply({ operation: "set", key: "/dir0/key0", value: "1" });
	});
}

async function main(): Promise<void> {
	const lab = await startLab({ env: {} });
	let ofEtcd: number;
	try {
		ofEtcd = await writesToEtcd(lab.v2, lab.root);
	} finally {
		await lab.close();
	}
	const ofModel = await operationsOfTheModel();
	const curve: [number, number][] = [];
	for (const watchers of [10, 100, 1_000, 10_000]) curve.push([watchers, await writesWith(watchers)]);
	const first = curve[0]?.[1] ?? 1;
	const results = {
		modelOperationsPerSecond: Math.round(ofModel),
		etcdWritesPerSecond: Math.round(ofEtcd),
		modelToEtcd: Math.round(ofModel / ofEtcd),
		costOfAWrite: curve.map(([watchers, writes]) => ({
			watchers,
			nanoseconds: Math.round(1e9 / writes),
			toTenWatchers: Number((first / writes).toFixed(2)),
		})),
	};
	const chart = curveChart({
		title: "A write costs only what its own watchers cost",
		subtitle: "three watchers wait for each write, all the others for other keys",
		x: { label: "watchers that wait", log: true },
		y: { label: "nanoseconds a write" },
		series: [
			{
				name: "the model",
				points: results.costOfAWrite.map(({ watchers, nanoseconds }) => [watchers, nanoseconds] as const),
			},
		],
	});
	writeResults("model", results, { model: chart.svg });
	console.log(
		[
			`model: ${results.modelOperationsPerSecond} operations a second (10 watchers, 1,000 keys; wanted: 400,000)`,
			`etcd ${lab.version}, one client, one write at a time: ${results.etcdWritesPerSecond} a second`,
			`ratio: ${results.modelToEtcd} (wanted: 100)`,
			...results.costOfAWrite.map(
				({ watchers, toTenWatchers }) =>
					`a write with ${watchers} watchers costs ${toTenWatchers} of one with 10`,
			),
		].join("\n"),
	);
}

main().catch((error: unknown) => {
	console.error(error);
	process.exitCode = 1;
});
