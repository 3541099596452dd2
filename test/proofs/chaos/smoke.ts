import assert from "node:assert/strict";
import type { Kind } from "./kind";
import { kindsOn } from "./kinds";
import type { Api } from "./record";
import { isBad, line } from "./report";
import { Sessions } from "./sessions";

/** One seed for all; ETCD_WATCH_LAB_SEED gives another. */
const seed = Number(process.env["ETCD_WATCH_LAB_SEED"] ?? 1);

/** Those that differ most in how they work, of short ones; `npm run proofs` takes all, on every server. */
const smokeOf: Readonly<Record<Api, readonly string[]>> = {
	v2: ["restart", "window-1001", "kill", "remove-thousand"],
	v3: ["transactions", "wipe"],
};

/** What has no other proof of its bite than its own, and what a loop's losses would hide; `npm run proofs` takes all. */
const controls: Readonly<Record<Api, readonly string[]>> = {
	v2: ["kill"],
	v3: ["transactions"],
};

/** The follower under those faults of one API that take no time: each has a file, so that both run side by side. */
export function smoke(api: Api): void {
	describe(`the follower under short faults of ${api}`, () => {
		const { without, ...all } = kindsOn(api);
		const isShort = ({ name }: Kind) => smokeOf[api].includes(name);
		const kinds = all.kinds.filter((one) => isShort(one) || controls[api].includes(one.name));
		const sessions = new Sessions({ members: api === "v2" ? 3 : 1, api });

		before("the etcds", function () {
			// Some are built once, from their modules.
			this.timeout(600_000);
			return sessions.open([...new Set(kinds.map(({ etcd }) => etcd))]);
		});

		after("the servers", () => sessions.close());

		for (const kind of inOrder(kinds.filter(isShort))) {
			it(`loses nothing in silence on ${api}: ${kind.name}, ${kind.about} (etcd ${kind.etcd})`, async function () {
				this.timeout(330_000);
				const result = await sessions.of(kind.etcd).run(kind, seed);
				const all = result.findings
					.slice(0, 10)
					.map(({ checker, consumer, what }) => `${checker} of ${consumer}: ${what}`);
				assert.ok(!isBad(result), [line(result), result.failure ?? "", ...all].join("\n"));
				assert.ok(result.verified > 0, "events were verified");
			});
		}

		for (const kind of inOrder(kinds.filter(({ name }) => controls[api].includes(name)))) {
			it(`says of ${kind.name} without its fault, on ${api}, that it did not bite`, async function () {
				this.timeout(330_000);
				const { failure } = await sessions.of(kind.etcd).run(kind, seed, { withoutFault: true });
				assert.match(failure ?? "nothing", /^the fault did not bite: /);
			});
		}

		it("takes kinds that there are", () => {
			const names = new Set(all.kinds.map(({ name }) => name));
			for (const name of [...smokeOf[api], ...controls[api]]) assert.ok(names.has(name), name);
		});

		it("has a reason for every kind that it lacks", () => {
			for (const { name, reason } of without) assert.ok(reason.length > 10, name);
		});
	});
}

/** Those of one etcd and one shape one after the other: they share their servers. */
function inOrder(kinds: readonly Kind[]): readonly Kind[] {
	const order = ({ etcd, needs }: Kind) => `${etcd} ${JSON.stringify(needs)}`;
	return [...kinds].sort((one, two) => (order(one) < order(two) ? -1 : order(one) > order(two) ? 1 : 0));
}
