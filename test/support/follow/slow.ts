import { type Change, type Follower, type FollowOptions, follow, type Note } from "etcd-watch-lab/follow";
import { V2Client } from "etcd-watch-lab/v2";
import { until } from "../until";
import { reachOf } from "./change-reader";
import { quick } from "./followed";
import type { ModelServer } from "./model-server";

/** A follower of /a that nobody reads from, until the test does. */
export class Slow {
	private constructor(
		readonly follower: Follower,
		readonly keys: V2Client,
		readonly notes: readonly Note[],
	) {}

	static async start(server: ModelServer, options: FollowOptions): Promise<Slow> {
		const keys = new V2Client({ endpoints: [server.endpoint] });
		const notes: Note[] = [];
		const onNote = (note: Note) => notes.push(note);
		const follower = follow(keys, "/a", { ...quick, recursive: true, onNote, ...options });
		await follower.ready();
		await until("the poll is in place", () => server.waiting > 0);
		const slow = new Slow(follower, keys, notes);
		running.add(slow);
		return slow;
	}

	/** Reads until a change reaches the index. */
	async readTo(index: number): Promise<readonly Change[]> {
		const changes: Change[] = [];
		for (;;) {
			const { value, done } = await this.follower.next();
			if (done) return changes;
			changes.push(value);
			if (reachOf(value) >= index) return changes;
		}
	}

	async close(): Promise<void> {
		running.delete(this);
		await this.follower.close();
		await this.keys.close();
	}
}

const running = new Set<Slow>();

afterEach("slow followers end", async () => {
	await Promise.all([...running].map((slow) => slow.close()));
});
