import { runOnModel, scenario, type Timeline } from "etcd-watch-lab";
import * as fixtures from "../../support/page/fixtures";
import {
	asked,
	closed,
	cut,
	mkdir,
	paused,
	resumed,
	rmdir,
	set,
	stream,
	timelineOf,
} from "../../support/scenario/builders";

/** A run of the model, as v3 would have recorded it: `set` is `put`, and no directories. */
export function asV3(seen: Timeline): Timeline {
	return { ...JSON.parse(JSON.stringify(seen).replaceAll(/"(set|create|update)"/g, '"put"')), api: "v3" };
}

/** The same run without the deliveries that a test picks. */
export function without(seen: Timeline, watcher: string, ...indexes: readonly number[]): Timeline {
	const watchers = seen.watchers.map((one) =>
		one.name === watcher
			? { ...one, deliveries: one.deliveries.filter(({ index }) => !indexes.includes(index)) }
			: one,
	);
	return { ...seen, watchers };
}

const recursive = { recursive: true } as const;

/** A v3 write that took keys away at one revision, of which a watcher was sent as many as given. */
export function severalKeys(sent: number, count = 3): Timeline {
	const keys = Array.from({ length: count }, (_, at) => `/a/${at + 1}`);
	const last = count + 1;
	const puts = keys.map((key, at) =>
		fixtures.accepted(at + 1, "put", key, at + 1, { value: "v", operation: "set" }),
	);
	const gone = keys.map((key, at) => ({
		node: fixtures.node(key, last, { createdIndex: 0, version: 0 }),
		prevNode: fixtures.node(key, at + 1, { value: "v" }),
	}));
	const [first, ...others] = gone;
	const all = fixtures.accepted(last, "delete", "/a", last, { operation: "rmdir", ...first, others });
	const deliveries = gone.map(({ node, prevNode }) => ({
		index: last,
		action: "delete" as const,
		key: node.key,
		node,
		prevNode,
		etcdIndex: 0,
		fromHistory: false,
	}));
	const puttings = puts.map((put) => fixtures.delivery(put, 0));
	return fixtures.timeline(
		"several keys of one revision",
		[...puts, all],
		[fixtures.watcher("w", "/a", [...puttings, ...deliveries.slice(0, sent)])],
		{ api: "v3" },
	);
}

/** The same run, of which nothing says that its watchers' silence is one. */
function unproven(seen: Timeline): Timeline {
	return { ...seen, watchers: seen.watchers.map((one) => ({ ...one, proof: "none" })) };
}

/** Runs of other shapes than the pages have, by name: none, one and many events, hostile names, faults, gaps. */
export function oddRuns(): Readonly<Record<string, () => Timeline | Promise<Timeline>>> {
	const on = (build: (run: ReturnType<typeof scenario>) => ReturnType<typeof scenario>, name = "odd") =>
		runOnModel(build(scenario(name)));
	const gap = () =>
		on((run) =>
			run
				.set("/a/0")
				.follow("f", "/a", recursive)
				.set("/a/1")
				.set("/a/2")
				.cut("f")
				.set("/a/3")
				.burst("/x", { count: 1001 })
				.reconnect("f")
				.set("/a/4"),
		);
	const faulty = () =>
		on((run) =>
			run
				.watch("w", "/a", recursive)
				.stream("s", "/a", recursive)
				.follow("f", "/a", recursive)
				.set("/a/1")
				.set("/a/2")
				.set("/a/3")
				.set("/a/4"),
		);
	const reset = { kind: "reset", at: 2, lastIndex: 1, why: "index went back", keys: [] } as const;
	const polls = () =>
		on((run) => {
			let more = run.set("/a/1").poll("many", "/a", { ...recursive, afterIndex: 0 });
			for (let n = 0; n < 9; n++) more = more.poll("many", { afterIndex: 0 });
			return more.watch("none", "/b").watch("other", "/c");
		});
	return {
		"no write, no watcher": () => fixtures.timeline("nothing", [], []),
		"no write": () => on((run) => run.watch("w", "/a").poll("p", "/b").follow("f", "/c")),
		"no watcher": () => on((run) => run.set("/a").delete("/a")),
		"one event": () => on((run) => run.watch("w", "/a").set("/a")),
		"by hand: the post": () => fixtures.postsRun(),
		"by hand: two polls": () => fixtures.twoPolls(),
		"by hand: twice": () => fixtures.twice(),
		"by hand: gap": () => fixtures.gap(),
		"by hand: slow reader": () => fixtures.slowReader(),
		"by hand: crowd": () => fixtures.crowd(),
		"by hand: many": () => fixtures.many(60),
		"hostile names": () => fixtures.hostile(),
		"a $ in names": () =>
			on(
				(run) => run.watch("a $& b", "/$1", recursive).set("/$1/$$").set("/$1/it's $' x").set("/$1/$`"),
				"$& and $1",
			),
		"wide and right-to-left names": () =>
			on((run) =>
				run
					.watch("観測者の名前はとても長い", "/ア", recursive)
					.watch("שלום", "/ש")
					.set("/ア/イ")
					.set("/ש", "مرحبا"),
			),
		"ten deliveries at one index": polls,
		"several keys of one revision": () => severalKeys(3),
		"several keys, of which one came": () => severalKeys(1),
		"several keys, and none came": () => severalKeys(0),
		"a gap": gap,
		"a gap, and a loss before it": async () => without(await gap(), "f", 2),
		"a reset": async () => {
			const { watchers } = await on((run) =>
				run.follow("f", "/a", recursive).set("/a/1").set("/a/2").set("/a/3"),
			);
			const { writes, lastIndex } = await on((run) => run.set("/a/1").set("/a/2").set("/a/3"));
			const told = watchers.map((follower) => ({ ...follower, life: [...follower.life, reset] }));
			return { ...without(fixtures.timeline("reset", [], told), "f", 2), writes, lastIndex };
		},
		"a snapshot": async () => ({
			...without(without(without(await faulty(), "w", 2, 3), "s", 2, 3), "f", 3),
			faults: [
				{ kind: "pause", at: 1 },
				{ kind: "resume", at: 3 },
				{ kind: "snapshot", at: 3 },
			],
		}),
		"a silent member": async () => ({
			...unproven(without(await faulty(), "w", 3, 4)),
			faults: [{ kind: "cutOff", at: 2 }],
		}),
		"an unproven silence": async () => unproven(without(await faulty(), "w", 4)),
		"a loss without a rule": async () => without(await faulty(), "w", 3),
		"a deaf stream that is cut": () =>
			on((run) =>
				run
					.set("/a/1")
					.stream("s", "/a", { ...recursive, afterIndex: 0 })
					.set("/a/2")
					.cut("s")
					.set("/a/3"),
			),
		"a paused stream that is cut": () =>
			timelineOf({
				writes: [set("/a"), set("/a"), set("/a")],
				watchers: [stream("s", "/a", { sent: [1], life: [asked(0), paused(1), cut(2)], proof: "closed" })],
			}),
		"a paused stream that reads on": () =>
			timelineOf({
				writes: [set("/a"), set("/a"), set("/a")],
				watchers: [stream("s", "/a", { sent: [1], life: [asked(0), paused(1), resumed(2)], proof: "gone" })],
			}),
		"a dropped stream": () =>
			timelineOf({
				writes: [set("/a"), set("/a"), set("/a")],
				watchers: [stream("s", "/a", { sent: [1], proof: "gone" })],
			}),
		"a plain watch under a crowd": () =>
			on((run) => run.watch("w", "/a").burst("/a", { count: 400 }).set("/a/x")),
		"hidden keys and siblings": () =>
			on((run) =>
				run
					.watch("live", "/a", recursive)
					.set("/a/_h/x")
					.mkdir("/ab")
					.set("/a/y")
					.watch("replay", "/a", { ...recursive, afterIndex: 0 })
					.watch("sibling", "/abc", { afterIndex: 0 })
					.follow("f", "/a", { ...recursive, afterIndex: 0 })
					.rmdir("/ab"),
			),
		"not due and nobody waiting": () =>
			timelineOf({
				writes: [mkdir("/t"), set("/t/a/x"), rmdir("/t")],
				watchers: [
					{ name: "late", key: "/t", kind: "watch", life: [asked(2)], sent: [3] },
					{ name: "nobody", key: "/t/zz", kind: "watch", life: [asked(1)] },
					{ name: "past", key: "/t", kind: "watch", recursive: true, life: [asked(2, 3)], sent: [3] },
					{
						name: "closed",
						key: "/t",
						kind: "watch",
						recursive: true,
						life: [asked(0), closed(0)],
						proof: "closed",
					},
				],
			}),
		"an unanswered write that was carried out": async () => {
			const seen = await on((run) =>
				run.watch("w", "/a", recursive).watch("plain", "/a").set("/a/1").set("/a/2", "two").set("/a/3"),
			);
			const outcome = { kind: "failed", message: "cut", maybeApplied: true } as const;
			return {
				...seen,
				writes: seen.writes.map((write) => (write.id === 2 ? { ...write, outcome } : write)),
			};
		},
		"a replay of the key itself": () => on((run) => run.set("/a").watch("w", "/a", { afterIndex: 0 })),
		"an unanswered write that nobody saw": async () => {
			const seen = await on((run) => run.watch("w", "/a", recursive).set("/a/1").set("/a/2"));
			const outcome = { kind: "failed", message: "cut", maybeApplied: true } as const;
			const writes = seen.writes.map((write) => (write.id === 2 ? { ...write, outcome } : write));
			return { ...without(seen, "w", 2), writes };
		},
		"a delete compacted away": async () => {
			const seen = await on((run) =>
				run
					.set("/a/k")
					.delete("/a/k")
					.set("/a/k")
					.watch("late", "/a", { ...recursive, afterIndex: 1 }),
			);
			const compactions = [{ at: 2, index: 2 }];
			return { ...without(asV3(seen), "late", 2), server: "3.5.1", compactions };
		},
		"told again after the whole store": async () => {
			const seen = asV3(await on((run) => run.watch("w", "/a", recursive).set("/a/1").set("/a/2")));
			const watchers = seen.watchers.map((one) => ({
				...one,
				deliveries: [...one.deliveries, ...one.deliveries],
			}));
			return { ...seen, watchers, faults: [{ kind: "snapshot", at: 2 }] };
		},
		"a refresh and an expiry": () =>
			on((run) =>
				run
					.watch("w", "/a", recursive)
					.set("/a/x", "v", { ttl: 60 })
					.refresh("/a/x", 60)
					.mkdir("/a/d", { ttl: 1 })
					.set("/a/d/y")
					.awaitExpiry("/a/d"),
			),
		"a 401": () =>
			on((run) =>
				run
					.set("/q/k")
					.burst("/noise", { count: 1001, keyCount: 10 })
					.watch("w", "/q", { ...recursive, afterIndex: 0 })
					.recover("w")
					.set("/q/k", "2"),
			),
		"3,000 writes": () =>
			on((run) =>
				run.watch("w", "/a", recursive).poll("p", "/a", recursive).burst("/a", { count: 3000, keyCount: 7 }),
			),
		"v3: as on the model": async () =>
			asV3(
				await on((run) =>
					run
						.watch("w", "/a", recursive)
						.set("/a/1")
						.watch("late", "/a", { ...recursive, afterIndex: 0 })
						.cut("w")
						.set("/a/_h")
						.reconnect("w")
						.close("late")
						.delete("/a/1"),
				),
			),
		"v3: a loss that is proven": async () => asV3(without(await faulty(), "w", 2)),
	};
}
