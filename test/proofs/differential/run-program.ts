import { randomBytes } from "node:crypto";
import type { Command } from "etcd-watch-lab/model";
import { Difference } from "./compare";
import type { Pair, PairedWatcher } from "./pair";
import { longTtl, type Program, type ProgramStep, type WatchStep, type WriteStep } from "./program";

/** What a program turned out to do. */
export interface Features {
	expiry: boolean;
	overflow: boolean;
	/** A watch was answered from the history. */
	replay: boolean;
	/** A watch was refused with 401. */
	cleared: boolean;
	stream: boolean;
	/** A hidden name was written. */
	hidden: boolean;
	/** Two names in one directory were written of which one begins with the other. */
	siblings: boolean;
}

/** Runs one program below a directory of its own, which is removed at the end. */
export class ProgramRun {
	readonly features: Features = {
		expiry: false,
		overflow: false,
		replay: false,
		cleared: false,
		stream: false,
		hidden: false,
		siblings: false,
	};
	/** The program as the steps of a scenario, one a line, as far as it has run and as far as they can say it. */
	readonly code: string[] = [];
	/** Fixed in length, so that no program's directory is a prefix of another's. */
	readonly #top = `/d${randomBytes(6).toString("hex")}`;
	readonly #watchers: PairedWatcher[] = [];
	readonly #written = new Set<string>();
	readonly #fleeting: { readonly key: string; readonly until: number }[] = [];
	#begin = 0;

	/** @throws Difference when etcd and the model are not the same; the two are out of step then. */
	async run(pair: Pair, program: Program): Promise<void> {
		this.#begin = pair.model.index;
		for (const step of program) await this.#step(pair, step);
		await pair.read(this.#top, true);
		if (this.features.stream) await pair.sameWatcherCount();
		await this.#fence(pair);
		for (const watcher of this.#watchers) await pair.delivered(watcher);
		for (const watcher of this.#watchers) pair.close(watcher);
		await this.#removeTop(pair);
		this.features.siblings = hasPrefixSiblings(this.#written);
	}

	async #step(pair: Pair, step: ProgramStep): Promise<void> {
		switch (step.step) {
			case "write":
				return await this.#write(pair, step);
			case "watch":
				return await this.#watch(pair, step);
			case "read":
				this.code.push(`  // read ${JSON.stringify(step.key)}${step.recursive ? " recursively" : ""}`);
				return await pair.read(this.#absolute(step.key), step.recursive);
			case "burst":
				this.features.overflow ||= step.count >= 1000;
				this.code.push(`  .burst("/noise", { count: ${step.count} }) // to a key outside`);
				return await pair.burst(step.count);
			case "awaitExpiry": {
				const last = Math.max(0, ...this.#fleeting.map(({ until }) => until));
				for (const { key } of this.#fleeting) this.code.push(`  .awaitExpiry(${JSON.stringify(key)})`);
				const before = pair.model.nextExpiry ?? Number.POSITIVE_INFINITY;
				this.features.expiry ||= before <= last;
				return await pair.expire(last);
			}
		}
	}

	async #write(pair: Pair, step: WriteStep): Promise<void> {
		const command = this.#command(pair, step);
		const { operation, value, ttl, recursive, expected } = command;
		const inside = step.atRoot ? "/" : step.key;
		const options = [
			...(ttl === undefined || operation === "refresh" ? [] : [`ttl: ${ttl}`]),
			...(recursive ? ["recursive: true"] : []),
		];
		const comparison = [
			...(expected?.prevValue === undefined ? [] : [`prevValue: ${JSON.stringify(expected.prevValue)}`]),
			...(expected?.prevIndex === undefined ? [] : [`prevIndex: ${expected.prevIndex - this.#begin}`]),
		];
		const words = [
			JSON.stringify(inside),
			...(value === undefined ? [] : [JSON.stringify(value)]),
			...(operation === "refresh" ? [String(ttl)] : []),
			...(expected ? [`{ ${comparison.join(", ")} }`] : []),
			...(options.length > 0 ? [`{ ${options.join(", ")} }`] : []),
		];
		this.code.push(`  ${step.atRoot ? "// on the server's root: " : ""}.${operation}(${words.join(", ")})`);
		const { outcome } = await pair.write(command);
		if (outcome.kind === "refused") return;
		const written = outcome.event.node.key.slice(this.#top.length);
		this.#written.add(written);
		this.features.hidden ||= written.includes("/_");
		if (ttl !== undefined && ttl < longTtl) {
			this.#fleeting.push({ key: step.key, until: Date.now() + ttl * 1000 });
		}
	}

	async #watch(pair: Pair, step: WatchStep): Promise<void> {
		const { recursive, stream, from } = step;
		const { index, oldestKept } = pair.model;
		const waitIndex = from && (from.base === "next" ? index + 1 : oldestKept) + from.offset;
		// Nothing but another program's events could end a stream on the root.
		const onRoot = step.atRoot && !stream;
		const name = `w${this.#watchers.length + 1}`;
		const after = waitIndex === undefined ? undefined : waitIndex - 1 - this.#begin;
		const options = [
			...(recursive || onRoot ? ["recursive: true"] : []),
			...(after === undefined ? [] : [`afterIndex: ${after}`]),
		];
		const words = [JSON.stringify(name), JSON.stringify(onRoot ? "/" : step.key)];
		if (options.length > 0) words.push(`{ ${options.join(", ")} }`);
		const unsayable = onRoot
			? "// on the server's root: "
			: (after ?? 0) < 0
				? "// from before the run: "
				: "";
		this.code.push(`  ${unsayable}.${stream ? "stream" : "poll"}(${words.join(", ")})`);
		const watcher = await pair.watch({
			key: onRoot ? "/" : this.#absolute(step.key),
			recursive: recursive || onRoot,
			stream,
			...(waitIndex === undefined ? {} : { waitIndex }),
		});
		if (watcher === undefined) {
			this.features.cleared = true;
			return;
		}
		this.#watchers.push(watcher);
		this.features.replay ||= watcher.fromHistory;
		this.features.stream ||= stream;
	}

	/**
	 * Proves every silence: the program's directory is removed, and every key that is still watched is made, so that
	 * each watcher has to see the events that the model says and none before them.
	 */
	async #fence(pair: Pair): Promise<void> {
		this.code.push("  // then the directory is removed, and each key that is still watched is made");
		await this.#removeTop(pair);
		for (const watcher of this.#watchers) {
			const before = watcher.expected.length;
			// Several times where the watcher waits for an index that is still to come.
			for (let nth = 0; pair.isOpen(watcher) && watcher.expected.length === before; nth++) {
				if (nth > 20)
					throw new Difference(`watch on ${watcher.request.key}`, "silence for ever", "not asked");
				await this.#removeTop(pair);
				await pair.write({ operation: "set", key: fenceKey(watcher, this.#top), value: "fence" });
			}
		}
	}

	async #removeTop(pair: Pair): Promise<void> {
		const top = pair.model.get(this.#top);
		if ("kind" in top) return;
		await pair.write({ operation: top.dir ? "rmdir" : "delete", key: this.#top, recursive: top.dir });
	}

	#command(pair: Pair, step: WriteStep): Command {
		const { operation, value, ttl, recursive } = step;
		const key = step.atRoot ? "/" : this.#absolute(step.key);
		switch (operation) {
			case "set":
			case "create":
			case "createInOrder":
			case "update":
				return { operation, key, value, ...(ttl === undefined ? {} : { ttl }) };
			case "mkdir":
			case "updateDirectory":
				return { operation, key, ...(ttl === undefined ? {} : { ttl }) };
			case "delete":
				return { operation, key };
			case "rmdir":
				return { operation, key, recursive };
			case "refresh":
				return { operation, key, ttl: ttl ?? longTtl };
			case "compareAndSwap":
				return {
					operation,
					key,
					value,
					...(ttl === undefined ? {} : { ttl }),
					expected: comparison(pair, key, step),
				};
			case "compareAndDelete":
				return { operation, key, expected: comparison(pair, key, step) };
		}
	}

	#absolute(key: string): string {
		return key === "/" ? this.#top : this.#top + key;
	}
}

function fenceKey({ request }: PairedWatcher, top: string): string {
	// Any event will do for a watcher of the whole server.
	return request.key === "/" ? `${top}/fence` : request.key;
}

function comparison(pair: Pair, key: string, step: WriteStep): NonNullable<Command["expected"]> {
	const node = pair.model.get(key);
	const current = "kind" in node ? pair.model.index : node.modifiedIndex;
	const { prevValue, prevIndex } = step;
	return {
		...(prevValue === undefined ? {} : { prevValue }),
		...(prevIndex === "the key's" || (prevIndex === undefined && prevValue === undefined)
			? { prevIndex: Math.max(1, current) }
			: {}),
		...(prevIndex === "another" ? { prevIndex: current + 1 } : {}),
	};
}

function hasPrefixSiblings(keys: ReadonlySet<string>): boolean {
	const namesOf = new Map<string, Set<string>>();
	for (const key of keys) {
		let path = "";
		for (const part of key.split("/").slice(1)) {
			const names = namesOf.get(path) ?? new Set();
			namesOf.set(path, names.add(part));
			path += `/${part}`;
		}
	}
	return [...namesOf.values()].some((names) =>
		[...names].some((one) => one !== "" && [...names].some((two) => two !== one && two.startsWith(one))),
	);
}
