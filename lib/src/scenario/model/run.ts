import { ArgumentError } from "../../http/errors";
import type { Timeline, WriteRecord } from "../../timeline/timeline";
import { checkOptions, checkV2Keys } from "../checks";
import { Recorder } from "../record";
import { Run } from "../run";
import type { Step } from "../steps";
import { withoutCounterpart } from "../v3/counterparts";
import { ModelApi } from "./api";

export interface ModelRunOptions {
	/** The etcd version whose rules apply, 3.4 or 3.5; "3.5" unless given. */
	readonly version?: string;
	/**
	 * A real run of the same scenario. Of a burst's writes nobody can say which took which index: the model then
	 * takes them in the order in which this run's server did.
	 */
	readonly like?: Timeline;
}

/** No key of a scenario has this in it. */
const prefix = "/etcd-watch-lab/the model";

/**
 * Runs a scenario on the model instead of a server: at once, with nothing started. What it gives has the form of a
 * real timeline and says in its `server` that it is the model's.
 * @throws ArgumentError for a key that v2 can't have, and a version that the model has no rules of; ScenarioError for
 * faults, and a step that waits for what never comes
 */
export async function runOnModel(
	{ name, steps }: { readonly name: string; readonly steps: readonly Step[] },
	options: ModelRunOptions = {},
): Promise<Timeline> {
	checkOptions("runOnModel", options);
	const { version = "3.5", like } = options;
	checkVersion(version);
	checkV2Keys(steps);
	if (steps.some(({ step }) => step === "fault"))
		throw new RangeError("the model is one server, which does not fail: faults need a cluster");
	const api = new ModelApi(version);
	const without = withoutCounterpart(steps, "v2");
	const burstKeys = like === undefined ? {} : { burstKeys: (step: number) => orderIn(like, step) };
	const run = new Run({ name, api, recorder: new Recorder(prefix, 0), without, options: {}, ...burstKeys });
	try {
		return await run.steps(steps);
	} finally {
		await run.close();
	}
}

/** The model is held against 3.4 and 3.5; etcd has no v2 store since 3.6. */
function checkVersion(version: unknown): void {
	if (typeof version === "string" && /^3\.[45](\.\d+)?(-.*)?$/.test(version)) return;
	throw new ArgumentError(
		`the model has the rules of "3.4" and "3.5" (also such as "3.5.1"), not of ${JSON.stringify(version)}`,
	);
}

/** The keys of a burst's writes in the order of their indexes; those that were not accepted come last. */
function orderIn({ writes }: Timeline, burst: number): string[] {
	const indexOf = ({ outcome }: WriteRecord) =>
		outcome.kind === "accepted" ? outcome.index : Number.POSITIVE_INFINITY;
	return writes
		.filter((write) => write.burst === burst)
		.sort((one, two) => indexOf(one) - indexOf(two) || one.id - two.id)
		.map(({ key }) => key);
}
