import assert from "node:assert/strict";
import { tellCounts } from "#tools/programs/counted";
import { notCovered } from "../../support/coverage";
import { etcdOf } from "../../support/etcds";
import { shareOf } from "../../support/share";
import type { Finding } from "./checker";
import { kinds } from "./kinds";
import { proofs } from "./proofs";
import { isBad, line } from "./report";
import { Session } from "./session";

type Proved = keyof typeof proofs;

/** Timing decides what a fault meets: so many tries until the missing rule is missed. */
const tries = 4;

describe("each rule of the follower, switched off", () => {
	let session: Session | undefined;
	const table: string[] = [];

	before("an etcd", async function () {
		this.timeout(600_000);
		for (const kind of ["newest", "3.4"] as const) {
			const etcd = await etcdOf(kind);
			if ("binary" in etcd) session ??= await Session.open({ binary: etcd.binary, members: 3 });
			else notCovered(etcd.missing);
		}
	});

	after("the table", async () => {
		await session?.close();
		console.log(table.map((row) => `      ${row}`).join("\n"));
	});

	for (const rule of shareOf(Object.keys(proofs) as Proved[], "0/3")) {
		it(`is missed: ${rule}`, async function () {
			this.timeout(240_000);
			assert.ok(session, "there is no etcd to prove it on");
			const caught = await missed(session, rule);
			assert.ok(caught, `no fault shows what the rule is for: ${proofs[rule].kinds.join(", ")}`);
			const { kind, first } = caught;
			tellCounts([caught.etcd], { "switched off": 1 });
			table.push(`${rule} | ${kind} | ${first.checker}: ${anonymous(first.what)}`);
		});
	}

	it("is proved by kinds that there are", () => {
		const names = new Set(kinds.map(({ name }) => name));
		assert.deepEqual(
			Object.values(proofs)
				.flatMap((proof) => proof.kinds)
				.filter((name) => !names.has(name)),
			[],
		);
	});
});

/**
 * The first run in which the follower without the rule did what it must not do, and did not with it: each seed is run
 * with the rule first.
 */
async function missed(
	session: Session,
	rule: Proved,
): Promise<{ readonly kind: string; readonly first: Finding; readonly etcd: string } | undefined> {
	for (let seed = 1; seed <= tries; seed++) {
		for (const name of proofs[rule].kinds) {
			const kind = kinds.find((one) => one.name === name);
			if (kind === undefined) continue;
			const obeyed = await session.run(kind, seed);
			assert.ok(!isBad(obeyed), `with the rule: ${line(obeyed)}`);
			const result = await session.run(kind, seed, { without: [rule] });
			const first = result.findings.find(({ checker }) => proofs[rule].by.includes(checker));
			if (first !== undefined) return { kind: name, first, etcd: result.etcd };
		}
	}
	return undefined;
}

/** Without the run's own random directory, so that the table reads well. */
function anonymous(what: string): string {
	return what.replace(/\/chaos-[0-9a-f]+/g, "…");
}
