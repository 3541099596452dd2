import assert from "node:assert/strict";
import type { Change, FollowOptions, Note, Rule, Source } from "etcd-watch-lab/follow";
import { ModelStore } from "etcd-watch-lab/model";
import { V2Client } from "etcd-watch-lab/v2";
import { V3Client } from "etcd-watch-lab/v3";
import { tellCounts } from "#tools/programs/counted";
import { etcd35 } from "../../support/etcd";
import { FlatSource } from "../../support/follow/flat-source";
import { Followed } from "../../support/follow/followed";
import { ModelServer } from "../../support/follow/model-server";
import { ModelUpstream } from "../../support/follow/model-upstream";
import { followingWithout, places, type Switched } from "../../support/follow/without-rules";
import { OwnEtcd } from "../../support/own-etcd";
import { startProxy } from "../../support/proxy";
import { until } from "../../support/until";

/** What a follower does with the rule, and what without it; both by the same steps. */
interface Proof {
	readonly rule: Switched;
	/** Where the rule stands that it is a proof of: in what both APIs share, or in what is one's own. */
	readonly of: "core" | "v2" | "v3";
	readonly see: (without: readonly Rule[]) => Promise<unknown>;
	readonly withRule: unknown;
	readonly withoutRule: unknown;
}

const recursive = { recursive: true } as const;

async function read(
	without: readonly Rule[],
	source: Source,
	count: number,
	options: FollowOptions = recursive,
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

const core: readonly Proof[] = [
	{
		rule: "each once",
		of: "core",
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
		of: "core",
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
		of: "core",
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
		of: "core",
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
		of: "core",
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
		of: "core",
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

/** Of the first change: its key, or what it is instead of an event. */
async function firstOf(followed: Followed): Promise<string> {
	await followed.has(1);
	const [change] = followed.changes;
	return change?.kind === "event" ? change.key : (change?.kind ?? "");
}

/** A follower beside it that obeys: when this one has rolled five times, any other should have done so once. */
async function fiveRolls(at: Parameters<typeof Followed.start>[0]): Promise<void> {
	const beside = await Followed.start(at, "/beside", { rollMs });
	await until("five rolls", () => beside.noted("rolled").length >= 5);
}

/** Longer than silence takes to count. */
const rollMs = [150, 200] as const;

/** A member that is the model, and what it takes to follow /a there. */
async function onModel(
	without: readonly Rule[],
	see: (
		server: ModelServer,
		start: (options?: FollowOptions, key?: string) => Promise<Followed>,
		hears: () => Promise<void>,
	) => Promise<unknown>,
): Promise<unknown> {
	const server = await ModelServer.start();
	try {
		return await see(
			server,
			(options, key = "/a") => Followed.start([server.endpoint], key, options, without),
			() => until("the poll is in place", () => server.waiting > 0),
		);
	} finally {
		await server.stop();
	}
}

const onV2: readonly Proof[] = [
	{
		rule: "list first",
		of: "v2",
		see: (without) =>
			onModel(without, async (server, start, hears) => {
				server.before = ({ url }) => {
					if (url?.includes("wait=true") && server.asked.length === 0) server.set("/a/between");
					return false;
				};
				const followed = await start();
				await hears();
				server.set("/a/fence");
				return await firstOf(followed);
			}),
		withRule: "/a/between",
		withoutRule: "/a/fence",
	},
	{
		rule: "go on after the event",
		of: "v2",
		see: (without) =>
			onModel(without, async (server, start, hears) => {
				const first = server.set("/a/1");
				server.set("/a/2");
				const followed = await start({ afterIndex: first - 1 });
				await followed.has(1);
				await hears();
				const fence = server.set("/a/fence");
				await until("the fence", () => followed.indexes.includes(fence));
				return followed.indexes.length;
			}),
		withRule: 3,
		withoutRule: 2,
	},
	{
		rule: "each once",
		of: "v2",
		see: (without) =>
			onModel(without, async (server, start, hears) => {
				const first = server.set("/a/0");
				for (let nth = 1; nth < 300; nth++) server.set(nth % 3 === 0 ? `/a/${nth}` : "/elsewhere");
				const followed = await start({ afterIndex: first - 1 });
				await until("all of the past", () => new Set(followed.indexes).size === 100);
				await hears();
				const fence = server.set("/a/fence");
				await until("the fence", () => followed.indexes.includes(fence));
				return followed.indexes.length === 101;
			}),
		withRule: true,
		withoutRule: false,
	},
	{
		rule: "a cleared history is a gap",
		of: "v2",
		see: (without) =>
			onModel(without, async (server, start, hears) => {
				const first = server.set("/a/b");
				for (let nth = 0; nth < 1_001; nth++) server.set("/noise");
				const followed = await start({ afterIndex: first - 1 });
				await hears();
				server.set("/a/fence");
				return await firstOf(followed);
			}),
		withRule: "gap",
		withoutRule: "/a/fence",
	},
	{
		rule: "verify a jump",
		of: "v2",
		see: (without) =>
			onModel(without, async (server, start, hears) => {
				const followed = await start();
				await hears();
				server.skip((store) => store.apply({ operation: "set", key: "/a/skipped", value: "x" }));
				server.set("/a/told");
				return await firstOf(followed);
			}),
		withRule: "/a/skipped",
		withoutRule: "/a/told",
	},
	{
		rule: "an index that goes back is a reset",
		of: "v2",
		see: (without) =>
			onModel(without, async (server, start, hears) => {
				for (let nth = 0; nth < 10; nth++) server.set("/a/old");
				const followed = await start();
				await hears();
				server.store = new ModelStore({ index: 3 });
				server.cutAll();
				const probes = () => server.reads.filter(({ quorum }) => !quorum).length;
				const before = probes();
				await until("it is heard how far the member is", () => probes() > before + 2);
				await hears();
				for (let nth = 0; nth < 20; nth++) server.set("/a/new");
				return await firstOf(followed);
			}),
		withRule: "reset",
		withoutRule: "/a/new",
	},
	{
		rule: "no poll for ever",
		of: "v2",
		see: (without) =>
			onModel(without, async (server, start) => {
				const first = server.set("/a/b");
				for (let nth = 0; nth < 100; nth++) server.set("/a/b");
				for (let nth = 0; nth < 200; nth++) server.set("/noise");
				const followed = await start({ afterIndex: first - 1, rollMs });
				await until("silence counts", () => followed.follower.position.index >= server.store.index);
				await onModel([], async ({ endpoint }) => await fiveRolls([endpoint]));
				return {
					rolls: followed.noted("rolled").length > 0,
					probes: server.reads.some(({ quorum }) => !quorum),
				};
			}),
		withRule: { rolls: true, probes: true },
		withoutRule: { rolls: false, probes: false },
	},
	{
		rule: "bookmark a quiet key",
		of: "v2",
		see: (without) =>
			onModel(without, async (server, start, hears) => {
				const followed = await start();
				const beside = await Followed.start([server.endpoint], "/a");
				await hears();
				for (let round = 0; round < 10; round++) {
					for (let nth = 0; nth < 200; nth++) server.set("/noise");
					const { index } = server.store;
					await until("a bookmark beside", () => beside.follower.position.index >= index - 250);
				}
				server.cutAll();
				server.set("/a/fence");
				return await firstOf(followed);
			}),
		withRule: "/a/fence",
		withoutRule: "gap",
	},
	{
		rule: "what only the replay shows is dropped",
		of: "v2",
		see: (without) =>
			onModel(without, async (server, start) => {
				const first = server.set("/a/_hidden/b");
				server.set("/a/fence");
				return await firstOf(await start({ afterIndex: first - 1 }));
			}),
		withRule: "/a/fence",
		withoutRule: "/a/_hidden/b",
	},
];

/** An etcd with nothing in it but a compaction: a silence of its watches has to be doubted no more (issue 20693). */
async function startEtcd() {
	// By its own progress it tells of silence, too.
	const flags = ["--experimental-watch-progress-notify-interval", "500ms"];
	const own = await OwnEtcd.start(etcd35, { flags, v2: false });
	const client = new V3Client({ endpoints: [own.endpoint] });
	const put = async (key: string, value = "v") => (await client.put(key, value)).header.revision;
	await client.compact(await put("/before"));
	const stop = async () => {
		await client.close();
		await own.stop();
	};
	return { endpoint: own.endpoint, client, put, stop };
}

type LiveEtcd = Awaited<ReturnType<typeof startEtcd>>;

/** Followers of /a end before what they follow. */
async function onEtcd(
	without: readonly Rule[],
	see: (
		etcd: LiveEtcd,
		start: (options?: FollowOptions, ...endpoints: string[]) => Promise<Followed>,
	) => Promise<unknown>,
): Promise<unknown> {
	const etcd = await startEtcd();
	const all: Followed[] = [];
	try {
		return await see(etcd, async (options, ...endpoints) => {
			const client = new V3Client({ endpoints: endpoints.length === 0 ? [etcd.endpoint] : endpoints });
			const followed = await Followed.start(client, "/a", options, without);
			all.push(followed);
			return followed;
		});
	} finally {
		for (const followed of all) await followed.close();
		await etcd.stop();
	}
}

const onV3: readonly Proof[] = [
	{
		rule: "list first",
		of: "v3",
		see: (without) =>
			onEtcd(without, async ({ put }, start) => {
				const first = await put("/a/between");
				const followed = await start({ afterIndex: first - 1 });
				await until("a change", async () => (await put("/a/fence")) > 0 && followed.changes.length > 0);
				return await firstOf(followed);
			}),
		withRule: "/a/between",
		withoutRule: "/a/fence",
	},
	{
		rule: "go on after the event",
		of: "v3",
		see: (without) =>
			onEtcd(without, async ({ put }, start) => {
				const afterIndex = await put("/elsewhere");
				// More than etcd sends in one piece, and each piece says how far the store is.
				const value = "x".repeat(300_000);
				for (let nth = 0; nth < 8; nth++) await put(`/a/${nth}`, value);
				const followed = await start({ afterIndex });
				await followed.has(1);
				const fence = await put("/a/fence");
				await until("the fence", () => followed.indexes.includes(fence));
				return followed.changes.length === 9;
			}),
		withRule: true,
		withoutRule: false,
	},
	{
		rule: "a cleared history is a gap",
		of: "v3",
		see: (without) =>
			onEtcd(without, async ({ client, put }, start) => {
				const afterIndex = await put("/elsewhere");
				await put("/a/lost");
				await client.compact(await put("/a/kept"));
				return await firstOf(await start({ afterIndex }));
			}),
		withRule: "gap",
		withoutRule: "/a/kept",
	},
	{
		rule: "an index that goes back is a reset",
		of: "v3",
		see: (without) =>
			onEtcd(without, async (etcd, start) => {
				for (let nth = 0; nth < 5; nth++) await etcd.put("/a/old");
				const other = await startEtcd();
				const followed = await start({}, etcd.endpoint, other.endpoint);
				await etcd.stop();
				await until("it is at the other", () => followed.noted("connected").length > 1);
				await until("a change", async () => (await other.put("/a/new")) > 0 && followed.changes.length > 0);
				await other.stop();
				return await firstOf(followed);
			}),
		withRule: "reset",
		withoutRule: "/a/new",
	},
	{
		rule: "no poll for ever",
		of: "v3",
		see: (without) =>
			onEtcd(without, async ({ endpoint }, start) => {
				const followed = await start({ rollMs });
				await fiveRolls(new V3Client({ endpoints: [endpoint] }));
				return followed.noted("rolled").length > 0;
			}),
		withRule: true,
		withoutRule: false,
	},
	{
		rule: "bookmark a quiet key",
		of: "v3",
		see: (without) =>
			onEtcd(without, async ({ endpoint, client, put }, start) => {
				const proxy = await startProxy({ target: endpoint });
				const followed = await start({ rollMs }, proxy.endpoint);
				const beside = await Followed.start(new V3Client({ endpoints: [endpoint] }), "/a", { rollMs });
				const first = await put("/elsewhere");
				for (let round = 0; round < 10; round++) {
					const revision = await put("/elsewhere");
					await until("a bookmark beside", () => beside.follower.position.index >= revision);
				}
				await client.compact(first);
				proxy.cutAll();
				await put("/a/fence");
				const what = await firstOf(followed);
				await Promise.all([followed.close(), beside.close()]);
				await proxy.close();
				return what;
			}),
		withRule: "/a/fence",
		withoutRule: "gap",
	},
];

const proofs = [...core, ...onV2, ...onV3];

describe("a rule that is switched off", () => {
	for (const { rule, of, see, withRule, withoutRule } of proofs) {
		const where = of === "core" ? "" : `, on ${of}`;
		it(`"${rule}"${where}: the same steps show it, and the follower beside obeys it still`, async () => {
			assert.deepEqual(await see([rule]), withoutRule);
			assert.deepEqual(await see([]), withRule);
			tellCounts([], { "switched off": 1 });
		});
	}

	it("is proved wherever it stands", () => {
		const standing = Object.entries(places).flatMap(([rule, changes]) =>
			changes.map(({ file }) => `${rule}: ${/^follow\/(v[23])\//.exec(file)?.[1] ?? "core"}`),
		);
		assert.deepEqual(proofs.map(({ rule, of }) => `${rule}: ${of}`).sort(), [...new Set(standing)].sort());
	});

	it("is one that can be: what is an argument is refused", () => {
		assert.throws(() => followingWithout(["polls are the truth"]), /is an argument/);
	});
});
