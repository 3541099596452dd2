import { randomBytes } from "node:crypto";
import { LabError } from "../http/errors";
import type { ConnectOptions } from "../http/transport";
import { V2Client } from "../v2/client";
import { KeyNotFoundError } from "../v2/errors";
import { V3Client } from "../v3/client";
import { startCluster } from "./cluster";
import { checkV2, findEtcd } from "./etcd";
import { Keeper } from "./keeper";
import { connectionFrom, overflowSwitch } from "./settings";

/** An experiment that would hurt the other users of a server that the lab did not start. */
export class SharedServerError extends LabError {}

/** An etcd to experiment on, and everything that was made on the way to it. */
export interface Lab {
	/** The v2 keys API of the server. */
	readonly v2: V2Client;
	/**
	 * The v3 API of the same server; its keys are others than v2's, and so are its users. A server that has just been
	 * started takes v3's requests a second or two after v2's: the first one waits.
	 */
	readonly v3: V3Client;
	/** The server's version, such as "3.5.1". */
	readonly version: string;
	/** One line for a notebook's set-up cell: the version and whose server it is. */
	readonly about: string;
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
	 * reader's. The end of the process, even by kill -9, does the same.
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
 * Starts a lab: a throwaway etcd of its own, or the server that ETCDCTL_ENDPOINTS names.
 * @throws StartError, ArgumentError for a wrong variable, V2DisabledError, ConnectionError, UnauthorizedError
 */
export async function startLab(options: LabOptions = {}): Promise<Lab> {
	const env = options.env ?? process.env;
	const named = options.own ? undefined : connectionFrom(env);
	const binary = named ? undefined : (options.binary ?? findEtcd(env));
	// What is no etcd may do anything when it is started as one, and waiting for it to answer tells nobody why.
	if (binary !== undefined) await checkV2(binary);
	const keeper = await Keeper.start();
	try {
		if (binary === undefined) return await openLab(keeper, named as ConnectOptions, false, env);
		const { endpoints } = await startCluster({
			size: 1,
			keeper,
			binary,
			...(options.flags ? { flags: options.flags } : {}),
		});
		return await openLab(keeper, { endpoints }, true, env);
	} catch (error) {
		await keeper.close();
		throw error;
	}
}

async function openLab(
	keeper: Keeper,
	connection: ConnectOptions,
	owned: boolean,
	env: NodeJS.ProcessEnv,
): Promise<Lab> {
	const v2 = new V2Client(connection);
	const v3 = new V3Client(connection);
	const root = `/etcd-watch-lab-${randomBytes(6).toString("hex")}`;
	let version: string;
	try {
		version = await v2.version();
		// Tells whether the v2 API is on and the user may read here.
		await v2.get(root).catch((error: unknown) => {
			if (!(error instanceof KeyNotFoundError)) throw error;
		});
	} catch (error) {
		await Promise.all([v2.close(), v3.close()]);
		throw error;
	}
	if (!owned) keeper.removeAtEnd(root, connection);
	let prefixes = 0;
	const interrupt = () => {
		v2.abortAll();
		v3.abortAll();
	};
	// In a kernel somebody already handles SIGINT (tslab), so that listening does not keep the process alive
	// against the user's will. Interrupt then ends the watches too, and leaves the server be.
	if (process.listenerCount("SIGINT") > 0) process.on("SIGINT", interrupt);
	let closing: Promise<void> | undefined;
	const close = async () => {
		process.off("SIGINT", interrupt);
		await Promise.all([v2.close(), v3.close()]);
		await keeper.close();
	};
	return {
		v2,
		v3,
		version,
		about: `etcd ${version}, ${owned ? "started by this lab for itself" : `at ${v2.endpoints.join(", ")}, keys below ${root}`}`,
		endpoints: v2.endpoints,
		owned,
		root,
		newPrefix: () => `${root}/${++prefixes}`,
		mayOverflow(what) {
			if (owned || env[overflowSwitch] === "1") return;
			throw new SharedServerError(
				`${what} would push other people's watchers out of the event history of ${v2.endpoints.join(", ")}, ` +
					`which the lab did not start: unset ETCDCTL_ENDPOINTS to use a server of the lab's own, ` +
					`or set ${overflowSwitch}=1 if nobody else watches there`,
			);
		},
		close() {
			closing ??= close();
			return closing;
		},
	};
}

let current: Promise<Lab> | undefined;

/**
 * The lab of this process: started by the first call, the same one after that, until it is closed. This is what
 * a notebook's set-up cell calls, so that running the cell again starts nothing twice. Errors as `startLab`.
 */
export async function lab(): Promise<Lab> {
	current ??= startAsCurrent();
	const mine = current;
	try {
		return await mine;
	} catch (error) {
		if (current === mine) current = undefined;
		throw error;
	}
}

function startAsCurrent(): Promise<Lab> {
	const starting: Promise<Lab> = startLab().then((started) => ({
		...started,
		close() {
			// Closed again, it must not take the place of the one that was started since.
			if (current === starting) current = undefined;
			return started.close();
		},
	}));
	return starting;
}
