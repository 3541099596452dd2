import type { Kind } from "../kind";
import type { Run } from "../run";

/** What the tree itself does to those who follow it: removals of what holds them, of siblings, of a thousand keys. */
export const treeKinds: readonly Kind[] = [
	{
		name: "prefix-sibling",
		group: "tree",
		needs: {},
		seconds: 1.2,
		about: "a directory is removed whose name is a string prefix of the followed one's (T5)",
		async run(run) {
			const { key, prefixes } = run.places;
			await run.start("tree", { gaps: "none" });
			await run.start("key", { gaps: "none", key, recursive: false });
			await run.startLoops();
			await run.write({ count: 300 }).done;
			await run.caughtUp("tree", "key", "textbook");
			const names = ["tree", "key", "textbook"];
			const saved = await Promise.all(names.map((name) => run.save(name)));
			for (const prefix of prefixes) {
				await run.set(`${prefix}/k`, "beside");
				await run.apply({ operation: "rmdir", key: prefix, recursive: true });
			}
			await run.resume(names, saved);
			await run.write({ count: 300 }).done;
		},
	},
	{
		name: "ancestor-delete",
		group: "tree",
		needs: {},
		seconds: 1.5,
		about: "the directory that holds all that is followed is removed, under full traffic (T8)",
		async run(run) {
			await run.startUsual();
			const writing = run.write({ count: 1_500 });
			for (const reached of [400, 800]) {
				await writing.reached(reached);
				await run.apply({ operation: "rmdir", key: run.places.root, recursive: true });
			}
			await writing.done;
			await run.caughtUp("tree");
			toldOf(run, "tree", run.places.root);
		},
	},
	{
		name: "ancestor-expiry",
		group: "tree",
		needs: {},
		seconds: 2.2,
		about: "the ttl of a directory ends that holds the followed one (T8)",
		async run(run) {
			const above = `${run.places.root}/brief`;
			const key = `${above}/tree`;
			await run.startLoops();
			await run.start("tree", { gaps: "none" });
			await run.apply({ operation: "mkdir", key: above, ttl: 1 });
			await fill(run, key, 60);
			await run.start("below", { gaps: "none", key });
			await run.start("one", { gaps: "none", key: `${key}/k7`, recursive: false });
			const writing = run.write({ perSecond: 400 });
			await gone(run, above);
			await fill(run, key, 20);
			await writing.stop();
			await run.caughtUp("below");
			toldOf(run, "below", above);
		},
	},
	{
		name: "directory-expiry",
		group: "tree",
		needs: {},
		seconds: 2.2,
		about: "the ttl of a directory in the tree ends, with 60 keys in it",
		async run(run) {
			await run.startUsual();
			const brief = `${run.places.tree}/brief`;
			await run.apply({ operation: "mkdir", key: brief, ttl: 1 });
			await fill(run, brief, 60);
			const writing = run.write({ perSecond: 600 });
			await gone(run, brief);
			await writing.stop();
			await run.caughtUp("tree");
			toldOf(run, "tree", brief);
		},
	},
	{
		name: "remove-thousand",
		group: "tree",
		needs: {},
		seconds: 1.9,
		about: "rm -r of a directory with 1,000 keys",
		async run(run) {
			await run.startUsual();
			const big = `${run.places.tree}/big`;
			await fill(run, big, 1_000);
			const writing = run.write({ count: 600 });
			await writing.reached(200);
			await run.apply({ operation: "rmdir", key: big, recursive: true });
			await writing.done;
			await run.caughtUp("tree");
			toldOf(run, "tree", big);
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

/** Waits until the server has no such key any more. */
async function gone(run: Run, key: string): Promise<void> {
	await run.until(`${key} expires`, async () => {
		const { nodes } = await run.state();
		return !nodes.some((node) => node.key === key);
	});
}

/** The one event that took everything with it has come, naming that key alone. */
function toldOf(run: Run, name: string, key: string): void {
	for (const { change } of run.consumer(name).following("finished").deliveries) {
		if (change.kind === "event" && change.key === key && change.removed !== undefined) {
			run.bit(`${change.action} of ${key.replace(run.places.root, "…")} took ${change.removed.length} nodes`);
		}
	}
}
