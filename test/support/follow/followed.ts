import type { Change, Follower, FollowOptions, Note, Rule } from "etcd-watch-lab/follow";
import { V2Client } from "etcd-watch-lab/v2";
import type { V3Client } from "etcd-watch-lab/v3";
import { until } from "../until";
import { followingWithout } from "./without-rules";

/** Quick to fail, to look and to try again. */
export const quick: FollowOptions = { backoffMs: [5, 50], probeMs: 20, timeoutMs: 1_000 };

/** A follower and a client of its own, with everything that it said; both end with the test. */
export class Followed {
	readonly notes: Note[] = [];
	readonly changes: Change[] = [];
	readonly follower: Follower;
	readonly #client: V2Client | V3Client;
	readonly #reading: Promise<void>;
	error: unknown;

	private constructor(
		client: V2Client | V3Client,
		key: string,
		options: FollowOptions,
		without: readonly Rule[],
	) {
		this.#client = client;
		this.follower = new (followingWithout(without))(client, key, {
			...quick,
			recursive: true,
			onNote: (note) => this.notes.push(note),
			...options,
		});
		this.#reading = this.#read();
	}

	/** `at`: a client, which ends with it, or the endpoints of one of v2's. `without`: rules that are switched off. */
	static async start(
		at: readonly string[] | V2Client | V3Client,
		key: string,
		options: FollowOptions = {},
		without: readonly Rule[] = [],
	): Promise<Followed> {
		const client = "endpoints" in at ? at : new V2Client({ endpoints: at });
		const followed = new Followed(client, key, options, without);
		running.add(followed);
		await followed.follower.ready();
		await until("it is connected", () => followed.notes.some(({ note }) => note === "connected"));
		return followed;
	}

	get indexes(): readonly number[] {
		return this.changes.map((change) => (change.kind === "event" ? change.index : -1));
	}

	get kinds(): readonly string[] {
		return this.changes.map(({ kind }) => kind);
	}

	noted(note: Note["note"]): readonly Note[] {
		return this.notes.filter((one) => one.note === note);
	}

	/** Waits until it has been told of so many changes. */
	async has(count: number): Promise<void> {
		await until(`change ${count}, with ${this.changes.length} there (${this.kinds.slice(-3)})`, () => {
			if (this.error !== undefined) throw this.error;
			return this.changes.length >= count;
		});
	}

	async close(): Promise<void> {
		running.delete(this);
		await this.follower.close();
		await this.#client.close();
		await this.#reading;
	}

	async #read(): Promise<void> {
		try {
			for await (const change of this.follower) this.changes.push(change);
		} catch (error) {
			this.error = error;
		}
	}
}

const running = new Set<Followed>();

afterEach("followers end", async () => {
	await Promise.all([...running].map((followed) => followed.close()));
});
