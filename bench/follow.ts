import fs from "node:fs";
import path from "node:path";
import { curveChart } from "etcd-watch-lab/dist/notebook";
import { startLab } from "etcd-watch-lab/dist/server";
import type { Bench } from "./follow/bench";
import { type CatchUpResult, catchUp } from "./follow/catch-up";
import { type LatencyResult, latency } from "./follow/latency";
import { type LiveResult, live } from "./follow/live";
import { Party } from "./follow/party";
import { rounded } from "./measure";
import { goPeer } from "./peers/go";
import { nodeEtcdPeer } from "./peers/node-etcd";

const names = {
	follow: "follow()",
	limit: "the limit",
	loop: "one waitIndex at a time",
	go: "Go client",
	nodeEtcd: "node-etcd 7",
} as const;

const parts = ["catch-up", "latency", "live"] as const;
type Part = (typeof parts)[number];

interface Results {
	readonly etcd: string;
	readonly node: string;
	readonly missing: readonly string[];
	readonly catchUp?: readonly CatchUpResult[];
	readonly latency?: readonly LatencyResult[];
	readonly live?: readonly LiveResult[];
}

/** A target, and what was measured against it. */
interface Verdict {
	readonly what: string;
	readonly measured: number;
	readonly wanted: string;
	readonly met: boolean;
}

async function main(asked: readonly string[]): Promise<void> {
	const unknown = asked.find((name) => !parts.some((part) => part === name));
	if (unknown !== undefined) throw new Error(`no part ${unknown}: there are ${parts.join(", ")}`);
	const wants = (part: Part) => asked.length === 0 || asked.includes(part);
	const parties: Party[] = [];
	const missing: string[] = [];
	const lab = await startLab({ env: {} });
	const started = (party: Party): Party => {
		parties.push(party);
		return party;
	};
	try {
		const writer = started(Party.node("the writer", "writer"));
		const limit = started(Party.node(names.limit, "limit"));
		const watching = [started(Party.node(names.follow, "follow")), started(Party.node(names.loop, "loop"))];
		for (const [name, found] of [
			[names.go, await goPeer()],
			[names.nodeEtcd, await nodeEtcdPeer()],
		] as const) {
			if ("missing" in found) missing.push(found.missing);
			else watching.push(started(Party.start(name, found.command, found.args)));
		}
		const bench: Bench = { lab, endpoint: lab.endpoints[0] ?? "", parties: watching, writer };
		console.log(`etcd ${lab.version}, Node ${process.versions.node}`);
		for (const what of missing) console.log(`missing: ${what}`);
		let results: Results = { etcd: lab.version, node: process.versions.node, missing };
		if (wants("catch-up")) {
			const found = await catchUp({ ...bench, parties: [...watching, limit] });
			results = { ...results, catchUp: found };
			console.table(
				found.map(({ party, eventsPerSecond, medianMs }) => ({ party, eventsPerSecond, medianMs })),
			);
		}
		if (wants("latency")) {
			const found = await latency({ ...bench, parties: [...watching, limit] });
			results = { ...results, latency: found };
			console.table(found.map(({ rounds, ...rest }) => rest));
		}
		if (wants("live")) {
			const found = await live(bench);
			results = { ...results, live: found };
			console.table(found.map(({ curve, stopped, ...rest }) => rest));
		}
		const judged = verdicts(results);
		for (const { what, measured, wanted, met } of judged) {
			console.log(`${met ? "met" : "NOT MET"}: ${what}: ${measured} (wanted: ${wanted})`);
		}
		// A part alone is for looking: the numbers that are kept are those of one run.
		if (asked.length === 0) write({ ...results, verdicts: judged });
	} finally {
		await Promise.all(parties.map((party) => party.close()));
		await lab.close();
	}
}

function verdicts(results: Results): readonly Verdict[] {
	const found: Verdict[] = [];
	const atLeast = (what: string, measured: number, wanted: number) =>
		found.push({
			what,
			measured: rounded(measured, 2),
			wanted: `at least ${wanted}`,
			met: measured >= wanted,
		});
	const atMost = (what: string, measured: number, wanted: number) =>
		found.push({ what, measured, wanted: `at most ${wanted}`, met: measured <= wanted });
	const of = <R extends { readonly party: string }>(rows: readonly R[] | undefined, name: string) =>
		rows?.find(({ party }) => party === name);
	const speed = of(results.catchUp, names.follow)?.eventsPerSecond;
	for (const [name, wanted] of [
		[names.go, 5],
		[names.nodeEtcd, 15],
		[names.limit, 0.9],
	] as const) {
		const theirs = of(results.catchUp, name)?.eventsPerSecond;
		if (speed !== undefined && theirs !== undefined) {
			atLeast(`catching up, times as fast as ${name}`, speed / theirs, wanted);
		}
	}
	for (const pace of ["calm", "busy"] as const) {
		const rows = results.latency?.filter((row) => row.pace === pace);
		const ours = of(rows, names.follow);
		const go = of(rows, names.go);
		if (!ours || !go) continue;
		atMost(`µs from acknowledged to heard, ${pace}, p50, and the Go client's`, ours.p50, go.p50);
		atMost(`µs from acknowledged to heard, ${pace}, p99, and the Go client's`, ours.p99, go.p99);
	}
	const behind = of(results.live, names.follow);
	if (behind) {
		atMost(`lost of ${behind.writes} writes`, behind.lost + behind.disordered, 0);
		atMost("events behind, at worst", behind.worstLag, 500);
	}
	return found;
}

function write(results: Results & { readonly verdicts: readonly Verdict[] }): void {
	const folder = path.resolve(__dirname, "..", "results");
	fs.mkdirSync(folder, { recursive: true });
	fs.writeFileSync(path.join(folder, "follow.json"), `${JSON.stringify(results, null, "\t")}\n`);
	for (const [name, svg] of Object.entries(charts(results))) {
		fs.writeFileSync(path.join(folder, `${name}.svg`), svg);
	}
}

function charts({ catchUp, latency, live }: Results): Readonly<Record<string, string>> {
	const drawn: Record<string, string> = {};
	if (catchUp) {
		drawn["follow-catch-up"] = curveChart({
			title: "Reading 990 past events",
			subtitle: "medians of one run; the limit is one connection with all requests sent at once",
			kind: "bar",
			x: { label: "who reads" },
			y: { label: "events a second" },
			series: [{ name: "events a second", points: catchUp.map((row) => [row.party, row.eventsPerSecond]) }],
		}).svg;
	}
	if (latency) {
		drawn["follow-latency"] = curveChart({
			title: "From a write's acknowledgement to its event",
			subtitle: "below 0: the event was there before the writer had its answer",
			kind: "bar",
			x: { label: "who watches" },
			y: { label: "microseconds" },
			series: (["calm", "busy"] as const).flatMap((pace) =>
				(["p50", "p99"] as const).map((share) => ({
					name: `${share}, ${pace} writers`,
					points: latency.filter((row) => row.pace === pace).map((row) => [row.party, row[share]] as const),
				})),
			),
		}).svg;
	}
	if (live) {
		drawn["follow-live"] = curveChart({
			title: "How far behind a writer at full speed",
			subtitle: "acknowledged events not yet heard, at worst; from 1,000 on they are lost",
			x: { label: "seconds" },
			y: { label: "events behind, and one", log: true },
			series: live.map(({ party, curve }) => ({
				name: party,
				points: curve.map(([seconds, lag]) => [seconds, lag + 1]),
			})),
		}).svg;
	}
	return drawn;
}

main(process.argv.slice(2)).catch((error: unknown) => {
	console.error(error);
	process.exitCode = 1;
});
