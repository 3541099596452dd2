import { ArgumentError } from "../http/errors";
import type { Timeline } from "../timeline/timeline";
import { type Api, type RunOptions, ScenarioError, type Target } from "./api";
import { checkOptions, checkV2Keys, writeCount } from "./checks";
import { Recorder } from "./record";
import { onV2, orRecord } from "./recorded";
import { Run, stepMs } from "./run";
import type { Step } from "./steps";
import { V2Api } from "./v2/api";
import { V3Api } from "./v3/api";
import { withoutCounterpart } from "./v3/counterparts";

/** A quarter of the event history: so many writes in a minute leave another user's watcher within it. */
const politeCount = 250;
const politeMs = 60_000;

const announced = new WeakMap<Target, { readonly at: number; readonly count: number }[]>();

/**
 * To be called before writes are made: counts them with those of the last minute on that server, since many small
 * runs push the history as far as a large one.
 * @throws SharedServerError when they are too many for a server that has other users
 */
export function announceWrites(target: Target, count: number, what: string): void {
	// The wall clock may jump.
	const now = performance.now();
	const recent = (announced.get(target) ?? []).filter(({ at }) => now - at < politeMs);
	const sum = recent.reduce((total, one) => total + one.count, count);
	if (sum > politeCount) target.mayOverflow(what);
	announced.set(target, [...recent, { at: now, count }]);
}

/** The same for an experiment of several runs, which announce their writes themselves: all of it, or none. */
export function checkWrites(target: Target, count: number, what: string): void {
	if (count > politeCount) target.mayOverflow(what);
}

/** Runs steps on a server. See `Scenario.run`. */
export async function runOnServer(
	name: string,
	steps: readonly Step[],
	target: Target,
	options: RunOptions,
): Promise<Timeline> {
	const { api: apiName = "v2", stepTimeoutMs } = options;
	checkOptions("run", options);
	if (steps.some(({ step }) => step === "fault") && target.faults === undefined) {
		throw new ScenarioError(
			`"${name}" has faults in it, and they are for clusters that the lab started: run it on atMember(cluster, member)`,
		);
	}
	if (apiName !== "v2" && apiName !== "v3")
		throw new ArgumentError(`there is no api "${String(apiName)}": it is "v2" or "v3"`);
	const without = withoutCounterpart(steps, apiName);
	checkWorth(name, steps, without, apiName);
	if (apiName === "v2") checkV2Keys(steps);
	checkTtls(steps, stepTimeoutMs);
	const run = () => runLive(name, steps, target, { ...options, api: apiName }, without);
	const isKept = apiName === "v3" && !steps.some(({ step }) => step === "compact");
	if (isKept) return await run();
	const timeline = await (apiName === "v2"
		? onV2(target, { name, of: steps }, run)
		: orRecord(target, { name, of: ["v3", steps] }, run));
	if (timeline.recorded !== undefined) options.onChange?.(() => timeline);
	return timeline;
}

async function runLive(
	name: string,
	steps: readonly Step[],
	target: Target,
	options: RunOptions & { readonly api: Timeline["api"] },
	without: ReturnType<typeof withoutCounterpart>,
): Promise<Timeline> {
	const api = apiOf(target, options.api);
	try {
		if (options.api === "v2") {
			const writes = writeCount(steps);
			announceWrites(target, writes, `"${name}" makes ${writes} writes, which`);
		} else if (steps.some(({ step }) => step === "compact")) {
			target.mayOverflow(`"${name}" compacts the store, which`);
		}
		const prefix = target.newPrefix();
		const recorder = new Recorder(prefix, await api.now(prefix, options.signal));
		const run = new Run({ name, api, recorder, without, target, options });
		try {
			return await run.steps(steps);
		} finally {
			await run.close();
		}
	} finally {
		await api.close();
	}
}

function apiOf(target: Target, name: Timeline["api"]): Api {
	if (name === "v2") return new V2Api(target);
	if (target.v3 === undefined)
		throw new ScenarioError("this server's v3 API is not at hand: run it on a lab");
	return new V3Api(target.v3, target);
}

/** A run with none of its writes shows nothing. */
function checkWorth(
	name: string,
	steps: readonly Step[],
	without: ReturnType<typeof withoutCounterpart>,
	api: Timeline["api"],
): void {
	const isLeftOut = (at: number) => without.some(({ step, isDone }) => step === at + 1 && !isDone);
	const acts = steps.filter(({ step }) => step === "write" || step === "burst" || step === "compact");
	if (acts.length === 0 || acts.some((step) => !isLeftOut(steps.indexOf(step)))) return;
	const why = without.map(({ step, what, why }) => `step ${step}, ${what}: ${why}`).join("; ");
	throw new ScenarioError(`nothing that "${name}" does has a counterpart in ${api}: ${why}`);
}

/** @throws ScenarioError for an expiry that comes later than a step may wait */
function checkTtls(steps: readonly Step[], stepTimeoutMs: number | undefined): void {
	const waitMs = stepTimeoutMs ?? stepMs;
	for (const [at, step] of steps.entries()) {
		if (step.step !== "awaitExpiry") continue;
		const given = steps
			.slice(0, at)
			.findLast((one) => one.step === "write" && one.key === step.key && one.ttl !== undefined);
		const ttl = given?.step === "write" ? (given.ttl ?? 0) : 0;
		if (ttl * 1000 < waitMs) continue;
		throw new ScenarioError(
			`step ${at + 1} waits for the expiry of ${step.key} after ${ttl} s, and a step waits at most ${waitMs / 1000} s: give it a shorter ttl, or run(…, { stepTimeoutMs: ${(ttl + 10) * 1000} })`,
		);
	}
}
