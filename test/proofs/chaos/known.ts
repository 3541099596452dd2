import { type FaultId, faultsOf } from "#lib/follow/v3/known-faults.js";
import type { CheckerName, Finding } from "./checker";

/** What a fault of servers, by the library's table, may bring about in a run on a version that has it. */
interface Expected {
	readonly ids: readonly FaultId[];
	/** The kinds that can bring it about; any unless given. */
	readonly kinds?: readonly string[];
	readonly checker: CheckerName;
	readonly says: RegExp;
}

const expected: readonly Expected[] = [
	// Whoever turns to another member than the one that was killed finds another revision there.
	{
		ids: ["13766"],
		kinds: ["kill", "leader-kill", "kill-all", "rolling-restart"],
		checker: "gapsStated",
		says: /^a reset \((index went back|another past)/,
	},
	// A read that was asked for before a pause is answered after it.
	{ ids: ["20418"], kinds: ["pause"], checker: "gapsStated", says: /^a reset \(index went back/ },
	// What can't be told from a loss is told as a gap: at exactly the compacted revision …
	{
		ids: ["18089", "19179", "17529"],
		checker: "avoidable",
		says: /^a gap from (\d+) to \d+: the history went back to \1$/,
	},
	// … whoever was told of something later, and then finds what it was not told of, can't tell that from another store …
	{
		ids: ["17529"],
		kinds: ["slow-reader-compaction"],
		checker: "gapsStated",
		says: /^a reset \(another past/,
	},
	// … and beside a watch at -1.
	{ ids: ["20693"], kinds: ["neighbour-at-minus-one"], checker: "avoidable", says: /^a gap from/ },
];

/** Whether a version has it. */
export function isAffected(version: string, id: FaultId): boolean {
	return faultsOf(version).some((fault) => fault.id === id);
}

/** What a checker has found out of a run, and what is to be said of its servers. */
interface Seen {
	/** Of members that hold different data at one revision (store.ts, `differenceOf`). */
	readonly differing: string | undefined;
	/** What a server lost of what it had acknowledged. */
	readonly contradictions: readonly string[];
	readonly findings: readonly Finding[];
}

/**
 * Whether the servers kept their word, without which nothing can be held against anybody: a failure of the run where
 * they did not, unless that is a known fault of theirs.
 */
export function judge(
	version: string,
	kind: string,
	{ differing, contradictions, findings }: Seen,
): { readonly failure?: string | undefined; readonly known?: string | undefined } {
	if (differing !== undefined) {
		return isAffected(version, "13766") ? { known: "etcd 13766" } : { failure: differing };
	}
	const [failure] = contradictions;
	return failure === undefined ? { known: knownFault(version, kind, findings) } : { failure };
}

/** The known faults that account for everything that a run found wrong; undefined: something is left, or nothing was. */
export function knownFault(version: string, kind: string, findings: readonly Finding[]): string | undefined {
	if (findings.length === 0) return undefined;
	const accounted = findings.map((finding) => accountFor(version, kind, finding));
	return accounted.includes(undefined) ? undefined : [...new Set(accounted)].join(", ");
}

function accountFor(version: string, kind: string, { checker, what }: Finding): string | undefined {
	const found = expected.find(
		(one) =>
			one.checker === checker &&
			one.says.test(what) &&
			(one.kinds === undefined || one.kinds.includes(kind)) &&
			one.ids.some((id) => isAffected(version, id)),
	);
	return found && `etcd ${found.ids.filter((id) => isAffected(version, id)).join(" or ")}`;
}
