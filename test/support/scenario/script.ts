import { type Scenario, scenario } from "etcd-watch-lab";

/**
 * A scenario in words: its name and its steps, such as "lost: watch w /a/...; cut w; set /a/1; 3 × set /noise; reconnect w".
 * A key that ends in `/...` is meant with all below it; what has spaces stands in quotes.
 *
 * `watch NAME KEY [after INDEX]`, and so poll, pollLoop, stream and follow; `poll NAME [after INDEX|event|response]` again;
 * `close`, `cut`, `pause`, `resume`, `reconnect` and `recover NAME`; `await NAME COUNT`; `set`, `create`, `createInOrder` and
 * `update KEY [VALUE] [ttl SECONDS]`; `mkdir` and `updateDirectory KEY [ttl SECONDS]`; `refresh KEY SECONDS`; `delete KEY`;
 * `rmdir KEY`; `swap KEY OLD NEW`; `COUNT × set KEY [over KEYS] [connections N] [valueBytes N] [perSecond N]`, over 10 keys
 * unless told; `expire KEY`; `compact [INDEX]`; `fault FAULT`; `by NAME`.
 * @throws Error for a step that is none of these
 */
export function scenarioOf(words: string): Scenario {
	const [, name = "", steps = ""] = /^([^:]*):\s+(.*)$/s.exec(words.trim()) ?? [];
	return steps.split(/;\s+/).reduce(stepOf, scenario(name));
}

const again = { event: { goOnAfter: "event" }, response: { goOnAfter: "response" } } as const;

function stepOf(before: Scenario, words: string): Scenario {
	const [verb = "", first = "", ...rest] = (words.match(/"[^"]*"|\S+/g) ?? []).map((word) =>
		word.replaceAll('"', ""),
	);
	const option = (word: string) => (rest.includes(word) ? rest[rest.indexOf(word) + 1] : undefined);
	const { key, recursive } = keyOf(first);
	const ttl = option("ttl") === undefined ? {} : { ttl: Number(option("ttl")) };
	const value = rest[0] === "ttl" ? "" : rest[0];
	if (isOf(verb, "watch", "poll", "pollLoop", "stream", "follow")) {
		const after = option("after");
		const isGoingOn = after === "event" || after === "response";
		const from = isGoingOn ? again[after] : after === undefined ? {} : { afterIndex: Number(after) };
		if (rest[0]?.startsWith("/") !== true) return before.poll(first, from);
		const at = keyOf(rest[0]);
		return before[verb](first, at.key, { ...(at.recursive ? { recursive: true } : {}), ...from });
	}
	if (isOf(verb, "close", "cut", "pause", "resume", "reconnect", "recover")) return before[verb](first);
	if (isOf(verb, "set", "create", "createInOrder", "update")) return before[verb](key, value, ttl);
	if (isOf(verb, "mkdir", "updateDirectory")) return before[verb](key, ttl);
	switch (verb) {
		case "await":
			return before.awaitDelivery(first, Number(rest[0]));
		case "refresh":
			return before.refresh(key, Number(rest[0]));
		case "delete":
			return before.delete(key);
		case "rmdir":
			return before.rmdir(key, recursive ? { recursive } : {});
		case "swap":
			return before.compareAndSwap(key, rest[1] ?? "", { prevValue: rest[0] ?? "" });
		case "expire":
			return before.awaitExpiry(key);
		case "compact":
			return before.compact(...(first === "" ? [] : [Number(first)]));
		case "fault":
			return before.fault(first as Parameters<Scenario["fault"]>[0]);
		case "by":
			return before.by(first);
	}
	if (first !== "×" || rest[0] !== "set" || rest[1] === undefined)
		throw new Error(`no step of a scenario: "${words}"`);
	const more = ["connections", "valueBytes", "perSecond"].flatMap((name) => {
		const given = option(name);
		return given === undefined ? [] : [[name, Number(given)]];
	});
	const keyCount = Number(option("over") ?? 10);
	return before.burst(rest[1], { count: Number(verb), keyCount, ...Object.fromEntries(more) });
}

function isOf<Verb extends string>(word: string, ...verbs: readonly Verb[]): word is Verb {
	return (verbs as readonly string[]).includes(word);
}

function keyOf(word: string): { readonly key: string; readonly recursive: boolean } {
	const recursive = word.endsWith("/...");
	return { key: recursive ? word.slice(0, -4) || "/" : word, recursive };
}
