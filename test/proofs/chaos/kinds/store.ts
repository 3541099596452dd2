import { cpSync, rmSync } from "node:fs";
import { join } from "node:path";
import { startCluster } from "etcd-watch-lab/server";
import { bite, type Kind } from "../kind";
import { lasting } from "../program";
import type { Run } from "../run";
import { storeOf } from "../store";

/** The store becomes another one: wiped, restored from an older copy, or another cluster's. */
export const storeKinds: readonly Kind[] = [
	{
		name: "wipe",
		group: "store",
		needs: {},
		seconds: 3,
		etcd: "3.5.1",
		about: "all data is removed and the servers start with the same flags: the same cluster id (T18)",
		async run(run) {
			await run.startUsual();
			await run.write({ count: 500, mix: lasting }).done;
			const before = await run.index();
			await run.fault(() => emptied(run));
			const after = await run.index();
			await run.write({ count: 400, mix: lasting }).done;
			return [bite(before - after, `indexes back, from ${before}`)];
		},
	},
	{
		name: "wipe-outgrown",
		group: "store",
		needs: {},
		seconds: 4,
		etcd: "3.4",
		about: "a wiped store has grown past the saved position before anybody comes back",
		async run(run) {
			await emptied(run);
			await run.start("tree");
			await run.start("all", { key: run.places.root });
			await run.start("key", { key: run.places.key, recursive: false });
			await run.write({ count: 150, mix: lasting }).done;
			await run.caughtUp("tree", "all", "key");
			const names = ["tree", "all", "key"];
			const saved = await Promise.all(names.map((name) => run.save(name)));
			const before = await run.index();
			await run.fault(() => emptied(run));
			const after = await run.index();
			await run.write({ count: 500, mix: lasting }).done;
			const grown = await run.index();
			const again = await run.resume(names, saved);
			await run.caughtUp(...again);
			await run.write({ count: 300, mix: lasting }).done;
			return [
				bite(before - after, `indexes back, from ${before}`),
				bite(grown - before, "indexes beyond that when they came back"),
			];
		},
	},
	...(["behind", "outgrown"] as const).map(restored),
	{
		name: "other-cluster",
		group: "store",
		needs: { members: 1 },
		seconds: 3,
		etcd: "newest",
		leavesBroken: true,
		about: "the member is started again with another cluster's data",
		async run(run) {
			await run.startUsual();
			await run.write({ count: 300, mix: lasting }).done;
			const before = await run.store.clusterId();
			await run.fault(() => becomesAnother(run));
			const after = await run.store.clusterId();
			await run.write({ count: 400, mix: lasting }).done;
			return [bite(Number(after !== before), "other cluster id")];
		},
	},
];

/** Starts the member again with the data of another cluster, which has keys of the same names. */
async function becomesAnother(run: Run): Promise<void> {
	const { root, key } = run.places;
	const { folder, binary } = run.servers;
	const other = await startCluster({ size: 1, binary, keeper: run.servers.keeper });
	run.atEnd(() => other.close());
	const store = storeOf(
		run.api,
		other.members.map(({ direct }) => direct),
		3_000,
	);
	run.atEnd(() => store.close());
	const keys = [...Array.from({ length: 20 }, (_, nth) => `${root}/tree/k${nth}`), key];
	for (const one of keys) {
		const { is } = await store.carryOut({ operation: "set", key: one, value: "the other's" }, 0);
		if (is !== "acknowledged") throw new Error("the other cluster takes no writes");
	}
	const state = await store.state(root);
	const [member] = other.members;
	if (member === undefined) throw new Error("the other cluster has a member");
	await Promise.all([member.kill(), run.member.kill()]);
	replaceData(join(folder, member.name), join(folder, run.member.name));
	run.newEpoch(state);
	await run.member.restart();
}

/** An older copy of the data comes back; the store then stays behind the positions, or has outgrown them. */
function restored(how: "behind" | "outgrown"): Kind {
	return {
		name: `restore-${how}`,
		group: "store",
		needs: { members: 1 },
		seconds: 3,
		etcd: how === "behind" ? "3.5.1" : "newest",
		about: `an older copy of the data is restored; the index is ${how === "behind" ? "below" : "above"} theirs`,
		async run(run) {
			const { folder } = run.servers;
			const data = join(folder, run.member.name);
			const copy = `${data}.copy`;
			run.atEnd(async () => rmSync(copy, { recursive: true, force: true }));
			const names = ["tree", "all", "key"];
			await run.startUsual();
			await run.write({ count: 300, mix: lasting }).done;
			const base = await run.state();
			await run.member.kill();
			replaceData(data, copy);
			await run.member.restart();
			await run.write({ count: 300, mix: lasting }).done;
			await run.caughtUp(...names);
			const saved = how === "outgrown" ? await Promise.all(names.map((name) => run.save(name))) : [];
			const before = await run.index();
			// The loop's own word for where it is; it has no way to know.
			await run.save("after an index");
			await run.fault(async () => {
				await run.member.kill();
				replaceData(copy, data);
				run.newEpoch(base);
				await run.member.restart();
			});
			const after = await run.index();
			await run.write({ count: how === "behind" ? 100 : 700, mix: lasting }).done;
			if (how === "outgrown") await run.resume(names, saved);
			await run.write({ count: how === "behind" ? 50 : 300, mix: lasting }).done;
			return [bite(before - after, `indexes back, from ${before}`)];
		},
	};
}

function replaceData(from: string, to: string): void {
	rmSync(to, { recursive: true, force: true });
	cpSync(from, to, { recursive: true });
}

async function emptied(run: Run): Promise<void> {
	await run.cluster.wipe();
	run.newEpoch({ index: 0, nodes: [] });
}
