import { randomInt } from "node:crypto";
import fs from "node:fs";
import { parseArgs } from "node:util";
import { Presets, SingleBar } from "cli-progress";
import { type Rule, rules } from "etcd-watch-lab/dist/follow";
import { etcdOf } from "../model/differential/etcds";
import { type ConsumerKind, consumersOn } from "./consumer";
import { installEtcd3 } from "./etcd3";
import type { Kind } from "./kind";
import { kindsOn } from "./kinds";
import { installNodeEtcd } from "./node-etcd";
import { plan } from "./plan";
import type { Api } from "./record";
import { add, isBad, line, noTotals, summary, type Totals } from "./report";
import { writeResults } from "./results";
import { Session } from "./session";

/** Chaos runs on these: 3.5.0 to 3.5.2 can corrupt their data when they are killed. */
const etcdKinds = ["3.4", "newest"] as const;

/** `npm run chaos`, as the process that tools/src/chaos.ts starts. */
async function main(): Promise<number> {
	const { values } = parseArgs({
		options: {
			runs: { type: "string", default: "100" },
			seed: { type: "string" },
			members: { type: "string", default: "3" },
			kind: { type: "string" },
			without: { type: "string" },
			consumer: { type: "string", default: "follow" },
			etcd: { type: "string" },
			api: { type: "string", default: "v2" },
		},
	});
	// etcd's fsync is what limits the writes: a disk in memory has none.
	if (process.env["TMPDIR"] === undefined && fs.existsSync("/dev/shm")) process.env["TMPDIR"] = "/dev/shm";
	const seed = values.seed === undefined ? randomInt(1_000_000_000) : wholeNumber("seed", values.seed);
	const runs = wholeNumber("runs", values.runs);
	const members = membersOf(values.members);
	const without = values.without === undefined ? [] : [ruleOf(values.without)];
	const api = apiOf(values.api);
	const consumer = consumerOf(values.consumer, api);
	const { kinds, without: lacking } = kindsOn(api);
	const chosen = kinds.filter(
		({ name, group }) => values.kind === undefined || [name, group].includes(values.kind),
	);
	if (chosen.length === 0) {
		throw new Error(`--kind is one of ${kinds.map(({ name }) => name).join(", ")}, or a group of them`);
	}
	for (const { name, reason } of lacking) console.log(`without ${name}: ${reason}`);
	const consumers = consumer === "all" ? consumersOn[api] : [consumer];
	if (consumers.includes("node-etcd")) {
		const missing = await installNodeEtcd();
		if (missing !== undefined) throw new Error(`there is no ${missing}`);
	}
	if (consumers.includes("etcd3")) {
		const missing = await installEtcd3();
		if (missing !== undefined) throw new Error(`there is no ${missing}`);
	}
	const binaries = await binariesFor(values.etcd);
	let isInterrupted = false;
	for (const signal of ["SIGINT", "SIGTERM"] as const) {
		process.on(signal, () => {
			isInterrupted = true;
		});
	}
	let isBadSession = false;
	const fared = new Map<ConsumerKind, Totals>();
	const versions = new Set<string>();
	for (const one of consumers) {
		console.log(`seed ${seed}, ${runs} runs of ${chosen.length} kinds, ${members} members, ${one} on ${api}`);
		const bar = new SingleBar(
			{
				format: "{bar} {value} of {total} runs, {verified} events verified, {eta_formatted} to go",
				noTTYOutput: true,
				notTTYSchedule: 60_000,
				etaBuffer: 50,
				hideCursor: true,
			},
			Presets.shades_classic,
		);
		const totals = noTotals();
		const begin = performance.now();
		const etcds: { readonly kind: string; readonly session: Session }[] = [];
		try {
			for (const { kind, binary } of binaries) {
				etcds.push({ kind, session: await Session.open({ binary, members, consumer: one, without, api }) });
			}
			const shape = (kind: Kind) => etcds[0]?.session.shape(kind) ?? "";
			bar.start(runs, 0, { verified: 0 });
			for (const planned of plan({ seed, runs, kinds: chosen, etcds: etcds.length, shape })) {
				if (isInterrupted) break;
				const etcd = etcds[planned.etcd];
				if (etcd === undefined) throw new Error("a run is planned on an etcd that is not there");
				const result = await etcd.session.run(planned.kind, planned.seed);
				versions.add(result.etcd);
				add(totals, result);
				above(bar, line(result));
				if (isBad(result)) {
					for (const { checker, consumer: name, what } of result.findings.slice(1, 6)) {
						above(bar, `    ${checker} of ${name}: ${what}`);
					}
					above(
						bar,
						`    again: npm run chaos -- --seed ${result.seed} --runs 1 --kind ${result.kind} --etcd ${etcd.kind} --members ${members}${api === "v3" ? " --api v3" : ""}`,
					);
				}
				bar.update(totals.runs, { verified: totals.verified });
			}
		} finally {
			bar.stop();
			for (const { session } of etcds) await session.close();
		}
		console.log(summary(totals, (performance.now() - begin) / 1000));
		fared.set(one, totals);
		// Whoever is there to lose, or has a rule taken away, is expected to.
		const isJudged = one === "follow" && without.length === 0;
		const isWrong = totals.failures > 0 || Object.values(totals.findings).some((count) => count > 0);
		isBadSession ||= isJudged && isWrong;
	}
	if (consumer === "all" && !isInterrupted) {
		const on = api === "v3" ? " --api v3" : "";
		const command = `npm run chaos --${on} --seed ${seed} --runs ${runs} --members ${members} --consumer all`;
		console.log(
			`written: ${writeResults({ api, command, etcd: [...versions].sort().join(", "), members, fared })}`,
		);
	}
	return isBadSession ? 1 : 0;
}

/** A line that stays, above the bar. */
function above(bar: SingleBar, text: string): void {
	if (process.stdout.isTTY && bar.isActive) process.stdout.write("\r\x1b[K");
	console.log(text);
}

async function binariesFor(
	wanted: string | undefined,
): Promise<readonly { readonly kind: string; readonly binary: string }[]> {
	if (wanted !== undefined && !etcdKinds.some((kind) => kind === wanted)) {
		throw new Error(`--etcd is one of ${etcdKinds.join(", ")}, not "${wanted}"`);
	}
	const found: { kind: string; binary: string }[] = [];
	for (const kind of etcdKinds) {
		if (wanted !== undefined && wanted !== kind) continue;
		const etcd = await etcdOf(kind);
		if ("binary" in etcd) found.push({ kind, binary: etcd.binary });
		else console.log(`without ${etcd.missing}`);
	}
	if (found.length === 0) throw new Error("there is no such etcd here");
	return found;
}

function wholeNumber(name: string, text: string): number {
	const number = Number(text);
	if (!/^\d+$/.test(text) || !Number.isSafeInteger(number))
		throw new Error(`--${name} is a whole number, not "${text}"`);
	return number;
}

function membersOf(text: string): 1 | 3 {
	if (text !== "1" && text !== "3") throw new Error(`--members is 1 or 3, not "${text}"`);
	return text === "1" ? 1 : 3;
}

function ruleOf(text: string): Rule {
	const rule = (Object.keys(rules) as Rule[]).find((name) => name === text);
	if (rule === undefined) throw new Error(`--without is one of: ${Object.keys(rules).join("; ")}`);
	return rule;
}

function apiOf(text: string): Api {
	if (text !== "v2" && text !== "v3") throw new Error(`--api is v2 or v3, not "${text}"`);
	return text;
}

function consumerOf(text: string, api: Api): ConsumerKind | "all" {
	const consumer = consumersOn[api].find((kind) => kind === text);
	if (consumer === undefined && text !== "all") {
		throw new Error(`--consumer is one of ${consumersOn[api].join(", ")}, or all; not "${text}"`);
	}
	return consumer ?? "all";
}

main().then(
	(code) => {
		process.exitCode = code;
	},
	(error: unknown) => {
		console.error(error instanceof Error ? error.message : error);
		process.exitCode = 1;
	},
);
