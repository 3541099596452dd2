import { randomBytes } from "node:crypto";
import { LabError } from "../http/errors";
import type { ConnectOptions } from "../http/request";
import { V2Client } from "../v2/client";
import { KeyNotFoundError, V2DisabledError } from "../v2/errors";
import { V3Client } from "../v3/client";
import { type Cluster, startCluster } from "./cluster";
import { findEtcd, hasV2, versionOf } from "./etcd";
import {
	byVariable,
	connectionFrom,
	GuestV3Client,
	inTheClear,
	overflowSwitch,
	type Root,
	removeRoot,
} from "./guest";
import { Keeper, onInterrupt } from "./keeper";
import { identify, noteRoot, rootsLeftAt } from "./leftovers";

/** An experiment that would hurt the other users of a server that the lab did not start, or that its user may not make there. */
export class SharedServerError extends LabError {}

/** An etcd to experiment on, and everything that was made on the way to it. */
export interface Lab {
	/** The v2 keys API of the server; where it has none, each request is a V2DisabledError. */
	readonly v2: V2Client;
	/** Why the server has no v2 API, and how to get one; undefined where it has it. */
	readonly noV2: string | undefined;
	/**
	 * The v3 API of the same server; its keys are others than v2's, and so are its users. A server that has just been
	 * started takes v3's requests a second or two after v2's: the first one waits.
	 */
	readonly v3: V3Client;
	/** The server's version, such as "3.5.1". */
	readonly version: string;
	/** One line for a notebook's set-up cell: the version, whose server it is, and whether it lacks v2. */
	readonly about: string;
	/** Of the lab's own server: a port of 127.0.0.1, which every user of this machine can reach, without a password. */
	readonly endpoints: readonly string[];
	/** True when the lab started the server, for nobody else. */
	readonly owned: boolean;
	/** A random directory, such as "/etcd-watch-lab-5f2c…": all that the lab writes is below it. */
	readonly root: string;
	/** A new directory name below the root, never given before. Nothing is written. */
	newPrefix(): string;
	/**
	 * Refuses an experiment that pushes other people's watchers out of the window.
	 * @throws SharedServerError unless the server is the lab's own or ETCD_WATCH_LAB_ALLOW_OVERFLOW=1
	 */
	mayOverflow(what: string): void;
	/**
	 * Ends every watch and connection; stops the server that the lab started, or removes the lab's keys from the
	 * reader's, and says what could not be removed. The end of the process, even by kill -9, does the same.
	 * @throws StartError when the lab's helper process had been killed before
	 */
	close(): Promise<void>;
}

export interface LabOptions {
	/** Where etcdctl's variables, ETCD_WATCH_LAB_ETCD and the like are read from; the process's own unless given. */
	readonly env?: NodeJS.ProcessEnv;
	/** The etcd binary to start; found by `findEtcd` unless given. Ignored when ETCDCTL_ENDPOINTS is set. */
	readonly binary?: string;
	/** True starts a server of the lab's own, also where ETCDCTL_ENDPOINTS names another. */
	readonly own?: boolean;
	/**
	 * More flags for the server that is started, such as ["--experimental-watch-progress-notify-interval", "1s"]; they
	 * win over the lab's own.
	 */
	readonly flags?: readonly string[];
}

/**
 * Starts a lab: a throwaway etcd of its own, or the server that ETCDCTL_ENDPOINTS names, of any version from 3.4 on.
 * @throws StartError, ArgumentError for a wrong variable, and what a server that can't be used answers, with what to do:
 * ConnectionError, BadAnswerError, UnauthorizedError, V3Error
 */
export function startLab(options: LabOptions = {}): Promise<Lab> {
	return start(options, () => {});
}

/** `over` is called when the lab is closed, or its own etcd has ended by itself. */
async function start(options: LabOptions, over: () => void): Promise<Lab> {
	const env = options.env ?? process.env;
	const named = options.own ? undefined : connectionFrom(env);
	const binary = named ? undefined : (options.binary ?? findEtcd(env));
	// What is no etcd may do anything when it is started as one, and waiting for it to answer tells nobody why.
	if (binary !== undefined) await versionOf(binary);
	const keeper = await Keeper.start();
	try {
		if (binary === undefined) return await openLab(keeper, named as ConnectOptions, undefined, env, over);
		let gone: string | undefined;
		const server = await startCluster({
			...{ size: 1, keeper, binary },
			...(options.flags ? { flags: options.flags } : {}),
			onEnd(how) {
				gone = `the lab's own ${how}: call lab() again (run the set-up cell), and it starts another, which is empty`;
				console.warn(gone);
				over();
			},
		});
		return await openLab(keeper, { endpoints: server.endpoints, whyGone: () => gone }, server, env, over);
	} catch (error) {
		await keeper.close().catch(() => {});
		throw named ? byVariable(error, named) : error;
	}
}

async function openLab(
	keeper: Keeper,
	connection: ConnectOptions,
	own: Cluster | undefined,
	env: NodeJS.ProcessEnv,
	over: () => void,
): Promise<Lab> {
	const v2 = new V2Client(connection);
	const root = `/etcd-watch-lab-${randomBytes(6).toString("hex")}`;
	const owned = own !== undefined;
	const guest = owned ? undefined : new Guest(keeper, root, connection);
	const v3 = guest?.v3 ?? new V3Client(connection);
	let version: string;
	let noV2 = own?.noV2;
	try {
		version = await v2.version();
		if (!owned && !(await servesV2(v2, root))) {
			const start = hasV2(version) ? "start it with --enable-v2, or " : "";
			noV2 = `etcd ${version} at ${v2.endpoints.join(", ")} has no v2 API${start === "" ? " (3.6 removed it)" : ""}: ${start}unset ETCDCTL_ENDPOINTS for an etcd 3.5 of the lab's own, which has v2 and v3`;
		}
		// Tells whether the user may read here, in v3, too: there its first use is the page's first run.
		if (noV2 !== undefined) await v3.range(root, { countOnly: true });
	} catch (error) {
		await Promise.all([v2.close(), v3.close()]);
		throw error;
	}
	await guest?.begin();
	const warning = inTheClear(connection);
	let prefixes = 0;
	const ignore = onInterrupt(() => {
		v2.abortAll();
		v3.abortAll();
	});
	let closing: Promise<void> | undefined;
	const close = async () => {
		ignore();
		await Promise.all([v2.close(), v3.close()]);
		await Promise.all([own?.close(), guest?.end()]);
		await keeper.close();
	};
	return {
		v2,
		v3,
		noV2,
		version,
		about: [
			`etcd ${version}, ${owned ? "started by this lab for itself" : `at ${v2.endpoints.join(", ")}, keys below ${root}`}${noV2 === undefined ? "" : "; it has no v2 API, for which records of etcd 3.5 stand in"}`,
			...(warning === undefined ? [] : [warning]),
		].join("\n"),
		endpoints: v2.endpoints,
		owned,
		root,
		newPrefix: () => `${root}/${++prefixes}`,
		mayOverflow(what) {
			if (owned || env[overflowSwitch] === "1") return;
			throw new SharedServerError(
				`${what} would push other people's watchers out of the event history of ${v2.endpoints.join(", ")}, ` +
					`which the lab did not start: unset ETCDCTL_ENDPOINTS for a server of the lab's own ` +
					`(ETCD_WATCH_LAB_ETCD=etcd: of the version on your PATH), or set ${overflowSwitch}=1 if nobody else watches there`,
			);
		},
		close() {
			over();
			closing ??= close();
			return closing;
		},
	};
}

/** Whether the v2 API is on. @throws UnauthorizedError for a user that may not read here, and as the keys API */
async function servesV2(v2: V2Client, key: string): Promise<boolean> {
	try {
		await v2.get(key);
	} catch (error) {
		if (error instanceof V2DisabledError) return false;
		if (!(error instanceof KeyNotFoundError)) throw error;
	}
	return true;
}

/** A lab on a server that it did not start: what it makes there is removed, whatever becomes of the lab. */
class Guest {
	readonly v3: V3Client;
	#root: Root;

	constructor(
		private readonly keeper: Keeper,
		root: string,
		server: ConnectOptions,
	) {
		this.#root = { root, server, leases: [] };
		this.v3 = new GuestV3Client(server, (lease) => {
			this.#root = { ...this.#root, leases: [...this.#root.leases, String(lease)] };
			keeper.removeAtEnd(this.#root);
		});
	}

	/** Before anything is written. Removes what earlier labs have left there, since they were killed, and says so. */
	async begin(): Promise<void> {
		const { endpoints } = this.v3;
		const { root, server } = this.#root;
		this.keeper.removeAtEnd(this.#root);
		const owner = identify(this.keeper.pid);
		if (owner !== undefined) noteRoot({ root, endpoints, owner });
		const earlier = rootsLeftAt(endpoints);
		const left = await Promise.all(
			earlier.map((one) => removeRoot({ root: one, server, leases: [] }, 5_000)),
		);
		for (const [at, lines] of left.entries()) {
			for (const line of lines) console.warn(`an earlier lab was killed: ${line}`);
			if (lines.length > 0) continue;
			console.warn(
				`an earlier lab was killed: what it had left below ${earlier[at]} at ${endpoints} is removed`,
			);
		}
	}

	/** Removes all, and says what could not be removed; the keeper's helper then tries on for a minute. */
	async end(): Promise<void> {
		const left = await removeRoot(this.#root, 5_000);
		if (left.length === 0) this.keeper.isRemoved(this.#root.root);
		else this.keeper.removeAtEnd({ ...this.#root, isTried: true });
		for (const line of left) console.warn(line);
	}
}

let current: Promise<Lab> | undefined;

/**
 * The lab of this process: started by the first call, the same one after that, until it is closed or its own etcd has
 * died. This is what a notebook's set-up cell calls, so that running the cell again starts nothing twice. Errors as
 * `startLab`.
 */
export function lab(): Promise<Lab> {
	if (current !== undefined) return current;
	const over = () => {
		// Closed again, it must not take the place of the one that was started since.
		if (current === starting) current = undefined;
	};
	const starting: Promise<Lab> = start({}, over);
	starting.catch(over);
	current = starting;
	return starting;
}
