import type { Rule } from "etcd-watch-lab/follow";
import type { CheckerName } from "./checker";

/** What shows what a rule is for. */
export interface Proof {
	/** The kinds of fault, the surest first. */
	readonly kinds: readonly string[];
	/** The checkers, one of which has to say something when the rule is switched off. */
	readonly by: readonly CheckerName[];
}

/**
 * "polls are the truth" is none of them: nothing in the library can be switched to a stream, so that a run on one would
 * be of something that the proof wrote itself. That rule is an argument, from what a stream does (T3, T12).
 */
export const proofs: Readonly<Record<Exclude<Rule, "polls are the truth">, Proof>> = {
	"list first": { kinds: ["lagging", "restart"], by: ["complete", "finalState"] },
	"go on after the event": { kinds: ["kill", "restart"], by: ["complete"] },
	"each once": { kinds: ["restart", "kill"], by: ["unique"] },
	"a cleared history is a gap": { kinds: ["window-1001"], by: ["complete", "gapsStated"] },
	"verify a jump": { kinds: ["snapshot-catch-up"], by: ["complete", "gapsStated"] },
	"an index that goes back is a reset": { kinds: ["wipe", "wipe-outgrown"], by: ["complete", "genuine"] },
	"no poll for ever": { kinds: ["minority", "pause"], by: ["alive"] },
	"bookmark a quiet key": { kinds: ["quiet-key"], by: ["avoidable"] },
	"a removed directory is all its keys": { kinds: ["remove-thousand"], by: ["removedKeys"] },
	"what only the replay shows is dropped": { kinds: ["prefix-sibling"], by: ["genuine"] },
	"a slow consumer is a gap": { kinds: ["slow-consumer"], by: ["complete", "bounded"] },
	"an exception consumes nothing": { kinds: ["throwing-consumer"], by: ["complete"] },
};
