import { fork } from "node:child_process";
import { randomInt } from "node:crypto";
import fs from "node:fs";
import path from "node:path";
import { parseArgs } from "node:util";
import type { Rule } from "etcd-watch-lab/follow";
import { isProof, tellCounts } from "#tools/programs/counted";
import { runMain, wholeNumber } from "../../support/arguments";
import { type EtcdKind, etcdOf, kinds as v2Etcds, v3Kinds as v3Etcds, versionOf } from "../../support/etcds";
import { type Cell, runCell } from "./cell";
import { type ConsumerKind, consumersOn } from "./consumer";
import { installEtcd3 } from "./etcd3";
import { kindsOn } from "./kinds";
import { installNodeEtcd } from "./node-etcd";
import { proofs } from "./proofs";
import type { Api } from "./record";
import { noTotals, summary, sumOf, type Totals } from "./report";
import { writeResults, writeSummary } from "./results";

/** How many cells run side by side. */
const jobs = 2;

/** `npm run chaos`, as the process that tools/src/programs/engine.ts starts. */
async function main(): Promise<number> {
	const { values } = parseArgs({
		options: {
			runs: { type: "string", default: "100" },
			seed: { type: "string" },
			members: { type: "string", default: "3" },
			kind: { type: "string" },
			without: { type: "string" },
			"without-fault": { type: "boolean", default: false },
			consumer: { type: "string", default: "follow" },
			etcd: { type: "string" },
			api: { type: "string", default: "v2" },
			pause: { type: "boolean", default: false },
		},
	});
	// etcd's fsync is what limits the writes: a disk in memory has none.
	if (process.env["TMPDIR"] === undefined && fs.existsSync("/dev/shm")) process.env["TMPDIR"] = "/dev/shm";
	const seed = values.seed === undefined ? randomInt(1_000_000_000) : wholeNumber("seed", values.seed);
	const runs = wholeNumber("runs", values.runs);
	const members = membersOf(values.members);
	const withoutFault = values["without-fault"];
	const without = values.without === undefined ? [] : [ruleOf(values.without)];
	const apis = values.api.split(",").map(apiOf);
	const cells: Cell[] = [];
	for (const api of apis) {
		const kinds = chosenKinds(api, values.kind).map(({ name }) => name);
		const etcds = await etcdsFor(api, values.etcd);
		for (const consumer of await consumersFor(values.consumer, api)) {
			for (const etcd of etcds) {
				const shared = { members, without, withoutFault, withPauses: values.pause };
				cells.push({ api, consumer, ...etcd, ...shared, kinds, runs: 0, seed });
			}
		}
	}
	// Each has its share; one alone has the seed that was asked for, so that it can be had again.
	const each = cells.map((cell, nth) => {
		const share = Math.floor(runs / etcdCount(cells, cell));
		return { ...cell, runs: Math.max(1, share), seed: cells.length === 1 ? seed : seed + nth };
	});
	console.log(
		`seed ${seed}, ${runs} runs, ${cells.length === 1 ? "in one process" : `${cells.length} processes, ${jobs} at a time`}`,
	);
	const begin = performance.now();
	const results = each.length === 1 ? [await alone(each[0] as Cell)] : await sideBySide(each);
	const seconds = (performance.now() - begin) / 1000;
	const command = commandOf(values, seed);
	for (const [nth, { api, consumer, etcd }] of each.entries()) {
		const result = results[nth];
		if (result) console.log(`\n${consumer} on ${api}, etcd ${etcd}\n${summary(result)}`);
	}
	const followed = results.filter((_, nth) => each[nth]?.consumer === "follow");
	if (followed.length > 1) console.log(`\nall of them\n${summary(sumOf(followed))}`);
	if (!isProof) console.log(`written: ${writeSummary({ command, seconds, cells: each, results })}`);
	else tellResults(sumOf(followed), withoutFault);
	if (values.consumer === "all") {
		for (const api of apis) {
			const fared = new Map<ConsumerKind, Totals>();
			for (const [nth, cell] of each.entries()) {
				const result = results[nth];
				if (cell.api !== api || result === undefined) continue;
				fared.set(cell.consumer, sumOf([fared.get(cell.consumer) ?? noTotals(), result]));
			}
			console.log(`written: ${writeResults({ api, command, members, fared })}`);
		}
	}
	// Whoever is there to lose, or has a rule taken away, is expected to.
	const isWrong = followed.some(({ bad }) => bad.length > 0) || results.length < each.length;
	return isWrong && without.length === 0 ? 1 : 0;
}

/** What is counted of a proof: runs that were good, and what they verified. */
function tellResults({ etcd, runs, bad, verified, gaps, known }: Totals, withoutFault: boolean): void {
	const good = runs - bad.length;
	const accounted = Object.values(known).reduce((sum, count) => sum + count, 0);
	tellCounts(etcd, withoutFault ? { controls: good } : { runs: good, events: verified, gaps, accounted });
}

/** How many cells share the runs that are asked for. */
function etcdCount(cells: readonly Cell[], { consumer }: Cell): number {
	return cells.filter((cell) => cell.consumer === consumer).length;
}

/** In this process. Ctrl-C lets the run come to its end. */
async function alone(cell: Cell): Promise<Totals> {
	let isInterrupted = false;
	for (const signal of ["SIGINT", "SIGTERM"] as const) {
		process.on(signal, () => {
			isInterrupted = true;
		});
	}
	return await runCell(cell, () => isInterrupted);
}

/** Each in a process of its own. Those that an interrupt has ended are missing at the end. */
async function sideBySide(cells: readonly Cell[]): Promise<Totals[]> {
	const results: Totals[] = [];
	const waiting = [...cells.entries()];
	let isInterrupted = false;
	const pass = () => {
		isInterrupted = true;
	};
	for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, pass);
	await Promise.all(
		Array.from({ length: jobs }, async () => {
			for (let next = waiting.shift(); next !== undefined && !isInterrupted; next = waiting.shift()) {
				const [nth, cell] = next;
				results[nth] = await inProcess(cell);
			}
		}),
	);
	return results;
}

function inProcess(cell: Cell): Promise<Totals> {
	return new Promise((resolve, reject) => {
		const child = fork(path.join(__dirname, "cell-process.js"));
		const signals = ["SIGINT", "SIGTERM"] as const;
		const pass = (signal: NodeJS.Signals) => void child.kill(signal);
		for (const signal of signals) process.on(signal, pass);
		let result: Totals | undefined;
		child.on("message", (totals: Totals) => {
			result = totals;
		});
		child.once("error", reject).once("close", (code) => {
			for (const signal of signals) process.off(signal, pass);
			if (result) resolve(result);
			else reject(new Error(`the process of ${cell.api} on etcd ${cell.etcd} ended with ${code}`));
		});
		child.send(cell);
	});
}

function commandOf(values: Readonly<Record<string, string | boolean | undefined>>, seed: number): string {
	const words = Object.entries(values).flatMap(([name, value]) => {
		if (name === "seed" || value === undefined || value === false) return [];
		return value === true ? [`--${name}`] : [`--${name} ${value}`];
	});
	return `npm run chaos -- --seed ${seed} ${words.join(" ")}`;
}

function chosenKinds(api: Api, name: string | undefined) {
	const { kinds, without } = kindsOn(api);
	if (name === undefined) return kinds;
	const wanted = name.split(",");
	for (const one of wanted) {
		if (kinds.some((kind) => kind.name === one || kind.group === one)) continue;
		const names = kinds.map((kind) => kind.name).join(", ");
		const why = without.find((kind) => kind.name === one)?.reason;
		throw new Error(
			why ? `there is no ${one} on ${api}: ${why}` : `--kind is one of ${names}, or a group of them`,
		);
	}
	return kinds.filter((kind) => wanted.includes(kind.name) || wanted.includes(kind.group));
}

/** Those that were asked for; else the three that are quickly there. */
async function etcdsFor(
	api: Api,
	wanted: string | undefined,
): Promise<readonly { readonly etcd: string; readonly binary: string }[]> {
	const known: readonly EtcdKind[] = api === "v2" ? v2Etcds : v3Etcds;
	const names = wanted === undefined ? v2Etcds : wanted === "all" ? known : wanted.split(",");
	const found: { etcd: string; binary: string }[] = [];
	for (const name of names) {
		const kind = known.find((one) => one === name);
		if (kind !== undefined) {
			const etcd = await etcdOf(kind);
			if ("binary" in etcd) found.push({ etcd: kind, binary: etcd.binary });
			else console.log(`without ${etcd.missing}`);
		} else if (v3Etcds.some((one) => one === name)) console.log(`without etcd ${name}: it has no ${api}`);
		else if (fs.existsSync(name) && versionOf(path.resolve(name)) !== undefined) {
			found.push({ etcd: name, binary: path.resolve(name) });
		} else {
			throw new Error(`--etcd is one of ${v3Etcds.join(", ")}, all, or the path of an etcd; not "${name}"`);
		}
	}
	if (found.length === 0) throw new Error("there is no such etcd here");
	return found;
}

async function consumersFor(text: string, api: Api): Promise<readonly ConsumerKind[]> {
	const consumer = consumersOn[api].find((kind) => kind === text);
	if (consumer === undefined && text !== "all") {
		throw new Error(`--consumer is one of ${consumersOn[api].join(", ")}, or all; not "${text}"`);
	}
	const consumers = consumer === undefined ? consumersOn[api] : [consumer];
	const missing = [
		consumers.includes("node-etcd") ? await installNodeEtcd() : undefined,
		consumers.includes("etcd3") ? await installEtcd3() : undefined,
	].find((one) => one !== undefined);
	if (missing !== undefined) throw new Error(`there is no ${missing}`);
	return consumers;
}

function membersOf(text: string): 1 | 3 {
	if (text !== "1" && text !== "3") throw new Error(`--members is 1 or 3, not "${text}"`);
	return text === "1" ? 1 : 3;
}

function ruleOf(text: string): Rule {
	const rule = (Object.keys(proofs) as (keyof typeof proofs)[]).find((name) => name === text);
	if (rule === undefined) throw new Error(`--without is one of: ${Object.keys(proofs).join("; ")}`);
	return rule;
}

function apiOf(text: string): Api {
	if (text !== "v2" && text !== "v3") throw new Error(`--api is v2, v3 or v2,v3, not "${text}"`);
	return text;
}

runMain(main);
