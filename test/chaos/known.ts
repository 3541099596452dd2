import type { CheckerName, Finding } from "./checker";

/**
 * A fault of servers that no client can make good: what it brings about on the versions that have it. Only until the
 * library has its own table of them; what a follower can work around has no place here.
 */
interface KnownFault {
	readonly name: string;
	/** From the first version to the last, both included, of each series. */
	readonly versions: readonly (readonly [string, string])[];
	/** The kinds that bring it about. */
	readonly kinds: readonly string[];
	/** What may then be found, and nothing else. */
	readonly findings: readonly CheckerName[];
	readonly says: RegExp;
}

const faults: readonly KnownFault[] = [
	{
		// Whoever turns to another member than the one that was killed finds another revision there.
		name: "etcd 13766: members differ after a kill -9",
		versions: [["3.5.0", "3.5.2"]],
		kinds: ["kill", "leader-kill", "kill-all", "rolling-restart"],
		findings: ["gapsStated"],
		says: /^a reset \((index went back|another past)/,
	},
	{
		// A read that was asked for before a pause is answered after it.
		name: "etcd 20418: a linearizable read is stale after a pause",
		versions: [
			["3.4.20", "3.4.41"],
			["3.5.0", "3.5.27"],
			["3.6.0", "3.6.8"],
		],
		kinds: ["pause"],
		findings: ["gapsStated"],
		says: /^a reset \(index went back/,
	},
];

/** The one that accounts for everything that a run found wrong. */
export function knownFault(
	version: string,
	kind: string,
	{ findings, failure }: { readonly findings: readonly Finding[]; readonly failure: string | undefined },
): string | undefined {
	if (findings.length === 0 || failure !== undefined) return undefined;
	return faults.find(
		(fault) =>
			fault.kinds.includes(kind) &&
			fault.versions.some(([first, last]) => isBetween(version, first, last)) &&
			findings.every(({ checker, what }) => fault.findings.includes(checker) && fault.says.test(what)),
	)?.name;
}

function isBetween(version: string, first: string, last: string): boolean {
	const [major, minor, patch = 0] = version.split(".").map(Number);
	const [, , from = 0] = first.split(".").map(Number);
	const [, , to = 0] = last.split(".").map(Number);
	return first.startsWith(`${major}.${minor}.`) && patch >= from && patch <= to;
}
