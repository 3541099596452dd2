import type { State } from "etcd-watch-lab/follow";
import { KeyNotFoundError, V2Client } from "etcd-watch-lab/v2";
import { type KeyValue, V3Client, type V3Header } from "etcd-watch-lab/v3";
import { BadAnswerError, LabError, TimeoutError } from "#lib/http";
import { carryOut, type Outcome } from "./carry-out";
import { carryOutV3 } from "./carry-out-v3";
import type { Access } from "./consumer";
import type { ChaosCommand } from "./program";
import { type Api, flat, textOf } from "./record";

/** What a run does to a store, whichever API it is on. */
export interface Store {
	/** Sends one write, once; whatever the answer, it says what is known of it. */
	carryOut(command: ChaosCommand, epoch: number): Promise<Outcome>;
	/** A directory, or all keys below a name, as the whole cluster has it. @throws LabError */
	state(root: string): Promise<State>;
	clusterId(): Promise<string>;
	/** Removes all below a name, if it can. */
	empty(root: string): Promise<void>;
	close(): Promise<void>;
}

export function storeOf(
	api: Api,
	endpoints: readonly string[],
	timeoutMs: number,
	user?: Access["user"],
): Store {
	const options = { endpoints, timeoutMs, ...(user === undefined ? {} : { user }) };
	return api === "v2" ? new V2Store(new V2Client(options)) : new V3Store(new V3Client(options));
}

/**
 * v3: what two members hold otherwise below a name, by the word of each of them at one revision; undefined: nothing.
 * Who is only behind holds the same as the others at its own revision. @throws LabError
 */
export async function differenceOf(
	endpoints: readonly string[],
	root: string,
	user?: Access["user"],
): Promise<string | undefined> {
	const options = { timeoutMs: 5_000, ...(user === undefined ? {} : { user }) };
	const clients = endpoints.map((endpoint) => new V3Client({ endpoints: [endpoint], ...options }));
	const read = (revision?: number) =>
		Promise.all(
			clients.map((client) => {
				const at = revision === undefined ? {} : { revision };
				return client.range(`${root}/`, { prefix: true, serializable: true, keysOnly: true, ...at });
			}),
		);
	try {
		const revision = Math.min(...(await read()).map(({ header }) => header.revision));
		const [first, ...others] = (await read(revision)).map(({ kvs }) =>
			kvs.map(
				({ keyBytes, modRevision, version }) => `${textOf(keyBytes)} of ${modRevision}, version ${version}`,
			),
		);
		for (const [nth, other] of others.entries()) {
			const only =
				first?.find((line) => !other.includes(line)) ?? other.find((line) => !first?.includes(line));
			if (only === undefined) continue;
			return `at revision ${revision} ${endpoints[0]} and ${endpoints[nth + 1]} differ in ${only}`;
		}
		return undefined;
	} finally {
		await Promise.all(clients.map((client) => client.close()));
	}
}

class V2Store implements Store {
	constructor(private readonly keys: V2Client) {}

	carryOut(command: ChaosCommand, epoch: number): Promise<Outcome> {
		return carryOut(this.keys, command, epoch);
	}

	async state(root: string): Promise<State> {
		try {
			const { node, etcdIndex } = await this.keys.get(root, { recursive: true, quorum: true });
			return { index: etcdIndex, nodes: flat(node) };
		} catch (error) {
			if (error instanceof KeyNotFoundError) return { index: error.index, nodes: [] };
			throw error;
		}
	}

	async clusterId(): Promise<string> {
		return (await this.keys.get("/")).clusterId;
	}

	async empty(root: string): Promise<void> {
		await this.keys.rmdir(root, { recursive: true }).catch(ignored);
	}

	close(): Promise<void> {
		return this.keys.close();
	}
}

class V3Store implements Store {
	constructor(private readonly client: V3Client) {}

	carryOut(command: ChaosCommand, epoch: number): Promise<Outcome> {
		return carryOutV3(this.client, command, epoch);
	}

	async state(root: string): Promise<State> {
		const { kvs, header } = await this.#all(`${root}/`);
		const nodes = kvs.map(({ keyBytes, valueBytes, createRevision, modRevision }) => ({
			key: textOf(keyBytes),
			value: textOf(valueBytes),
			dir: false,
			createdIndex: createRevision,
			modifiedIndex: modRevision,
		}));
		// As the library sorts keys: not by their bytes.
		return { index: header.revision, nodes: nodes.sort((one, two) => (one.key < two.key ? -1 : 1)) };
	}

	/** In one answer; where that is too large or takes too long, by a few keys at a time, all at one revision. */
	async #all(prefix: string): Promise<{ readonly kvs: readonly KeyValue[]; readonly header: V3Header }> {
		try {
			return await this.client.range(prefix, { prefix: true });
		} catch (error) {
			if (!(error instanceof BadAnswerError || error instanceof TimeoutError)) throw error;
		}
		const rangeEnd = `${prefix.slice(0, -1)}0`;
		const page = { rangeEnd, limit: 10, timeoutMs: 10_000 };
		const first = await this.client.range(prefix, page);
		const { header } = first;
		const kvs = [...first.kvs];
		for (let { more } = first; more; ) {
			const after = Buffer.concat([kvs.at(-1)?.keyBytes ?? Buffer.of(), Buffer.of(0)]);
			const next = await this.client.range(after, { ...page, revision: header.revision });
			kvs.push(...next.kvs);
			more = next.more;
		}
		return { kvs, header };
	}

	async clusterId(): Promise<string> {
		return (await this.client.status()).header.clusterId.toString(16);
	}

	async empty(root: string): Promise<void> {
		await this.client.delete(`${root}/`, { prefix: true }).catch(ignored);
	}

	close(): Promise<void> {
		return this.client.close();
	}
}

function ignored(error: unknown): void {
	if (!(error instanceof LabError)) throw error;
}
