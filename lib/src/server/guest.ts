import { setTimeout as wait } from "node:timers/promises";
import { ArgumentError, BadAnswerError, LabError } from "../http/errors";
import type { ConnectOptions } from "../http/request";
import { V2Client } from "../v2/client";
import { KeyNotFoundError, UnauthorizedError, V2DisabledError } from "../v2/errors";
import { V3Client } from "../v3/client";
import { LeaseNotFoundError } from "../v3/errors";
import type { PutOptions, Txn, TxnOperation, V3RequestOptions } from "../v3/requests";
import type { PutAnswer, TxnAnswer } from "../v3/types";
import { forgetRoot } from "./leftovers";

/** How long the lab's v3 keys outlive a keeper that was killed, on a server that the lab did not start. */
export const leaseSeconds = 600;

/** v3 of a server that the lab did not start: a key that is put without a lease gets the lab's. */
export class GuestV3Client extends V3Client {
	#lease: Promise<bigint> | undefined;

	/** `granted` is told of each lease, which it has to renew. */
	constructor(
		options: ConnectOptions,
		private readonly granted: (lease: bigint) => void,
	) {
		super(options);
	}

	override put(
		key: Parameters<V3Client["put"]>[0],
		value: Parameters<V3Client["put"]>[1],
		options: PutOptions & V3RequestOptions = {},
	): Promise<PutAnswer> {
		if (options.lease !== undefined) return super.put(key, value, options);
		return this.#withLease(options, (lease) => super.put(key, value, { ...options, lease }));
	}

	override txn(txn: Txn, options: V3RequestOptions = {}): Promise<TxnAnswer> {
		if (!puts(txn)) return super.txn(txn, options);
		return this.#withLease(options, (lease) => super.txn(leased(txn, lease), options));
	}

	/** Asks again with a new lease when the lab's is gone: the machine slept for longer than it lives. */
	async #withLease<T>(options: V3RequestOptions, ask: (lease: bigint) => Promise<T>): Promise<T> {
		const before = this.#current(options);
		try {
			return await ask(await before);
		} catch (error) {
			if (!(error instanceof LeaseNotFoundError)) throw error;
			const { ttl } = await this.keepAlive(await before, options);
			if (ttl > 0) throw error;
			if (this.#lease === before) this.#lease = undefined;
			return await ask(await this.#current(options));
		}
	}

	#current({ signal: _, ...options }: V3RequestOptions): Promise<bigint> {
		if (this.#lease !== undefined) return this.#lease;
		// Others wait for it, too: it does not end by the first one's signal.
		const lease = this.grant(leaseSeconds, options).then(({ id }) => {
			this.granted(id);
			return id;
		});
		lease.catch(() => {
			if (this.#lease === lease) this.#lease = undefined;
		});
		this.#lease = lease;
		return lease;
	}
}

function puts({ success = [], failure = [] }: Txn): boolean {
	return [...success, ...failure].some((one) => one.op === "put" || (one.op === "txn" && puts(one)));
}

function leased(txn: Txn, lease: bigint): Txn {
	const each = (operation: TxnOperation): TxnOperation => {
		if (operation.op === "put") return { lease, ...operation };
		return operation.op === "txn" ? { ...operation, ...leased(operation, lease) } : operation;
	};
	return {
		...txn,
		...(txn.success ? { success: txn.success.map(each) } : {}),
		...(txn.failure ? { failure: txn.failure.map(each) } : {}),
	};
}

/** What a lab has made on a server that it did not start. */
export interface Root {
	readonly root: string;
	readonly server: ConnectOptions;
	/** The leases of its v3 keys, as numbers in decimal; none: nothing was put there. */
	readonly leases: readonly string[];
	/** How often the leases are renewed; every quarter of their time unless given. */
	readonly renewMs?: number;
	/** The lab has tried to remove it, in vain, and does not wait any more. */
	readonly isTried?: boolean;
}

/**
 * Removes all that is below the root, v2 and v3 side by side, and its record. Gives one line for each API in which
 * something is or may be left, and how to remove it; none when all is gone.
 */
export async function removeRoot(
	{ root, server, leases }: Root,
	timeoutMs: number,
): Promise<readonly string[]> {
	const connection = { ...server, timeoutMs };
	const v2 = new V2Client(connection);
	const v3 = new V3Client(connection);
	try {
		const at = v2.endpoints.join(",");
		const [keys, flat] = await Promise.allSettled([
			v2.rmdir(root, { recursive: true }),
			v3.delete(`${root}/`, { prefix: true }).then(async () => {
				for (const lease of leases) await v3.revoke(BigInt(lease)).catch(() => {});
			}),
		]);
		const left: string[] = [];
		const say = (what: string, why: unknown, command: string) =>
			left.push(`${what} below ${root} may still be at ${at} (${messageOf(why)}): ${command}`);
		// Where there is no v2, nothing of it was made.
		const isLeft = (why: unknown) => !(why instanceof KeyNotFoundError || why instanceof V2DisabledError);
		if (keys.status === "rejected" && isLeft(keys.reason)) {
			say(
				"v2 keys",
				keys.reason,
				`to remove them, ETCDCTL_API=2 etcdctl --endpoints ${at} rm --recursive ${root}`,
			);
		}
		// Where it put nothing, it need not be let in.
		if (flat.status === "rejected" && leases.length > 0) {
			const command = `ETCDCTL_API=3 etcdctl --endpoints ${at} del --prefix ${root}/`;
			say("v3 keys", flat.reason, `they go by themselves in ${leaseSeconds / 60} minutes, or by ${command}`);
		}
		if (left.length === 0) forgetRoot(root);
		return left;
	} finally {
		await Promise.all([v2.close(), v3.close()]);
	}
}

/** As `removeRoot`, again and again for a minute, each time with more patience. */
export async function removeRootInTime(root: Root): Promise<readonly string[]> {
	for (let seconds = 1; ; seconds *= 2) {
		const left = await removeRoot(root, 10_000);
		if (left.length === 0 || seconds > 16) return left;
		await wait(seconds * 1_000);
	}
}

function messageOf(error: unknown): string {
	return error instanceof Error ? error.message : String(error);
}

/** The switch that lets experiments overflow the window of a server that the lab did not start. */
export const overflowSwitch = "ETCD_WATCH_LAB_ALLOW_OVERFLOW";

const tlsVariables = { ca: "ETCDCTL_CACERT", cert: "ETCDCTL_CERT", key: "ETCDCTL_KEY" } as const;

/**
 * The reader's own server, by etcdctl's variables; undefined when ETCDCTL_ENDPOINTS is not set.
 * @throws ArgumentError for a user without a password, or a certificate without its key
 */
export function connectionFrom(env: NodeJS.ProcessEnv): ConnectOptions | undefined {
	const read = (name: string) => (env[name] === "" ? undefined : env[name]);
	const listed = read("ETCDCTL_ENDPOINTS");
	if (listed === undefined) return undefined;
	const given = Object.entries(tlsVariables).map(([name, variable]) => [name, read(variable)] as const);
	const tls: NonNullable<ConnectOptions["tls"]> = Object.fromEntries(
		given.filter(([, path]) => path !== undefined),
	);
	if ((tls.cert === undefined) !== (tls.key === undefined)) {
		throw new ArgumentError("ETCDCTL_CERT and ETCDCTL_KEY go together: set both, or none");
	}
	// etcdctl takes host:port as well.
	const scheme = tls.ca === undefined && tls.cert === undefined ? "http" : "https";
	const endpoints = listed
		.split(",")
		.map((endpoint) => endpoint.trim())
		.filter((endpoint) => endpoint !== "")
		.map((endpoint) => (endpoint.includes("://") ? endpoint : `${scheme}://${endpoint}`));
	const user = userFrom(read("ETCDCTL_USER"), read("ETCDCTL_PASSWORD"));
	return { endpoints, ...(user ? { user } : {}), tls };
}

/**
 * What to say where a password goes over a network as it is: with each request, to whoever listens on the way.
 * Undefined where it does not.
 */
export function inTheClear({ user, endpoints }: ConnectOptions): string | undefined {
	const open = endpoints.filter((endpoint) => {
		const { protocol, hostname } = new URL(endpoint);
		return protocol === "http:" && !/^(?:127\.[\d.]+|\[::1\]|(?:.*\.)?localhost)$/.test(hostname);
	});
	if (user === undefined || open.length === 0) return undefined;
	return `the password of ${user.name} goes to ${open.join(", ")} unencrypted, for anybody on the way to read: use https`;
}

const nameAUser = "it has users: name one in ETCDCTL_USER (name:password)";

/** What a server that can't be used says, and what to do. The first that fits is said. */
const remedies: readonly (readonly [says: RegExp, what: string])[] = [
	[
		/^404 page not found/,
		"it speaks no JSON, as etcd's grpc-proxy does not (it passes gRPC on, and no more): name the members' own URLs in ETCDCTL_ENDPOINTS",
	],
	[
		/HTTP request to an HTTPS server|(?:other side closed|ECONNRESET).* at http:/,
		"if it speaks TLS, write https:// in ETCDCTL_ENDPOINTS, and name its CA in ETCDCTL_CACERT",
	],
	[
		/WRONG_VERSION_NUMBER|PACKET_LENGTH_TOO_LONG|before secure TLS|ECONNRESET.* at https:/,
		"if it speaks no TLS, write http:// in ETCDCTL_ENDPOINTS",
	],
	[
		/SELF_SIGNED_CERT|UNABLE_TO_(VERIFY|GET_ISSUER)|CERT_SIGNATURE_FAILURE/,
		"name the file of the CA that signed it in ETCDCTL_CACERT",
	],
	[
		/CERT_HAS_EXPIRED|CERT_NOT_YET_VALID/,
		"the server's certificate is not valid now: have its owner renew it, or set this machine's clock",
	],
	[
		/ALTNAME_INVALID/,
		"name it in ETCDCTL_ENDPOINTS by a name or an address that its certificate is made out for",
	],
	[
		/ALERT_CERTIFICATE_EXPIRED|alert certificate expired/i,
		"the client's certificate has expired: name a newer one in ETCDCTL_CERT and ETCDCTL_KEY",
	],
	[
		/ALERT_(CERTIFICATE_REQUIRED|BAD_CERTIFICATE|UNKNOWN_CA)|alert (bad certificate|certificate required|unknown ca)/i,
		"it wants a certificate of the client's, that its own CA has signed: name its files in ETCDCTL_CERT and ETCDCTL_KEY",
	],
	[
		/^CommonName of client/,
		"name a certificate without a CommonName in ETCDCTL_CERT: etcd's gateway takes no other where users are switched on",
	],
	[
		/ECONNREFUSED/,
		"nobody listens there: is it the --listen-client-urls of an etcd that runs? Correct ETCDCTL_ENDPOINTS, or unset it for an etcd of the lab's own",
	],
	[
		/ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|^no answer in/,
		"is the address right, and is there a way to it from here? Correct ETCDCTL_ENDPOINTS, or unset it for an etcd of the lab's own",
	],
	[/user name is empty/, nameAUser],
	[/authentication failed, invalid user/, "correct ETCDCTL_USER"],
	[
		/permission denied/,
		"let its role use the lab's keys: etcdctl role grant-permission ROLE readwrite --prefix=true /etcd-watch-lab-",
	],
	[
		/not supported for learner/,
		"a learner serves no client: name the voting members alone in ETCDCTL_ENDPOINTS",
	],
];

/** Says what the clients refuse by the names of the variables that it came from, and what to do about it. */
export function byVariable(error: unknown, { user }: ConnectOptions): unknown {
	if (!(error instanceof LabError)) return error;
	if (error instanceof ArgumentError) {
		const message = error.message
			.replace(/\btls\.(ca|cert|key)\b/g, (_, name: keyof typeof tlsVariables) => tlsVariables[name])
			.replace("give it as the user, not in the URL", "give it in ETCDCTL_USER, not in the URL");
		return new ArgumentError(message, { cause: error.cause });
	}
	const says = error instanceof BadAnswerError ? error.excerpt : error.message;
	const found = remedies.find(([pattern]) => pattern.test(says))?.[1];
	const what = error instanceof UnauthorizedError && user === undefined ? nameAUser : found;
	return what === undefined
		? error
		: Object.assign(error, { message: `${error.message.replace(/\s*\n\s*/g, " ")}: ${what}` });
}

function userFrom(user: string | undefined, password: string | undefined): ConnectOptions["user"] {
	if (user === undefined) return undefined;
	if (password !== undefined) return { name: user, password };
	const colon = user.indexOf(":");
	if (colon > 0) return { name: user.slice(0, colon), password: user.slice(colon + 1) };
	throw new ArgumentError(
		"ETCDCTL_USER is name:password (or set ETCDCTL_PASSWORD): a notebook can't ask for it",
	);
}
