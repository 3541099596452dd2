import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { promisify } from "node:util";
import { ConnectionError } from "../../http";
import { type Cluster, type ClusterOptions, type Lab, startCluster } from "../../server";
import { freePorts, startMs } from "../../server/etcd";
import { Keeper, StartError } from "../../server/keeper";
import { V2Client } from "../../v2";
import { V3Client } from "../../v3";
import { UntriedError } from "./wire";

/** A server, and clients of it. */
export interface Server {
	readonly endpoint: string;
	readonly v2: V2Client;
	readonly v3: V3Client;
}

/** A server with users: v3's root, and one who may read the key "foo". */
export interface SecuredServer extends Server {
	readonly low: V3Client;
}

/** Where the experiments of one version are made. */
export interface Servers {
	readonly version: string;
	/** A directory that nobody else writes below, on `shared`. */
	newPrefix(): string;
	/** One that several experiments use, one after the other; it may be somebody else's, too. */
	shared(): Promise<Server>;
	/** One that nobody has used. @throws UntriedError where the lab starts none; so do the others below */
	fresh(flags?: readonly string[]): Promise<Server>;
	secured(): Promise<SecuredServer>;
	/** One that speaks TLS alone, and its certificate, in PEM. */
	tls(): Promise<Server & { readonly ca: string }>;
	/** Three members, between which links can be cut. */
	cluster(flags: readonly string[]): Promise<Cluster>;
	/** Whether the binary knows the flags as they are written: a cluster is given those of its version. */
	takes(flags: readonly string[]): Promise<boolean>;
	/** Ends all of them. Safe to call again. */
	close(): Promise<void>;
}

/** For each answer: a machine that is busy with other things must not make an experiment fail. */
const timeoutMs = 30_000;

/** Servers that are started from one binary, for nobody else. */
export class OwnServers implements Servers {
	readonly version: string;
	readonly #binary: string;
	#keeper: Promise<Keeper> | undefined;
	#shared: Promise<Server> | undefined;
	#secured: Promise<SecuredServer> | undefined;
	readonly #ends: (() => Promise<unknown>)[] = [];
	#prefixes = 0;

	constructor(binary: string, version: string) {
		// The keeper runs it in another folder.
		this.#binary = resolve(binary);
		this.version = version;
	}

	newPrefix(): string {
		return `/p${++this.#prefixes}`;
	}

	shared(): Promise<Server> {
		this.#shared ??= this.fresh();
		return this.#shared;
	}

	async fresh(flags: readonly string[] = []): Promise<Server> {
		const { endpoints } = await this.#start({ size: 1, flags });
		return this.#at(endpoints[0] ?? "");
	}

	secured(): Promise<SecuredServer> {
		this.#secured ??= this.#secure();
		return this.#secured;
	}

	async cluster(flags: readonly string[]): Promise<Cluster> {
		return await this.#start({ size: 3, flags, proxied: { peers: true } });
	}

	/** `--auto-tls` makes a certificate of its own, in the data folder; startCluster asks by plain HTTP alone. */
	async tls(): Promise<Server & { readonly ca: string }> {
		const keeper = await this.#kept();
		const [port = 0, peerPort = 0] = await freePorts(2);
		const name = `tls-${randomBytes(4).toString("hex")}`;
		const endpoint = `https://127.0.0.1:${port}`;
		const peer = `http://127.0.0.1:${peerPort}`;
		const data = join(keeper.folder, name);
		const env = {
			...{ ETCD_NAME: name, ETCD_DATA_DIR: data, ETCD_AUTO_TLS: "true", ETCD_LOGGER: "zap" },
			...{ ETCD_LISTEN_CLIENT_URLS: endpoint, ETCD_ADVERTISE_CLIENT_URLS: endpoint },
			...{ ETCD_LISTEN_PEER_URLS: peer, ETCD_INITIAL_ADVERTISE_PEER_URLS: peer },
			ETCD_INITIAL_CLUSTER: `${name}=${peer}`,
		};
		const process = await keeper.run(name, this.#binary, [], env);
		let isOver = false;
		void process.exited.then(() => {
			isOver = true;
		});
		this.#ends.push(() => process.end("SIGKILL"));
		const ca = join(data, "fixtures", "client", "cert.pem");
		const deadline = performance.now() + startMs;
		while (!isOver && performance.now() < deadline) {
			if (isThere(ca)) {
				const server = this.#at(endpoint, ca);
				if (await answers(server.v3)) return { ...server, ca: readFileSync(ca, "utf8") };
			}
			await wait(50);
		}
		throw new StartError("etcd did not start with --auto-tls");
	}

	async takes(flags: readonly string[]): Promise<boolean> {
		try {
			// It reads all flags, says its version and ends.
			await promisify(execFile)(this.#binary, [...flags, "--version"], { timeout: 10_000 });
			return true;
		} catch (error) {
			if (String(error).includes("flag provided but not defined")) return false;
			throw error;
		}
	}

	async close(): Promise<void> {
		for (const end of this.#ends.splice(0).reverse()) await end();
		await (await this.#keeper)?.close();
		this.#keeper = undefined;
	}

	async #start(options: ClusterOptions): Promise<Cluster> {
		const cluster = await startCluster({ ...options, binary: this.#binary, keeper: await this.#kept() });
		this.#ends.push(() => cluster.close());
		return cluster;
	}

	#kept(): Promise<Keeper> {
		this.#keeper ??= Keeper.start();
		return this.#keeper;
	}

	#at(endpoint: string, ca?: string): Server {
		const connection = { endpoints: [endpoint], timeoutMs, ...(ca === undefined ? {} : { tls: { ca } }) };
		const [v2, v3] = [new V2Client(connection), new V3Client(connection)];
		this.#ends.push(() => Promise.all([v2.close(), v3.close()]));
		return { endpoint, v2, v3 };
	}

	async #secure(): Promise<SecuredServer> {
		// Passwords are hashed as cheaply as etcd lets one: nobody is to be kept out here.
		const { endpoint, v2, v3: open } = await this.fresh(["--bcrypt-cost", "4"]);
		const key = Buffer.from("foo").toString("base64");
		for (const [path, body] of [
			["user/add", { name: "root", password: "root" }],
			["role/add", { name: "root" }],
			["user/grant", { user: "root", role: "root" }],
			["user/add", { name: "low", password: "low" }],
			["role/add", { name: "reader" }],
			["role/grant", { name: "reader", perm: { permType: "READ", key } }],
			["user/grant", { user: "low", role: "reader" }],
			["enable", {}],
		] as const)
			await open.call(`/v3/auth/${path}`, body);
		const [v3, low] = ["root", "low"].map(
			(name) => new V3Client({ endpoints: [endpoint], timeoutMs, user: { name, password: name } }),
		) as [V3Client, V3Client];
		this.#ends.push(() => Promise.all([v3.close(), low.close()]));
		return { endpoint, v2, v3, low };
	}
}

/** The server of a lab that did not start it: nothing is tried there that others could feel. */
export class GuestServers implements Servers {
	readonly #lab: Lab;

	constructor(lab: Lab) {
		this.#lab = lab;
	}

	get version(): string {
		return this.#lab.version;
	}

	newPrefix(): string {
		return this.#lab.newPrefix();
	}

	async shared(): Promise<Server> {
		const { v2, v3 } = this.#lab;
		return { endpoint: v3.endpoints[0] ?? "", v2, v3 };
	}

	fresh = refuse;
	secured = refuse;
	tls = refuse;
	cluster = refuse;
	takes = refuse;

	/** The lab goes on. */
	async close(): Promise<void> {}
}

async function refuse(): Promise<never> {
	throw new UntriedError(
		"it needs a server of its own, which the lab can't start of what ETCDCTL_ENDPOINTS names: unset ETCDCTL_ENDPOINTS, and name the binary in ETCD_WATCH_LAB_ETCD",
	);
}

function isThere(file: string): boolean {
	try {
		return readFileSync(file, "utf8").includes("END CERTIFICATE");
	} catch {
		return false;
	}
}

async function answers(v3: V3Client): Promise<boolean> {
	try {
		await v3.get("nothing", { timeoutMs: 2_000 });
		return true;
	} catch (error) {
		if (error instanceof ConnectionError) return false;
		throw error;
	}
}
