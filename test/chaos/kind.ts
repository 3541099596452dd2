import type { Run } from "./run";

/** The servers that a kind of fault needs. */
export interface Needs {
	/** As many as the command line says unless given. */
	readonly members?: 1 | 3;
	/** Proxies before the clients' ports, or between the members. */
	readonly proxied?: "clients" | "peers";
	readonly flags?: readonly string[];
}

/** One kind of fault: what it needs, how long it takes, and what happens. */
export interface Kind {
	readonly name: string;
	readonly group: "window" | "tree" | "member" | "store" | "client" | "proxy";
	readonly needs: Needs;
	/** Roughly, on two cores with the servers running. */
	readonly seconds: number;
	/** Afterwards the servers are of no use to another run. */
	readonly leavesBroken?: true;
	/** In one line, what happens to whom. */
	readonly about: string;
	/** Throws when the fault can't be made; proves by `run.bit` or by what the loops lose that it was. */
	run(run: Run): Promise<void>;
}
