import assert from "node:assert/strict";
import { v3At } from "../../support/clients";
import { notCovered } from "../../support/coverage";
import { etcdOf } from "../../support/etcds";
import { ownOf } from "../../support/servers";
import { kindsOn } from "./kinds";
import { judge } from "./known";
import { isBad, line } from "./report";
import { Session } from "./session";
import { differenceOf } from "./store";

const kill = kindsOn("v3").kinds.find(({ name }) => name === "kill");

describe("the servers of a chaos run", function () {
	this.timeout(600_000);

	for (const [kind, isUsedAgain] of [
		["3.5.1", false],
		["newest", true],
	] as const) {
		it(`are ${isUsedAgain ? "" : "not "}used again on etcd ${kind} after a kill -9`, async () => {
			const etcd = await etcdOf(kind);
			if ("missing" in etcd) return notCovered(etcd.missing);
			const session = await Session.open({ binary: etcd.binary, members: 3, api: "v3" });
			try {
				assert.ok(kill);
				const result = await session.run(kill, 1);
				assert.ok(!isBad(result), line(result));
				assert.equal(session.keptServers, isUsedAgain ? 1 : 0);
			} finally {
				await session.close();
			}
		});
	}

	it("are said to differ where two hold other data at one revision, and not where one is behind", async () => {
		const [one, two] = [await ownOf("newest"), await ownOf("newest")];
		if (one === undefined || two === undefined) return;
		const endpoints = [one.endpoint, two.endpoint];
		const [first, second] = [v3At(one), v3At(two)];
		for (const client of [first, second]) await client.put(Buffer.from("/run/a\xff", "latin1"), "1");
		// A revision ahead.
		await first.put("/run/b", "1");
		assert.equal(await differenceOf(endpoints, "/run"), undefined);
		await second.put("/run/c", "1");
		const difference = await differenceOf(endpoints, "/run");
		assert.match(
			difference ?? "nothing",
			/^at revision \d+ \S+ and \S+ differ in \/run\/b of \d+, version 1$/,
		);
		assert.equal(await differenceOf(endpoints, "/elsewhere"), undefined);
	});

	const lost = { checker: "complete", consumer: "tree", what: "an event was lost", index: 3 } as const;
	const back = {
		checker: "gapsStated",
		consumer: "tree",
		what: "a reset (index went back)",
		index: 3,
	} as const;
	const none = { differing: undefined, contradictions: [], findings: [] };
	for (const [title, version, kind, seen, judged] of [
		["nothing is wrong", "3.5.1", "kill", {}, { known: undefined }],
		["a loss is nobody else's fault", "3.5.1", "kill", { findings: [lost] }, { known: undefined }],
		[
			"members differ where that is known",
			"3.5.1",
			"wipe",
			{ differing: "x", findings: [lost] },
			{ known: "etcd 13766" },
		],
		["members differ elsewhere", "3.5.35", "kill", { differing: "x" }, { failure: "x" }],
		["a server lost what it took", "3.5.1", "kill", { contradictions: ["y"] }, { failure: "y" }],
		["an index goes back after a kill", "3.5.1", "kill", { findings: [back] }, { known: "etcd 13766" }],
		["an index goes back without one", "3.5.1", "wipe", { findings: [back] }, { known: undefined }],
	] as const) {
		it(`are judged: ${title} (${version}, ${kind})`, () => {
			assert.deepEqual(judge(version, kind, { ...none, ...seen }), judged);
		});
	}
});
