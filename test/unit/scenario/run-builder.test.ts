import assert from "node:assert/strict";
import { runOnModel, scenario } from "etcd-watch-lab";
import { ArgumentError } from "#lib/http";
import { Scenario } from "#lib/scenario";
import { scenarioOf } from "../../support/scenario/script";

/** What the types forbid, as JavaScript can still pass it. */
function wrong(value: unknown): never {
	return value as never;
}

const open = scenario("x").watch("w", "/a").poll("p", "/a").pollLoop("l", "/a").stream("s", "/a");

const wrongSteps: [string, RegExp, () => unknown][] = [
	["an empty key", /key is empty/, () => open.delete("")],
	["a key with half a character", /surrogate/, () => open.watch("v", "/\ud800")],
	["a key that is a number", /key is a string/, () => open.stream("v", wrong(5))],
	["a value that is a number", /value is a string/, () => open.set("/a", wrong(5))],
	["a value with half a character", /surrogate/, () => open.create("/a", "\udc00")],
	["a negative ttl", /ttl/, () => open.set("/a", "", { ttl: -1 })],
	["a fractional ttl", /ttl/, () => open.mkdir("/a", { ttl: 0.5 })],
	["a refresh without a ttl", /ttl/, () => open.refresh("/a", wrong(Number.NaN))],
	["a compare with nothing", /prevValue or prevIndex/, () => open.compareAndSwap("/a", "", {})],
	[
		"a delete compared with an empty value",
		/prevValue/,
		() => open.compareAndDelete("/a", { prevValue: "" }),
	],
	["a negative prevIndex", /prevIndex/, () => open.compareAndSwap("/a", "", { prevIndex: -1 })],
	["a negative afterIndex", /afterIndex/, () => open.watch("v", "/a", { afterIndex: -1 })],
	["a fractional afterIndex", /afterIndex/, () => open.poll("v", "/a", { afterIndex: 1.5 })],
	[
		"afterIndex and goOnAfter together",
		/give one/,
		() => open.poll("p", { afterIndex: 1, goOnAfter: "event" }),
	],
	["a watcher without a name", /needs a name/, () => open.watch("", "/a")],
	["a second watcher of the same name", /already/, () => open.watch("w", "/b")],
	["a stream with a poll's name", /already/, () => open.stream("p", "/a")],
	["a first poll without a key", /open it first/, () => open.poll("unknown")],
	["another poll of a watch", /"w" is a watch/, () => open.poll("w")],
	["another poll of a loop of polls", /"l" is a pollLoop/, () => open.poll("l", { goOnAfter: "event" })],
	["a pause of nobody", /open it first/, () => open.pause("unknown")],
	["a pause of a watch", /"w" is a watch: pause is for stream/, () => open.pause("w")],
	["a resume of a poll", /resume is for stream/, () => open.resume("p")],
	["a cut of a poll", /cut is for watch and pollLoop and stream and follow/, () => open.cut("p")],
	["a reconnect of a poll", /reconnect is for/, () => open.reconnect("p")],
	["another poll of a follower", /"f" is a follow/, () => open.follow("f", "/a").poll("f")],
	["a pause of a follower", /"f" is a follow: pause is for stream/, () => open.follow("f", "/a").pause("f")],
	["a second follower of the same name", /already/, () => open.follow("w", "/b")],
	["a fault that there is not", /there is no fault "burn"/, () => open.fault(wrong("burn"))],
	[
		"a reconnect of a watch that is open",
		/"w" is open: reconnect is for one that is cut/,
		() => open.reconnect("w"),
	],
	["a reconnect of a stream that is closed", /"s" is closed/, () => open.close("s").reconnect("s")],
	["a second cut", /"w" is cut already/, () => open.cut("w").cut("w")],
	["a cut of what is closed", /"w" is closed/, () => open.close("w").cut("w")],
	["a second close", /"w" is closed/, () => open.close("w").close("w")],
	["a second pause", /"s" is paused already/, () => open.pause("s").pause("s")],
	["a pause of a stream that is cut", /"s" is cut already/, () => open.cut("s").pause("s")],
	["a resume without a pause", /"s" is open: resume is for one that is paused/, () => open.resume("s")],
	["a recovery of what is closed", /"w" is closed/, () => open.close("w").recover("w")],
	["a reconnect after a fault that cuts nothing", /"w" is open/, () => open.fault("pause").reconnect("w")],
	["a recovery of a stream", /recover is for watch and poll/, () => open.recover("s")],
	["a close of nobody", /open it first/, () => open.close("unknown")],
	["a wait for a delivery to nobody", /open it first/, () => open.awaitDelivery("unknown", 1)],
	["a wait for no delivery", /count/, () => open.awaitDelivery("w", 0)],
	["a writer without a name", /needs a name/, () => open.by("")],
	["a burst of nothing", /count/, () => open.burst("/a", { count: 0 })],
	["a burst without end", /count is at most 100000/, () => open.burst("/a", { count: 100_001 })],
	["a burst of half a write", /count/, () => open.burst("/a", { count: 1.5 })],
	["a burst over no key", /keyCount/, () => open.burst("/a", { count: 1, keyCount: 0 })],
	["a burst over no connection", /connections/, () => open.burst("/a", { count: 1, connections: 0 })],
	[
		"a burst over too many connections",
		/connections is at most 64/,
		() => open.burst("/a", { count: 1, connections: 65 }),
	],
	["a burst of values too long", /valueBytes/, () => open.burst("/a", { count: 1, valueBytes: 1_000_001 })],
	["a burst at no pace", /perSecond/, () => open.burst("/a", { count: 1, perSecond: 0 })],
	["a burst into an empty key", /key is empty/, () => open.burst("", { count: 1 })],
	[
		"a wait for the expiry of a key without a ttl",
		/nothing gave \/a a ttl/,
		() => open.set("/a").awaitExpiry("/a"),
	],
	["a wait for the expiry of an empty key", /key is empty/, () => open.awaitExpiry("")],
	[
		"a wait for an expiry after an update that took the ttl away",
		/step 6, update \/a, gives it no ttl, which takes away/,
		() => open.set("/a", "", { ttl: 1 }).update("/a", "2").awaitExpiry("/a"),
	],
	[
		"a wait for the expiry of a key that was deleted",
		/step 6, delete \/a, removes it before/,
		() => open.set("/a", "", { ttl: 1 }).delete("/a").awaitExpiry("/a"),
	],
	[
		"a wait for the expiry of a key whose directory was removed",
		/step 6, rmdir \/a, removes it before/,
		() => open.set("/a/b", "", { ttl: 1 }).rmdir("/a", { recursive: true }).awaitExpiry("/a/b"),
	],
	[
		"a second wait for one expiry",
		/step 6, awaitExpiry \/a, waits for that already/,
		() => open.set("/a", "", { ttl: 1 }).awaitExpiry("/a").awaitExpiry("/a"),
	],
	[
		"a wait for the expiry of a directory in which a key with a ttl was made",
		/nothing gave \/q a ttl/,
		() => open.createInOrder("/q", "", { ttl: 1 }).awaitExpiry("/q"),
	],
	[
		"a recovery of a watch that nothing can have refused",
		/the history holds the last 1000 events, and 3 writes clear none/,
		() => open.set("/a").burst("/b", { count: 2 }).recover("w"),
	],
	[
		"etcd's own name for afterIndex",
		/afterIndex: waitIndex - 1/,
		() => open.watch("v", "/a", wrong({ waitIndex: 3 })),
	],
	["a short name for afterIndex", /write afterIndex/, () => open.stream("v", "/a", wrong({ after: 3 }))],
	["a capital letter", /write recursive/, () => open.watch("v", "/a", wrong({ Recursive: true }))],
	[
		"an option that there is not",
		/it has recursive, afterIndex/,
		() => open.follow("v", "/a", wrong({ from: 1 })),
	],
	[
		"a poll loop from the past",
		/it has recursive$/,
		() => open.pollLoop("v", "/a", wrong({ afterIndex: 0 })),
	],
	[
		"another recursive at a poll's next",
		/has no option "recursive"/,
		() => open.poll("p", wrong({ recursive: true })),
	],
	[
		"a recursive that is no boolean",
		/true or false/,
		() => open.watch("v", "/a", wrong({ recursive: "yes" })),
	],
	["options that are none", /as an object, not null/, () => open.watch("v", "/a", wrong(null))],
	["options that are a number", /as an object, not 5/, () => open.set("/a", "", wrong(5))],
	[
		"a goOnAfter that is neither",
		/"event" or "response"/,
		() => open.poll("p", wrong({ goOnAfter: "last" })),
	],
	[
		"a delete of a directory",
		/rmdir\(key, \{ recursive: true \}\)/,
		() => open.delete("/a", wrong({ recursive: true })),
	],
	["an option of a delete", /it has none/, () => open.delete("/a", wrong({ now: true }))],
	["a set that must not find a key", /create is for/, () => open.set("/a", "", wrong({ prevExist: false }))],
	["a set that compares", /use compareAndSwap/, () => open.set("/a", "", wrong({ prevIndex: 1 }))],
	[
		"a compare with something else",
		/no option "value"/,
		() => open.compareAndSwap("/a", "", wrong({ value: "1" })),
	],
	[
		"a burst of parallel writes by another name",
		/no option "parallel"/,
		() => open.burst("/a", wrong({ count: 1, parallel: 2 })),
	],
	["a watcher whose name is a number", /text as its name, not 5/, () => open.watch(wrong(5), "/a")],
	["a writer whose name is a number", /text as its name, not 5/, () => open.by(wrong(5))],
	["a scenario whose name is a number", /name is a text, not 5/, () => scenario(wrong(5))],
];

describe("Scenario", () => {
	it("takes a wait for an expiry whose ttl no write has surely taken away", () => {
		const ttl = { ttl: 1 };
		for (const steps of [
			scenario("x").mkdir("/a", ttl).set("/a", "2"),
			scenario("x").set("/a", "1", ttl).create("/a", "2"),
			scenario("x").set("/a", "1", ttl).compareAndSwap("/a", "2", { prevValue: "0" }),
			scenario("x").set("/a", "1").refresh("/a", 1),
			scenario("x").set("/a", "1", ttl).delete("/a").set("/a", "1", ttl),
			scenario("x").set("/a", "1", ttl).rmdir("/ab", { recursive: true }),
		])
			assert.equal(steps.awaitExpiry("/a").steps.at(-1)?.step, "awaitExpiry");
	});

	it("takes a recovery after so many writes that the history has lost some, a compaction, a fault", () => {
		for (const steps of [open.burst("/b", { count: 1001 }), open.compact(), open.fault("kill")])
			assert.equal(steps.recover("w").steps.at(-1)?.step, "recover");
	});

	it("is refused by the model of a version that has no v2 store, or none that the model knows", async () => {
		for (const version of ["3.6", "3.6.0", "2.3.8", "", "latest", wrong(3.5)])
			await assert.rejects(runOnModel(open, { version }), /rules of "3.4" and "3.5"/);
		for (const version of ["3.4", "3.4.23", "3.5.1", "3.5.0-rc.1"])
			assert.equal((await runOnModel(open, { version })).server, `the model of ${version}`);
		await assert.rejects(runOnModel(open, wrong({ api: "v3" })), /runOnModel has no option "api"/);
	});

	it("is not run with an option that there is not", async () => {
		const target = wrong({});
		await assert.rejects(
			open.run(target, wrong({ version: "v3" })),
			/run has \{ api: "v2" \} or \{ api: "v3" \}/,
		);
	});

	it("is refused on v2 and the model, with its step, where a key ends in a slash", async () => {
		for (const steps of [
			open.set("/dir/"),
			scenario("x").watch("w", "/dir/"),
			open.burst("/dir/", { count: 1 }),
		])
			await assert.rejects(
				runOnModel(steps),
				/step \d, .*the key "\/dir\/" ends in a slash: .*"\/dir"; write that one/,
			);
	});

	it("is refused on v2 and the model, with its step, where / is written, which is no root there (L29)", async () => {
		for (const steps of [
			open.set("/", "x"),
			open.mkdir("/"),
			open.delete("/"),
			open.rmdir("/", { recursive: true }),
			open.refresh("/", 5),
			open.compareAndSwap("/", "x", { prevValue: "y" }),
		])
			await assert.rejects(
				runOnModel(steps),
				/step \d, .*: \/ is the run's own directory here, .*107, see 07/,
			);
		const below = open
			.watch("root", "/", { recursive: true })
			.createInOrder("/", "x")
			.burst("/", { count: 1 });
		assert.equal((await runOnModel(below)).lastIndex, 2);
	});

	for (const [what, pattern, step] of wrongSteps) {
		it(`refuses at once, before a server is there: ${what}`, () => {
			assert.throws(step, (error: unknown) => {
				assert.ok(error instanceof ArgumentError, String(error));
				assert.match(error.message, pattern);
				return true;
			});
		});
	}

	it("is left as it was by every step that is added to it", () => {
		const first = scenario("x").watch("w", "/a").set("/t", "", { ttl: 5 });
		const steps = structuredClone(first.steps);
		const longer = [
			first.poll("p", "/a"),
			first.stream("s", "/a"),
			first.pollLoop("l", "/a"),
			first.close("w"),
			first.cut("w"),
			first.awaitDelivery("w", 1),
			first.set("/a"),
			first.create("/a"),
			first.createInOrder("/a"),
			first.update("/a"),
			first.delete("/a"),
			first.mkdir("/a"),
			first.updateDirectory("/a"),
			first.rmdir("/a"),
			first.compareAndSwap("/a", "", { prevIndex: 1 }),
			first.compareAndDelete("/a", { prevIndex: 1 }),
			first.refresh("/a", 5),
			first.burst("/a", { count: 1 }),
			first.awaitExpiry("/t"),
		];
		assert.deepEqual(first.steps, steps);
		for (const other of longer) {
			assert.ok(other instanceof Scenario);
			assert.equal(other.steps.length, 3);
			assert.deepEqual(other.steps.slice(0, 2), steps);
		}
	});

	it("takes a reconnect after a cut, and after a fault that may have cut the watcher", () => {
		const kinds = open.cut("w").reconnect("w").fault("kill").reconnect("w").fault("wipe").cut("w").steps;
		assert.equal(kinds.length, open.steps.length + 6);
		assert.equal(
			open.pause("s").resume("s").pause("s").cut("s").reconnect("s").steps.at(-1)?.step,
			"reconnect",
		);
	});

	it("can be gone on with in two ways, neither of which knows of the other", () => {
		const both = scenario("x").watch("w", "/a");
		const one = both.set("/a/1");
		const other = both.set("/a/2");
		assert.deepEqual(
			[one, other].map(({ steps }) => steps.map((step) => ("key" in step ? step.key : ""))),
			[
				["/a", "/a/1"],
				["/a", "/a/2"],
			],
		);
	});

	it("names its writer from `by` on, not before", () => {
		const { steps } = scenarioOf("x: set /a; by Ann; set /a; 1 × set /b over 1; by Bob; delete /a");
		assert.deepEqual(
			steps.map((step) => ("by" in step ? step.by : "")),
			["writer", "Ann", "Ann", "Bob"],
		);
	});
});
