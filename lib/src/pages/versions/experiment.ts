import { type FaultId, type KnownFault, knownFaults } from "../../follow/v3/known-faults";
import type { Servers } from "./servers";

/** Whether a server does what an experiment states. */
export interface Found {
	/** confirmed: it does, so a fault is there; refuted: it does not; untested: this run can't tell. */
	readonly verdict: "confirmed" | "refuted" | "untested";
	/** What was seen, or why nothing could be. The same words on every run that ends alike. */
	readonly because: string;
}

/** Something that etcd's watch, or what a reader needs beside it, does in some releases and not in others. */
export interface VersionExperiment {
	/** Its number in etcd's repository, the name of its advisory, or a word where it is no fault. */
	readonly id: string;
	/** A few words for a row. */
	readonly name: string;
	/** The statement that is confirmed or refuted, as a reader sees it. */
	readonly claim: string;
	readonly url: string;
	/** A fault, or a change that was meant. */
	readonly kind: "fault" | "change";
	/** Which releases it is true of, by minor version, both ends included: from etcd's changelogs and sources. */
	readonly versions: KnownFault["versions"];
	/** What to do where it is so and the server stays as it is. */
	readonly advice: string;
	/** Tries it; what it throws leaves it untested. */
	run(servers: Servers): Promise<Found>;
}

export const confirmed = (because: string): Found => ({ verdict: "confirmed", because });
export const refuted = (because: string): Found => ({ verdict: "refuted", because });
export const untested = (because: string): Found => ({ verdict: "untested", because });

/** No release has ended it. */
export const ever = Number.POSITIVE_INFINITY;

/** Where a known fault is told of, and which releases have it. */
export function versionsOf(id: FaultId): Pick<KnownFault, "url" | "versions"> {
	const fault: KnownFault | undefined = knownFaults.find((one) => one.id === id);
	if (fault === undefined) throw new RangeError(`no known fault ${id}`);
	return { url: fault.url, versions: fault.versions };
}
