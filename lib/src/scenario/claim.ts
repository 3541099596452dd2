import type { Delivery, LifeEvent, WriteRecord } from "./timeline";

/** A row of a timeline that a verdict rests on. */
export type Evidence =
	| { readonly kind: "write"; readonly write: WriteRecord }
	| { readonly kind: "delivery"; readonly watcher: string; readonly delivery: Delivery }
	| { readonly kind: "life"; readonly watcher: string; readonly event: LifeEvent };

/** What a run says of a claim: `untested` when nothing in it could have shown the claim to be false. */
export interface Verdict {
	readonly claim: string;
	readonly verdict: "confirmed" | "refuted" | "untested";
	readonly because: string;
	readonly evidence: readonly Evidence[];
}
