import assert from "node:assert/strict";
import { etcdOf } from "../model/differential/etcds";
import { notCovered } from "../support/coverage";
import { isThorough } from "../support/third";
import { kindsOn } from "./kinds";
import { isBad, line } from "./report";
import { Session } from "./session";

/** Those that show most of what v3 has of its own; `.ci/run` takes all of them. */
const smoke = ["transactions", "window-1001", "quiet-key", "restart", "wipe-outgrown", "cut-all"];

describe("the follower under v3's faults", () => {
	const { kinds, without } = kindsOn("v3");
	let session: Session | undefined;

	before("an etcd", async function () {
		this.timeout(300_000);
		const etcd = await etcdOf("newest");
		if ("binary" in etcd) session = await Session.open({ binary: etcd.binary, members: 1, api: "v3" });
		else notCovered(etcd.missing);
	});

	after("the servers", () => session?.close());

	const chosen = kinds.filter(({ name }) => isThorough || smoke.includes(name));
	for (const kind of chosen) {
		it(`loses nothing in silence on v3: ${kind.name}, ${kind.about}`, async function () {
			this.timeout(330_000);
			// It is not here, and that was said.
			if (session === undefined) return;
			const result = await session.run(kind, 1);
			const all = result.findings
				.slice(0, 10)
				.map(({ checker, consumer, what }) => `${checker} of ${consumer}: ${what}`);
			assert.ok(!isBad(result), [line(result), result.failure ?? "", ...all].join("\n"));
			assert.ok(result.verified > 0, "events were verified");
		});
	}

	it("has a reason for every kind of v2's that it lacks", () => {
		for (const { name, reason } of without) assert.ok(reason.length > 10, name);
	});
});
