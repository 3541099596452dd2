import assert from "node:assert/strict";
import { claims, loadTimeline, type Scenario, saveTimeline, scenario, type Timeline } from "etcd-watch-lab";
import { forEachEtcd } from "../../support/etcd";
import { judged, row } from "../../support/scenario/cases";
import { scenarioOf } from "../../support/scenario/script";

type Name = keyof typeof claims;
/** What a run has to say; every claim that is not named stays untested. */
type Verdicts = Partial<Record<Name, "confirmed" | "refuted">>;

const recursive = true;
/** What every run says in which two keys were written, respectively an event came live. */
const twoKeys = { versionsArePerKey: "refuted", storeHasOneSequence: "confirmed" } as const;
const live = { responseIndexIsWhereTheWatchBegan: "confirmed", eventsCarryTheNode: "confirmed" } as const;

const post = scenarioOf(`
	the post's run: watch recursive /a/...; watch plain /a; set /a/b a-b; set /a/b/c a-b-c; set /a/d a-d;
	delete /a/b/c; delete /a/b
`);

const deep = ["/a/b/leaf", "/a/b/c/leaf", "/a/b/c/d/leaf", "/a/b/c/d/e/leaf"]
	.reduce(
		(steps, key) => steps.set(key),
		scenario("deep").watch("recursive", "/a", { recursive }).watch("plain", "/a"),
	)
	.rmdir("/a", { recursive });

const runs: readonly (readonly [Scenario, Verdicts])[] = [
	[
		post,
		{
			...twoKeys,
			...live,
			childrenAreSeen: "confirmed",
			plainWatchIsBlindBelow: "confirmed",
			refusedWriteTakesNoIndex: "confirmed",
			goLoopLosesNothingMore: "confirmed",
		},
	],
	[
		deep,
		{
			...twoKeys,
			...live,
			grandchildrenAreUnseen: "refuted",
			recursiveSeesEveryDepth: "confirmed",
			plainWatchIsBlindBelow: "confirmed",
			implicitParentsRaiseNoEvent: "confirmed",
			removalNamesEveryKey: "refuted",
			goLoopLosesNothingMore: "confirmed",
		},
	],
	[
		scenario("two polls").poll("w", "/a", { recursive }).set("/a/1").set("/a/2").poll("w").set("/a/3"),
		{ ...twoKeys, ...live, pollsLoseWhatFallsBetween: "confirmed" },
	],
	[
		scenarioOf("a loop of polls without an index: pollLoop w /a/...; set /a/1; set /a/2; delete /a/1"),
		{ ...twoKeys, ...live, childrenAreSeen: "confirmed" },
	],
	[
		scenarioOf(`
			a file watched both ways: watch r /f/...; watch p /f; stream s /f; set /f; set /f 1; update /f 2;
			swap /f 2 3; delete /f
		`),
		{
			...live,
			fileNeedsNoRecursive: "confirmed",
			missingKeyIsWaitedFor: "confirmed",
			setMakesTheKeyAnew: "confirmed",
			goLoopLosesNothingMore: "confirmed",
			deletedKeysStreamHearsTwice: "confirmed",
		},
	],
	[
		scenario("a watch opened late").set("/a/1").watch("r", "/a", { recursive }).set("/a/2"),
		{ ...twoKeys, ...live, lateWatchMissesTheStart: "confirmed" },
	],
	[
		scenarioOf("the past asked for: set /a/1; set /a/2; watch r /a/... after 0; set /a/3"),
		{ ...twoKeys, ...live, afterIndexLosesNothing: "confirmed", goLoopLosesNothingMore: "confirmed" },
	],
	[
		scenarioOf("a stream with an index in the past: set /a/1; set /a/2; stream s /a/... after 0; set /a/3"),
		{ ...twoKeys, eventsCarryTheNode: "confirmed", streamWithPastIndexGoesDead: "confirmed" },
	],
	[
		scenarioOf(`
			a stream with an index in the past, where nothing was: set /b/1; stream s /a/... after 0; set /a/2;
			set /a/3
		`),
		{ ...twoKeys, ...live },
	],
	[
		scenarioOf(`
			a directory deleted above a watched key, and above one that is missing: set /a/b/c;
			watch there /a/b/c; watch missing /a/x/y/...; rmdir /a/...
		`),
		{
			...twoKeys,
			...live,
			ancestorsDeleteIsSeenBelow: "confirmed",
			lateWatchMissesTheStart: "confirmed",
		},
	],
	[
		scenarioOf(`
			hidden keys and siblings alike: watch r /a/...; watch p /a; set /a/_h; set /a/_d/x; set /ab/c;
			delete /a/_h
		`),
		{ ...twoKeys },
	],
	[
		scenarioOf(`
			hidden keys and a sibling's delete, replayed: set /a/_h; set /foobar; mkdir /foo; rmdir /foo;
			watch r /a/... after 0; watch f /foobar after 0
		`),
		{ ...twoKeys, eventsCarryTheNode: "confirmed", afterIndexLosesNothing: "confirmed" },
	],
	[
		scenario("cut for good").watch("w", "/a", { recursive }).set("/a/1").cut("w").set("/a/2").delete("/a/1"),
		{ ...twoKeys, ...live },
	],
	[
		scenarioOf(`
			cut, and back for what was missed: watch w /a/...; set /a/1; cut w; set /a/2; reconnect w;
			delete /a/1
		`),
		{
			...twoKeys,
			...live,
			childrenAreSeen: "confirmed",
			goLoopLosesNothingMore: "confirmed",
			afterIndexLosesNothing: "confirmed",
		},
	],
	[
		scenarioOf("closed as it was written to: stream s /a/...; set /a/1; delete /a/1; close s"),
		// What it was sent before is a matter of the moment, and so is what can be said of it.
		{},
	],
	[
		scenarioOf(`
			going on after the header's index: poll w /a/...; set /b/1; set /b/2; set /a/1;
			poll w after response; set /a/2
		`),
		{ ...twoKeys, ...live, afterIndexLosesNothing: "confirmed", responseIndexIsSafeToGoOnFrom: "refuted" },
	],
	[
		scenarioOf(`
			going on after the header's index, past what lay between: set /a/1; set /a/2; set /a/3;
			poll w /a/... after 0; poll w after response; set /a/4
		`),
		{ ...twoKeys, ...live, afterIndexLosesNothing: "confirmed", responseIndexIsSafeToGoOnFrom: "refuted" },
	],
	[
		scenarioOf("an expiry that two keys wait for: mkdir /d ttl 1; set /d/x; watch w /d/x; expire /d"),
		{
			...twoKeys,
			...live,
			ancestorsDeleteIsSeenBelow: "confirmed",
			lateWatchMissesTheStart: "confirmed",
		},
	],
	[
		scenarioOf(`
			the quiet key: poll quiet /q/k; set /q/k 1; 1001 × set /noise; poll quiet after event;
			recover quiet; set /q/k 2; set /q/k 3
		`),
		{
			...twoKeys,
			...live,
			keysCountTheirOwnWrites: "refuted",
			missingKeyIsWaitedFor: "confirmed",
			afterIndexLosesNothing: "refuted",
			historyHoldsAThousandEvents: "confirmed",
			quietKeyIsThrownOut: "confirmed",
			listAndWatchLosesNothing: "confirmed",
		},
	],
	[
		scenarioOf(`
			events of its own, thrown out, and a tree with hidden and deeper keys: set /q/_h/x; set /q/d/x;
			1001 × set /q; watch tree /q/... after 0; watch plain /q after 0; recover tree; recover plain;
			set /q/k 2
		`),
		{
			...twoKeys,
			...live,
			keysCountTheirOwnWrites: "refuted",
			plainWatchIsBlindBelow: "confirmed",
			afterIndexLosesNothing: "refuted",
			historyHoldsAThousandEvents: "confirmed",
			// The plain watch had nothing of its own to lose.
			quietKeyIsThrownOut: "confirmed",
			listAndWatchLosesNothing: "confirmed",
		},
	],
	[
		scenarioOf(`
			a pause too short to lose anything: stream s /a/...; pause s; set /a/1; set /a/2; resume s; set /a/3
		`),
		{ ...twoKeys, ...live },
	],
	[
		scenarioOf(`
			a stream that stops reading: stream slow /a/...; pause slow; 1001 × set /a over 5 valueBytes 20000;
			resume slow; set /a/end
		`),
		{ ...twoKeys, ...live, keysCountTheirOwnWrites: "refuted", slowStreamLosesInSilence: "confirmed" },
	],
];

/** What a run of "closed as it was written to" may or may not have heard in time. */
const momentary: ReadonlySet<Name> = new Set([
	"responseIndexIsWhereTheWatchBegan",
	"eventsCarryTheNode",
	"childrenAreSeen",
]);

forEachEtcd((etcd) => {
	describe("the claims on what a server really did", () => {
		const told = new Map<string, Timeline>();
		const run = async (which: Scenario): Promise<Timeline> => {
			const seen = told.get(which.name) ?? (await which.run(etcd.lab));
			told.set(which.name, seen);
			return seen;
		};

		for (const [which, expected] of runs) {
			it(`give the right verdicts on "${which.name}"`, async () => {
				const seen = await run(which);
				for (const name of Object.keys(claims) as Name[]) {
					const { verdict, because } = judged(claims[name], seen);
					if (which.name.startsWith("closed as") && momentary.has(name)) {
						assert.notEqual(verdict, "refuted", `${name}: ${because}`);
						continue;
					}
					assert.equal(verdict, expected[name] ?? "untested", `${name}: ${because}`);
				}
			});
		}

		it("are asked of runs that are the same when they have been saved and loaded", async () => {
			for (const [which] of runs) {
				const seen = await run(which);
				assert.deepEqual(loadTimeline(saveTimeline(seen)), seen, which.name);
			}
		});

		it("leave the post's second conclusion untested, for want of a grandchild: etcd refused both writes with 104", async () => {
			const { verdict, because, evidence } = claims.grandchildrenAreUnseen(await run(post));
			assert.equal(verdict, "untested");
			assert.match(because, /no grandchild was ever written: 2 writes tried it and etcd refused/);
			assert.deepEqual(evidence.map(row), ["set /a/b/c refused 104 /a/b", "delete /a/b/c refused 104 /a/b"]);
		});

		it("answer the post's five conclusions: confirmed, untested, confirmed, confirmed, refuted", async () => {
			const seen = await run(post);
			assert.deepEqual(
				[
					claims.childrenAreSeen(seen).verdict,
					claims.grandchildrenAreUnseen(seen).verdict,
					claims.plainWatchIsBlindBelow(seen).verdict,
					claims.eventsCarryTheNode(seen).verdict,
					claims.versionsArePerKey(seen).verdict,
				],
				["confirmed", "untested", "confirmed", "confirmed", "refuted"],
			);
			assert.deepEqual(claims.versionsArePerKey(seen).evidence.map(row), [
				"set /a/b @1",
				"set /a/d @2",
				"delete /a/b @3",
			]);
		});

		it("refute the post's second conclusion with the first grandchild that etcd takes", async () => {
			const { verdict, because, evidence } = claims.grandchildrenAreUnseen(await run(deep));
			assert.equal(verdict, "refuted");
			assert.match(because, /4 events came; the first is set \/a\/b\/leaf at "recursive"/);
			assert.deepEqual(evidence.map(row).slice(0, 2), ["set /a/b/leaf @1", "recursive < set /a/b/leaf @1"]);
		});
	});
});
