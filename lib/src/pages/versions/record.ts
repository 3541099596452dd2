import fs from "node:fs";
import path from "node:path";
import { z } from "zod";
import { LabError } from "../../http";
import type { VersionColumn } from "./columns";

/** A text that holds no results of `npm run versions`; the message names the place of each fault. */
export class VersionsFormatError extends LabError {}

/** What `npm run versions` has found. */
export interface VersionsRecord {
	/** The command that makes it anew. */
	readonly command: string;
	/** In the order of the versions. */
	readonly columns: readonly VersionColumn[];
}

const text = z.string().min(1);
const schema = z.object({
	format: z.literal("etcd-watch-lab/versions"),
	version: z.literal(1),
	command: text,
	columns: z
		.array(
			z.object({
				etcd: z.string().regex(/^\d+\.\d+\.\d+/),
				from: text,
				date: z.string().regex(/^\d{4}-\d\d-\d\d$/),
				results: z.record(
					text,
					z.object({ verdict: z.enum(["confirmed", "refuted", "untested"]), because: text }),
				),
			}),
		)
		.min(1),
});

/** Reads what `npm run versions` wrote; fields that are not known are left out. @throws VersionsFormatError */
export function loadVersions(json: string): VersionsRecord {
	let parsed: unknown;
	try {
		parsed = JSON.parse(json);
	} catch (cause) {
		throw new VersionsFormatError("no results of npm run versions: not JSON, or cut short", { cause });
	}
	const result = schema.safeParse(parsed);
	if (result.success) return { command: result.data.command, columns: result.data.columns };
	const faults = result.error.issues
		.slice(0, 5)
		.map(({ path: at, message }) => `${at.join(".")}: ${message}`);
	throw new VersionsFormatError(`no results of npm run versions: ${faults.join("; ")}`);
}

/** The record as it is written. */
export function savedVersions({ command, columns }: VersionsRecord): string {
	return `${JSON.stringify({ format: "etcd-watch-lab/versions", version: 1, command, columns }, null, "\t")}\n`;
}

/** Where the record of the lab is. */
export const versionsFile = path.join(__dirname, "..", "..", "..", "recorded", "versions.json");

/** What the last `npm run versions` wrote. It comes with the lab, since nobody has all these servers at hand. */
export function recordedVersions(): VersionsRecord {
	return loadVersions(fs.readFileSync(versionsFile, "utf8"));
}
