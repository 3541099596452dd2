import path from "node:path";
import { parseArgs } from "node:util";
import { findEtcd, versionOf } from "etcd-watch-lab/server";
import { type Api, apis } from "./clients/protocol";
import { withBench } from "./follow/bench";
import { catchUp } from "./follow/catch-up";
import { charts } from "./follow/charts";
import { latency } from "./follow/latency";
import { live } from "./follow/live";
import { client, type PartyPlan } from "./follow/party";
import { type QuietResult, quiet } from "./follow/quiet";
import { type Sizes, small, whole } from "./follow/sizes";
import { type Measured, names, sentence, verdictsOf } from "./follow/verdicts";
import { writeResults } from "./measure";
import { goPeer, npmPeer, type Peer } from "./peers/peer";

const parts = ["catch-up", "latency", "live", "quiet"] as const;
type Part = (typeof parts)[number];

interface Asked {
	readonly apis: readonly Api[];
	readonly parts: readonly Part[];
	readonly binary: string;
	readonly version: string;
	readonly sizes: Sizes;
	/** All of it, on the lab's own etcd: what the committed results are of. */
	readonly isWhole: boolean;
}

/** What `main` does by etcds and peers, and where it speaks. */
const machine = {
	findEtcd: () => findEtcd({}),
	versionOf,
	whoIsHere,
	measure,
	say: (line: string) => console.log(line),
};

/** @throws Error for a word that is neither an API nor a part */
async function asked(args: string[], { findEtcd, versionOf }: typeof machine): Promise<Asked> {
	const options = { etcd: { type: "string" }, small: { type: "boolean" } } as const;
	const { values, positionals } = parseArgs({ args, options, allowPositionals: true });
	const known: readonly string[] = [...apis, ...parts];
	const unknown = positionals.find((word) => !known.includes(word));
	if (unknown !== undefined) throw new Error(`no part "${unknown}": there are ${known.join(", ")}`);
	const wanted = <T extends string>(all: readonly T[]): readonly T[] => {
		const named = all.filter((one) => positionals.includes(one));
		return named.length === 0 ? all : named;
	};
	const binary = values.etcd === undefined ? findEtcd() : path.resolve(values.etcd);
	const version = await versionOf(binary);
	// 3.6 removed the v2 API.
	const [major = 0, minor = 0] = version.split(".").map(Number);
	const hasV2 = major === 3 && minor < 6;
	if (!hasV2 && positionals.includes("v2")) throw new Error(`etcd ${version} has no v2 API`);
	return {
		apis: wanted(apis).filter((api) => api === "v3" || hasV2),
		parts: wanted(parts),
		binary,
		version,
		sizes: values.small ? small : whole,
		isWhole: positionals.length === 0 && values.etcd === undefined && values.small !== true,
	};
}

/** Who is measured on each API, and who can't be had here. */
async function whoIsHere(): Promise<
	Readonly<Record<Api, readonly PartyPlan[]>> & { readonly missing: readonly string[] }
> {
	const [go, nodeEtcd, etcd3] = await Promise.all([goPeer(), npmPeer("node-etcd"), npmPeer("etcd3")]);
	const follow = client(names.follow, "follow");
	const here = (name: string, peer: Peer): readonly PartyPlan[] =>
		"missing" in peer ? [] : [{ name, ...peer }];
	return {
		v2: [
			follow,
			client(names.loop, "loop"),
			client(names.limit, "raw-socket-limit"),
			...here(names.go, go),
			...here(names.nodeEtcd, nodeEtcd),
		],
		v3: [follow, client(names.stream, "watch-stream"), ...here(names.go, go), ...here(names.etcd3, etcd3)],
		missing: [go, nodeEtcd, etcd3].flatMap((peer) => ("missing" in peer ? [peer.missing] : [])),
	};
}

async function measure(
	api: Api,
	{ parts, binary, sizes }: Asked,
	plans: readonly PartyPlan[],
): Promise<Measured> {
	const wants = (part: Part) => parts.includes(part);
	const setting = { api, binary, sizes };
	let measured: Measured = {};
	if (wants("catch-up") || wants("latency") || wants("live")) {
		await withBench(setting, plans, async (bench) => {
			if (wants("catch-up")) measured = { ...measured, catchUp: await catchUp(bench) };
			show(api, measured.catchUp);
			if (wants("latency")) measured = { ...measured, latency: await latency(bench) };
			show(api, measured.latency);
			// The bare socket asks by the index alone: behind a writer at full speed it is thrown out at once.
			const followers = bench.parties.filter(({ name }) => name !== names.limit);
			if (wants("live")) measured = { ...measured, live: await live({ ...bench, parties: followers }) };
			show(api, measured.live);
		});
	}
	// On v2 each watch has to be asked for again and again, by a connection of its own.
	if (wants("quiet") && api === "v3") {
		const found: QuietResult[] = [];
		for (const plan of plans) found.push(await withBench(setting, [plan], quiet));
		measured = { ...measured, quiet: found };
		show(api, found);
	}
	return measured;
}

/** A table of the numbers; their lists are for the file. */
function show(api: Api, rows: readonly object[] | undefined): void {
	if (rows === undefined) return;
	console.log(api);
	console.table(
		rows.map((row) => Object.fromEntries(Object.entries(row).filter(([, value]) => !Array.isArray(value)))),
	);
}

/** Measures what is asked for. Returns the exit code: 1 where a target is missed, or for words that it doesn't know. */
export async function main(args: string[], by = machine): Promise<number> {
	const { say } = by;
	const wanted = await asked(args, by).catch((error: Error) => say(error.message));
	if (wanted === undefined) return 1;
	const here = await by.whoIsHere();
	const about = { etcd: wanted.version, node: process.versions.node, missing: here.missing };
	say(`etcd ${about.etcd}, Node ${about.node}`);
	for (const what of here.missing) say(`missing: ${what}`);
	const results: Partial<Record<Api, Measured>> = {};
	for (const api of wanted.apis) {
		results[api] = await by.measure(api, wanted, here[api]);
	}
	const verdicts = verdictsOf(results);
	for (const verdict of verdicts) say(sentence(verdict));
	if (wanted.sizes === small) {
		say("a small run: its numbers say nothing");
		return 0;
	}
	// A part alone is for looking: the numbers that are kept are those of one run.
	if (wanted.isWhole) writeResults("follow", { ...about, ...results, verdicts }, charts(results));
	return verdicts.every(({ met }) => met) ? 0 : 1;
}

if (require.main === module) {
	main(process.argv.slice(2)).then(
		(code) => {
			process.exitCode = code;
		},
		(error: unknown) => {
			console.error(error);
			process.exitCode = 1;
		},
	);
}
