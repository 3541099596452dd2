import assert from "node:assert/strict";
import { KeyValue, NotTextError, prefixEnd } from "etcd-watch-lab/v3";
import { ArgumentError } from "#lib/http";
import { base64, fromBase64 } from "#lib/v3/bytes.js";
import { wireRange } from "#lib/v3/range.js";

/** The same in hexadecimal. */
function hex(wire: { key: string; range_end?: string }): [string, string | undefined] {
	const toHex = (text: string) => Buffer.from(text, "base64").toString("hex");
	return [toHex(wire.key), wire.range_end === undefined ? undefined : toHex(wire.range_end)];
}

describe("prefixEnd", () => {
	const cases: [string, string, string][] = [
		["counts the last byte up", "2f61", "2f62"],
		["counts up the byte before a 0xff, and cuts the 0xff off", "61ff", "62"],
		["does so for any number of them", "61fffffe", "61ffffff"],
		["and when they all are at the end", "6162ffff", "6163"],
		["is a 0 byte, no end, for nothing but 0xff", "ffff", "00"],
		["is a 0 byte, no end, for the empty prefix", "", "00"],
		["counts a 0 byte up like every other", "00", "01"],
	];
	for (const [what, prefix, end] of cases) {
		it(what, () => assert.equal(prefixEnd(Buffer.from(prefix, "hex")).toString("hex"), end));
	}
});

describe("a range of keys", () => {
	it("is the one key without a range_end", () => assert.deepEqual(hex(wireRange("/a")), ["2f61", undefined]));
	it('of the prefix "" is the whole store, from the key of one 0 byte on', () => {
		assert.deepEqual(hex(wireRange("", { prefix: true })), ["00", "00"]);
	});
	it("from a key on has no end", () => {
		assert.deepEqual(hex(wireRange("/a", { fromKey: true })), ["2f61", "00"]);
		assert.deepEqual(hex(wireRange("", { fromKey: true })), ["00", "00"]);
	});
	it("of a prefix of bytes that are no text", () => {
		assert.deepEqual(hex(wireRange(Buffer.of(0xc3, 0xff), { prefix: true })), ["c3ff", "c4"]);
	});

	const refused: [string, () => unknown, RegExp][] = [
		["an empty key", () => wireRange(""), /the key is empty/],
		["an empty array of bytes", () => wireRange(Buffer.alloc(0)), /the key is empty/],
		[
			"a rangeEnd below the key, which etcd's watch alone would refuse",
			() => wireRange("/b", { rangeEnd: "/a" }),
			/not above/,
		],
		["a rangeEnd that is the key", () => wireRange("/b", { rangeEnd: "/b" }), /not above/],
		["an empty rangeEnd, which would be the one key", () => wireRange("/b", { rangeEnd: "" }), /not above/],
		["two kinds of range", () => wireRange("/a", { prefix: true, rangeEnd: "/b" }), /not two/],
		["an unpaired surrogate", () => wireRange("/\ud800"), /surrogate/],
		["a number", () => wireRange(5 as never), /text or bytes/],
		["null", () => wireRange(null as never), /not null/],
	];
	for (const [what, call, message] of refused) {
		it(`is refused for ${what}`, () => {
			assert.throws(call, (error: unknown) => error instanceof ArgumentError && message.test(error.message));
		});
	}
	it("takes U+FFFD itself, which is a character like any other", () => {
		assert.equal(base64("key", "a\ufffd"), Buffer.from("a\ufffd").toString("base64"));
	});
});

describe("bytes in base64", () => {
	it("come back as they were, for every byte", () => {
		const all = Buffer.from(Array.from({ length: 256 }, (_, at) => at));
		for (let length = 0; length < 4; length++) {
			const bytes = all.subarray(0, 256 - length);
			assert.deepEqual(fromBase64(base64("value", bytes)), bytes);
		}
	});
	it("are read only when every letter is one: Node would skip the others", () => {
		for (const field of ["AA", "A A=", "AA?=", "AAA", 5, {}, true])
			assert.equal(fromBase64(field), undefined);
	});
	it("are empty where the field is left out", () => assert.deepEqual(fromBase64(undefined), Buffer.alloc(0)));
});

describe("a KeyValue", () => {
	const kv = (key: Buffer, value: Buffer) =>
		new KeyValue({
			keyBytes: key,
			valueBytes: value,
			createRevision: 1,
			modRevision: 1,
			version: 1,
			lease: 0n,
		});
	it("gives its bytes as text, a byte order mark included", () => {
		const one = kv(Buffer.from("/é"), Buffer.from("\ufeff€"));
		assert.deepEqual([one.key, one.value], ["/é", "\ufeff€"]);
	});
	it("throws a NotTextError for what is no text, and keeps the bytes", () => {
		const one = kv(Buffer.of(0xff), Buffer.of(0xc3));
		assert.throws(() => one.key, NotTextError);
		assert.throws(() => one.value, NotTextError);
		assert.deepEqual([one.keyBytes, one.valueBytes], [Buffer.of(0xff), Buffer.of(0xc3)]);
	});
});
