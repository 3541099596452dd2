import assert from "node:assert/strict";
import { setTimeout as wait } from "node:timers/promises";
import {
	type Change,
	type Follower,
	type FollowOptions,
	follow,
	mirror,
	type Note,
} from "etcd-watch-lab/follow";
import { V2Client, type WatchOptions } from "etcd-watch-lab/v2";
import { V3Client, type V3WatchOptions } from "etcd-watch-lab/v3";
import fc from "fast-check";
import { AbortedError } from "#lib/http";
import { FakeServer } from "../../support/fake-server";
import { FlatSource } from "../../support/follow/flat-source";
import { ModelServer } from "../../support/follow/model-server";
import { type EtcdUnderTest, fakeServer, forEachEtcd } from "../../support/servers";
import { until } from "../../support/until";
import { writeMany } from "../../support/write-many";

/** @throws when it takes longer than a second, or the time that is given */
async function soon<T>(what: string, promise: Promise<T>, ms = 1_000): Promise<T> {
	const controller = new AbortController();
	const late = wait(ms, undefined, { signal: controller.signal }).then(() => {
		throw new Error(`${what} has not ended in ${ms} ms`);
	});
	try {
		return await Promise.race([promise, late]);
	} finally {
		controller.abort();
		late.catch(() => {});
	}
}

/** A store of its own for one follower, written to by nobody else. */
interface Store {
	readonly root: string;
	/** A client, or a source, for one follower. */
	readonly open: () => V2Client | V3Client | FlatSource;
	/** Writes so many keys, at one index where the store can; gives the events' words. */
	readonly write: (size: number) => Promise<readonly string[]>;
	readonly close: () => Promise<void>;
}

function wordsOf(change: Change): string {
	return change.kind === "event" ? `${change.index} ${change.key} ${change.node.value}` : change.kind;
}

async function flatStore(): Promise<Store> {
	const source = new FlatSource();
	const write = async (size: number) => {
		const keys = Array.from({ length: size }, (_, nth) => `k${nth}`);
		const index = source.write(keys);
		return keys.map((key) => `${index} ${key} v`);
	};
	return { root: "", open: () => source, write, close: async () => {} };
}

async function v2Store(): Promise<Store> {
	const server = await ModelServer.start();
	server.set("/a/first");
	const write = async (size: number) =>
		Array.from({ length: size }, (_, nth) => `${server.set(`/a/k${nth}`, "v")} /a/k${nth} v`);
	const open = () => new V2Client({ endpoints: [server.endpoint] });
	return { root: "/a", open, write, close: () => server.stop() };
}

async function v3Store({ lab }: EtcdUnderTest): Promise<Store> {
	const root = lab.newPrefix();
	// The writer's own connection is there before and after.
	await lab.v3.get(root);
	const write = async (size: number) => {
		const keys = Array.from({ length: size }, (_, nth) => `${root}/k${nth}`);
		const success = keys.map((key) => ({ op: "put", key, value: "v" }) as const);
		const { header } = await lab.v3.txn({ success });
		return keys.map((key) => `${header.revision} ${key} v`);
	};
	return { root, open: () => new V3Client({ endpoints: lab.endpoints }), write, close: async () => {} };
}

/** Ways to end a follower. */
const ways: Record<string, (ended: Ended) => Promise<unknown>> = {
	"close()": ({ follower }) => follower.close(),
	"return()": ({ follower }) => follower.return(),
	break: async ({ follower, note, isQuiet }) => {
		if (isQuiet) await follower.return();
		else
			for await (const change of follower) {
				note(change);
				break;
			}
	},
	"the signal": async ({ follower, controller }) => {
		controller.abort();
		await follower.close();
	},
	"the client's close()": async ({ client }) => client instanceof FlatSource || (await client.close()),
	"an error of whoever takes a note": async () => {},
	"close() by whoever takes a note": async () => {},
};

interface Ended {
	readonly follower: Follower;
	readonly client: V2Client | V3Client | FlatSource;
	readonly controller: AbortController;
	readonly note: (change: Change) => void;
	/** Nothing is to come any more. */
	readonly isQuiet: boolean;
}

/** How many timers, sockets and requests this process waits for, by kind. */
function waitedFor(): Map<string, number> {
	const counts = new Map<string, number>();
	for (const kind of process.getActiveResourcesInfo()) counts.set(kind, (counts.get(kind) ?? 0) + 1);
	return counts;
}

/** Not a measure of the machine: what has not ended by then never does. */
const inTime = <T>(what: string, promise: Promise<T>) => soon(what, promise, 5_000);

/** The end of followers of one kind of store; each run has a store of its own. */
function endsWell(openStore: () => Promise<Store>, numRuns: number): () => Promise<void> {
	const sizes = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 3 });
	return () =>
		fc.assert(
			fc.asyncProperty(
				fc.integer({ min: 1, max: 20 }),
				sizes,
				sizes,
				fc.option(fc.nat(60)),
				fc.nat(3),
				fc.nat(5),
				fc.constantFrom(...Object.keys(ways)),
				fc.constantFrom("now", "afterIndex", "position"),
				async (queueLength, early, late, taken, asks, nthNote, way, from) => {
					const store = await openStore();
					const { root } = store;
					const before = waitedFor();
					const truth: string[] = [];
					const write = async (all: readonly number[]) => {
						for (const size of all) truth.push(...(await store.write(size)));
					};
					const close = async (client: ReturnType<Store["open"]>) =>
						client instanceof FlatSource || (await client.close());
					const reading = store.open();
					const first = follow(reading, root, { recursive: true });
					await first.ready();
					const { position } = first;
					await first.close();
					await close(reading);
					if (from !== "now") await write(early);
					const client = store.open();
					const controller = new AbortController();
					let notes = 0;
					const onNote = () => {
						if (notes++ !== nthNote) return;
						assert.ok(!way.startsWith("an error of"), "broken on purpose");
						if (way.startsWith("close() by")) void follower.close();
					};
					const follower: Follower = follow(client, root, {
						...{ recursive: true, queueLength, signal: controller.signal, onNote },
						...(from === "afterIndex" ? { afterIndex: position.index } : {}),
						...(from === "position" ? { position } : {}),
					});
					let isReady = false;
					const ready = follower.ready().then(
						() => {
							isReady = true;
						},
						() => {},
					);
					if (taken !== null) await ready;
					// What is written meanwhile may come or not.
					const writing = taken === null ? undefined : write(late);
					const isQuiet = taken === null && from === "now";
					const told: string[] = [];
					const note = (change: Change) => void told.push(wordsOf(change));
					const next = async () => {
						const { value, done } = await follower.next();
						if (!done) note(value);
						return done;
					};
					const count = [...(from === "now" ? [] : early), ...late].reduce((one, two) => one + two);
					for (let nth = 0; nth < Math.min(taken ?? 0, count - 1); nth++) {
						if (await inTime(`change ${nth}`, next()).catch(isClosed)) break;
						// What it was given it has not consumed yet.
						const given = Number.parseInt(told.at(-1) ?? "", 10);
						assert.ok(follower.position.index < given, "its position is ahead of what was consumed");
					}
					const asked = Promise.allSettled(Array.from({ length: way === "break" ? 0 : asks }, next));
					await inTime(way, ways[way]?.({ follower, client, controller, note, isQuiet }) ?? asked);
					await writing;
					// After an error what has come before it is told, and then the error.
					if (/the client/.test(way) && !(client instanceof FlatSource))
						await assert.rejects(soon("the error", drained(next)), AbortedError);
					await inTime("the end", follower.close());
					await inTime("what was asked for", asked);
					await inTime("ready()", ready);
					assert.ok(await next());
					await close(client);
					// Each once, in order, from the first on.
					assert.deepEqual(told, truth.slice(0, told.length));
					// Its position is in the midst of nothing, and after what was consumed.
					const rest = truth.filter((words) => Number.parseInt(words, 10) > follower.position.index);
					const resumed = store.open();
					const again = follow(resumed, root, { recursive: true, position: follower.position });
					if (isReady) {
						const more: string[] = [];
						while (more.length < rest.length) more.push(wordsOf((await again.next()).value ?? assert.fail()));
						assert.deepEqual(more, rest);
						assert.ok(truth.length - rest.length <= told.length, "consumed before it was told");
					}
					await again.close();
					await close(resumed);
					await until("nothing is left that is waited for", () =>
						[...waitedFor()].every(([kind, count]) => count <= (before.get(kind) ?? 0)),
					);
					await store.close();
				},
			),
			{ numRuns },
		);
}

/** The end that it was given, by a note or otherwise. */
function isClosed(error: unknown): true {
	assert.ok(error instanceof Error && /broken on purpose/.test(error.message), String(error));
	return true;
}

async function drained(next: () => Promise<boolean | undefined>): Promise<void> {
	while (!(await next()));
}

describe("the end of a follower", () => {
	const title = "comes whatever the queue's length, the size of the revisions, the moment and the way";
	it(`of any store ${title}`, endsWell(flatStore, 200));
	it(`of v2 ${title}`, endsWell(v2Store, 40)).timeout(60_000);
	forEachEtcd((server) => {
		it(
			`of v3 ${title}`,
			endsWell(() => v3Store(server), 40),
		).timeout(60_000);
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
					const silent = await fakeServer(() => undefined);
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
				const silent = await fakeServer(() => undefined);
				const way = wayTo(silent.endpoint);
				const controller = new AbortController();
				const refused = assert.rejects(way.watch("/a", undefined, controller.signal), AbortedError);
				await silent.received(1);
				await (end === "its signal" ? controller.abort() : soon("close()", way.close()));
				await soon("the watch", refused);
				await silent.quiet();
				await way.close();
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
