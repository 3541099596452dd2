import fs from "node:fs";
import path from "node:path";
import { z } from "zod";
import { LabError } from "../http";

/** A text that holds no results of `npm run chaos`; the message names the place of each fault. */
export class ChaosFormatError extends LabError {}

/** How one consumer fared in all runs of one kind of fault. */
export interface ChaosCount {
	readonly runs: number;
	/** Events that it was told of or lost in silence, all runs together. */
	readonly events: number;
	/** Those that never came, and lie in no gap or reset that it was told of. */
	readonly silentLosses: number;
	/** How often it was told of a gap, and of a reset. */
	readonly gaps: number;
	readonly resets: number;
}

/** In the order in which they are drawn: node-etcd is there on v2 alone, etcd3 on v3. */
const chaosConsumers = ["naive", "textbook", "node-etcd", "etcd3", "follow"] as const;
export type ChaosConsumer = (typeof chaosConsumers)[number];

export interface ChaosKind {
	readonly name: string;
	/** Kinds of one group are drawn together. */
	readonly group: string;
	/** A consumer that took no part in this kind is left out. */
	readonly consumers: Readonly<Partial<Record<ChaosConsumer, ChaosCount>>>;
}

/** What `npm run chaos` has counted. */
export interface ChaosResults {
	/** The command that makes them anew. */
	readonly command: string;
	/** The version of etcd. */
	readonly etcd: string;
	readonly members: number;
	readonly runs: number;
	/** Events verified, all runs and consumers together. */
	readonly events: number;
	readonly kinds: readonly ChaosKind[];
}

const number = z.int().min(0);
const counts = z.object({
	runs: number,
	events: number,
	silentLosses: number,
	gaps: number,
	resets: number,
});
const schema = z.object({
	format: z.literal("etcd-watch-lab/chaos"),
	version: z.literal(1),
	command: z.string(),
	etcd: z.string(),
	members: number,
	runs: number,
	events: number,
	kinds: z
		.array(
			z.object({
				name: z.string(),
				group: z.string(),
				consumers: z.object({
					naive: counts.exactOptional(),
					textbook: counts.exactOptional(),
					"node-etcd": counts.exactOptional(),
					etcd3: counts.exactOptional(),
					follow: counts.exactOptional(),
				}),
			}),
		)
		.min(1),
});

/** Reads what `npm run chaos` wrote; fields that are not known are left out. @throws ChaosFormatError */
export function loadChaosResults(text: string): ChaosResults {
	let json: unknown;
	try {
		json = JSON.parse(text);
	} catch (cause) {
		throw new ChaosFormatError("no results of npm run chaos: not JSON, or cut short", { cause });
	}
	const result = schema.safeParse(json);
	if (result.success) return result.data;
	const faults = result.error.issues.slice(0, 5).map(({ path, message }) => `${path.join(".")}: ${message}`);
	throw new ChaosFormatError(`no results of npm run chaos: ${faults.join("; ")}`);
}

/**
 * What the last `npm run chaos -- --consumer all` wrote on that API: a record, its `command` makes it anew. It comes
 * with the lab, since the run takes a quarter of an hour and needs peers that are installed for it.
 */
export function recordedChaos(api: "v2" | "v3" = "v2"): ChaosResults {
	const name = api === "v3" ? "chaos-v3.json" : "chaos.json";
	return loadChaosResults(fs.readFileSync(path.join(__dirname, "..", "..", "recorded", name), "utf8"));
}

/** Those that took part in any kind, in the order in which they are drawn. */
export function consumersIn({ kinds }: ChaosResults): readonly ChaosConsumer[] {
	return chaosConsumers.filter((name) => kinds.some(({ consumers }) => consumers[name] !== undefined));
}
