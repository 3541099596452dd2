import assert from "node:assert/strict";
import { type Change, type Follower, type FollowOptions, follow, type Note } from "etcd-watch-lab/follow";
import { V3Client } from "etcd-watch-lab/v3";
import { faultsOf, type KnownFault, knownFaults } from "#lib/follow/v3/known-faults.js";
import { notCovered } from "../../support/coverage";
import { type EtcdKind, etcdOf, v3Kinds } from "../../support/etcds";
import { OwnEtcd } from "../../support/own-etcd";
import { until } from "../../support/until";

describe("the known faults of etcd", () => {
	const ids = (version: string) => faultsOf(version).map(({ id }) => id);

	it("of a version are those whose releases hold it", () => {
		const of351 = ids("3.5.1");
		for (const id of [
			"20693",
			"17529",
			"18089",
			"19179",
			"15220",
			"11826",
			"13766",
			"12385",
			"13505",
			"20418",
		]) {
			assert.ok(of351.includes(id as never), id);
		}
		assert.ok(!of351.includes("17566"));
		const stillIn3512 = [
			"20693",
			"17529",
			"18089",
			"19179",
			"17566",
			"20418",
			"19752",
			"GHSA-xg4h-6gfc-h4m8",
		];
		assert.deepEqual(ids("3.5.12"), stillIn3512);
		assert.deepEqual(
			ids("3.5.13"),
			stillIn3512.filter((id) => id !== "17529" && id !== "17566"),
		);
		assert.deepEqual(ids("3.5.35"), []);
		assert.deepEqual(ids("3.7.3"), []);
		assert.deepEqual(ids("3.6.16"), []);
		assert.deepEqual(ids("3.4.44"), ["19752", "GHSA-xg4h-6gfc-h4m8"]);
	});

	it("begin and end at the releases that the table names", () => {
		for (const { id, versions } of knownFaults as readonly KnownFault[]) {
			for (const [minor, [first, last]] of Object.entries(versions)) {
				assert.ok(ids(`${minor}.${first}`).includes(id), `${id} at ${minor}.${first}`);
				if (first > 0) assert.ok(!ids(`${minor}.${first - 1}`).includes(id));
				if (Number.isFinite(last)) assert.ok(ids(`${minor}.${last}`).includes(id));
				assert.ok(!Number.isFinite(last) || !ids(`${minor}.${last + 1}`).includes(id));
			}
		}
	});

	it("are those of 3.4 before it, and none of what is no version or not known", () => {
		assert.deepEqual(ids("3.3.27"), ids("3.4.0"));
		for (const version of ["", "new", "4.0.0", "3.99.1"]) assert.deepEqual(ids(version), []);
	});

	it("have an address each, and no id twice", () => {
		for (const { url } of knownFaults) assert.match(url, /^https:\/\/github\.com\/etcd-io\/etcd\//);
		assert.equal(new Set(knownFaults.map(({ id }) => id)).size, knownFaults.length);
	});
});

const quick: FollowOptions = { backoffMs: [5, 50], probeMs: 20, recursive: true };

/** A follower with what it told. `paceMs`: how long its consumer takes for each change. */
class Told {
	readonly changes: Change[] = [];
	readonly notes: Note[] = [];
	readonly follower: Follower;
	error: unknown;

	constructor(client: V3Client, key: string, options: FollowOptions = {}, paceMs = 0) {
		this.follower = follow(client, key, { ...quick, onNote: (note) => this.notes.push(note), ...options });
		void this.#read(paceMs).catch((error: unknown) => {
			this.error = error;
		});
	}

	async #read(paceMs: number): Promise<void> {
		for await (const change of this.follower) {
			this.changes.push(change);
			if (paceMs > 0) await new Promise((resolve) => setTimeout(resolve, paceMs));
		}
	}

	get words(): readonly string[] {
		return this.changes.map((change) =>
			change.kind === "event"
				? `${change.action} ${change.key} ${change.index}`
				: change.kind === "gap"
					? `gap ${change.from}-${change.to}`
					: `reset ${change.why}`,
		);
	}

	/** Up to where the changes reach. */
	get through(): number {
		const last = this.changes.at(-1);
		return last === undefined ? 0 : last.kind === "event" ? last.index : last.state.index;
	}

	async reaches(index: number, timeoutMs = 30_000): Promise<void> {
		await until(
			`changes up to ${index}`,
			() => {
				if (this.error !== undefined) throw this.error;
				return this.through >= index;
			},
			timeoutMs,
		);
	}

	met(fault: string): boolean {
		return this.notes.some((note) => note.note === "known fault" && note.fault === fault && note.isMet);
	}
}

/** Runs the test on an etcd of its own of that kind, which nobody has compacted. */
async function onEtcd(
	kind: EtcdKind,
	test: (client: V3Client, own: OwnEtcd) => Promise<unknown>,
): Promise<void> {
	const found = await etcdOf(kind);
	if ("missing" in found) {
		notCovered(found.missing);
		return;
	}
	const own = await OwnEtcd.start(found.binary, { v2: false });
	const client = new V3Client({ endpoints: [own.endpoint] });
	try {
		await test(client, own);
	} finally {
		await client.close();
		await own.stop();
	}
}

const hasFault = (kind: EtcdKind) => kind === "3.4" || kind === "3.5.1";

for (const kind of v3Kinds) {
	describe(`a follower of v3 on etcd ${kind}`, () => {
		const put = async (client: V3Client, key: string, value = "") =>
			(await client.put(key, value)).header.revision;

		/** Somebody who opens a watch at start_revision -1 every 50 ms. */
		const neighbour = (client: V3Client) => {
			const open = async () => {
				const key = Buffer.from("somebody's").toString("base64");
				const body = { create_request: { key, start_revision: "-1" } };
				const asked = fetch(`${client.endpoints[0]}/v3/watch`, {
					method: "POST",
					body: JSON.stringify(body),
				});
				await asked.then(
					(answer) => setTimeout(() => void answer.body?.cancel(), 150),
					() => {},
				);
			};
			const timer = setInterval(() => void open().catch(() => {}), 50);
			return () => clearInterval(timer);
		};

		describe("beside somebody's watch at -1 (issue 20693)", () => {
			it("told from an index on, loses nothing in silence: a delete and a key that came and went neither", async function () {
				this.timeout(120_000);
				await onEtcd(kind, async (client) => {
					const stop = neighbour(client);
					try {
						for (let round = 0; round < 5; round++) {
							const root = `/r${round}`;
							const first = await put(client, `${root}/a`);
							await put(client, `${root}/b`);
							await client.delete(`${root}/b`);
							await put(client, `${root}/gone`);
							await client.delete(`${root}/gone`);
							const last = await put(client, `${root}/a`, "2");
							const told = new Told(client, root, { afterIndex: first - 1 });
							await told.reaches(last);
							const all = Array.from({ length: 6 }, (_, nth) => first + nth);
							const gap = told.changes.find(({ kind }) => kind === "gap");
							if (gap?.kind === "gap") {
								assert.ok(hasFault(kind), "a gap without the fault");
								assert.ok(gap.from <= first && gap.to >= last && told.met("20693"));
								assert.deepEqual(
									gap.state.nodes.map(({ key }) => key),
									[`${root}/a`],
								);
							} else {
								const indexes = told.changes.map((change) => change.kind === "event" && change.index);
								assert.deepEqual(indexes, all);
							}
							await told.follower.close();
						}
					} finally {
						stop();
					}
				});
			});

			it("told from a position on, loses nothing and tells no reset", async function () {
				this.timeout(120_000);
				await onEtcd(kind, async (client) => {
					await put(client, "/a/stays");
					await put(client, "/a/goes");
					const begun = new Told(client, "/a");
					await begun.follower.ready();
					const { position } = begun.follower;
					await begun.follower.close();
					const first = await put(client, "/a/new");
					const last = (await client.delete("/a/goes")).header.revision;
					const stop = neighbour(client);
					try {
						for (let round = 0; round < 5; round++) {
							const told = new Told(client, "/a", { position });
							await told.reaches(last);
							if (told.changes[0]?.kind === "gap") assert.ok(hasFault(kind) && told.met("20693"));
							else assert.deepEqual(told.words, [`set /a/new ${first}`, `delete /a/goes ${last}`]);
							await told.follower.close();
						}
					} finally {
						stop();
					}
				});
			});

			it("goes on with what is live, and with no gap once the neighbour is gone", async function () {
				this.timeout(60_000);
				await onEtcd(kind, async (client) => {
					const stop = neighbour(client);
					const first = await put(client, "/a/1");
					const told = new Told(client, "/a", { afterIndex: first - 1 });
					await until("it has asked", () => told.notes.some(({ note }) => note === "connected"));
					stop();
					await told.reaches(first);
					const next = await put(client, "/a/2");
					await told.reaches(next);
					assert.equal(told.words.at(-1), `set /a/2 ${next}`);
					await told.follower.close();
				});
			});
		});

		describe("with a delete at the compacted revision (issues 18089, 19179)", () => {
			const written = async (client: V3Client) => {
				await put(client, "/a/k");
				const first = (await client.delete("/a/k")).header.revision;
				const last = await put(client, "/a/k", "2");
				await client.compact(first, { physical: true });
				return { first, last };
			};
			const check = (told: Told, { first, last }: { first: number; last: number }) => {
				if (hasFault(kind)) assert.deepEqual(told.words, [`gap ${first}-${last}`]);
				else assert.deepEqual(told.words, [`delete /a/k ${first}`, `set /a/k ${last}`]);
			};

			it("told from an index on, is told of it, or of a gap", async () => {
				await onEtcd(kind, async (client) => {
					const revisions = await written(client);
					const told = new Told(client, "/a", { afterIndex: revisions.first - 1 });
					await told.reaches(revisions.last);
					check(told, revisions);
					await told.follower.close();
				});
			});

			it("told from a position on, too, and of no reset", async () => {
				await onEtcd(kind, async (client) => {
					await put(client, "/a/k");
					const begun = new Told(client, "/a");
					await begun.follower.ready();
					const { position } = begun.follower;
					await begun.follower.close();
					const first = (await client.delete("/a/k")).header.revision;
					const last = await put(client, "/a/k", "2");
					await client.compact(first, { physical: true });
					const told = new Told(client, "/a", { position });
					await told.reaches(last);
					check(told, { first, last });
					await told.follower.close();
				});
			});

			it("where only the delete has come since, that or a gap tells it, and silence does not", async () => {
				await onEtcd(kind, async (client) => {
					await put(client, "/a/k");
					const begun = new Told(client, "/a");
					await begun.follower.ready();
					const { position } = begun.follower;
					await begun.follower.close();
					const first = (await client.delete("/a/k")).header.revision;
					await client.compact(first, { physical: true });
					const told = new Told(client, "/a", { position });
					await told.reaches(first);
					assert.deepEqual(told.words, [hasFault(kind) ? `gap ${first}-${first}` : `delete /a/k ${first}`]);
					await told.follower.close();
				});
			});

			it("has no gap where the compaction ends before what it goes on from", async () => {
				await onEtcd(kind, async (client) => {
					const old = await put(client, "/a/k");
					await client.compact(old);
					const first = (await client.delete("/a/k")).header.revision;
					const last = await put(client, "/a/k", "2");
					const told = new Told(client, "/a", { afterIndex: old });
					await told.reaches(last);
					assert.deepEqual(told.words, [`delete /a/k ${first}`, `set /a/k ${last}`]);
					await told.follower.close();
				});
			});
		});

		describe("on a quiet key (issue 15220)", () => {
			it("is bookmarked by a requested progress from 3.4.25 and 3.5.8 on, and by silence and a list before", async () => {
				await onEtcd(kind, async (client) => {
					const told = new Told(client, "/a", { rollMs: [30, 60] });
					await told.follower.ready();
					const elsewhere = await put(client, "/elsewhere");
					const lists = told.notes.filter(({ note }) => note === "listed").length;
					await until("a bookmark", () => told.follower.position.index >= elsewhere);
					const more = told.notes.filter(({ note }) => note === "listed").length - lists;
					if (!hasFault(kind)) assert.equal(more, 0);
					const noted = told.notes.filter((note) => note.note === "known fault" && note.fault === "15220");
					assert.equal(noted.length, hasFault(kind) ? 1 : 0);
					await told.follower.close();
				});
			});
		});

		it("says once which faults can't be made good, and none where there is none", async () => {
			await onEtcd(kind, async (client) => {
				const told = new Told(client, "/a", {});
				await told.follower.ready();
				const first = await put(client, "/a/1");
				await told.reaches(first);
				const faults = told.notes.flatMap((note) => (note.note === "known fault" ? [note.fault] : []));
				assert.equal(new Set(faults).size, faults.length);
				assert.equal(faults.length > 0, hasFault(kind));
				await told.follower.close();
			});
		});
	});
}
