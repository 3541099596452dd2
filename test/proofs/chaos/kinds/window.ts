import type { Command } from "etcd-watch-lab/model";
import { type Bites, bite, type Kind } from "../kind";
import { lasting } from "../program";
import type { Run } from "../run";

/** As much as a cluster of three takes. A member alone on a RAM disk takes four times as much: 1000 events in 80 ms. */
const busy = { perSecond: 2_500 };

/** How etcd's window of 1000 events goes by those who are not there, or wait on a quiet key. */
export const windowKinds: readonly Kind[] = [
	...[999, 1_000, 1_001].map(awayFor),
	quiet("quiet-key", 6, "10,000 foreign writes go by a quiet key, then a cut", async (run) => {
		await run.foreign(10_000, busy);
	}),
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
		etcd: count === 1_000 ? "3.5.1" : "newest",
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
			await run.fault(async () => {
				await run.set(`${tree}/edge`, "the first one missed");
				await run.foreign(count - 1);
			});
			const last = await run.index();
			if (last > from && last !== from + count)
				throw new Error(`${last - from} events went by, not ${count}: somebody else wrote`);
			const bites = await provesEdge(run, from, last);
			await run.resume(names, saved);
			// Not one more event goes by before they have asked for the first.
			await run.consumer("tree, again").reached(last > from ? from + 1 : from, 5_000);
			await run.consumer("all, again").reached(last, 5_000);
			await run.write({ count: 300, mix: lasting }).done;
			return bites;
		},
	};
}

/** The server itself says which index is the oldest that it keeps. */
async function provesEdge(run: Run, from: number, last: number): Promise<Bites> {
	if (last === from) return [bite(0, "events went by")];
	const oldest = last - 999;
	const [kept, gone] = [await run.forgottenAfter(oldest - 1), await run.forgottenAfter(oldest - 2)];
	return [
		bite(last - from, "events went by"),
		bite(kept === 0 && gone === 1 ? 1_000 : 0, `events kept, the oldest at ${oldest}`),
	];
}

/** What is no event of theirs goes by; then their connections are cut, one event comes, and they may come back. */
function quiet(
	name: "quiet-key" | "hidden-keys" | "refreshes",
	seconds: number,
	about: string,
	goBy: (run: Run) => Promise<void>,
): Kind {
	return {
		name,
		group: "window",
		needs: { members: 1, proxied: "clients" },
		seconds,
		etcd: name === "hidden-keys" ? "3.5.1" : "3.4",
		about,
		async run(run) {
			const { tree, key } = run.places;
			await run.start("tree", { gaps: "none" });
			await run.start("key", { gaps: "none", key, recursive: false });
			await run.startLoops();
			await run.write({ count: 100 }).done;
			await run.caughtUp("tree", "key", "textbook");
			const stood = await run.index();
			await run.fault(() => goBy(run));
			const forgotten = await run.forgottenAfter(stood);
			const isHidden = name === "hidden-keys";
			const shown = isHidden ? [bite(await hiddenInReplay(run), "hidden keys in the replay")] : [];
			await run.fault(() => {
				for (const proxy of run.proxies) {
					proxy.inject({ kind: "refuse" });
					proxy.cutAll();
				}
			});
			await run.set(`${tree}/while-cut`, "written while nobody was there");
			await run.bitten("somebody comes in vain", () => run.proxied("refuse") > 0);
			for (const proxy of run.proxies) proxy.heal();
			await run.caughtUp("tree", "key");
			await run.write({ count: 200 }).done;
			return [bite(forgotten, "indexes forgotten after the last event of theirs"), ...shown];
		},
	};
}

/** Whether who asks for the past is told of a hidden key, as nobody is who waits (T4). */
async function hiddenInReplay(run: Run): Promise<number> {
	const { tree: key } = run.places;
	const poll = await run.keys.poll(key, { recursive: true, afterIndex: (await run.index()) - 1 });
	const late = setTimeout(() => poll.close(), 1_000);
	try {
		const answer = await poll.answer();
		return answer.kind === "event" && answer.event.node.key.includes("/_") ? 1 : 0;
	} catch {
		return 0;
	} finally {
		clearTimeout(late);
		poll.close();
	}
}

function times(count: number, make: (nth: number) => Command): readonly Command[] {
	return Array.from({ length: count }, (_, nth) => make(nth));
}
