import assert from "node:assert/strict";
import type { Change, FollowedEvent, Gap, Reset } from "etcd-watch-lab/follow";
import { type CheckerName, check } from "../../proofs/chaos/checker";
import {
	followed,
	handmade,
	replaceFollowing,
	withGap,
	withRestart,
	withWipe,
} from "../../proofs/chaos/handmade";
import type { Delivery, Following, RunRecord } from "../../proofs/chaos/record";
import { isBad, noticed } from "../../proofs/chaos/report";
import type { RunResult } from "../../proofs/chaos/session";

/** Changes what the consumer of the tree was given. */
function planted(record: RunRecord, change: (deliveries: Delivery[]) => void, name = "tree"): RunRecord {
	return replaceFollowing(record, name, (following) => {
		const deliveries = [...following.deliveries];
		change(deliveries);
		return { ...following, deliveries };
	});
}

function altered(record: RunRecord, kind: Change["kind"], alter: (change: Change) => Change): RunRecord {
	return planted(record, (deliveries) => {
		const at = deliveries.findIndex(({ change }) => change.kind === kind);
		const delivery = deliveries[at];
		assert.ok(delivery, `there is a ${kind}`);
		deliveries[at] = { ...delivery, change: alter(delivery.change) };
	});
}

function eventWhere(deliveries: readonly Delivery[], fits: (event: FollowedEvent) => boolean): number {
	const at = deliveries.findIndex(({ change }) => change.kind === "event" && fits(change));
	assert.ok(at >= 0, "there is such an event");
	return at;
}

/** Records with a fault, by what it is, and the words of the checker that is to catch it. */
type Faults = Readonly<Record<string, readonly [() => RunRecord, words: RegExp]>>;

describe("the chaos checkers", () => {
	const clean = handmade();
	const [first = 0, last = 0] = [5_001, Math.max(...clean.acknowledged.map(({ index }) => index))];
	const middle = Math.round((first + last) / 2);

	function saysNothing(record: RunRecord): void {
		const { findings, contradictions } = check(record);
		assert.deepEqual([...findings.slice(0, 3), ...contradictions], []);
	}

	function catches(checker: CheckerName, record: RunRecord, pattern = /./): void {
		const { findings } = check(record);
		const found = findings.filter((finding) => finding.checker === checker);
		assert.ok(found.length > 0, `${checker} says nothing; others: ${JSON.stringify(findings.slice(0, 3))}`);
		assert.match(found[0]?.what ?? "", pattern);
	}

	it("say nothing of a follower without fault, at a tree, at a key, and at all of the run", () => {
		saysNothing(clean);
		const counts = clean.followings.map(({ name, deliveries }) => [name, deliveries.length > 5]);
		assert.deepEqual(counts, [
			["tree", true],
			["key", true],
			["all", true],
		]);
		const actions = new Set(
			clean.followings[2]?.deliveries.map(({ change }) => change.kind === "event" && change.action),
		);
		assert.deepEqual([...actions].sort(), ["compareAndSwap", "create", "delete", "expire", "set", "update"]);
	});

	it("say nothing of a gap that says what is true", () => saysNothing(longGap()));

	it("say nothing of a follower that was saved and went on", () => saysNothing(withRestart(clean, middle)));

	const sets = ({ action }: FollowedEvent) => action === "set";

	/** The first event of the tree's follower that fits, altered. */
	function eventThat(
		fits: (event: FollowedEvent) => boolean,
		alter: (event: FollowedEvent) => FollowedEvent,
	): RunRecord {
		return planted(clean, (deliveries) => {
			const at = eventWhere(deliveries, fits);
			const delivery = deliveries[at];
			if (delivery?.change.kind === "event") deliveries[at] = { at: 0, change: alter(delivery.change) };
		});
	}

	/** What each follower is told, without the events that fit. */
	function untold(record: RunRecord, fits: (event: FollowedEvent) => boolean): RunRecord {
		const isKept = ({ change }: Delivery) => change.kind !== "event" || !fits(change);
		return ["tree", "all", "key"].reduce(
			(one, name) =>
				planted(
					one,
					(deliveries) => deliveries.splice(0, deliveries.length, ...deliveries.filter(isKept)),
					name,
				),
			record,
		);
	}

	/** The tree's follower is also given an event that is for the follower of everything. */
	function foreign(fits: (key: string) => boolean): RunRecord {
		const write = clean.acknowledged.find(({ key, action }) => fits(key) && action === "set");
		assert.ok(write, "there is such a write");
		const { index, action, key, value = "" } = write;
		const node = { key, value, dir: false, createdIndex: index, modifiedIndex: index };
		return planted(clean, (deliveries) => {
			deliveries.push({ change: { kind: "event", index, action, key, node, fromHistory: true }, at: 0 });
			deliveries.sort((one, two) => indexOf(one) - indexOf(two));
		});
	}

	function withBefore(event: FollowedEvent, change: object): FollowedEvent {
		assert.ok(event.prevNode);
		return { ...event, prevNode: { ...event.prevNode, ...change } };
	}

	function alteredGap(alter: (gap: Gap) => object): RunRecord {
		return altered(longGap(), "gap", (gap) => (gap.kind === "gap" ? { ...gap, ...alter(gap) } : gap));
	}

	function alteredState(change: (nodes: FollowedEvent["node"][]) => void): RunRecord {
		return alteredGap(({ state }) => {
			const nodes = [...state.nodes];
			change(nodes);
			return { state: { ...state, nodes } };
		});
	}

	/** Both sides agree on the position, and it is not where the first one stood. */
	function movedPosition(by: number): RunRecord {
		const saved = replaceFollowing(withRestart(clean, middle), "tree", (one) => {
			assert.ok(one.position);
			return { ...one, position: { ...one.position, index: middle + by } };
		});
		return replaceFollowing(saved, "tree, resumed", (one) => ({
			...one,
			startIndex: middle + by,
			deliveries: one.deliveries.filter((delivery) => indexOf(delivery) > middle + by),
		}));
	}

	const tree = (change: Partial<Following>, record = clean) =>
		replaceFollowing(record, "tree", (one) => ({ ...one, ...change }));
	const leftOut = (at: number) => planted(clean, (deliveries) => deliveries.splice(at, 1));
	const queue = { length: 1_000, most: 0, full: 0 };
	const directory = { key: `${followed}/new`, dir: true, createdIndex: 1, modifiedIndex: 1 };
	const withDirectory = () => alteredState((nodes) => nodes.push(directory));
	const unknown = { epoch: 0, operation: "set", key: `${followed}/new/k`, value: "v", ttl: false } as const;
	const isFinal = ({ index }: FollowedEvent) =>
		clean.epochs[0]?.final?.nodes.some(({ dir, modifiedIndex }) => !dir && modifiedIndex === index) === true;

	/** A fault, and the words of the checker that is to catch it. */
	/** The tenth delivery again, so many later. */
	const again = (later: number) =>
		planted(clean, (deliveries) => {
			const [tenth] = deliveries.slice(10);
			assert.ok(tenth);
			deliveries.splice(10 + later, 0, tenth);
		});
	const without = (part: "added" | "removed" | "changed") =>
		alteredGap(({ [part]: stated = [] }) => {
			assert.ok(stated.length > 0, `something was ${part}`);
			return { [part]: stated.slice(1) };
		});
	/** A directory's removal without the keys before that one, or without any. */
	const forgetful = (from?: number) =>
		eventThat(
			({ removed = [] }) => removed.length > 2,
			({ removed = [], ...event }) =>
				from === undefined ? event : { ...event, removed: removed.slice(from) },
		);
	const place = (what: string, alter: (event: FollowedEvent) => FollowedEvent): Faults => ({
		[`${what} in the place of what was before`]: [
			() => eventThat(({ prevNode }) => prevNode?.value !== undefined, alter),
			/before, not/,
		],
	});

	const faults: Readonly<Partial<Record<CheckerName, Faults>>> = {
		complete: {
			"the last event left out, of a follower that stopped too early": [() => leftOut(-1), /was never told/],
			"an expiry that nobody was told of": [
				() => untold(clean, ({ action }) => action === "expire"),
				/nobody told/,
			],
			"a gap that is shorter than what is missing": [() => alteredGap(() => ({ from: 5_400 })), /never told/],
			"an event that is left out": [() => leftOut(20), /was never told/],
			"a follower that never came to the end": [() => tree({ finished: false }), /the end/],
			"a position that is ahead of what was consumed": [() => movedPosition(30), /./],
		},
		genuine: {
			"an event that never was": [
				() =>
					planted(clean, (deliveries) => {
						const { change } = deliveries[eventWhere(deliveries, sets)] as { change: FollowedEvent };
						deliveries.push({ change: { ...change, index: last + 5 }, at: 0 });
					}),
				/no such write/,
			],
			"an event with another key": [
				() => eventThat(sets, (event) => ({ ...event, key: `${followed}/other` })),
				/was set of/,
			],
			"an event with another action": [
				() => eventThat(sets, (event) => ({ ...event, action: "update" })),
				/was set of/,
			],
			"an event with another value": [
				() => eventThat(sets, (event) => ({ ...event, node: { ...event.node, value: "not it" } })),
				/was set of/,
			],
			"a hidden key's event, which only the replay shows": [
				() => foreign((key) => key.includes("/_h/")),
				/is not for/,
			],
			"an event of a sibling whose name begins with the followed one": [
				() => foreign((key) => key === `${followed}x`),
				/is not for/,
			],
		},
		exact: {
			"a key that is said to be made at another index": [
				() =>
					eventThat(
						({ action }) => action === "update",
						(event) => ({ ...event, node: { ...event.node, createdIndex: event.node.createdIndex + 1 } }),
					),
				/was made at/,
			],
			"a ttl that is not told": [
				() =>
					eventThat(
						({ node }) => node.expiration !== undefined,
						({ node: { ttl, expiration, ...node }, ...event }) => ({ ...event, node }),
					),
				/has no ttl/,
			],
			"a ttl that there is none of": [
				() =>
					eventThat(
						({ action, node }) => action === "set" && node.expiration === undefined,
						(event) => ({ ...event, node: { ...event.node, ttl: 5, expiration: "2026-01-01T00:00:00Z" } }),
					),
				/has a ttl/,
			],
			...place("nothing", ({ prevNode, ...event }) => event),
			...place("another value", (event) => withBefore(event, { value: "not it" })),
			...place("another index", (event) => withBefore(event, { modifiedIndex: 1 })),
		},
		ordered: {
			"two events that change places": [
				() =>
					planted(clean, (deliveries) => {
						const [one, two] = deliveries.slice(10, 12);
						assert.ok(one && two);
						deliveries.splice(10, 2, two, one);
					}),
				/comes after/,
			],
		},
		gapsStated: {
			"a state that lacks a key": [() => alteredState((nodes) => nodes.splice(2, 1)), /is missing/],
			"a state with an old value": [
				() =>
					alteredState((nodes) => {
						const at = nodes.findIndex(({ dir }) => !dir);
						nodes[at] = { ...(nodes[at] as FollowedEvent["node"]), value: "old" };
					}),
				/"old"/,
			],
			"a state of another index": [
				() => alteredGap(({ state, to }) => ({ state: { ...state, index: to - 1 } })),
				/with a state at/,
			],
			"a directory where the write without an answer is a delete": [
				() => ({ ...withDirectory(), unknown: [{ ...unknown, operation: "delete" }] }),
				/new should not be there/,
			],
			"a node that was another one before": [
				() =>
					alteredGap(({ changed: [first, ...rest] }) => {
						assert.ok(first?.before);
						return { changed: [{ ...first, before: { ...first.before, value: "not it" } }, ...rest] };
					}),
				/as it was before/,
			],
			"a slow consumer whose queue was never full": [
				() =>
					tree(
						{ queue },
						alteredGap(() => ({ why: "slow consumer" })),
					),
				/never full/,
			],
			"a cleared history of a consumer that was too slow": [
				() => tree({ isSlow: true, queue: { ...queue, most: 1_000, full: 3 } }, longGap()),
				/too slow/,
			],
			"a reset of a store that is still the same": [
				() =>
					planted(clean, (deliveries) => {
						const index = indexOf(deliveries[deliveries.length - 1] as Delivery);
						const state = { index, nodes: [] };
						const none = { added: [], removed: [], changed: [] };
						deliveries.push({
							at: 0,
							change: { kind: "reset", lastIndex: index, why: "another past", state, ...none },
						});
					}),
				/that is the same/,
			],
			"a directory that no write has made": [withDirectory, /new should not be there/],
			"a key that is missing among those added": [() => without("added"), /among those added/],
			"a key that is missing among those removed": [() => without("removed"), /among those removed/],
			"a key that is missing among those changed": [() => without("changed"), /among those changed/],
		},
		avoidable: {
			"a gap over what the history still held": [
				() => withGap(clean, first, middle),
				/the history went back to/,
			],
			"a gap where the run says that none had to be": [
				() => tree({ gaps: "none" }, longGap()),
				/none had to be/,
			],
		},
		alive: {
			"a follower that did not tell in time": [
				() => tree({ silences: [{ index: middle, what: "silent for 20000 ms" }] }),
				/silent for/,
			],
		},
		bounded: {
			"a queue that grew beyond what was agreed": [
				() => tree({ queue: { length: 100, most: 101 } }),
				/101 changes were held/,
			],
			"a process that grew beyond what it may hold, whatever it says of its queue": [
				() => tree({ memory: { grown: 60_000_000, most: 16_000_000 } }),
				/held 57\.2 MiB more/,
			],
		},
		finalState: {
			"what the changes do not lead to": [
				() =>
					planted(clean, (deliveries) =>
						deliveries.splice(
							eventWhere(deliveries, (event) => sets(event) && isFinal(event)),
							1,
						),
					),
				/at the end/,
			],
		},
		resumable: {
			"a position that lacks a key": [
				() =>
					replaceFollowing(withRestart(clean, middle), "tree", (one) => {
						assert.ok(one.position?.nodes);
						return { ...one, position: { ...one.position, nodes: one.position.nodes.slice(0, -1) } };
					}),
				/the saved position/,
			],
			"a follower that goes on from elsewhere": [
				() =>
					replaceFollowing(withRestart(clean, middle), "tree, resumed", (one) => ({
						...one,
						startIndex: middle + 1,
					})),
				/it goes on after/,
			],
			"a position that is behind what was consumed": [() => movedPosition(-30), /was consumed/],
		},
		unique: {
			"an event that comes again at once": [() => again(1), /comes again/],
			"an event that comes again later": [() => again(9), /comes again/],
		},
		removedKeys: {
			"a directory's removal that forgets one of its keys": [() => forgetful(1), /keys wrong/],
			"a directory's removal that forgets all of its keys": [() => forgetful(), /keys wrong/],
		},
	};
	for (const checker of Object.keys(faults) as CheckerName[])
		for (const [what, [record, words]] of Object.entries(faults[checker] ?? {}))
			it(`${checker} catches ${what}`, () => catches(checker, record(), words));

	it("complete catches each single event that is left out", () => {
		const { length } = clean.followings[0]?.deliveries ?? [];
		for (let at = 0; at < length; at++) {
			const { findings } = check(leftOut(at));
			assert.ok(
				findings.some(({ checker }) => checker === "complete"),
				`event ${at} of ${length}`,
			);
		}
	});

	it("complete catches a write without an answer that was carried out and that nobody was told of", () => {
		const victim = clean.acknowledged.find(
			({ action, key, index }) =>
				action === "set" &&
				key.startsWith(`${followed}/k`) &&
				clean.acknowledged.some(({ prev }) => prev?.modifiedIndex === index),
		);
		assert.ok(victim, "there is a set that a later write tells of");
		const { epoch, key, value = "", index } = victim;
		const record: RunRecord = {
			...clean,
			acknowledged: clean.acknowledged.filter((write) => write !== victim),
			unknown: [{ epoch, operation: "set", key, value, ttl: false }],
		};
		saysNothing(record);
		catches(
			"complete",
			untold(record, (event) => event.index === index),
			/a write of .* was never told/,
		);
	});

	it("exact catches an event of the past that is told as if it had just happened", () => {
		const gone = (isOfHistory: boolean) =>
			replaceFollowing(withRestart(clean, middle), "tree, resumed", (one) => ({
				...one,
				pastThrough: middle + 50,
				deliveries: one.deliveries.map((delivery) =>
					delivery.change.kind === "event" && delivery.change.index <= middle + 50
						? { ...delivery, change: { ...delivery.change, fromHistory: isOfHistory } }
						: delivery,
				),
			}));
		saysNothing(gone(true));
		catches("exact", gone(false), /of the past/);
	});

	it("gapsStated says nothing of a directory that a write without an answer may have made", () => {
		assert.deepEqual(check({ ...withDirectory(), unknown: [unknown] }).findings, []);
	});

	describe("of a store that is wiped", () => {
		const wiped = withWipe(clean);
		const alteredReset = (alter: (reset: Reset) => Reset) =>
			altered(wiped, "reset", (change) => (change.kind === "reset" ? alter(change) : change));

		it("say nothing where each was told so, once", () => saysNothing(wiped));

		it("catch a reset that is not told, whatever comes after it", () => {
			const isReset = ({ change }: Delivery) => change.kind === "reset";
			const silent = planted(wiped, (deliveries) => deliveries.splice(deliveries.findIndex(isReset)));
			catches("complete", silent, /never told that the store is another/);
			const gone = planted(wiped, (deliveries) => deliveries.splice(deliveries.findIndex(isReset), 1));
			catches("ordered", gone, /comes after/);
		});

		it("catch a reset that is told twice", () => {
			const twice = planted(wiped, (deliveries) => {
				const at = deliveries.findIndex(({ change }) => change.kind === "reset");
				const again = deliveries[at];
				assert.ok(again?.change.kind === "reset");
				const { lastIndex, state } = { lastIndex: 10, state: again.change.state };
				deliveries.splice(at + 1, 0, { at: 0, change: { ...again.change, lastIndex, state, removed: [] } });
			});
			catches("gapsStated", twice, /that is the same/);
		});

		it("catch a reset with a last index before what was told, or beyond what the store came to", () => {
			catches(
				"ordered",
				alteredReset((reset) => ({ ...reset, lastIndex: reset.lastIndex - 5 })),
				/the reset says/,
			);
			catches(
				"gapsStated",
				alteredReset((reset) => ({ ...reset, lastIndex: reset.lastIndex + 500 })),
				/the store came to/,
			);
		});

		it("catch a reset with a state that the new store never had", () => {
			const invented = {
				key: `${followed}/k1`,
				value: "old",
				dir: false,
				createdIndex: 5_001,
				modifiedIndex: 5_001,
			};
			const odd = alteredReset((reset) => ({
				...reset,
				state: { ...reset.state, nodes: [invented] },
				removed: reset.removed?.filter(({ key }) => key !== invented.key) ?? [],
			}));
			catches("gapsStated", odd, /the reset's state/);
		});

		it("catch what the server itself lost, in either store", () => {
			for (const epoch of [0, 1]) {
				// Its key is written again, and then there is nothing before: somebody has to have removed it.
				const overwritten = wiped.acknowledged.findIndex(
					(write) => write.epoch === epoch && write.action === "set" && write.prev && isLasting(write.key),
				);
				const acknowledged = wiped.acknowledged.map((write, at) => {
					if (at !== overwritten) return write;
					const { prev, ...rest } = write;
					return rest;
				});
				assert.match(check({ ...wiped, acknowledged }).contradictions[0] ?? "", /nothing removed it/);
			}
		});

		/** Never given a ttl: it can't have gone by itself. */
		function isLasting(key: string): boolean {
			return !wiped.acknowledged.some((write) => write.ttl && key.startsWith(write.key));
		}
	});

	/** A gap that the history's thousand events do not cover. */
	function longGap(): RunRecord {
		const long = handmade(2_400);
		return withGap(long, 5_040, 6_200);
	}
});

function indexOf({ change }: Delivery): number {
	return change.kind === "event" ? change.index : change.kind === "gap" ? change.to : change.state.index;
}

describe("a run whose fault was left out", () => {
	const run: RunResult = {
		...{
			kind: "kill",
			seed: 1,
			api: "v2",
			etcd: "3.5.1",
			members: 3,
			ms: 1,
			writes: 0,
			verified: 0,
			gaps: 0,
		},
		...{ resets: 0, findings: [], losses: {}, bites: [], failure: undefined, known: undefined, unbitten: 0 },
	};
	const verdictOf = (failure: string | undefined) => {
		const result = noticed({ ...run, failure });
		return isBad(result) ? result.failure : "good";
	};

	it("is good where that is noticed, and bad where nothing or something else is", () => {
		assert.equal(verdictOf("the fault did not bite: no process killed"), "good");
		assert.equal(verdictOf(undefined), "without its fault: nothing was noticed");
		assert.equal(verdictOf("Error: no leader"), "without its fault: Error: no leader");
	});
});
