import { cpSync, rmSync } from "node:fs";
import { join } from "node:path";
import { startCluster } from "etcd-watch-lab/dist/server";
import { V3Client } from "etcd-watch-lab/dist/v3";
import type { Kind } from "../kind";
import { lasting } from "../program";
import type { Run, StartOptions } from "../run";
import { storeOf } from "../store";

/** How a kind of v2's is on v3: as it is, done another way, or not at all, for a reason. */
export type OnV3 =
	| "same"
	| (Pick<Kind, "about" | "run"> & { readonly seconds?: number })
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
	...same("wipe", "wipe-outgrown", "restore-behind", "restore-outgrown"),
	"other-cluster": { about: "the member is started again with another cluster's data", run: otherCluster },
	// client
	...same("restart", "other-process", "slow-consumer", "throwing-consumer", "stall", "thousand-followers"),
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
		about: "the store is compacted again and again under full traffic, while all connections are cut",
		async run(run) {
			await run.startUsual(alert);
			const writing = run.write({ count: 2_400 });
			for (let reached = 300; reached <= 2_100; reached += 300) {
				await writing.reached(reached);
				for (const proxy of run.proxies) {
					proxy.inject({ kind: "refuse" });
					proxy.cutAll();
				}
				await writing.reached(reached + 60);
				await run.forget();
				for (const proxy of run.proxies) proxy.heal();
			}
			await writing.done;
			if (run.bitten("cutAll") > 0)
				run.bit(`${run.bitten("cutAll")} connections were cut, 7 compactions made`);
		},
	},
	{
		name: "transactions",
		group: "tree",
		needs: { proxied: "clients" },
		seconds: 2,
		about:
			"nothing but transactions of 40 keys, consumers that stop in their middle, connections that are cut",
		async run(run) {
			const names = ["tree", "all"];
			const slow = { queueLength: 30 };
			await Promise.all([run.start("tree", slow), run.start("all", { ...slow, key: run.places.root })]);
			await run.start("fails", { throwsAt: 95 });
			await run.startLoops();
			let again: readonly string[] = names;
			for (let round = 0; round < 4; round++) {
				await run.carryOut(
					Array.from({ length: 40 }, (_, nth) => ({
						operation: "set",
						key: `${run.places.tree}/t0`,
						value: `${round} ${nth}`,
						also: Array.from({ length: 39 }, (_, at) => `${run.places.tree}/t${at + 1}`),
					})),
				);
				for (const proxy of run.proxies) proxy.cutAll();
				again = await run.restart(again, slow);
			}
			await run.until("the one that fails has failed", () => run.consumer("fails").error !== undefined);
			await run.restart(["fails"]);
			run.bit("160 transactions of 40 keys each, eight consumers stopped, one failed in the middle of one");
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
			const stood = Math.max(...names.map((name) => run.consumer(name).lastIndex));
			if (stood >= from) throw new Error(`a consumer had come to ${stood}, and ${from} was to be missed`);
			await run.compact(
				beyond === 0 ? Math.min(...names.map((name) => run.consumer(name).lastIndex)) + 1 : from + 1,
			);
			run.bit(`compacted at the edge of revision ${from}`);
			await run.resume(names, saved);
			await run.write({ count: 300, mix: lasting }).done;
			if (beyond === 1) {
				await run.caughtUp("tree, again", "all, again");
				for (const name of ["tree, again", "all, again"]) {
					if (run.consumer(name).gaps === 0) throw new Error(`${name} was told of no gap`);
				}
			}
		},
	};
}

async function quietKey(run: Run): Promise<void> {
	const { tree, key } = run.places;
	await run.start("tree", { gaps: "none", ...alert });
	await run.start("key", { gaps: "none", key, recursive: false, ...alert });
	await run.startLoops();
	await run.write({ count: 100 }).done;
	await run.caughtUp("tree", "key", "textbook");
	const last = await run.foreign(1_500, { perSecond: 2_500 });
	const rolls = ["tree", "key"].map((name) => [name, (run.consumer(name).notes.rolled ?? 0) + 4] as const);
	for (const [name, count] of rolls) {
		await run.until(`${name} has rolled`, () => (run.consumer(name).notes.rolled ?? 0) >= count);
	}
	for (const proxy of run.proxies) {
		proxy.inject({ kind: "refuse" });
		proxy.cutAll();
	}
	await run.compact(last);
	await run.set(`${tree}/while-cut`, "written while nobody was there");
	await run.until("somebody came in vain", () => run.bitten("refuse") > 0);
	for (const proxy of run.proxies) proxy.heal();
	run.bit(`compacted at ${last}, 1,500 revisions after the last event on the quiet keys`);
	await run.caughtUp("tree", "key");
	await run.write({ count: 200 }).done;
}

async function prefixSibling(run: Run): Promise<void> {
	const { key, tree } = run.places;
	await run.start("tree", { gaps: "none" });
	await run.start("key", { gaps: "none", key, recursive: false });
	await run.startLoops();
	await run.write({ count: 300 }).done;
	await run.caughtUp("tree", "key", "textbook");
	const names = ["tree", "key", "textbook"];
	const saved = await Promise.all(names.map((name) => run.save(name)));
	// "-" and "." come before "/": they lie in the range that is watched, and belong to nobody here.
	for (const sibling of [`${tree}-a`, `${tree}.b/c`, `${key}0`, `${key}/below`]) {
		await run.set(sibling, "beside");
		await run.apply({ operation: "delete", key: sibling });
		run.bit(`${sibling.slice(run.places.root.length)} came and went`);
	}
	await run.resume(names, saved);
	await run.write({ count: 300 }).done;
}

async function deleteAll(run: Run): Promise<void> {
	await run.startUsual();
	const writing = run.write({ count: 1_500 });
	for (const reached of [400, 800]) {
		await writing.reached(reached);
		const { index } = await run.apply({ operation: "rmdir", key: run.places.root, recursive: true });
		run.bit(`everything went at ${index}`);
	}
	await writing.done;
}

async function leaseEnds(run: Run): Promise<void> {
	await run.startUsual();
	const brief = `${run.places.tree}/brief`;
	const also = Array.from({ length: 59 }, (_, nth) => `${brief}/k${nth + 1}`);
	await run.apply({ operation: "set", key: `${brief}/k0`, value: "brief", ttl: 1, also });
	const writing = run.write({ perSecond: 600 });
	await run.until("the lease ends", async () => {
		const { nodes } = await run.state();
		return !nodes.some(({ key }) => key.startsWith(`${brief}/`));
	});
	await writing.stop();
	await run.caughtUp("tree");
	const gone = run
		.consumer("tree")
		.following("finished")
		.deliveries.flatMap(({ change }) =>
			change.kind === "event" && change.action === "delete" && change.key.startsWith(`${brief}/`)
				? [change.index]
				: [],
		);
	if (gone.length === 60) run.bit(`60 keys went at ${[...new Set(gone)].join(", ")}`);
}

async function removeThousand(run: Run): Promise<void> {
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
	const { index } = await run.apply({ operation: "rmdir", key: big, recursive: true });
	run.bit(`1,000 keys went at ${index}`);
	await writing.done;
}

async function otherCluster(run: Run): Promise<void> {
	await run.startUsual();
	await run.write({ count: 300, mix: lasting }).done;
	const { root, key } = run.places;
	const { folder, binary } = run.servers;
	const other = await startCluster({ size: 1, binary, keeper: run.servers.keeper });
	run.atEnd(() => other.close());
	const endpoints = other.members.map(({ direct }) => direct);
	const client = new V3Client({ endpoints });
	const store = storeOf("v3", endpoints, 3_000);
	run.atEnd(async () => {
		await Promise.all([client.close(), store.close()]);
	});
	for (let nth = 0; nth < 20; nth++) await client.put(`${root}/tree/k${nth}`, "the other's");
	await client.put(key, "the other's");
	const state = await store.state(root);
	const [member] = other.members;
	if (member === undefined) throw new Error("the other cluster has a member");
	await Promise.all([member.kill(), run.member.kill()]);
	const data = join(folder, run.member.name);
	rmSync(data, { recursive: true, force: true });
	cpSync(join(folder, member.name), data, { recursive: true });
	run.newEpoch(state);
	await run.member.restart();
	await run.write({ count: 400, mix: lasting }).done;
	run.bit(`the cluster id is ${await run.store.clusterId()}, of another cluster`);
}
