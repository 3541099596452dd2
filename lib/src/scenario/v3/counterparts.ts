import type { Timeline, WithoutCounterpart } from "../../timeline/timeline";
import { type BurstStep, type OpenStep, type Step, stepWords, type WriteStep } from "../steps";
import { belowName } from "./node";

/** What a step is in v3. */
export interface Counterpart {
	/** Its number, from 1. */
	readonly step: number;
	/** In the words of the scenario. */
	readonly v2: string;
	/** What it is in v3; undefined: there is nothing that would be the same. */
	readonly v3: string | undefined;
	/** Why there is none, or what differs; "" where nothing is to be said. */
	readonly note: string;
}

/** What each step of a scenario becomes with `run(etcd, { api: "v3" })`, and which steps have no counterpart there. */
export function counterparts({ steps }: { readonly steps: readonly Step[] }): readonly Counterpart[] {
	const without = withoutCounterpart(steps, "v3");
	return steps.map((step, at) => {
		const found = without.find((one) => one.step === at + 1);
		const isLeftOut = found !== undefined && !found.isDone;
		return {
			step: at + 1,
			v2: stepWords(step),
			v3: isLeftOut ? undefined : v3Words(step),
			note: found?.why ?? "",
		};
	});
}

/**
 * What of these steps an API has no counterpart for, in order. `isDone`: the step itself is carried out, and only
 * something about it is not so.
 */
export function withoutCounterpart(
	steps: readonly Step[],
	api: Timeline["api"],
): (WithoutCounterpart & { readonly isDone: boolean })[] {
	return steps.flatMap((step, at) => {
		const found = api === "v2" ? withoutInV2(step) : withoutInV3(step, steps.slice(0, at));
		return found === undefined ? [] : [{ step: at + 1, what: stepWords(step), isDone: false, ...found }];
	});
}

type Found = { readonly why: string; readonly what?: string; readonly isDone?: boolean };

function withoutInV2(step: Step): Found | undefined {
	if (step.step === "compact")
		return { why: "v2 has no compaction: its history is the last 1000 events of the store, always" };
	const silent = "v2 has no progress notification: on a quiet key it says nothing";
	if (step.step === "awaitProgress") return { why: silent };
	if ("progressNotify" in step && step.progressNotify)
		return { what: `${step.watcher} is told of progress`, why: silent, isDone: true };
	return undefined;
}

const directory = "v3 has no directories: keys are flat, and a slash in one is a letter like any other";

/** Writes that give a key a lease. */
const leasing: ReadonlySet<string> = new Set(["set", "create", "update", "compareAndSwap"]);

function withoutInV3(step: Step, before: readonly Step[]): Found | undefined {
	if (step.step === "awaitExpiry") {
		const isLeased = before.some(
			(one) =>
				one.step === "write" && one.key === step.key && one.ttl !== undefined && leasing.has(one.operation),
		);
		return isLeased ? undefined : { why: `nothing has that lease: ${directory}` };
	}
	if (step.step !== "write") return undefined;
	switch (step.operation) {
		case "mkdir":
		case "updateDirectory":
			return { why: directory };
		case "rmdir":
			return step.recursive ? undefined : { why: directory };
		case "refresh":
			return {
				why: "a lease is kept alive, not a key: no write, no revision, no event, and its ttl stays what it was",
			};
		case "createInOrder":
			return { why: "v3 makes no names: a client that wants them in order makes them itself" };
		default: {
			if (!step.key.split("/").some((part) => part.startsWith("_"))) return undefined;
			const why = "v3 has no hidden keys: an underscore is a letter like any other";
			return { why, what: `${step.key} is hidden`, isDone: true };
		}
	}
}

function v3Words(step: Step): string {
	if (step.step === "write") return writeWords(step);
	if (step.step === "burst") return burstWords(step);
	if (step.step === "awaitExpiry") return `waits for the delete that the end of its lease is`;
	if (step.step === "follow") return `${watchWords(step)}, by the lab's follower`;
	if (step.step === "awaitProgress") return "waits for the message that says how far the store is";
	if (step.step === "recover") return "range, then a watch from the answer's revision + 1";
	if ("key" in step) return watchWords(step);
	return "the same";
}

function watchWords({ step, key, recursive, afterIndex, goOnAfter, progressNotify }: OpenStep): string {
	const range = recursive ? `${quoted(key)} and the prefix ${quoted(belowName(key))}` : quoted(key);
	const from =
		afterIndex !== undefined
			? `, start_revision ${afterIndex + 1}`
			: goOnAfter === undefined
				? ""
				: `, start_revision = the ${goOnAfter}'s + 1`;
	const how =
		step === "poll"
			? ", closed after its first event"
			: step === "pollLoop"
				? ", closed after each event and made anew from now on"
				: "";
	return `watch ${range}${from}${progressNotify ? ", progress_notify" : ""}${how}`;
}

function writeWords({ operation, key, ttl, recursive, expected = {} }: WriteStep): string {
	const lease = ttl === undefined ? "" : `, with a lease of ${ttl} s`;
	const put = `put ${quoted(key)}${lease}`;
	const compared = [
		...(expected.prevValue === undefined ? [] : [`value = ${quoted(expected.prevValue)}`]),
		...(expected.prevIndex === undefined ? [] : [`mod_revision = ${expected.prevIndex}`]),
	].join(" and ");
	switch (operation) {
		case "create":
			return `txn: if create_revision = 0, ${put}`;
		case "update":
			return `txn: if version > 0, ${put}`;
		case "compareAndSwap":
			return `txn: if ${compared}, ${put}`;
		case "compareAndDelete":
			return `txn: if ${compared}, delete ${quoted(key)}`;
		case "delete":
			return `delete ${quoted(key)}`;
		case "rmdir":
			return recursive ? `delete ${quoted(key)} and the prefix ${quoted(belowName(key))}` : "";
		default:
			return put;
	}
}

function burstWords({ count, directory }: BurstStep): string {
	return `${count} × put below ${quoted(directory)}`;
}

function quoted(text: string): string {
	return JSON.stringify(text);
}
