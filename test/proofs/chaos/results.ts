import { createHash } from "node:crypto";
import fs from "node:fs";
import path from "node:path";
import { root } from "../../support/checkout";
import type { Cell } from "./cell";
import type { ConsumerKind } from "./consumer";
import { kindsOn } from "./kinds";
import type { Api } from "./record";
import type { Totals } from "./report";

/** Writes how each of the consumers fared under the same faults, for notebook 08. Returns the file. */
export function writeResults(session: {
	readonly api: Api;
	readonly command: string;
	readonly members: number;
	readonly fared: ReadonlyMap<ConsumerKind, Totals>;
}): string {
	const { api, command, members, fared } = session;
	const ofKind = (name: string) =>
		[...fared].flatMap(([consumer, totals]) => {
			const kind = totals.kinds[name];
			if (kind === undefined) return [];
			const { runs, verified, silent: silentLosses, gaps, resets } = kind;
			// A loop that has no gaps to tell of ends no run of a kind that waits for them: it took no part.
			if (verified === 0) return [];
			const events = verified + silentLosses;
			return [[consumer, { runs, events, silentLosses, gaps, resets }] as const];
		});
	const all = [...fared.values()];
	const results = {
		format: "etcd-watch-lab/chaos",
		version: 1,
		command,
		etcd: [...new Set(all.flatMap(({ etcd }) => etcd))].sort().join(", "),
		members,
		runs: all.reduce((sum, { runs }) => sum + runs, 0),
		events: all.reduce((sum, { verified }) => sum + verified, 0),
		kinds: kindsOn(api)
			.kinds.map(({ name, group }) => ({ name, group, consumers: Object.fromEntries(ofKind(name)) }))
			.filter(({ consumers }) => Object.keys(consumers).length > 0),
	};
	const file = path.join(root, "lib", "recorded", api === "v3" ? "chaos-v3.json" : "chaos.json");
	fs.mkdirSync(path.dirname(file), { recursive: true });
	fs.writeFileSync(file, `${JSON.stringify(results, null, "\t")}\n`);
	return path.relative(root, file);
}

/** Writes what the runs came to, and of which state of the library: for a later proof that it is still that one. */
export function writeSummary(session: {
	readonly command: string;
	readonly seconds: number;
	readonly cells: readonly Cell[];
	readonly results: readonly (Totals | undefined)[];
}): string {
	const { command, seconds, cells, results } = session;
	const summary = {
		format: "etcd-watch-lab/chaos-summary",
		version: 1,
		command,
		seconds: Math.round(seconds),
		/** Of lib/src: which code this was. */
		library: hashOf(path.join(root, "lib", "src")),
		cells: cells.map(({ binary, kinds, ...cell }, nth) => ({ ...cell, ...(results[nth] ?? { runs: 0 }) })),
	};
	const file = path.join(root, ".artifacts", "chaos.json");
	fs.mkdirSync(path.dirname(file), { recursive: true });
	fs.writeFileSync(file, `${JSON.stringify(summary, null, "\t")}\n`);
	return path.relative(root, file);
}

/** Of the names and contents of all files in a folder. */
export function hashOf(folder: string): string {
	const hash = createHash("sha256");
	const files = fs.readdirSync(folder, { recursive: true, withFileTypes: true });
	for (const file of files
		.filter((one) => one.isFile())
		.map(({ parentPath, name }) => path.join(parentPath, name))
		.sort()) {
		hash.update(path.relative(folder, file).replaceAll(path.sep, "/")).update("\0");
		hash.update(fs.readFileSync(file)).update("\0");
	}
	return hash.digest("hex");
}
