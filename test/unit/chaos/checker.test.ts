import assert from "node:assert/strict";
import type { Change, FollowedEvent, Reset } from "etcd-watch-lab/follow";
import { type CheckerName, check } from "../../proofs/chaos/checker";
import {
	followed,
	handmade,
	replaceFollowing,
	withGap,
	withRestart,
	withWipe,
} from "../../proofs/chaos/handmade";
import type { Delivery, RunRecord } from "../../proofs/chaos/record";
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

	describe("complete", () => {
		it("catches an event that is left out", () => {
			const without = planted(clean, (deliveries) => deliveries.splice(20, 1));
			catches("complete", without, /was never told/);
		});

		it("catches each single event that is left out", () => {
			const { length } = clean.followings[0]?.deliveries ?? [];
			for (let at = 0; at < length; at++) {
				const { findings } = check(planted(clean, (deliveries) => deliveries.splice(at, 1)));
				assert.ok(
					findings.some(({ checker }) => checker === "complete"),
					`event ${at} of ${length}`,
				);
			}
		});

		it("catches the last event left out, of a follower that stopped too early", () => {
			catches(
				"complete",
				planted(clean, (deliveries) => deliveries.splice(-1)),
				/was never told/,
			);
		});

		it("catches an expiry that nobody was told of", () => {
			const silent = ["tree", "all", "key"].reduce(
				(record, name) =>
					planted(
						record,
						(deliveries) => {
							const kept = deliveries.filter(
								({ change }) => change.kind !== "event" || change.action !== "expire",
							);
							deliveries.splice(0, deliveries.length, ...kept);
						},
						name,
					),
				clean,
			);
			catches("complete", silent, /nobody told/);
		});

		it("catches a write without an answer that was carried out and that nobody was told of", () => {
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
			const silent = ["tree", "all", "key"].reduce(
				(one, name) =>
					planted(
						one,
						(deliveries) => {
							const kept = deliveries.filter(
								({ change }) => change.kind !== "event" || change.index !== index,
							);
							deliveries.splice(0, deliveries.length, ...kept);
						},
						name,
					),
				record,
			);
			catches("complete", silent, /a write of .* was never told/);
		});

		it("catches a follower that never came to the end", () => {
			catches(
				"complete",
				replaceFollowing(clean, "tree", (one) => ({ ...one, finished: false })),
				/the end/,
			);
		});

		it("catches a gap that is shorter than what is missing", () => {
			catches(
				"complete",
				altered(longGap(), "gap", (gap) => ({ ...gap, from: 5_400 }) as Change),
				/never told/,
			);
		});
	});

	describe("genuine", () => {
		it("catches an event that never was", () => {
			const invented = planted(clean, (deliveries) => {
				const at = eventWhere(deliveries, ({ action }) => action === "set");
				const { change } = deliveries[at] as { change: FollowedEvent };
				deliveries.push({ change: { ...change, index: last + 5 }, at: 0 });
			});
			catches("genuine", invented, /no such write/);
		});

		for (const [what, alter] of [
			["another key", (event: FollowedEvent) => ({ ...event, key: `${followed}/other` })],
			["another action", (event: FollowedEvent) => ({ ...event, action: "update" as const })],
			["another value", (event: FollowedEvent) => ({ ...event, node: { ...event.node, value: "not it" } })],
		] as const) {
			it(`catches an event with ${what}`, () => {
				const wrong = planted(clean, (deliveries) => {
					const at = eventWhere(deliveries, ({ action }) => action === "set");
					const delivery = deliveries[at];
					if (delivery?.change.kind === "event") deliveries[at] = { at: 0, change: alter(delivery.change) };
				});
				catches("genuine", wrong, /was set of/);
			});
		}

		it("catches a hidden key's event, which only the replay shows", () => {
			catches(
				"genuine",
				foreign(({ key }) => key.includes("/_h/")),
				/is not for/,
			);
		});

		it("catches an event of a sibling whose name begins with the followed one", () => {
			catches(
				"genuine",
				foreign(({ key }) => key === `${followed}x`),
				/is not for/,
			);
		});

		/** The tree's follower is also given an event that is for the follower of everything. */
		function foreign(fits: (entry: { key: string }) => boolean): RunRecord {
			const write = clean.acknowledged.find((one) => fits(one) && one.action === "set");
			assert.ok(write, "there is such a write");
			const { index, action, key, value = "" } = write;
			const node = { key, value, dir: false, createdIndex: index, modifiedIndex: index };
			return planted(clean, (deliveries) => {
				deliveries.push({ change: { kind: "event", index, action, key, node, fromHistory: true }, at: 0 });
				deliveries.sort((one, two) => indexOf(one) - indexOf(two));
			});
		}
	});

	describe("exact", () => {
		const eventThat = (
			fits: (event: FollowedEvent) => boolean,
			alter: (event: FollowedEvent) => FollowedEvent,
		) =>
			planted(clean, (deliveries) => {
				const at = eventWhere(deliveries, fits);
				const delivery = deliveries[at];
				if (delivery?.change.kind === "event") deliveries[at] = { at: 0, change: alter(delivery.change) };
			});

		it("catches a key that is said to be made at another index", () => {
			const other = eventThat(
				({ action }) => action === "update",
				(event) => ({ ...event, node: { ...event.node, createdIndex: event.node.createdIndex + 1 } }),
			);
			catches("exact", other, /was made at/);
		});

		for (const [what, alter] of [
			["nothing", ({ prevNode, ...event }: FollowedEvent) => event],
			["another value", (event: FollowedEvent) => withBefore(event, { value: "not it" })],
			["another index", (event: FollowedEvent) => withBefore(event, { modifiedIndex: 1 })],
		] as const) {
			it(`catches ${what} in the place of what was before`, () => {
				catches(
					"exact",
					eventThat(({ prevNode }) => prevNode?.value !== undefined, alter),
					/before, not/,
				);
			});
		}

		it("catches a ttl that is not told, and one that there is none of", () => {
			const without = eventThat(
				({ node }) => node.expiration !== undefined,
				({ node: { ttl, expiration, ...node }, ...event }) => ({ ...event, node }),
			);
			catches("exact", without, /has no ttl/);
			const invented = eventThat(
				({ action, node }) => action === "set" && node.expiration === undefined,
				(event) => ({ ...event, node: { ...event.node, ttl: 5, expiration: "2026-01-01T00:00:00Z" } }),
			);
			catches("exact", invented, /has a ttl/);
		});

		it("catches an event of the past that is told as if it had just happened", () => {
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

		function withBefore(event: FollowedEvent, change: object): FollowedEvent {
			assert.ok(event.prevNode);
			return { ...event, prevNode: { ...event.prevNode, ...change } };
		}
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

	it("ordered catches two events that change places", () => {
		const swapped = planted(clean, (deliveries) => {
			const [one, two] = deliveries.slice(10, 12);
			assert.ok(one && two);
			deliveries.splice(10, 2, two, one);
		});
		catches("ordered", swapped, /comes after/);
	});

	it("unique catches an event that comes again, at once or later", () => {
		for (const later of [1, 9]) {
			const repeated = planted(clean, (deliveries) => {
				const again = deliveries[10];
				assert.ok(again);
				deliveries.splice(10 + later, 0, again);
			});
			catches("unique", repeated, /comes again/);
		}
	});

	describe("gapsStated", () => {
		it("catches a state that lacks a key, or has an old value, or is of another index", () => {
			const alterState = (change: (nodes: FollowedEvent["node"][]) => void) =>
				altered(longGap(), "gap", (gap) => {
					if (gap.kind !== "gap") return gap;
					const nodes = [...gap.state.nodes];
					change(nodes);
					return { ...gap, state: { ...gap.state, nodes } };
				});
			catches(
				"gapsStated",
				alterState((nodes) => nodes.splice(2, 1)),
				/is missing/,
			);
			const old = alterState((nodes) => {
				const at = nodes.findIndex(({ dir }) => !dir);
				nodes[at] = { ...(nodes[at] as FollowedEvent["node"]), value: "old" };
			});
			catches("gapsStated", old, /"old"/);
			const elsewhere = altered(longGap(), "gap", (gap) =>
				gap.kind === "gap" ? { ...gap, state: { ...gap.state, index: gap.to - 1 } } : gap,
			);
			catches("gapsStated", elsewhere, /with a state at/);
		});

		it("catches a directory that no write has made, unless one without an answer may have", () => {
			const directory = { key: `${followed}/new`, dir: true, createdIndex: 1, modifiedIndex: 1 };
			const odd = altered(longGap(), "gap", (gap) =>
				gap.kind === "gap"
					? { ...gap, state: { ...gap.state, nodes: [...gap.state.nodes, directory] } }
					: gap,
			);
			catches("gapsStated", odd, /new should not be there/);
			const unknown = {
				epoch: 0,
				operation: "set",
				key: `${followed}/new/k`,
				value: "v",
				ttl: false,
			} as const;
			assert.deepEqual(check({ ...odd, unknown: [unknown] }).findings, []);
			const removal = { ...unknown, operation: "delete" } as const;
			catches("gapsStated", { ...odd, unknown: [removal] }, /new should not be there/);
		});

		for (const part of ["added", "removed", "changed"] as const) {
			it(`catches a key that is missing among those ${part}`, () => {
				const silent = altered(longGap(), "gap", (gap) => {
					const stated = gap.kind === "gap" ? (gap[part] ?? []) : [];
					assert.ok(stated.length > 0, `something was ${part}`);
					return { ...gap, [part]: stated.slice(1) };
				});
				catches("gapsStated", silent, new RegExp(`among those ${part}`));
			});
		}

		it("catches a node that was another one before", () => {
			const other = altered(longGap(), "gap", (gap) => {
				if (gap.kind !== "gap") return gap;
				const [first, ...rest] = gap.changed;
				assert.ok(first?.before);
				return { ...gap, changed: [{ ...first, before: { ...first.before, value: "not it" } }, ...rest] };
			});
			catches("gapsStated", other, /as it was before/);
		});

		it("catches a reason that is not so", () => {
			const slow = altered(longGap(), "gap", (gap) => ({ ...gap, why: "slow consumer" }) as Change);
			const queue = { length: 1_000, most: 0, full: 0 };
			catches(
				"gapsStated",
				replaceFollowing(slow, "tree", (one) => ({ ...one, queue })),
				/never full/,
			);
			const cleared = replaceFollowing(longGap(), "tree", (one) => ({
				...one,
				isSlow: true,
				queue: { ...queue, most: 1_000, full: 3 },
			}));
			catches("gapsStated", cleared, /too slow/);
		});

		it("catches a reset of a store that is still the same", () => {
			const reset = planted(clean, (deliveries) => {
				const at = deliveries.length - 1;
				const index = indexOf(deliveries[at] as Delivery);
				const state = { index, nodes: [] };
				const none = { added: [], removed: [], changed: [] };
				deliveries.push({
					at: 0,
					change: { kind: "reset", lastIndex: index, why: "another past", state, ...none },
				});
			});
			catches("gapsStated", reset, /that is the same/);
		});
	});

	describe("avoidable", () => {
		it("catches a gap over what the history still held", () => {
			catches("avoidable", withGap(clean, first, middle), /the history went back to/);
		});

		it("catches a gap where the run says that none had to be", () => {
			const strict = replaceFollowing(longGap(), "tree", (one) => ({ ...one, gaps: "none" }));
			catches("avoidable", strict, /none had to be/);
		});
	});

	it("alive catches a follower that did not tell in time", () => {
		const silences = [{ index: middle, what: "silent for 20000 ms" }];
		catches(
			"alive",
			replaceFollowing(clean, "tree", (one) => ({ ...one, silences })),
			/silent for/,
		);
	});

	it("bounded catches a queue that grew beyond what was agreed", () => {
		const grown = replaceFollowing(clean, "tree", (one) => ({ ...one, queue: { length: 100, most: 101 } }));
		catches("bounded", grown, /101 changes were held/);
	});

	it("bounded catches a process that grew beyond what it may hold, whatever it says of its queue", () => {
		const memory = { grown: 60_000_000, most: 16_000_000 };
		const grown = replaceFollowing(clean, "tree", (one) => ({ ...one, memory }));
		catches("bounded", grown, /held 57\.2 MiB more/);
	});

	it("finalState catches what the changes do not lead to", () => {
		const without = planted(clean, (deliveries) => {
			const final = new Set(
				clean.epochs[0]?.final?.nodes.flatMap(({ dir, modifiedIndex }) => (dir ? [] : [modifiedIndex])),
			);
			deliveries.splice(
				eventWhere(deliveries, ({ index, action }) => action === "set" && final.has(index)),
				1,
			);
		});
		catches("finalState", without, /at the end/);
	});

	it("removedKeys catches a directory's removal that forgets one of its keys, or all", () => {
		for (const keep of [1, 0]) {
			const forgetful = planted(clean, (deliveries) => {
				const at = eventWhere(deliveries, ({ removed = [] }) => removed.length > 2);
				const delivery = deliveries[at];
				if (delivery?.change.kind !== "event") throw new Error("it is an event");
				const { removed = [], ...change } = delivery.change;
				deliveries[at] = { at: 0, change: keep === 1 ? { ...change, removed: removed.slice(1) } : change };
			});
			catches("removedKeys", forgetful, /keys wrong/);
		}
	});

	describe("resumable", () => {
		it("catches a position that is ahead of what was consumed", () => {
			const { findings } = check(movedPosition(30));
			assert.ok(findings.some(({ checker }) => checker === "complete"));
		});

		it("catches a position that is behind what was consumed", () => {
			catches("resumable", movedPosition(-30), /was consumed/);
		});

		it("catches a position that lacks a key", () => {
			const record = replaceFollowing(withRestart(clean, middle), "tree", (one) => {
				assert.ok(one.position?.nodes);
				return { ...one, position: { ...one.position, nodes: one.position.nodes.slice(0, -1) } };
			});
			catches("resumable", record, /the saved position/);
		});

		it("catches a follower that goes on from elsewhere", () => {
			const record = replaceFollowing(withRestart(clean, middle), "tree, resumed", (one) => ({
				...one,
				startIndex: middle + 1,
			}));
			catches("resumable", record, /it goes on after/);
		});

		/** Both sides agree on the position, and it is not where the first one stood. */
		function movedPosition(by: number): RunRecord {
			const restarted = withRestart(clean, middle);
			const saved = replaceFollowing(restarted, "tree", (one) => {
				assert.ok(one.position);
				return { ...one, position: { ...one.position, index: middle + by } };
			});
			return replaceFollowing(saved, "tree, resumed", (one) => ({
				...one,
				startIndex: middle + by,
				deliveries: one.deliveries.filter((delivery) => indexOf(delivery) > middle + by),
			}));
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
