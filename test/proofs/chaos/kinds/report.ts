import { randomBytes } from "node:crypto";
import { CompactedError, type V3Watch } from "etcd-watch-lab/v3";
import { type Bites, bite, type Kind } from "../kind";
import { isAffected } from "../known";
import { lasting } from "../program";
import { textOf } from "../record";
import type { Run, StartOptions } from "../run";

/** Quiet for a moment is quiet: bookmarks come with the rolls. */
const alert: StartOptions = { rollMs: [200, 300] };

/** What people have reported of v3's watch, made to happen beside a follower. */
export const reportKinds: readonly Kind[] = [
	{
		name: "neighbour-at-minus-one",
		group: "report",
		needs: { members: 1, proxied: "clients", fresh: true },
		seconds: 3,
		etcd: "3.5.1",
		about: "somebody else's watches begin at revision -1 while followers read the past (etcd PR 20693)",
		run: neighbourAtMinusOne,
	},
	{
		name: "slow-reader-compaction",
		group: "report",
		needs: { members: 1, proxied: "clients" },
		seconds: 8,
		etcd: "3.5.1",
		about: "160 values of 1 MB wait for a slow reader, and the store is compacted (etcd issue 17529)",
		run: slowReader,
	},
	{
		name: "compaction-at-delete",
		group: "report",
		needs: { members: 1 },
		seconds: 2,
		etcd: "3.5.1",
		about:
			"the consumers are away, and the store is compacted at a delete, the first that they missed (18089)",
		run: compactionAtDelete,
	},
	{
		name: "list-100-mb",
		group: "report",
		needs: { members: 1, fresh: true },
		seconds: 12,
		etcd: "newest",
		about: "a follower begins where there are 100 MB in 72 keys (etcd issue 12342)",
		run: hugeList,
	},
	{
		name: "binary",
		group: "report",
		needs: { proxied: "clients" },
		seconds: 2,
		etcd: "newest",
		about: "somebody writes keys and values that are no text below the followed key",
		run: binary,
	},
];

async function neighbourAtMinusOne(run: Run): Promise<Bites> {
	const { tree, root } = run.places;
	await Promise.all([run.start("tree", alert), run.start("all", { ...alert, key: root })]);
	await run.startLoops();
	await run.write({ count: 200, mix: lasting }).done;
	await run.caughtUp("tree", "all");
	const names = ["tree", "all"];
	const neighbour = new Neighbour(run);
	await run.fault(() => neighbour.begin());
	let again: readonly string[] = names;
	let missed = 0;
	const affected = isAffected(run.cluster.version, "20693");
	// The server catches up all that are behind ten times a second: sooner or later with one of them among these.
	for (let round = 0; round < (affected && missed === 0 ? 12 : 3); round++) {
		const saved = await Promise.all(again.map((name) => run.save(name)));
		const from = await run.index();
		await run.write({ count: 40, mix: lasting }).done;
		again = await run.resume(again, saved, alert);
		await run.start(`after an index ${round}`, { ...alert, afterIndex: from });
		missed += Number((await toldFrom(run, `${tree}/`, from + 1)) === 0);
	}
	await neighbour.end();
	const control = bite(missed, "plain watches of the past beside it were told nothing");
	const beside = bite(neighbour.answered, "watches at -1 answered by the server");
	return affected ? [beside, control] : [beside];
}

/** Opens watches at revision -1, fifty a second, by hand: no client lets them pass. */
class Neighbour {
	answered = 0;
	readonly #ending = new AbortController();
	#running: Promise<void> = Promise.resolve();

	constructor(private readonly run: Run) {}

	begin(): void {
		this.#running = this.#open();
		this.run.atEnd(() => this.end());
	}

	async end(): Promise<void> {
		this.#ending.abort();
		await this.#running;
	}

	async #open(): Promise<void> {
		const key = Buffer.from(`${this.run.places.foreign}/neighbour`).toString("base64");
		const body = JSON.stringify({ create_request: { key, start_revision: "-1" } });
		const open = new Set<Promise<void>>();
		for (const { signal } = this.#ending; !signal.aborted; ) {
			const one = this.#one(body, signal).finally(() => open.delete(one));
			open.add(one);
			await new Promise((resolve) => setTimeout(resolve, 20));
		}
		await Promise.all(open);
	}

	/** It stays open for a moment: it is caught up with all others that are behind. */
	async #one(body: string, signal: AbortSignal): Promise<void> {
		try {
			const both = AbortSignal.any([signal, AbortSignal.timeout(400)]);
			const url = `${this.run.member.direct}/v3/watch`;
			const answer = await fetch(url, { method: "POST", body, signal: both });
			for await (const _ of answer.body ?? []) {
				this.answered++;
				break;
			}
		} catch {
			// Its time was over.
		}
	}
}

/** How many events a plain watch is told of the past in a second. */
async function toldFrom(run: Run, prefix: string, startRevision: number): Promise<number> {
	const client = run.client();
	const signal = AbortSignal.timeout(1_000);
	let told = 0;
	try {
		const watch = await client.watch(prefix, { prefix: true, startRevision, signal });
		for await (const message of watch) {
			if (message.kind !== "events") continue;
			told += message.events.length;
			break;
		}
	} catch (error) {
		if (!signal.aborted) throw error;
	} finally {
		await client.close();
	}
	return told;
}

async function slowReader(run: Run): Promise<Bites> {
	const { tree } = run.places;
	const dir = `${tree}/large`;
	await run.start("tree", { queueLength: 50, timeoutMs: 5_000, rollMs: [60_000, 90_000] });
	await run.start("small", { key: `${tree}/d0`, ...alert });
	const reader = run.client(...run.endpoints.slice(0, 1));
	run.atEnd(() => reader.close());
	const from = (await run.index()) + 1;
	const watch = await reader.watch(`${dir}/`, { prefix: true, startRevision: from });
	const throttle = (toClient: number) =>
		run.fault(() => {
			for (const proxy of run.proxies) proxy.inject({ kind: "throttle", toClient });
		});
	await throttle(200_000);
	const value = "x".repeat(1_000_000);
	const slow = () => run.member.metric("etcd_debugging_mvcc_slow_watcher_total");
	// etcd holds 128 messages for a watch; buffers hold some more; then it is behind, and further still.
	let count = 0;
	let behind = 0;
	for (let left = 60; count < 260 && left > 0; count++) {
		await run.set(`${dir}/k${count}`, value);
		if (behind === 0 && count % 5 === 0) behind = await slow();
		if (behind > 0) left--;
		else if (count === 20 && run.proxied("throttle") === 0) break;
	}
	// Some come and go: whoever misses both has nothing left that tells of them.
	for (let nth = count - 5; nth < count; nth++)
		await run.apply({ operation: "delete", key: `${dir}/k${nth}` });
	const last = await run.index();
	await run.fault(() => run.compact(last));
	const forgotten = await run.forgottenAfter(from - 1);
	// A message now and then: where the server catches up, ten times a second, the channel is likely to be full again.
	await throttle(3_500_000);
	await run.bitten("the server has done with whoever was behind", async () => (await slow()) === 0);
	for (const proxy of run.proxies) proxy.heal();
	const end = await run.set(`${dir}/after`, "after the compaction");
	const told = await toldBefore(watch, end.index);
	await run.caughtUp("tree");
	// Those that a plain watch was not told of, and that it was told nothing about; only with some luck there are any.
	const hole = told === undefined ? 0 : last - from + 1 - told;
	return [
		bite(behind, "watches that the server itself called slow"),
		bite(forgotten, "revisions compacted behind them"),
		bite(run.proxied("throttle"), "pieces held back by the proxies"),
		...(hole > 0 ? [bite(hole, "events in a hole of a plain watch")] : []),
	];
}

/** How many events a watch is told before one of a revision; undefined: it says that it can't tell them all. */
async function toldBefore(watch: V3Watch, revision: number): Promise<number | undefined> {
	const late = setTimeout(() => watch.close(), 60_000);
	try {
		let told = 0;
		for await (const event of watch.events()) {
			if (event.kv.modRevision >= revision) return told;
			told++;
		}
		return told;
	} catch (error) {
		if (error instanceof CompactedError) return undefined;
		throw error;
	} finally {
		clearTimeout(late);
	}
}

async function compactionAtDelete(run: Run): Promise<Bites> {
	const { tree, root } = run.places;
	const gone = `${tree}/gone`;
	await Promise.all([run.start("tree"), run.start("all", { key: root })]);
	await run.startLoops();
	await run.write({ count: 100, mix: lasting }).done;
	await run.set(gone, "once");
	await run.set(gone, "twice");
	await run.caughtUp("tree");
	await run.toldOf("all", await run.index());
	const names = ["tree", "all"];
	const saved = await Promise.all(names.map((name) => run.save(name)));
	const { index: from } = await run.apply({ operation: "delete", key: gone });
	await run.set(`${tree}/next`, "the one after");
	await run.foreign(50);
	await run.fault(() => run.compact(from));
	const [kept, past] = [await run.forgottenAfter(from - 1), await run.forgottenAfter(from - 2)];
	const first = await firstFrom(run, `${tree}/`, from);
	await run.resume(names, saved);
	await run.start("after an index", { afterIndex: from - 1 });
	await run.write({ count: 100, mix: lasting }).done;
	const affected = isAffected(run.cluster.version, "18089");
	return [
		bite(kept === 0 && past === 1 ? 1 : 0, `compaction at the delete's own revision, ${from}`),
		...(affected ? [bite(first - from, "revisions left out by a plain watch from there")] : []),
	];
}

/** The revision of the first event that a plain watch tells of the past. */
async function firstFrom(run: Run, prefix: string, startRevision: number): Promise<number> {
	const client = run.client();
	try {
		const watch = await client.watch(prefix, { prefix: true, startRevision });
		for await (const event of watch.events()) return event.kv.modRevision;
		return startRevision;
	} finally {
		await client.close();
	}
}

async function hugeList(run: Run): Promise<Bites> {
	const { tree } = run.places;
	const dir = `${tree}/huge`;
	const value = "x".repeat(1_400_000);
	for (let nth = 0; nth < 72; nth++) {
		await run.fault(() => run.set(`${dir}/k${nth}`, value));
	}
	const key = Buffer.from(`${dir}/`).toString("base64");
	const range_end = Buffer.from(`${dir}0`).toString("base64");
	const body = JSON.stringify({ key, range_end });
	const answer = await fetch(`${run.member.direct}/v3/kv/range`, { method: "POST", body });
	let bytes = 0;
	for await (const piece of answer.body ?? []) bytes += (piece as Uint8Array).length;
	await run.start("tree", { timeoutMs: 5_000 });
	await run.start("small", { key: `${tree}/d0` });
	await run.write({ count: 200, mix: lasting }).done;
	const limit = 64 * 1024 * 1024;
	return [bite(bytes > limit ? bytes : 0, "bytes in the server's one answer to a list")];
}

async function binary(run: Run): Promise<Bites> {
	const { tree } = run.places;
	await run.startUsual(alert);
	const writing = run.write({ count: 1_200 });
	const client = run.client();
	run.atEnd(() => client.close());
	for (const reached of [300, 600, 900]) {
		await writing.reached(reached);
		await run.fault(async () => {
			// As Kubernetes writes them, and a key that no text has.
			const value = Buffer.concat([Buffer.from("k8s\0\n\f"), randomBytes(60), Buffer.of(0xff)]);
			for (const key of [
				Buffer.from(`${tree}/pod`),
				Buffer.from([...Buffer.from(`${tree}/`), 0xff, 0x2f, 0xc3]),
			]) {
				const { header, prevKv } = await client.put(key, value, { prevKv: true });
				run.wasWritten({
					...{
						epoch: run.epoch,
						index: header.revision,
						action: "set",
						dir: false,
						ttl: false,
						refresh: false,
					},
					...{
						key: textOf(key),
						value: textOf(value),
						createdIndex: prevKv?.createRevision ?? header.revision,
					},
					...(prevKv === undefined
						? {}
						: { prev: { modifiedIndex: prevKv.modRevision, value: textOf(prevKv.valueBytes), dir: false } }),
				});
			}
		});
		for (const proxy of run.proxies) proxy.cutAll();
	}
	await writing.done;
	const { kvs } = await client.range(`${tree}/`, { prefix: true });
	const isBinary = (bytes: Buffer) => !Buffer.from(bytes.toString("utf8"), "utf8").equals(bytes);
	const [keys, values] = [
		kvs.filter((kv) => isBinary(kv.keyBytes)),
		kvs.filter((kv) => isBinary(kv.valueBytes)),
	];
	return [bite(keys.length, "keys that are no text"), bite(values.length, "values that are no text")];
}
