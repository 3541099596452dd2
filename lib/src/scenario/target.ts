import type { Keys } from "../etcd";

/** A server that a scenario runs on; every `Lab` is one. */
export interface Target {
	readonly v2: Keys;
	readonly version: string;
	/** True when nobody else uses the server: its count of watchers is then the run's own. */
	readonly owned: boolean;
	newPrefix(): string;
	/** Throws when the server has other users, whom the experiment would hurt. */
	mayOverflow(what: string): void;
}
