/** The patch releases of one minor version that have a fault, both ends included. */
type Patches = readonly [first: number, last: number];

/** A fault of released etcd servers that a v3 watch, or a reader beside it, can run into. */
export interface KnownFault {
	/** Its number in etcd's repository, or the name of its security advisory. */
	readonly id: string;
	readonly url: string;
	/** Which releases have it, by minor version; those of a minor that is not named have not. */
	readonly versions: Readonly<Record<string, Patches>>;
	/** What somebody sees who watches. */
	readonly seen: string;
	/** What `follow` does where the server has it. */
	readonly follow: string;
	/** What `follow` can't promise all the same; absent where nothing is lost, or all of it is told as a gap. */
	readonly unpromised?: string;
}

/** No release has mended it. */
const ever = Number.POSITIVE_INFINITY;

const issue = (number: string) => `https://github.com/etcd-io/etcd/issues/${number}`;

/**
 * The faults by the number under which etcd knows them. Versions are from etcd's changelogs, its record of correctness
 * issues (tests/robustness/README.md), and the sources of the releases; those marked in the tests were tried.
 */
export const knownFaults = [
	{
		id: "20693",
		url: issue("20693"),
		versions: { "3.4": [0, 37], "3.5": [0, 23], "3.6": [0, 5] },
		seen:
			"while nothing has been compacted yet, somebody's watch with start_revision -1 makes watches that are behind lose " +
			"their past without an error",
		follow:
			"trusts no silence of a watch that began in the past: it asks from the last event that it knows of, itself " +
			"included, until that is told again; where it is not, it lists and tells a gap",
		unpromised: "where no key of its own is left to know of, events before it connected",
	},
	{
		id: "17529",
		url: issue("17529"),
		versions: { "3.4": [0, 30], "3.5": [0, 12] },
		seen: "a slow reader that a compaction passes by is told of nothing in between, and goes on live",
		follow:
			"asks after every 100 messages, and at the start, whether what comes next has been compacted, and tells a gap then; a reset where it had been told of something later",
	},
	{
		id: "18089",
		url: issue("18089"),
		versions: { "3.4": [0, 33], "3.5": [0, 15] },
		seen: "a watch from exactly the compacted revision is not told of a delete at that revision",
		follow: "lists and tells a gap where the revision to go on from is the compacted one",
	},
	{
		id: "19179",
		url: issue("19179"),
		versions: { "3.4": [0, 35], "3.5": [0, 17] },
		seen: "as 18089, after a crash in the midst of a compaction",
		follow: "as 18089",
	},
	{
		id: "15220",
		url: issue("15220"),
		versions: { "3.4": [0, 24], "3.5": [0, 7] },
		seen: "a requested progress overtakes the events that it vouches for",
		follow: "requests none: a quiet key is bookmarked by 100 ms of silence after a read, held against a list",
		unpromised: "that an event which is later than that silence is before the bookmark",
	},
	{
		id: "17566",
		url: issue("17566"),
		versions: { "3.4": [25, 30], "3.5": [8, 12] },
		seen: "a requested progress is not answered while a watch is behind, and not later either, until an event comes",
		follow: "goes by silence, as for 15220, where no answer comes",
		unpromised: "as for 15220, where no answer comes",
	},
	{
		id: "15271",
		url: issue("15271"),
		versions: { "3.4": [0, 24], "3.5": [0, 7] },
		seen: "after a partition a watch is told old events again, below the revision that it began at",
		follow: "hands on no revision twice, on any version",
	},
	{
		id: "11826",
		url: issue("11826"),
		versions: { "3.4": [0, 19], "3.5": [0, 4] },
		seen: "over TLS all of v3 hangs from the 250th watch by the gateway on, while v2 answers",
		follow: "has one connection by WebSocket, which counts as one watch; its time-outs name the fault",
		unpromised: "an answer while others hold 250 watches there",
	},
	{
		id: "13766",
		url: issue("13766"),
		versions: { "3.5": [0, 2] },
		seen: "after a kill under load, members differ in their data and revisions",
		follow: "nothing: it takes what the member says for the truth",
		unpromised: "that another member tells the same",
	},
	{
		id: "20418",
		url: issue("20418"),
		versions: { "3.4": [20, 41], "3.5": [0, 27], "3.6": [0, 8] },
		seen: "a linearizable read is stale after the server was paused",
		follow: "reads a second time before a list that is behind what it has seen counts",
		unpromised: "that a list has every write acknowledged before it",
	},
	{
		id: "12385",
		url: issue("12385"),
		versions: { "3.5": [0, 5] },
		seen: "a watch with an expired token is refused with permission denied",
		follow: "gets a new token then, as for invalid auth token",
	},
	{
		id: "19752",
		url: issue("19752"),
		versions: { "3.4": [0, ever], "3.5": [0, 31], "3.6": [0, 12] },
		seen: "a user's token that comes by WebSocket is not known",
		follow: "watches by HTTP, one connection a watch, where there is a user",
	},
	{
		id: "13505",
		url: issue("13505"),
		versions: { "3.5": [0, 1] },
		seen: "the server crashes while watches catch up and its database grows",
		follow: "goes on when it is back, or at another member",
	},
	{
		id: "GHSA-xg4h-6gfc-h4m8",
		url: "https://github.com/etcd-io/etcd/security/advisories/GHSA-xg4h-6gfc-h4m8",
		versions: { "3.4": [0, ever], "3.5": [0, 32], "3.6": [0, 13], "3.7": [0, 0] },
		seen: "a user who may read one key can watch all keys from that one on",
		follow: "nothing: it watches what it was asked for",
	},
] as const satisfies readonly KnownFault[];

export type FaultId = (typeof knownFaults)[number]["id"];

/** The known faults of a server by its version, such as "3.5.1"; none for what is no version. */
export function faultsOf(version: string): readonly KnownFault[] {
	const [, major = "", minor = "", patch = ""] = /^v?(\d+)\.(\d+)\.(\d+)/.exec(version) ?? [];
	// Before 3.4 there is nothing that 3.4.0 has mended of these.
	const series = major === "3" && Number(minor) < 4 ? "3.4" : `${major}.${minor}`;
	const nth = major === "3" && Number(minor) < 4 ? 0 : Number(patch);
	return knownFaults.filter((fault: KnownFault) => {
		const patches = minor === "" ? undefined : fault.versions[series];
		return patches !== undefined && nth >= patches[0] && nth <= patches[1];
	});
}
