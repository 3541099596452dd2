import fs from "node:fs";
import path from "node:path";
import { root } from "../support/checkout";
import type { ConsumerKind } from "./consumer";
import { kindsOn } from "./kinds";
import type { Api } from "./record";
import type { Totals } from "./report";

/** Writes how each of the consumers fared under the same faults, for notebook 08. Returns the file. */
export function writeResults(session: {
	readonly api: Api;
	readonly command: string;
	readonly etcd: string;
	readonly members: number;
	readonly fared: ReadonlyMap<ConsumerKind, Totals>;
}): string {
	const { api, command, etcd, members, fared } = session;
	const ofKind = (name: string) =>
		[...fared].flatMap(([consumer, totals]) => {
			const kind = totals.kinds.get(name);
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
		etcd,
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
