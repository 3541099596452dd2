import type { Command } from "etcd-watch-lab/dist/model";
import { EventIndexClearedError } from "etcd-watch-lab/dist/v2";
import type { Kind } from "../kind";
import { lasting } from "../program";
import type { Run } from "../run";

/** As much as a cluster of three takes. A member alone on a RAM disk takes four times as much: 1000 events in 80 ms. */
const busy = { perSecond: 2_500 };

/** How etcd's window of 1000 events goes by those who are not there, or wait on a quiet key. */
export const windowKinds: readonly Kind[] = [
	...[999, 1_000, 1_001].map(awayFor),
	quiet("quiet-key", 6, "10,000 foreign writes go by a quiet key, then a cut", (run) =>
		run.foreign(10_000, busy),
	),
	quiet("hidden-keys", 2, "only hidden keys below the tree are written, then a cut", async (run) => {
		const key = `${run.places.tree}/_hidden/k`;
		await run.carryOut(
			times(600, (nth) => ({ operation: "set", key, value: `${nth}` })),
			busy,
		);
		// Whoever asks anew from where it stood is told of those by the replay.
		for (const proxy of run.proxies) proxy.cutAll();
		await run.carryOut(
			times(1_400, (nth) => ({ operation: "set", key, value: `${nth}, after the cut` })),
			busy,
		);
	}),
	quiet("refreshes", 2, "only a ttl is renewed, 1,500 times, then a cut", async (run) => {
		const key = `${run.places.tree}/renewed`;
		await run.apply({ operation: "set", key, value: "renewed", ttl: 500 });
		await run.carryOut(
			times(1_500, () => ({ operation: "refresh", key, ttl: 500 })),
			busy,
		);
	}),
];

/** Whoever is away for so many events finds the first of them in the history, or just not. */
function awayFor(count: number): Kind {
	const gaps = count <= 1_000 ? "none" : "allowed";
	return {
		name: `window-${count}`,
		group: "window",
		needs: {},
		seconds: 1.6,
		about: `the consumers are away for exactly ${count} events, the first of which is theirs`,
		async run(run) {
			const { tree, root } = run.places;
			await Promise.all([
				run.start("tree", { gaps }),
				run.start("all", { gaps, key: root }),
				run.startLoops(),
			]);
			await run.write({ count: 300, mix: lasting }).done;
			await run.caughtUp("tree");
			// Where all of them stand now: nothing is written until they are gone.
			const from = run.consumer("tree").lastIndex;
			for (const name of ["all", "textbook"]) await run.consumer(name).reached(from, 5_000);
			const names = ["tree", "all", "textbook"];
			const saved = await Promise.all(names.map((name) => run.save(name)));
			await run.set(`${tree}/edge`, "the first one missed");
			await run.foreign(count - 1);
			const last = await run.index();
			if (last !== from + count)
				throw new Error(`${last - from} events went by, not ${count}: somebody else wrote`);
			await provesEdge(run, last);
			await run.resume(names, saved);
			// Not one more event goes by before they have asked for the first.
			await run.consumer("tree, again").reached(from + 1, 5_000);
			await run.consumer("all, again").reached(last, 5_000);
			await run.write({ count: 300, mix: lasting }).done;
		},
	};
}

/** The server itself says which index is the oldest that it keeps. */
async function provesEdge(run: Run, last: number): Promise<void> {
	const oldest = last - 999;
	const { tree: key } = run.places;
	const kept = await run.keys.poll(key, { recursive: true, afterIndex: oldest - 1 });
	kept.close();
	try {
		(await run.keys.poll(key, { recursive: true, afterIndex: oldest - 2 })).close();
	} catch (error) {
		if (!(error instanceof EventIndexClearedError)) throw error;
		run.bit(`the oldest index kept is ${error.oldestIndex}, ${last - error.oldestIndex + 1} back`);
	}
}

/** What is no event of theirs goes by; then their connections are cut, one event comes, and they may come back. */
function quiet(name: string, seconds: number, about: string, goBy: (run: Run) => Promise<unknown>): Kind {
	return {
		name,
		group: "window",
		needs: { members: 1, proxied: "clients" },
		seconds,
		about,
		async run(run) {
			const { tree, key } = run.places;
			await run.start("tree", { gaps: "none" });
			await run.start("key", { gaps: "none", key, recursive: false });
			await run.startLoops();
			await run.write({ count: 100 }).done;
			await run.caughtUp("tree", "key", "textbook");
			await goBy(run);
			for (const proxy of run.proxies) {
				proxy.inject({ kind: "refuse" });
				proxy.cutAll();
			}
			await run.set(`${tree}/while-cut`, "written while nobody was there");
			await run.until("somebody came in vain", () => run.bitten("refuse") > 0);
			for (const proxy of run.proxies) proxy.heal();
			await run.caughtUp("tree", "key");
			await run.write({ count: 200 }).done;
		},
	};
}

function times(count: number, make: (nth: number) => Command): readonly Command[] {
	return Array.from({ length: count }, (_, nth) => make(nth));
}
