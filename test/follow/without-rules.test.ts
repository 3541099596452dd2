import assert from "node:assert/strict";
import type { Change, Note, Rule, Source } from "etcd-watch-lab/dist/follow";
import type { InternalOptions } from "etcd-watch-lab/dist/follow/options";
import { V2Client } from "etcd-watch-lab/dist/v2";
import { until } from "../support/until";
import { FlatSource } from "./flat-source";
import { ModelUpstream } from "./model-upstream";
import { followingWithout } from "./without-rules";

/** What a follower does with the rule, and what without it; both by the same steps. */
interface Proof {
	readonly rule: Rule;
	readonly see: (without: readonly Rule[]) => Promise<unknown>;
	readonly withRule: unknown;
	readonly withoutRule: unknown;
}

const recursive = { recursive: true } as const;

async function read(
	without: readonly Rule[],
	source: Source,
	count: number,
	options: InternalOptions = recursive,
) {
	const follower = new (followingWithout(without))(source, source.key, options);
	await follower.ready();
	const changes: Change[] = [];
	for await (const change of follower) if (changes.push(change) === count) break;
	return changes;
}

/** A source that tells something before the rest. */
function saying(before: FlatSource["before"], writes: number): FlatSource {
	const source = new FlatSource();
	for (let nth = 0; nth < writes; nth++) source.write([`k${nth}`]);
	source.before = before;
	return source;
}

const event = (index: number) => {
	const node = { key: "twice", dir: false, value: "v", createdIndex: index, modifiedIndex: index };
	return { kind: "event", index, action: "set", key: "twice", node, fromHistory: false } as const;
};

const proofs: readonly Proof[] = [
	{
		rule: "each once",
		see: async (without) => {
			const twice = { kind: "event", event: event(1) } as const;
			const source = new FlatSource();
			source.before = [twice, twice, { kind: "event", event: { ...event(2), key: "end" } }];
			return (await read(without, source, 2)).map((change) => change.kind === "event" && change.index);
		},
		withRule: [1, 2],
		withoutRule: [1, 1],
	},
	{
		rule: "an index that goes back is a reset",
		see: async (without) => {
			const source = saying([{ kind: "reconnected" }], 3);
			const options = { ...recursive, position: positionAt(3) };
			const follower = new (followingWithout(without))(source, "", options);
			await follower.ready();
			const listed = source.listCount;
			source.write(["next"]);
			await follower.next();
			await follower.close();
			return source.listCount - listed;
		},
		withRule: 1,
		withoutRule: 0,
	},
	{
		rule: "no poll for ever",
		see: async (without) => {
			const silent = "http://127.0.0.1:1";
			const asked = new Set<string>();
			const client = new V2Client({ endpoints: [silent, "http://127.0.0.1:2"] });
			const follower = new (followingWithout(without))(client, "/a", {
				backoffMs: [1, 1],
				onNote: (note) => {
					if (note.note === "failed") asked.add(note.endpoint);
					if (note.note === "failed") failures++;
				},
			});
			let failures = 0;
			await until("it has failed again and again", () => failures > 5);
			await follower.close();
			await client.close();
			return asked.size;
		},
		withRule: 2,
		withoutRule: 1,
	},
	{
		rule: "a removed directory is all its keys",
		see: async (without) => {
			const upstream = new ModelUpstream();
			for (const key of ["/r/d/1", "/r/d/2"]) upstream.set(key);
			const source = upstream.source("/r");
			const follower = new (followingWithout(without))(source, "/r", recursive);
			await follower.ready();
			upstream.write("rmdir", "/r/d", { recursive: true });
			const { value } = await follower.next();
			await follower.close();
			return value?.kind === "event" && value.removed?.map(({ key }) => key);
		},
		withRule: ["/r/d", "/r/d/1", "/r/d/2"],
		withoutRule: ["/r/d"],
	},
	{
		rule: "a slow consumer is a gap",
		see: async (without) => {
			const source = new FlatSource();
			let isFull = false;
			const onNote = ({ note }: Note) => {
				isFull ||= note === "full";
			};
			const options = { ...recursive, queueLength: 5, onNote };
			const follower = new (followingWithout(without))(source, "", options);
			await follower.ready();
			for (let nth = 0; nth < 20; nth++) source.write([`k${nth}`]);
			await until("nobody asks, or all is told", () => isFull || source.toldCount === 20);
			const keys: string[] = [];
			const reading = (async () => {
				for await (const change of follower) {
					if (change.kind === "event" && keys.push(change.key) && change.key === "fence") break;
				}
			})();
			await until("all is told", () => source.toldCount === 20 && keys.length >= 5);
			source.write(["fence"]);
			await reading;
			return keys.length === 21;
		},
		withRule: true,
		withoutRule: false,
	},
	{
		rule: "an exception consumes nothing",
		see: async (without) => {
			const source = new FlatSource();
			const follower = new (followingWithout(without))(source, "", recursive);
			await follower.ready();
			source.write(["a"]);
			await assert.rejects(async () => {
				for await (const _ of follower) throw new Error("mine");
			}, /mine/);
			return follower.position.index;
		},
		withRule: 0,
		withoutRule: 1,
	},
];

function positionAt(index: number) {
	const nodes = Array.from({ length: index }, (_, nth) => ({
		...{ key: `k${nth}`, dir: false, value: "v", createdIndex: nth + 1, modifiedIndex: nth + 1 },
	}));
	return {
		...({ format: "etcd-watch-lab/position", version: 1, key: "", recursive: true, index } as const),
		...{ clusterId: "1", nodes },
	};
}

describe("a rule that is switched off", () => {
	for (const { rule, see, withRule, withoutRule } of proofs) {
		it(`"${rule}": the same steps show it, and the follower beside obeys it still`, async () => {
			assert.deepEqual(await see([rule]), withoutRule);
			assert.deepEqual(await see([]), withRule);
		});
	}
});
