import assert from "node:assert/strict";
import type { Position } from "etcd-watch-lab/follow";
import type { V3Client } from "etcd-watch-lab/v3";
import { faultsOf, type KnownFault, knownFaults } from "#lib/follow/v3/known-faults.js";
import { type EtcdKind, v3Kinds } from "../../support/etcds";
import { reachOf, told } from "../../support/follow/change-reader";
import { Followed } from "../../support/follow/followed";
import { each, ownOf, v3At, withTest } from "../../support/servers";
import { until } from "../../support/until";

describe("the known faults of etcd", () => {
	const ids = (version: string) => faultsOf(version).map(({ id }) => id);

	it("of a version are those whose releases hold it", () => {
		const of351 = ids("3.5.1");
		const some = ["20693", "17529", "18089", "19179", "15220", "11826", "13766", "12385", "13505", "20418"];
		for (const id of some) assert.ok(of351.includes(id as never), id);
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

const words = ({ changes }: Followed) => changes.map((change) => told(change).replace(/ cleared.*/, ""));

const reaches = (one: Followed, index: number) =>
	until(
		`changes up to ${index}`,
		() => {
			if (one.error !== undefined) throw one.error;
			return reachOf(one.changes.at(-1)) >= index;
		},
		30_000,
	);

const met = ({ notes }: Followed, fault: string) =>
	notes.some((note) => note.note === "known fault" && note.fault === fault && note.isMet);

/** A position of /a, whose follower is closed. */
async function positionOf(client: V3Client): Promise<Position> {
	const { follower } = await Followed.start(client, "/a");
	const { position } = follower;
	await follower.close();
	return position;
}

const hasFault = (kind: EtcdKind) => kind === "3.4" || kind === "3.5.1";

for (const kind of v3Kinds) {
	/** A test on an etcd of its own of that kind, which nobody has compacted. */
	const itOn = (title: string, test: (client: V3Client) => Promise<unknown>) =>
		it(title, async () => {
			const own = await ownOf(kind);
			if (own !== undefined) await test(v3At(own));
		}).timeout(120_000);

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
			const stop = () => clearInterval(timer);
			return withTest(stop, async () => stop());
		};

		describe("beside somebody's watch at -1 (issue 20693)", () => {
			itOn(
				"told from an index on, loses nothing in silence: a delete and a key that came and went neither",
				async (client) => {
					neighbour(client);
					for (let round = 0; round < 5; round++) {
						const root = `/r${round}`;
						const first = await put(client, `${root}/a`);
						await put(client, `${root}/b`);
						await client.delete(`${root}/b`);
						await put(client, `${root}/gone`);
						await client.delete(`${root}/gone`);
						const last = await put(client, `${root}/a`, "2");
						const one = await Followed.start(client, root, { afterIndex: first - 1 });
						await reaches(one, last);
						const all = Array.from({ length: 6 }, (_, nth) => first + nth);
						const gap = one.changes.find(({ kind }) => kind === "gap");
						if (gap?.kind === "gap") {
							assert.ok(hasFault(kind), "a gap without the fault");
							assert.ok(gap.from <= first && gap.to >= last && met(one, "20693"));
							assert.deepEqual(each(gap.state.nodes, "key"), [`${root}/a`]);
						} else {
							const indexes = one.changes.map((change) => change.kind === "event" && change.index);
							assert.deepEqual(indexes, all);
						}
						await one.follower.close();
					}
				},
			);

			itOn("told from a position on, loses nothing and tells no reset", async (client) => {
				await put(client, "/a/stays");
				await put(client, "/a/goes");
				const position = await positionOf(client);
				const first = await put(client, "/a/new");
				const last = (await client.delete("/a/goes")).header.revision;
				neighbour(client);
				for (let round = 0; round < 5; round++) {
					const one = await Followed.start(client, "/a", { position });
					await reaches(one, last);
					if (one.changes[0]?.kind === "gap") assert.ok(hasFault(kind) && met(one, "20693"));
					else assert.deepEqual(words(one), [`set /a/new ${first}`, `delete /a/goes ${last}`]);
					await one.follower.close();
				}
			});

			itOn("goes on with what is live, and with no gap once the neighbour is gone", async (client) => {
				const stop = neighbour(client);
				const first = await put(client, "/a/1");
				const one = await Followed.start(client, "/a", { afterIndex: first - 1 });
				stop();
				await reaches(one, first);
				const next = await put(client, "/a/2");
				await reaches(one, next);
				assert.equal(words(one).at(-1), `set /a/2 ${next}`);
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
			const check = (one: Followed, { first, last }: { first: number; last: number }) => {
				if (hasFault(kind)) assert.deepEqual(words(one), [`gap ${first}-${last}`]);
				else assert.deepEqual(words(one), [`delete /a/k ${first}`, `set /a/k ${last}`]);
			};

			itOn("told from an index on, is told of it, or of a gap", async (client) => {
				const revisions = await written(client);
				const one = await Followed.start(client, "/a", { afterIndex: revisions.first - 1 });
				await reaches(one, revisions.last);
				check(one, revisions);
			});

			itOn("told from a position on, too, and of no reset", async (client) => {
				await put(client, "/a/k");
				const position = await positionOf(client);
				const first = (await client.delete("/a/k")).header.revision;
				const last = await put(client, "/a/k", "2");
				await client.compact(first, { physical: true });
				const one = await Followed.start(client, "/a", { position });
				await reaches(one, last);
				check(one, { first, last });
			});

			itOn(
				"where only the delete has come since, that or a gap tells it, and silence does not",
				async (client) => {
					await put(client, "/a/k");
					const position = await positionOf(client);
					const first = (await client.delete("/a/k")).header.revision;
					await client.compact(first, { physical: true });
					const one = await Followed.start(client, "/a", { position });
					await reaches(one, first);
					assert.deepEqual(words(one), [hasFault(kind) ? `gap ${first}-${first}` : `delete /a/k ${first}`]);
				},
			);

			itOn("has no gap where the compaction ends before what it goes on from", async (client) => {
				const old = await put(client, "/a/k");
				await client.compact(old);
				const first = (await client.delete("/a/k")).header.revision;
				const last = await put(client, "/a/k", "2");
				const one = await Followed.start(client, "/a", { afterIndex: old });
				await reaches(one, last);
				assert.deepEqual(words(one), [`delete /a/k ${first}`, `set /a/k ${last}`]);
			});
		});

		describe("on a quiet key (issue 15220)", () => {
			itOn(
				"is bookmarked by a requested progress from 3.4.25 and 3.5.8 on, and by silence and a list before",
				async (client) => {
					const one = await Followed.start(client, "/a", { rollMs: [30, 60] });
					const elsewhere = await put(client, "/elsewhere");
					const lists = one.noted("listed").length;
					await until("a bookmark", () => one.follower.position.index >= elsewhere);
					const more = one.noted("listed").length - lists;
					if (!hasFault(kind)) assert.equal(more, 0);
					const noted = one.notes.filter((note) => note.note === "known fault" && note.fault === "15220");
					assert.equal(noted.length, hasFault(kind) ? 1 : 0);
				},
			);
		});

		itOn("says once which faults can't be made good, and none where there is none", async (client) => {
			const one = await Followed.start(client, "/a");
			const first = await put(client, "/a/1");
			await reaches(one, first);
			const faults = one.notes.flatMap((note) => (note.note === "known fault" ? [note.fault] : []));
			assert.equal(new Set(faults).size, faults.length);
			assert.equal(faults.length > 0, hasFault(kind));
		});
	});
}
