import { AsyncLocalStorage } from "node:async_hooks";
import { createHash } from "node:crypto";
import { appendFileSync, existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { isObject } from "../http/answer";
import { SharedServerError } from "../server/lab";
import { ScenarioError, type Target } from "./api";

/** An experiment: its name for the reader, and all that it is made of. */
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
const folder = join(__dirname, "..", "..", "..", "notebooks", "recorded");

/** What an experiment is made of is no record of its own. */
const within = new AsyncLocalStorage<true>();

/**
 * Makes an experiment that needs the v2 API. On a server without it gives the record of that very experiment, and says
 * so: in each timeline of it, and in the result itself. Else as `orRecord`.
 * @throws ScenarioError that says what is needed where nothing is recorded
 */
export async function onV2<T>(
	target: Pick<Target, "noV2" | "version">,
	experiment: Experiment,
	live: () => Promise<T>,
): Promise<T> {
	if (target.noV2 === undefined) return await orRecord(target, experiment, live);
	const record = recordOf(experiment, `this server, etcd ${target.version}, has no v2 API`);
	if (record !== undefined) return record as T;
	throw new ScenarioError(
		`"${experiment.name}" needs the v2 API, and is not one of the pages' runs that are recorded; { api: "v3" } needs none: ${target.noV2}`,
	);
}

/**
 * Makes an experiment. Where the server is not the lab's to do that to, gives the record of that very experiment, and says
 * so, and how to have it made there. While the pages are run for their outputs (ETCD_WATCH_LAB_RECORD names a file)
 * what came is added to that file. The result has to be JSON.
 * @throws SharedServerError where nothing is recorded; else as `live`
 */
export async function orRecord<T>(
	target: Pick<Target, "version">,
	experiment: Experiment,
	live: () => Promise<T>,
): Promise<T> {
	if (within.getStore()) return await live();
	let value: T;
	try {
		value = await within.run(true, live);
	} catch (error) {
		if (!(error instanceof SharedServerError)) throw error;
		const why = `not run on this server, etcd ${target.version}, which the lab did not start`;
		const record = recordOf(experiment, why, error.message);
		if (record === undefined) throw error;
		return record as T;
	}
	const file = process.env["ETCD_WATCH_LAB_RECORD"];
	if (file === undefined) return value;
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

/** Undefined where nothing is recorded. `more`: what is said besides, once. */
function recordOf(experiment: Experiment, why: string, more?: string): unknown {
	const begin = `{"key":"${keyOf(experiment)}",`;
	const line = lines().find((one) => one.startsWith(begin));
	if (line === undefined) return undefined;
	const { etcd } = JSON.parse(line) as RecordLine;
	const recorded = `recorded on etcd ${etcd} (${why})`;
	tell(`"${experiment.name}": ${recorded}${more === undefined ? "" : `: ${more}`}`);
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
