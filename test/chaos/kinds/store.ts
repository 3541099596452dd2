import { cpSync, rmSync } from "node:fs";
import { join } from "node:path";
import { startCluster } from "etcd-watch-lab/dist/server";
import type { Kind } from "../kind";
import { lasting } from "../program";
import { flat } from "../record";
import type { Run } from "../run";

/** The store becomes another one: wiped, restored from an older copy, or another cluster's. */
export const storeKinds: readonly Kind[] = [
	{
		name: "wipe",
		group: "store",
		needs: {},
		seconds: 3,
		about: "all data is removed and the servers start with the same flags: the same cluster id (T18)",
		async run(run) {
			await run.startUsual();
			await run.write({ count: 500, mix: lasting }).done;
			const before = await run.index();
			await run.cluster.wipe();
			run.newEpoch({ index: 0, nodes: [] });
			await run.write({ count: 400, mix: lasting }).done;
			run.bit(`the index was ${before}, and is ${await run.index()}`);
		},
	},
	{
		name: "wipe-outgrown",
		group: "store",
		needs: {},
		seconds: 4,
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
			await emptied(run);
			await run.write({ count: 500, mix: lasting }).done;
			run.bit(`the index was ${before}, and is ${await run.index()} of another store`);
			const again = await run.resume(names, saved);
			await run.caughtUp(...again);
			await run.write({ count: 300, mix: lasting }).done;
		},
	},
	...(["behind", "outgrown"] as const).map(restored),
	{
		name: "other-cluster",
		group: "store",
		needs: { members: 1 },
		seconds: 3,
		leavesBroken: true,
		about: "the member is started again with another cluster's data",
		async run(run) {
			await run.startUsual();
			await run.write({ count: 300, mix: lasting }).done;
			const { root, key } = run.places;
			const { folder, binary } = run.servers;
			const other = await startCluster({ size: 1, binary, keeper: run.servers.keeper });
			run.atEnd(() => other.close());
			for (let nth = 0; nth < 20; nth++) await other.v2.set(`${root}/tree/k${nth}`, "the other's");
			const { node, etcdIndex } = await other.v2.set(key, "the other's");
			const state = await other.v2.get(root, { recursive: true });
			const [member] = other.members;
			if (member === undefined) throw new Error("the other cluster has a member");
			await Promise.all([member.kill(), run.member.kill()]);
			replaceData(join(folder, member.name), join(folder, run.member.name));
			run.newEpoch({ index: Math.max(etcdIndex, node.modifiedIndex), nodes: flat(state.node) });
			await run.member.restart();
			run.bit(`the cluster id is ${(await run.keys.get(root)).clusterId}, of another cluster`);
			await run.write({ count: 400, mix: lasting }).done;
		},
	},
];

/** An older copy of the data comes back; the store then stays behind the positions, or has outgrown them. */
function restored(how: "behind" | "outgrown"): Kind {
	return {
		name: `restore-${how}`,
		group: "store",
		needs: { members: 1 },
		seconds: 3,
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
			await run.member.kill();
			replaceData(copy, data);
			run.newEpoch(base);
			await run.member.restart();
			await run.write({ count: how === "behind" ? 100 : 700, mix: lasting }).done;
			run.bit(`the index was ${before}, ${base.index} in the copy, and is ${await run.index()}`);
			if (how === "outgrown") await run.resume(names, saved);
			await run.write({ count: how === "behind" ? 50 : 300, mix: lasting }).done;
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
