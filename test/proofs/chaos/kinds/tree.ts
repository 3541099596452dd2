import { bite, type Kind } from "../kind";
import type { Run } from "../run";

/** What the tree itself does to those who follow it: removals of what holds them, of siblings, of a thousand keys. */
export const treeKinds: readonly Kind[] = [
	{
		name: "prefix-sibling",
		group: "tree",
		needs: {},
		seconds: 1.2,
		etcd: "3.4",
		about: "a directory is removed whose name is a string prefix of the followed one's (T5)",
		async run(run) {
			const { tree, key, prefixes } = run.places;
			await run.start("tree", { gaps: "none" });
			await run.start("key", { gaps: "none", key, recursive: false });
			await run.startLoops();
			await run.write({ count: 300 }).done;
			await run.caughtUp("tree", "key", "textbook");
			const names = ["tree", "key", "textbook"];
			const saved = await Promise.all(names.map((name) => run.save(name)));
			const removed = new Map<string, number>();
			for (const prefix of prefixes) {
				await run.set(`${prefix}/k`, "beside");
				await run.fault(async () => {
					const { index } = await run.apply({ operation: "rmdir", key: prefix, recursive: true });
					removed.set(prefix, index);
				});
			}
			// Asked for by a plain poll, the history tells who follows another key of it.
			let told = 0;
			for (const [prefix, index] of removed) {
				const of = prefix.startsWith(tree) ? key : tree;
				if ((await replayed(run, of, index))?.node.key === prefix) told++;
			}
			await run.resume(names, saved);
			await run.write({ count: 300 }).done;
			return [bite(told, "removals of a sibling in the replay of the followed key")];
		},
	},
	{
		name: "ancestor-delete",
		group: "tree",
		needs: {},
		seconds: 1.5,
		etcd: "3.5.1",
		about: "the directory that holds all that is followed is removed, under full traffic (T8)",
		async run(run) {
			await run.startUsual();
			const writing = run.write({ count: 1_500 });
			let went = 0;
			for (const reached of [400, 800]) {
				await writing.reached(reached);
				went += await removed(run, run.places.root);
			}
			await writing.done;
			await run.caughtUp("tree");
			return [bite(went, "nodes went with what holds them")];
		},
	},
	{
		name: "ancestor-expiry",
		group: "tree",
		needs: {},
		seconds: 2.2,
		etcd: "3.4",
		about: "the ttl of a directory ends that holds the followed one (T8)",
		async run(run) {
			const above = `${run.places.root}/brief`;
			const key = `${above}/tree`;
			await run.startLoops();
			await run.start("tree", { gaps: "none" });
			// Without the fault it comes into being with its keys, and stays.
			await run.fault(() => run.apply({ operation: "mkdir", key: above, ttl: 1 }));
			await fill(run, key, 60);
			await run.start("below", { gaps: "none", key });
			await run.start("one", { gaps: "none", key: `${key}/k7`, recursive: false });
			const writing = run.write({ perSecond: 400 });
			const went = await expired(run, above);
			await fill(run, key, 20);
			await writing.stop();
			await run.caughtUp("below");
			return [bite(went, "nodes expired with what holds them")];
		},
	},
	{
		name: "directory-expiry",
		group: "tree",
		needs: {},
		seconds: 2.2,
		etcd: "3.5.1",
		about: "the ttl of a directory in the tree ends, with 60 keys in it",
		async run(run) {
			await run.startUsual();
			const brief = `${run.places.tree}/brief`;
			await run.fault(() => run.apply({ operation: "mkdir", key: brief, ttl: 1 }));
			await fill(run, brief, 60);
			const writing = run.write({ perSecond: 600 });
			const went = await expired(run, brief);
			await writing.stop();
			await run.caughtUp("tree");
			return [bite(went, "nodes expired with their directory")];
		},
	},
	{
		name: "remove-thousand",
		group: "tree",
		needs: {},
		seconds: 1.9,
		etcd: "newest",
		about: "rm -r of a directory with 1,000 keys",
		async run(run) {
			await run.startUsual();
			const big = `${run.places.tree}/big`;
			await fill(run, big, 1_000);
			const writing = run.write({ count: 600 });
			await writing.reached(200);
			const went = await removed(run, big);
			await writing.done;
			await run.caughtUp("tree");
			return [bite(went, "nodes went with their directory")];
		},
	},
];

/** So many keys, some a level deeper. */
async function fill(run: Run, directory: string, count: number): Promise<void> {
	const name = (nth: number) => (nth % 4 === 0 ? `deep/k${nth}` : `k${nth}`);
	await run.carryOut(
		Array.from({ length: count }, (_, nth) => ({
			operation: "set",
			key: `${directory}/${name(nth)}`,
			value: `${nth}`,
		})),
	);
}

/** Removes what is below a name; gives how many nodes the server had there right before. */
export async function removed(run: Run, key: string): Promise<number> {
	const before = await run.state();
	const write = await run.fault(() => run.apply({ operation: "rmdir", key, recursive: true }));
	if (write === undefined) return 0;
	return before.nodes.filter((node) => node.key.startsWith(`${key}/`)).length;
}

/** Waits until the server has no such key any more; gives how many nodes it had below it just before. */
async function expired(run: Run, key: string): Promise<number> {
	let count = 0;
	await run.bitten(`${key} expires`, async () => {
		const { nodes } = await run.state();
		const below = nodes.filter((node) => node.key.startsWith(`${key}/`));
		if (below.length > 0) count = below.length;
		return !nodes.some((node) => node.key === key);
	});
	return count;
}

/** What a plain poll of a key is told when it asks for one index of the past; undefined: nothing. */
async function replayed(run: Run, key: string, index: number) {
	const poll = await run.keys.poll(key, { recursive: true, afterIndex: index - 1 });
	const late = setTimeout(() => poll.close(), 1_000);
	try {
		const answer = await poll.answer();
		return answer.kind === "event" ? answer.event : undefined;
	} catch {
		return undefined;
	} finally {
		clearTimeout(late);
		poll.close();
	}
}
