import assert from "node:assert/strict";
import { claims, loadTimeline, saveTimeline, type Timeline } from "etcd-watch-lab";
import { TimelineFormatError } from "#lib/timeline";
import { burst } from "../../support/page/fixtures";
import {
	answered,
	asked,
	cleared,
	closed,
	cut,
	expire,
	file,
	listed,
	mkdir,
	paused,
	poll,
	refresh,
	refused,
	remove,
	replayed,
	resumed,
	rmdir,
	set,
	stream,
	swap,
	timelineOf,
	unanswered,
	update,
	watch,
} from "../../support/scenario/builders";

/** Every kind of row that there is. */
function everything(): Timeline {
	return timelineOf({
		name: "everything",
		origin: 479127,
		writes: [
			set("/a/b", "1", { ttl: 5 }),
			refused("set", "/a/b/c", "/a/b"),
			unanswered("set", "/a/x"),
			mkdir("/a/d"),
			update("/a/b", "2", { by: "bob" }),
			swap("/a/b", "3"),
			refresh("/a/b"),
			set("/n/1", "", { burst: 7 }),
			remove("/a/b"),
			expire("/a/d"),
			rmdir("/a"),
			{ operation: "compareAndDelete", action: "compareAndDelete", key: "/n/1" },
		],
		watchers: [
			watch("recursive", "/a", {
				recursive: true,
				sent: [1, 2, 3],
				life: [asked(0), cut(3), cleared(9, 4, 5)],
				proof: "error",
			}),
			poll("polls", "/a/b", {
				life: [asked(0), answered(1), asked(5, 1), answered(5), closed(6)],
				sent: [1, replayed(1, 5)],
				proof: "closed",
			}),
			stream("slow", "/a", {
				life: [
					asked(0),
					paused(1),
					resumed(2),
					cut(3),
					listed(3, [file("/a/b", 3, { ttl: 4 })]),
					asked(3, 4),
				],
				proof: "gone",
			}),
			poll("over", "/a", { life: [asked(0), answered(1)] }),
			watch("open", "/", { proof: "none" }),
			watch("fenced", ""),
		],
		fences: [{ index: 12, action: "delete", key: "/" }],
	});
}

/** Any value that JSON knows. */
type Json = null | boolean | number | string | Json[] | { [field: string]: Json };

function json(): Json {
	return JSON.parse(saveTimeline(everything())) as Json;
}

/** "writes[2].outcome.index" as the fields and places on the way. */
function partsOf(path: string): (string | number)[] {
	return path
		.split(/[.[\]]+/)
		.flatMap((part) => (part === "" ? [] : [/^\d+$/.test(part) ? Number(part) : part]));
}

/** The text of a timeline in which what lies at the path is another value, or is gone when none is given. */
function broken(path: string, ...value: readonly [Json?]): string {
	const whole = json();
	const parts = partsOf(path);
	const last = parts.pop();
	assert.ok(last !== undefined);
	const parent = parts.reduce<Json | undefined>(
		(at, part) => (at as { [field: string | number]: Json } | undefined)?.[part],
		whole,
	);
	assert.ok(typeof parent === "object" && parent !== null, `nothing lies above ${path}`);
	const fields = parent as { [field: string | number]: Json };
	if (value[0] === undefined) {
		assert.ok(last in fields, `${path} is not there to be taken away`);
		delete fields[last];
	} else {
		fields[last] = value[0];
	}
	return JSON.stringify(whole);
}

function faultsOf(text: string): TimelineFormatError {
	try {
		loadTimeline(text);
	} catch (error) {
		assert.ok(error instanceof TimelineFormatError, String(error));
		return error;
	}
	assert.fail("it was loaded");
}

function pathsOf(text: string): readonly string[] {
	return faultsOf(text).faults.map(({ path }) => path);
}

describe("loadTimeline", () => {
	const whole = saveTimeline(everything());

	it("gives back what saveTimeline was given, every kind of row", () => {
		assert.deepEqual(loadTimeline(whole), everything());
	});

	const noText: readonly (readonly [what: string, text: string])[] = [
		["an empty text", ""],
		["a page of HTML", "<!doctype html><title>502</title>"],
		["a text cut short in the middle", whole.slice(0, whole.length >> 1)],
		["a text that lacks its last brace", whole.trimEnd().slice(0, -1)],
		["two timelines one after the other", whole + whole],
		["NaN, which is not JSON", whole.replace('"origin": 479127', '"origin": NaN')],
		["a comment", `// saved\n${whole}`],
		["brackets without end", "[".repeat(100_000)],
	];
	for (const [what, text] of noText) {
		it(`rejects ${what} as no JSON`, () => {
			const error = faultsOf(text);
			assert.deepEqual(error.faults, [{ path: "text", fault: "not JSON, or cut short" }]);
			assert.ok(error.cause instanceof SyntaxError);
		});
	}

	const noTimeline: readonly (readonly [what: string, text: string])[] = [
		["null", "null"],
		["a list", "[]"],
		["a number", "42"],
		["a text", '"etcd-watch-lab/timeline"'],
	];
	for (const [what, text] of noTimeline) {
		it(`rejects ${what} where a timeline should be`, () => {
			assert.deepEqual(pathsOf(text), ["timeline"]);
		});
	}

	/** One fault in each, exactly at that path. */
	const malformed: readonly (readonly [what: string, path: string, ...value: readonly [Json?]])[] = [
		["a version of the future", "version", 2],
		["a version as text", "version", "1"],
		["another format", "format", "har"],
		["no format", "format"],
		["another API", "api", "v4"],
		["an operation that there is not, with an escape sequence", "writes[0].operation", "set\u001b[2J"],
		["no origin", "origin"],
		["a negative origin", "origin", -1],
		["a fraction as the last index", "lastIndex", 2.5],
		["NaN, which JSON writes as null", "lastIndex", JSON.parse(JSON.stringify(Number.NaN)) as Json],
		[
			"Infinity, which JSON writes as null",
			"writes[0].triedAt",
			JSON.parse(JSON.stringify(Infinity)) as Json,
		],
		["an index that no double holds", "writes[0].outcome.index", 2 ** 53],
		["an index as text", "writes[3].outcome.index", "2"],
		["a field that does not exist", "colour", "red"],
		["a field that does not exist, deep down", "writes[0].outcome.node.nodes", []],
		["a field of another outcome", "writes[1].outcome.index", 3],
		["a field of another life event", "watchers[0].life[1].waitIndex", 3],
		["an unknown outcome", "writes[1].outcome.kind", "maybe"],
		["an outcome without a kind", "writes[1].outcome.kind"],
		["no outcome", "writes[2].outcome"],
		["an unknown action", "writes[0].outcome.action", "get"],
		["a node that lacks its key", "writes[0].outcome.node.key"],
		["a value that is null", "writes[0].value", null],
		["a write without an id", "writes[4].id"],
		["the id 0", "writes[4].id", 0],
		["yes for true", "writes[0].outcome.raisesEvent", "yes"],
		["a refusal without its code", "writes[1].outcome.code"],
		["a failure that does not say whether it was applied", "writes[2].outcome.maybeApplied"],
		["a list with a hole", "writes[1]", null],
		["an object where the writes should be", "writes", {}],
		["no watchers", "watchers"],
		["an unknown kind of watcher", "watchers[1].kind", "pollLoop"],
		["an unknown proof", "watchers[2].proof", "trust me"],
		["an unknown life event", "watchers[0].life[0].kind", "born"],
		["a life event without its place", "watchers[2].life[2].at"],
		["half a gap", "watchers[0].life[2].gap.to"],
		["a listed key that is no node", "watchers[2].life[4].keys[0]", "/a/b"],
		["a listed ttl that is a date", "watchers[2].life[4].keys[0].ttl", "2026-01-01T00:00:00Z"],
		["a delivery without its response's index", "watchers[0].deliveries[2].etcdIndex"],
		["a delivery whose old node is a list", "watchers[0].deliveries[2].prevNode", []],
		["a fence without a key", "fences[0].key"],
		["a second write of one id", "writes[1].id", 1],
		["a second write at one index", "writes[4].outcome.index", 1],
		["a write at index 0", "writes[0].outcome.index", 0],
		["a write after the end", "writes[0].outcome.index", 1000],
		["an end before the start", "lastIndex", -7],
		["two watchers of one name", "watchers[1].name", "recursive"],
		["an event after the end", "watchers[0].deliveries[0].index", 1000],
		["a put of v2", "writes[0].outcome.action", "put"],
		["a put that v2 told of", "watchers[0].deliveries[0].action", "put"],
		["an answer to nothing", "watchers[1].life[0]", { kind: "answered", at: 1 }],
	];
	for (const [what, path, ...value] of malformed) {
		it(`rejects ${what}, and names ${path}`, () => {
			const error = faultsOf(broken(path, ...value));
			const paths = error.faults.map((fault) => fault.path);
			assert.deepEqual(paths, [path]);
			assert.equal(error.name, "TimelineFormatError");
			assert.ok(error.message.startsWith(`not a timeline of etcd-watch-lab: ${path}: `), error.message);
		});
	}

	/** The value at that path, and what is wrong then; at another path where it says so. */
	const wrong: readonly (readonly [path: string, value: Json, fault: string, at?: string])[] = [
		["colour", "red", "no such field"],
		["writes[1].id", 1, "another write has the id 1"],
		["writes[0].outcome.index", 1000, "a write's index is from 1 to lastIndex, 10"],
		["writes[0].outcome.action", "put", "v2 has no put"],
		["watchers[1].name", "recursive", 'another watcher is called "recursive"'],
		["watchers[0].deliveries[0].index", 1000, "an event after lastIndex, 10"],
		["watchers[0].deliveries[0].action", "put", "v2 has no put"],
		[
			"watchers[3].life[0]",
			{ kind: "cut", at: 0 },
			"answered before anything was asked",
			"watchers[3].life[1]",
		],
	];
	for (const [path, value, fault, at = path] of wrong)
		it(`says "${fault}" of ${at}`, () => {
			assert.deepEqual(faultsOf(broken(path, value)).faults, [{ path: at, fault }]);
		});

	it("takes a put of v3, and no write behind an end that is its beginning", () => {
		const put = timelineOf({
			api: "v3",
			writes: [set("/a", "1")],
			watchers: [watch("w", "/a", { sent: [1] })],
		});
		const text = saveTimeline(put).replaceAll('"set"', '"put"').replace('"put"', '"set"');
		assert.deepEqual(loadTimeline(text), JSON.parse(text));
		const ended = JSON.stringify({ ...put, watchers: [], lastIndex: 0 });
		assert.deepEqual(pathsOf(ended), ["writes[0].outcome.index"]);
	});

	it("names every fault, and the first five in its message", () => {
		const error = faultsOf(JSON.stringify({ ...everything(), writes: [{}, {}], api: "v1" }));
		const fields = ["id", "by", "operation", "key", "triedAt", "outcome"];
		assert.deepEqual(
			error.faults.map(({ path }) => path).sort(),
			[
				"api",
				...fields.map((field) => `writes[0].${field}`),
				...fields.map((field) => `writes[1].${field}`),
			].sort(),
		);
		assert.equal(error.message.split("; ").length, 5);
	});

	it("takes nothing from a hostile __proto__ or constructor, and rejects it by name", () => {
		for (const field of ["__proto__", "constructor", "prototype"]) {
			const text = whole.replace('"api":', `"${field}": {"polluted": true, "writes": []}, "api":`);
			assert.deepEqual(pathsOf(text), [field]);
			assert.equal(Reflect.get({}, "polluted"), undefined);
		}
		const deep = whole.replace('"operation":', '"__proto__": {"polluted": true}, "operation":');
		assert.deepEqual(pathsOf(deep), ["writes[0].__proto__"]);
		assert.equal(Reflect.get({}, "polluted"), undefined);
	});

	it("loads keys, values and names that would like to be more than text, and the claims survive them", () => {
		const hostile = [
			"__proto__",
			"constructor",
			"/__proto__/toString",
			"/a/\u0000\u202e\ud800",
			"</script>",
			"",
		];
		const timeline = timelineOf({
			name: "__proto__",
			writes: hostile.map((key) => set(key, key, { by: key })),
			watchers: hostile.map((key, at) =>
				watch(key, key, { recursive: true, sent: [at + 1], life: [asked(0), cut(at)] }),
			),
		});
		const loaded = loadTimeline(saveTimeline(timeline));
		assert.deepEqual(loaded, timeline);
		for (const claim of Object.values(claims)) assert.deepEqual(claim(loaded), claim(timeline));
		assert.equal(Reflect.get({}, "polluted"), undefined);
	});

	it("loads 5,000 writes and as many deliveries", () => {
		const large = burst(5000);
		const loaded = loadTimeline(saveTimeline(large));
		assert.deepEqual([loaded.writes.length, loaded.watchers[1]?.deliveries.length], [5000, 5000]);
		assert.deepEqual(loaded, large);
	});
});

describe("saveTimeline", () => {
	it("gives the same text again for what was loaded, so that git shows no change that is none", () => {
		const text = saveTimeline(loadTimeline(saveTimeline(everything())));
		assert.equal(saveTimeline(loadTimeline(text)), text);
	});

	it("ends in one newline, as a file in git does", () => {
		assert.match(saveTimeline(everything()), /[^\n]\n$/);
	});

	it("writes a timeline with a number that JSON can't hold as one that is rejected, not as another one", () => {
		const text = saveTimeline({ ...everything(), lastIndex: Number.POSITIVE_INFINITY });
		assert.deepEqual(pathsOf(text), ["lastIndex"]);
	});
});
