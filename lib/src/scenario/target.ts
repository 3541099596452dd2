import type { FollowOptions } from "../follow";
import type { FaultKind, FaultRecord } from "../timeline/timeline";
import type { V2Client } from "../v2";
import type { V3Client } from "../v3";

/** A server that a scenario runs on; every `Lab` is one. */
export interface Target {
	readonly v2: V2Client;
	/** The same server's v3 API, where a scenario is to run on that. */
	readonly v3?: V3Client;
	readonly version: string;
	/** True when nobody else uses the server: its count of watchers is then the run's own. */
	readonly owned: boolean;
	newPrefix(): string;
	/** Throws when the server has other users, whom the experiment would hurt. */
	mayOverflow(what: string): void;
	/** A new client for a run's watchers, where it is not what the writers use; the run closes it. */
	newWatchers?(): V2Client;
	/** The same for a run on v3. */
	newV3Watchers?(): V3Client;
	/** What a follower is given on this server. */
	readonly followOptions?: FollowOptions;
	/** What can be broken; absent on a server whose faults are not the lab's to make. */
	readonly faults?: Faults;
}

/** The faults of one member. */
export interface Faults {
	/** Does it; gives what happened of itself besides. @throws FaultError */
	make(fault: FaultKind): Promise<readonly FaultRecord["kind"][]>;
	/** Puts everything right again. */
	mend(): Promise<void>;
}
