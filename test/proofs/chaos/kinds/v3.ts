import { V3Client } from "etcd-watch-lab/v3";
import { type Bites, bite, type Kind } from "../kind";
import { lasting } from "../program";
import type { Run, StartOptions } from "../run";
import { removed } from "./tree";

/** How a kind of v2's is on v3: as it is, done another way, or not at all, for a reason. */
export type OnV3 =
	| "same"
	| (Pick<Kind, "about" | "run"> & Partial<Pick<Kind, "seconds" | "etcd">>)
	| { readonly none: string };

/** Quiet for a moment is quiet: bookmarks come with the rolls. */
const alert: StartOptions = { rollMs: [200, 300] };

export const onV3: Readonly<Record<string, OnV3>> = {
	// window
	"window-999": {
		none: "a compaction is at a revision, not at a count: its two edges are window-1000 and window-1001",
	},
	"window-1000": edge(0),
	"window-1001": edge(1),
	"quiet-key": {
		about: "1,500 foreign writes go by a quiet key and are compacted away, then a cut",
		run: quietKey,
	},
	"hidden-keys": { none: "v3 hides no keys" },
	refreshes: { none: "a lease's renewal takes no revision" },
	// tree
	"prefix-sibling": {
		about: "keys are deleted whose names lie between the followed key and those below it",
		run: prefixSibling,
	},
	"ancestor-delete": {
		about: "all that is there is deleted at one revision, twice, under full traffic",
		run: deleteAll,
	},
	"ancestor-expiry": { none: "v3 has no directories: what a lease ends is its keys (directory-expiry)" },
	"directory-expiry": { about: "a lease ends, and 60 keys with it, at one revision", run: leaseEnds },
	"remove-thousand": { about: "1,000 keys are deleted at one revision", run: removeThousand },
	// member
	...same("kill", "terminate", "pause", "leader-kill", "rolling-restart", "kill-all", "minority"),
	...same("leader-minority", "lagging", "replace", "dead-endpoint", "snapshot-catch-up"),
	// store
	...same("wipe", "wipe-outgrown", "restore-behind", "restore-outgrown", "other-cluster"),
	// client
	...same("restart", "other-process", "slow-consumer", "large-backlog", "throwing-consumer", "stall"),
	...same("thousand-followers"),
	// proxy
	...same("cut-before-header", "cut-in-body", "delay", "throttle", "black-hole-to-server"),
	...same("black-hole-to-client", "black-hole", "reset-third", "refuse", "cut-all"),
	"cut-in-character": {
		none: "the gateway's JSON has keys and values in base64: no character has two bytes",
	},
	"empty-answers": { none: "a watch is one answer that does not end, not many polls" },
};

/** What only v3 can do. */
export const v3Kinds: readonly Kind[] = [
	{
		name: "compaction",
		group: "window",
		needs: { proxied: "clients" },
		seconds: 2.5,
		etcd: "3.5.1",
		about: "the store is compacted again and again under full traffic, while all connections are cut",
		async run(run) {
			await run.startUsual(alert);
			const writing = run.write({ count: 2_400 });
			let forgotten = 0;
			for (let reached = 300; reached <= 2_100; reached += 300) {
				await writing.reached(reached);
				const before = await run.index();
				await run.fault(async () => {
					for (const proxy of run.proxies) {
						proxy.inject({ kind: "refuse" });
						proxy.cutAll();
					}
					await writing.reached(reached + 60);
					await run.forget();
				});
				forgotten += await run.forgottenAfter(before);
				for (const proxy of run.proxies) proxy.heal();
			}
			await writing.done;
			return [
				bite(run.proxied("cutAll"), "connections cut by the proxies"),
				bite(forgotten, "revisions compacted after where they were cut"),
			];
		},
	},
	{
		name: "transactions",
		group: "tree",
		needs: { proxied: "clients" },
		seconds: 2,
		etcd: "3.5.1",
		about:
			"nothing but transactions of 40 keys, consumers that stop in their middle, connections that are cut",
		async run(run) {
			const names = ["tree", "all"];
			const slow = { queueLength: 30 };
			await Promise.all([run.start("tree", slow), run.start("all", { ...slow, key: run.places.root })]);
			await run.start("fails", { throwsAt: 95 });
			await run.startLoops();
			let again: readonly string[] = names;
			const also = await run.fault(() =>
				Array.from({ length: 39 }, (_, at) => `${run.places.tree}/t${at + 1}`),
			);
			const before = await run.state();
			for (let round = 0; round < 4; round++) {
				await run.carryOut(
					Array.from({ length: 40 }, (_, nth) => ({
						operation: "set",
						key: `${run.places.tree}/t0`,
						value: `${round} ${nth}`,
						...(also === undefined ? {} : { also }),
					})),
				);
				await run.fault(() => {
					for (const proxy of run.proxies) proxy.cutAll();
				});
				again = await run.restart(again, slow);
			}
			const after = await run.state();
			const written = after.nodes.filter(({ modifiedIndex }) => modifiedIndex === after.index);
			await run.bitten("the one that fails has failed", () => run.consumer("fails").error !== undefined);
			await run.restart(["fails"]);
			return [
				bite(after.index - before.index, "revisions"),
				bite(written.length > 1 ? written.length : 0, "keys written at the last of them"),
				bite(run.proxied("cutAll"), "connections cut by the proxies"),
			];
		},
	},
];

function same(...names: readonly string[]): Record<string, "same"> {
	return Object.fromEntries(names.map((name) => [name, "same"]));
}

/** Compacted up to the first event that the consumers have missed, which can still be had, or one further. */
function edge(beyond: 0 | 1): OnV3 {
	return {
		about: `the consumers are away, and the history begins ${beyond === 0 ? "with" : "after"} the first event of theirs`,
		async run(run) {
			const { tree, root } = run.places;
			const gaps = beyond === 0 ? "none" : "allowed";
			await Promise.all([
				run.start("tree", { gaps }),
				run.start("all", { gaps, key: root }),
				run.startLoops(),
			]);
			await run.write({ count: 300, mix: lasting }).done;
			await run.caughtUp("tree", "all", "textbook");
			const names = ["tree", "all", "textbook"];
			const saved = await Promise.all(names.map((name) => run.save(name)));
			// Where all of them stand, or later: each one's first missed event is that one.
			const { index: from } = await run.set(`${tree}/edge`, "the first one missed");
			await run.foreign(200);
			const stood = names.map((name) => run.consumer(name).lastIndex);
			if (Math.max(...stood) >= from)
				throw new Error(`a consumer had come to ${Math.max(...stood)}, and ${from} was to be missed`);
			const edge = beyond === 0 ? Math.min(...stood) + 1 : from + 1;
			await run.fault(() => run.compact(edge));
			const [kept, gone] = [await run.forgottenAfter(edge - 1), await run.forgottenAfter(edge - 2)];
			await run.resume(names, saved);
			await run.write({ count: 300, mix: lasting }).done;
			return [bite(kept === 0 && gone === 1 ? 1 : 0, `compaction that ends at ${edge}, as the server says`)];
		},
	};
}

async function quietKey(run: Run): Promise<Bites> {
	const { tree, key } = run.places;
	await run.start("tree", { gaps: "none", ...alert });
	await run.start("key", { gaps: "none", key, recursive: false, ...alert });
	await run.startLoops();
	await run.write({ count: 100 }).done;
	await run.caughtUp("tree", "key", "textbook");
	const stood = await run.index();
	const last = await run.foreign(1_500, { perSecond: 2_500 });
	const rolls = ["tree", "key"].map((name) => [name, (run.consumer(name).notes.rolled ?? 0) + 4] as const);
	for (const [name, count] of rolls) {
		await run.until(`${name} has rolled`, () => (run.consumer(name).notes.rolled ?? 0) >= count);
	}
	await run.fault(async () => {
		for (const proxy of run.proxies) {
			proxy.inject({ kind: "refuse" });
			proxy.cutAll();
		}
		await run.compact(last);
	});
	const forgotten = await run.forgottenAfter(stood);
	await run.set(`${tree}/while-cut`, "written while nobody was there");
	await run.bitten("somebody comes in vain", () => run.proxied("refuse") > 0);
	for (const proxy of run.proxies) proxy.heal();
	await run.caughtUp("tree", "key");
	await run.write({ count: 200 }).done;
	return [bite(forgotten, "revisions compacted after the last event of theirs")];
}

async function prefixSibling(run: Run): Promise<Bites> {
	const { key, tree } = run.places;
	await run.start("tree", { gaps: "none" });
	await run.start("key", { gaps: "none", key, recursive: false });
	await run.startLoops();
	await run.write({ count: 300 }).done;
	await run.caughtUp("tree", "key", "textbook");
	const names = ["tree", "key", "textbook"];
	const saved = await Promise.all(names.map((name) => run.save(name)));
	// "-" and "." come before "/": they lie in the range that is watched, and belong to nobody here.
	const from = (await run.index()) + 1;
	const siblings = new Set([`${tree}-a`, `${tree}.b/c`, `${key}0`, `${key}/below`]);
	for (const sibling of siblings) {
		await run.fault(async () => {
			await run.set(sibling, "beside");
			await run.apply({ operation: "delete", key: sibling });
		});
	}
	await run.set(tree, "the followed key itself");
	const told = await toldInRange(run, from);
	await run.resume(names, saved);
	await run.write({ count: 300 }).done;
	const beside = told.filter((one) => siblings.has(one));
	return [bite(beside.length, "events of siblings in the range that is watched")];
}

/** The keys of all events that a plain watch of the followed range is told from a revision on. */
async function toldInRange(run: Run, startRevision: number): Promise<readonly string[]> {
	const { tree } = run.places;
	const through = await run.index();
	const client = new V3Client({ endpoints: run.elsewhere });
	try {
		const watch = await client.watch(tree, { rangeEnd: `${tree}0`, startRevision });
		const keys: string[] = [];
		for await (const { kv } of watch.events()) {
			keys.push(kv.key);
			if (kv.modRevision >= through) break;
		}
		return keys;
	} finally {
		await client.close();
	}
}

async function deleteAll(run: Run): Promise<Bites> {
	await run.startUsual();
	const writing = run.write({ count: 1_500 });
	let went = 0;
	for (const reached of [400, 800]) {
		await writing.reached(reached);
		went += await removed(run, run.places.root);
	}
	await writing.done;
	return [bite(went, "keys went at one revision")];
}

async function leaseEnds(run: Run): Promise<Bites> {
	await run.startUsual();
	const brief = `${run.places.tree}/brief`;
	const also = Array.from({ length: 59 }, (_, nth) => `${brief}/k${nth + 1}`);
	const ttl = await run.fault(() => ({ ttl: 1 }));
	await run.apply({ operation: "set", key: `${brief}/k0`, value: "brief", ...ttl, also });
	const writing = run.write({ perSecond: 600 });
	let count = 0;
	await run.bitten("the lease ends", async () => {
		const { nodes } = await run.state();
		const below = nodes.filter(({ key }) => key.startsWith(`${brief}/`)).length;
		count = Math.max(count, below);
		return below === 0;
	});
	await writing.stop();
	await run.caughtUp("tree");
	return [bite(count, "keys went with their lease")];
}

async function removeThousand(run: Run): Promise<Bites> {
	await run.startUsual();
	const big = `${run.places.tree}/big`;
	const name = (nth: number) => (nth % 4 === 0 ? `deep/k${nth}` : `k${nth}`);
	await run.carryOut(
		Array.from({ length: 1_000 }, (_, nth) => ({
			operation: "set",
			key: `${big}/${name(nth)}`,
			value: `${nth}`,
		})),
	);
	const writing = run.write({ count: 600 });
	await writing.reached(200);
	const went = await removed(run, big);
	await writing.done;
	return [bite(went, "keys went at one revision")];
}
