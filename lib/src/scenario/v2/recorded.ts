import { AsyncLocalStorage } from "node:async_hooks";
import { createHash } from "node:crypto";
import { appendFileSync, existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { isObject } from "../../http/answer";
import { ScenarioError, type Target } from "../api";

/** An experiment on v2: its name for the reader, and all that it is made of. */
export interface Experiment {
	readonly name: string;
	readonly of: unknown;
}

/** One line of a file of records. */
interface RecordLine {
	readonly key: string;
	readonly name: string;
	/** The version of the etcd that it was made on. */
	readonly etcd: string;
	readonly value: unknown;
}

let tell: (what: string) => void = () => {};

/** Who is told that a record stands in for an experiment: a notebook's page. */
export function tellOfRecords(teller: (what: string) => void): void {
	tell = teller;
}

/** In a checkout, beside the notebooks: a file for each page, which `npm run notebooks` writes. */
const folder = join(__dirname, "..", "..", "..", "..", "notebooks", "recorded");

/** What an experiment is made of is no record of its own. */
const within = new AsyncLocalStorage<true>();

/**
 * Makes an experiment that needs the v2 API. On a server without it gives the record of that very experiment, and says
 * so: in each timeline of it, and in the result itself. While the pages are run for their outputs
 * (ETCD_WATCH_LAB_RECORD names a file) what came is added to that file. The result has to be JSON.
 * @throws ScenarioError that says what is needed where nothing is recorded; else as `live`
 */
export async function onV2<T>(
	target: Pick<Target, "noV2" | "version">,
	experiment: Experiment,
	live: () => Promise<T>,
): Promise<T> {
	if (target.noV2 !== undefined) return recordOf(experiment, target.noV2, target.version) as T;
	const file = process.env["ETCD_WATCH_LAB_RECORD"];
	if (file === undefined || within.getStore()) return await live();
	const value = await within.run(true, live);
	const line: RecordLine = { key: keyOf(experiment), name: experiment.name, etcd: target.version, value };
	appendFileSync(file, `${JSON.stringify(line)}\n`);
	return value;
}

function keyOf({ name, of }: Experiment): string {
	return createHash("sha256")
		.update(JSON.stringify([name, of]))
		.digest("hex")
		.slice(0, 16);
}

function recordOf(experiment: Experiment, noV2: string, version: string): unknown {
	const begin = `{"key":"${keyOf(experiment)}",`;
	const line = lines().find((one) => one.startsWith(begin));
	if (line === undefined) {
		throw new ScenarioError(
			`"${experiment.name}" needs the v2 API, and is not one of the pages' runs that are recorded; { api: "v3" } needs none: ${noV2}`,
		);
	}
	const { etcd } = JSON.parse(line) as RecordLine;
	const recorded = `recorded on etcd ${etcd} (this server, etcd ${version}, has no v2 API)`;
	tell(`"${experiment.name}": ${recorded}`);
	const marked = (value: unknown) => (isObject(value) ? { ...value, recorded } : value);
	const isTimeline = (value: unknown) => isObject(value) && value["format"] === "etcd-watch-lab/timeline";
	const { value } = JSON.parse(line, (_, one: unknown) =>
		isTimeline(one) ? marked(one) : one,
	) as RecordLine;
	return marked(value);
}

let read: readonly string[] | undefined;

function lines(): readonly string[] {
	read ??= existsSync(folder)
		? readdirSync(folder)
				.filter((name) => name.endsWith(".ndjson.gz"))
				.flatMap((name) =>
					gunzipSync(readFileSync(join(folder, name)))
						.toString("utf8")
						.split("\n"),
				)
		: [];
	return read;
}
