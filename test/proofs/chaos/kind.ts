import type { EtcdKind } from "../../support/etcds";
import type { Run } from "./run";

/** The servers that a kind of fault needs. */
export interface Needs {
	/** As many as the command line says unless given. */
	readonly members?: 1 | 3;
	/** Proxies before the clients' ports, or between the members. */
	readonly proxied?: "clients" | "peers";
	readonly flags?: readonly string[];
	/** That no run has had before: never compacted, no users. */
	readonly fresh?: true;
	/** Each member logs everything into a pipe that `run.servers.logs` can stop to read. Not on Windows. */
	readonly logPipes?: true;
}

/**
 * What shows that the fault happened, measured at the servers, the proxies or the runner's own requests: never the
 * word of who is put to the test, and no loss of a loop, which loses without any fault, too.
 */
export interface Bite {
	/** 0: it did not. */
	readonly count: number;
	/** What was counted, so that "7 " before it reads well. */
	readonly of: string;
}

/** Each of them has to be above 0. */
export type Bites = readonly [Bite, ...Bite[]];

export function bite(count: number, of: string): Bite {
	return { count, of };
}

/** How the failure of a run begins whose fault did not bite. */
export const noBite = "the fault did not bite: ";

/** What there should have been, and was not. */
export function missing(bites: Bites): string | undefined {
	const absent = bites.filter(({ count }) => !(count > 0)).map(({ of }) => `no ${of}`);
	return absent.length === 0 ? undefined : `${noBite}${absent.join(", ")}`;
}

/** The fault did not bite, or was left out: there is nothing to check. */
export class NoBiteError extends Error {}

/** One kind of fault: what it needs, how long it takes, and what happens. */
export interface Kind {
	readonly name: string;
	readonly group: "window" | "tree" | "member" | "store" | "client" | "proxy" | "report";
	readonly needs: Needs;
	/** Roughly, on two cores with the servers running. */
	readonly seconds: number;
	/** Which etcd it is on in `npm test`. */
	readonly etcd: EtcdKind;
	/** Afterwards the servers are of no use to another run. */
	readonly leavesBroken?: true;
	/** In one line, what happens to whom. */
	readonly about: string;
	/**
	 * Does it, all that is the fault itself inside `run.fault`, and gives what shows that it happened. Throws when the
	 * fault can't be made.
	 */
	run(run: Run): Promise<Bites>;
}
