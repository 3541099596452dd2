import assert from "node:assert/strict";
import { etcdOf } from "../model/differential/etcds";
import { notCovered } from "../support/coverage";
import { isThorough } from "../support/third";
import { kinds } from "./kinds";
import { isBad, line } from "./report";
import { Session } from "./session";

/** One seed for all; ETCD_WATCH_LAB_SEED gives another. */
const seed = Number(process.env["ETCD_WATCH_LAB_SEED"] ?? 1);

describe("the follower under every fault", () => {
	const sessions: Session[] = [];

	before("the etcds", async function () {
		this.timeout(300_000);
		for (const kind of ["3.4", "newest"] as const) {
			const etcd = await etcdOf(kind);
			if ("binary" in etcd) sessions.push(await Session.open({ binary: etcd.binary, members: 3 }));
			else notCovered(etcd.missing);
		}
	});

	after("the servers", async () => {
		for (const session of sessions) await session.close();
	});

	// Those of one shape one after the other: they share their servers.
	const shape = ({ needs }: (typeof kinds)[number]) => JSON.stringify(needs);
	const chosen = kinds
		.filter(({ seconds }) => isThorough || seconds < 2)
		.sort((one, two) => (shape(one) < shape(two) ? -1 : shape(one) > shape(two) ? 1 : 0));
	// The first shapes on one etcd, the others on the next: each starts as few servers as can be.
	const half = Math.ceil(chosen.length / 2);

	for (const [nth, kind] of chosen.entries()) {
		it(`loses nothing in silence: ${kind.name}, ${kind.about}`, async function () {
			this.timeout(330_000);
			const session = sessions[Math.floor(nth / half)] ?? sessions[0];
			// Neither etcd is here, and that was said.
			if (session === undefined) return;
			const result = await session.run(kind, seed);
			const all = result.findings
				.slice(0, 10)
				.map(({ checker, consumer, what }) => `${checker} of ${consumer}: ${what}`);
			assert.ok(!isBad(result), [line(result), result.failure ?? "", ...all].join("\n"));
			assert.ok(result.verified > 0, "events were verified");
		});
	}
});
