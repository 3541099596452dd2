import assert from "node:assert/strict";
import { setTimeout as wait } from "node:timers/promises";
import {
	type Follower,
	type FollowOptions,
	follow,
	mirror,
	type Note,
	type Position,
} from "etcd-watch-lab/follow";
import { V2Client, type WatchOptions } from "etcd-watch-lab/v2";
import { V3Client, type V3WatchOptions } from "etcd-watch-lab/v3";
import fc from "fast-check";
import { AbortedError } from "#lib/http";
import { type EtcdUnderTest, forEachEtcd } from "../support/etcd";
import { FakeServer } from "../support/fake-server";
import { until } from "../support/until";
import { writeMany } from "../support/write-many";
import { FlatSource } from "./flat-source";

/** @throws when it takes longer than a second */
async function soon<T>(what: string, promise: Promise<T>): Promise<T> {
	const controller = new AbortController();
	const late = wait(1_000, undefined, { signal: controller.signal }).then(() => {
		throw new Error(`${what} has not ended in a second`);
	});
	try {
		return await Promise.race([promise, late]);
	} finally {
		controller.abort();
		late.catch(() => {});
	}
}

const positionAt0: Position = {
	...{ format: "etcd-watch-lab/position", version: 1, key: "", recursive: true, index: 0, clusterId: "1" },
	nodes: [],
};

const ways: Record<string, (follower: Follower, controller: AbortController) => Promise<unknown>> = {
	"close()": (follower) => follower.close(),
	"return()": (follower) => follower.return(),
	break: async (follower) => {
		for await (const _ of follower) break;
	},
	"the signal": async (follower, controller) => {
		controller.abort();
		await follower.close();
	},
};

describe("the end of a follower", () => {
	it("comes whatever the queue's length, the size of the revisions, the moment and the way", async () => {
		await fc.assert(
			fc.asyncProperty(
				fc.integer({ min: 1, max: 20 }),
				fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1, maxLength: 8 }),
				fc.nat(60),
				fc.constantFrom(...Object.keys(ways)),
				fc.constantFrom("now", "afterIndex", "position"),
				async (queueLength, sizes, taken, way, from) => {
					const source = new FlatSource();
					const controller = new AbortController();
					const { signal } = controller;
					const write = () => {
						for (const size of sizes) source.write(Array.from({ length: size }, (_, nth) => `k${nth}`));
						return sizes.reduce((one, two) => one + two);
					};
					const before = from === "now" ? 0 : write();
					const follower = follow(source, "", {
						...{ recursive: true, queueLength, signal },
						...(from === "afterIndex" ? { afterIndex: 0 } : {}),
						...(from === "position" ? { position: positionAt0 } : {}),
					});
					await follower.ready();
					const written = before || write();
					for (let nth = 0; nth < Math.min(taken, written - 1); nth++) {
						await soon(`change ${nth}`, follower.next());
					}
					await soon(way, ways[way]?.(follower, controller) ?? Promise.resolve());
					assert.deepEqual(await soon("next()", follower.next()), { done: true, value: undefined });
				},
			),
			{ numRuns: 300 },
		);
	});
});

forEachEtcd((server) => {
	describe("the end of a follower of v3", () => {
		it("comes in the midst of a transaction that is larger than the queue", async () => {
			const root = server.lab.newPrefix();
			const { v3 } = server.lab;
			const follower = follow(v3, root, { recursive: true, queueLength: 1 });
			await follower.ready();
			const first = follower.next();
			const success = ["1", "2", "3"].map(
				(name) => ({ op: "put", key: `${root}/${name}`, value: "" }) as const,
			);
			await v3.txn({ success });
			await first;
			await soon("close()", follower.close());
		});

		it("comes by break in the midst of 1,200 keys that were deleted at once", async () => {
			const root = server.lab.newPrefix();
			const { v3 } = server.lab;
			for (let at = 0; at < 1_200; at += 100) {
				const keys = Array.from({ length: 100 }, (_, nth) => `${root}/${at + nth}`);
				await v3.txn({ success: keys.map((key) => ({ op: "put", key, value: "" }) as const) });
			}
			let isFull = false;
			const follower = follow(v3, root, {
				recursive: true,
				onNote: ({ note }) => {
					isFull ||= note === "full";
				},
			});
			await follower.ready();
			const first = follower.next();
			await v3.delete(`${root}/`, { prefix: true });
			await first;
			await until("the queue is full", () => isFull);
			await soon("break", ways["break"]?.(follower, new AbortController()) ?? Promise.resolve());
		});
	});
});

/** What a follower or a mirror is brought into a state with. */
interface Bringing {
	readonly server: EtcdUnderTest;
	readonly root: string;
	/** Each with a client of its own. */
	readonly clientOf: (endpoints: readonly string[]) => V2Client | V3Client;
	/** Begins the follower, and waits for its note, if one is named. */
	readonly begin: (
		client: V2Client | V3Client,
		options: FollowOptions,
		note?: Note["note"],
	) => Promise<Follower>;
}

/** How a follower comes into each state that it has; what is returned is let go in the end. */
const states: Record<string, (bringing: Bringing) => Promise<{ close(): Promise<void> } | undefined>> = {
	listing: async ({ clientOf, begin }) => {
		const silent = await FakeServer.start(() => undefined);
		await begin(clientOf([silent.endpoint]), {});
		await silent.received(1);
		return silent;
	},
	"catching up": async ({ server, root, clientOf, begin }) => {
		const last = await writeMany(server.v2, root, 900);
		await server.lab.v3.put(`${root}/v3`, "1");
		const from = await server.lab.v3.get(`${root}/v3`);
		const client = clientOf(server.lab.endpoints);
		const afterIndex = client instanceof V2Client ? last - 900 : (from?.modRevision ?? 1) - 1;
		const follower = await begin(client, { afterIndex });
		await follower.next();
		return undefined;
	},
	"with a full queue": async ({ server, root, clientOf, begin }) => {
		const isFull = begin(clientOf(server.lab.endpoints), { queueLength: 1 }, "full");
		const write = async () => {
			await server.v2.set(`${root}/a`, "1");
			await server.lab.v3.put(`${root}/a`, "1");
		};
		await until("it is full", async () => {
			await write();
			return await Promise.race([isFull.then(() => true), wait(50).then(() => false)]);
		});
		return undefined;
	},
	"waiting to try again": async ({ clientOf, begin }) => {
		await begin(clientOf(["http://127.0.0.1:1"]), { backoffMs: [60_000, 60_000] }, "failed");
		return undefined;
	},
	quiet: async ({ server, clientOf, begin }) => {
		await (await begin(clientOf(server.lab.endpoints), {}, "connected")).ready();
		return undefined;
	},
	"trying again and again": async ({ clientOf, begin }) => {
		await begin(clientOf(["http://127.0.0.1:1"]), { backoffMs: [1, 2] }, "failed");
		return undefined;
	},
	failed: async ({ server, clientOf, begin }) => {
		const client = clientOf(server.lab.endpoints);
		const follower = await begin(client, {}, "connected");
		await client.close();
		await follower.next().catch(() => {});
		return undefined;
	},
};

forEachEtcd((server) => {
	for (const api of ["v2", "v3"] as const) {
		describe(`a follower of ${api}`, () => {
			const clients: (V2Client | V3Client)[] = [];
			afterEach(() => Promise.all(clients.splice(0).map((client) => client.close())));
			for (const [state, bring] of Object.entries(states)) {
				it(`${state}: close(), next() and ready() end within a second`, async () => {
					const root = server.lab.newPrefix();
					let follower: Follower | undefined;
					const other = await bring({
						server,
						root,
						clientOf: (endpoints) => {
							const client = api === "v2" ? new V2Client({ endpoints }) : new V3Client({ endpoints });
							clients.push(client);
							return client;
						},
						begin: async (client, options, note) => {
							let isNoted = note === undefined;
							const onNote = (one: Note) => {
								isNoted ||= one.note === note;
							};
							const begun = follow(client, root, { recursive: true, ...options, onNote });
							follower = begun;
							await until(`the note "${note}"`, () => isNoted);
							return begun;
						},
					});
					assert.ok(follower);
					const ready = follower.ready().catch(() => {});
					const next = follower.next().catch(() => {});
					await soon("close()", follower.close());
					await soon("ready()", ready);
					await soon("next()", next);
					await soon(
						"another next()",
						follower.next().catch(() => {}),
					);
					await soon("another close()", follower.close());
					await other?.close();
				});
			}
		});

		describe(`a mirror by ${api}`, () => {
			const clientOf = (endpoints: readonly string[]) =>
				api === "v2" ? new V2Client({ endpoints }) : new V3Client({ endpoints });

			for (const [state, backoffMs] of [
				["waiting to try again", [60_000, 60_000]],
				["trying again and again", [1, 2]],
				["listing", undefined],
			] as const) {
				it(`${state}: is ended by its signal within a second`, async () => {
					const silent = await FakeServer.start(() => undefined);
					const client = clientOf([backoffMs ? "http://127.0.0.1:1" : silent.endpoint]);
					const controller = new AbortController();
					let hasFailed = false;
					const onNote = ({ note }: Note) => {
						hasFailed ||= note === "failed";
					};
					const { signal } = controller;
					const begun = mirror(client, "/a", { signal, onNote, ...(backoffMs ? { backoffMs } : {}) });
					const refused = assert.rejects(begun, AbortedError);
					await until(state, () => hasFailed || silent.requests.length > 0);
					controller.abort();
					await soon("mirror()", refused);
					await client.close();
					await silent.close();
				});
			}

			for (const state of ["quiet", "in a handler that does not end", "with a full queue"] as const) {
				it(`${state}: close(), ended and at() end within a second`, async () => {
					const root = server.lab.newPrefix();
					const client = clientOf(server.lab.endpoints);
					let isFull = false;
					let isHandling = false;
					const tree = await mirror(client, root, {
						queueLength: 1,
						onNote: ({ note }) => {
							isFull ||= note === "full";
						},
						onAdd: async () => {
							isHandling = true;
							await new Promise(() => {});
						},
					});
					const at = tree.at(Number.MAX_SAFE_INTEGER).catch(() => {});
					const write = async (name: string) => {
						if (client instanceof V2Client) await client.set(`${root}/${name}`, "1");
						else await client.put(`${root}/${name}`, "1");
					};
					if (state !== "quiet") {
						await write("1");
						await until("the handler", () => isHandling);
					}
					if (state === "with a full queue") {
						for (const name of ["2", "3", "4"]) await write(name);
						await until("the queue is full", () => isFull);
					}
					await soon("close()", tree.close());
					await soon("ended", tree.ended);
					await soon("at()", at);
					await client.close();
				});
			}
		});
	}
});

/** A watch of a client, once it is registered. */
interface Watch {
	readonly next: () => Promise<unknown>;
	readonly close: () => void;
}

/** From where a watch tells: an index of v2, a revision of v3. Undefined: from now on. */
type From = { readonly index: number; readonly revision: number } | undefined;

/** A way to watch, with a client of its own; `signal` ends whatever it waits for. */
interface Way {
	readonly watch: (root: string, from: From, signal: AbortSignal) => Promise<Watch>;
	readonly close: () => Promise<void>;
}

const v2Way =
	(
		open: (client: V2Client, root: string, options: WatchOptions) => Promise<Watch> | Watch,
	): ((endpoint: string) => Way) =>
	(endpoint) => {
		const client = new V2Client({ endpoints: [endpoint] });
		return {
			watch: async (root, from, signal) =>
				open(client, root, { recursive: true, signal, ...(from ? { afterIndex: from.index - 1 } : {}) }),
			close: () => client.close(),
		};
	};

const v3Way =
	(
		open: (client: V3Client, root: string, options: V3WatchOptions) => Promise<Watch>,
	): ((endpoint: string) => Way) =>
	(endpoint) => {
		const client = new V3Client({ endpoints: [endpoint] });
		return {
			watch: (root, from, signal) =>
				open(client, `${root}/`, { prefix: true, signal, ...(from ? { startRevision: from.revision } : {}) }),
			close: () => client.close(),
		};
	};

const watchWays: Record<string, (endpoint: string) => Way> = {
	"a poll of v2": v2Way(async (client, root, options) => {
		const poll = await client.poll(root, options);
		return { next: () => poll.answer(), close: () => poll.close() };
	}),
	"a watcher of v2": v2Way(async (client, root, options) => {
		const watcher = client.watcher(root, options);
		await watcher.registered();
		return watcher;
	}),
	"a stream of v2": v2Way((client, root, options) => client.stream(root, options)),
	"a watch of v3": v3Way((client, root, options) => client.watch(root, options)),
	"a watch of v3 that shares its connection": v3Way(async (client, root, options) => {
		const { signal } = options;
		const watches = await client.watches(signal ? { signal } : {});
		return await watches.watch(root, options);
	}),
};

/** How a watch comes into each state that it has, but for the one before it is registered. */
const watchStates: Record<string, (begin: (from?: From) => Promise<Watch>, write: Write) => Promise<Watch>> =
	{
		quiet: (begin) => begin(),
		"with events that nobody reads": async (begin, write) => {
			const watch = await begin();
			await write(200);
			return watch;
		},
		"that catches up": async (begin, write) => {
			const from = await write(200);
			const watch = await begin(from);
			await watch.next();
			return watch;
		},
	};

/** So many writes by each API; where the first of them stands. */
type Write = (count: number) => Promise<From>;

const watchEnds: Record<string, (way: Way, watch: Watch, controller: AbortController) => unknown> = {
	"its close()": (_, watch) => watch.close(),
	"its signal": (_, __, controller) => controller.abort(),
	"the client's close()": (way) => way.close(),
};

describe("a watch that the server has not answered", () => {
	for (const [name, wayTo] of Object.entries(watchWays)) {
		for (const end of ["its signal", "the client's close()"]) {
			it(`${name} is ended by ${end} within a second`, async () => {
				const silent = await FakeServer.start(() => undefined);
				const way = wayTo(silent.endpoint);
				const controller = new AbortController();
				const refused = assert.rejects(way.watch("/a", undefined, controller.signal), AbortedError);
				await silent.received(1);
				await (end === "its signal" ? controller.abort() : soon("close()", way.close()));
				await soon("the watch", refused);
				await silent.quiet();
				await way.close();
				await silent.close();
			});
		}
	}
});

forEachEtcd((server) => {
	for (const [name, wayTo] of Object.entries(watchWays)) {
		describe(name, () => {
			for (const [state, bring] of Object.entries(watchStates)) {
				for (const [end, act] of Object.entries(watchEnds)) {
					it(`${state}: next() ends within a second of ${end}`, async () => {
						const root = server.lab.newPrefix();
						const [endpoint = ""] = server.lab.endpoints;
						const way = wayTo(endpoint);
						const controller = new AbortController();
						const write: Write = async (count) => {
							const last = await writeMany(server.v2, root, count);
							let revision = 0;
							for (let nth = 0; nth < count; nth++) {
								const { header } = await server.lab.v3.put(`${root}/${nth}`, "");
								revision = header.revision;
							}
							return { index: last - count + 1, revision: revision - count + 1 };
						};
						const watch = await bring((from) => way.watch(root, from, controller.signal), write);
						const asked = state === "quiet" ? [watch.next(), watch.next()] : [];
						const settled = Promise.allSettled(asked);
						await soon(end, Promise.resolve(act(way, watch, controller)));
						await soon("next()", settled);
						await soon("another next()", Promise.allSettled([watch.next()]));
						watch.close();
						await soon("the client's close()", way.close());
					});
				}
			}
		});
	}
});
