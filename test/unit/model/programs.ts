import assert from "node:assert/strict";
import { type ModelOperation, ModelStore } from "etcd-watch-lab/model";
import { Handmade } from "../../proofs/differential/handmade";

/**
 * A test for each title of a table, at one tab; below it what is done to a new store, one that stands `from INDEX`, or one
 * `on VERSION`. "=>" what `Handmade` tells of each step of a line; without it no write may be refused:
 *
 * `OPERATION KEY [value V] [ttl SECONDS] [prevValue V] [prevIndex N] => set /a 3`, `COUNT × set KEY`, a set being of "1";
 * `watch NAME KEY [from INDEX]`, and so `stream`; `NAME heard => 3 set /a, …`; `watchers => COUNT`;
 * `replay KEY INDEX [stream] => 3 set /a`; `expire MS => expire /a 3, …`; `tree => /a 1, …`; `kept => INDEX`;
 * `next => MS`, the next expiry. A key that ends in `/...` is meant with all below it.
 */
export function programs(table: string): void {
	for (const one of table.split(/^\t(?=\S)/m).slice(1)) {
		const [title = "", ...lines] = one.trim().split(/\n\t*/);
		it(title, () => {
			let model = new Handmade();
			for (const line of lines) {
				const [steps = "", expected] = line.split(/ ?=> ?/);
				const [kind, named] = steps.split(" ");
				if (kind === "on") model = new Handmade(new ModelStore({ version: String(named) }));
				else if (kind === "from") model = new Handmade(new ModelStore({ index: Number(named) }));
				else
					for (const step of steps.split("; ")) {
						const told = toldBy(model, step);
						if (expected === undefined) assert.doesNotMatch(told, /^refused/, step);
						else assert.equal(told, expected, step);
					}
			}
		});
	}
}

function toldBy(model: Handmade, step: string): string {
	const [verb = "", first = "", ...rest] = step.split(" ");
	const option = (name: string) => {
		const value = rest[rest.indexOf(name) + 1];
		if (!rest.includes(name) || value === undefined) return {};
		return { [name]: /value/i.test(name) ? value : Number(value) };
	};
	const keyed = (word = "") =>
		[word.replace(/\/\.\.\.$/, "") || "/", { recursive: word.endsWith("/...") }] as const;
	if (first === "heard") return model.heard(verb).join(", ");
	const [key, reach] = keyed(first);
	switch (verb) {
		case "watch":
		case "stream": {
			const [watched, below] = keyed(rest[0]);
			const { from: waitIndex } = option("from");
			const past = waitIndex === undefined ? {} : { waitIndex: Number(waitIndex) };
			return String(model.watch(first, watched, { ...below, stream: verb === "stream", ...past }));
		}
		case "replay":
			return model.replay(key, Number(rest[0]), { ...reach, stream: rest.includes("stream") });
		case "expire":
			return model.expire(Number(first)).join(", ");
		case "tree":
			return model.tree().join(", ");
		case "watchers":
			return String(model.store.watcherCount);
		case "next":
			return String(model.store.nextExpiry);
		case "kept":
			return String(model.store.oldestKept);
	}
	if (first === "×") return Array.from({ length: Number(verb) }, () => model.set(rest[1] ?? "")).join("");
	const value = verb === "set" ? { value: "1" } : {};
	const expected = { ...option("prevValue"), ...option("prevIndex") };
	return model.write(verb as ModelOperation, key, {
		...value,
		...option("value"),
		...option("ttl"),
		...reach,
		expected,
	});
}
