import assert from "node:assert/strict";
import { toBytes, toText } from "etcd-watch-lab/v3";
import fc from "fast-check";
import { ArgumentError } from "#lib/http";

describe("bytes as text", () => {
	const cases: [string, string, string][] = [
		["what is UTF-8 is itself", "2f61c3a9f09f9880", "/aé😀"],
		["U+FFFD is itself", "efbfbd", "\ufffd"],
		["a byte that begins no character", "61ff62", "a\udcffb"],
		["a character that is cut short, each byte alone", "e282", "\udce2\udc82"],
		["two spellings of one character", "c0af", "\udcc0\udcaf"],
		["a surrogate", "eda080", "\udced\udca0\udc80"],
		["what is above U+10FFFF", "f4908080", "\udcf4\udc90\udc80\udc80"],
		["a zero byte", "6100", "a\0"],
		["nothing", "", ""],
	];
	for (const [what, hex, text] of cases) {
		it(`${what}: ${hex}`, () => {
			assert.equal(toText(Buffer.from(hex, "hex")), text);
			assert.equal(toBytes(text).toString("hex"), hex);
		});
	}

	it("any bytes come back from their text, and any text from its bytes", () => {
		const part = fc.oneof(
			fc.uint8Array({ maxLength: 8 }),
			fc.string({ unit: "binary" }).map((text) => new TextEncoder().encode(text)),
		);
		fc.assert(
			fc.property(fc.array(part, { maxLength: 6 }), (parts) => {
				const bytes = Buffer.concat(parts);
				assert.ok(toBytes(toText(bytes)).equals(bytes), bytes.toString("hex"));
				const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
				let isText = true;
				try {
					decoder.decode(bytes);
				} catch {
					isText = false;
				}
				assert.equal(toText(bytes) === bytes.toString("utf8"), isText);
			}),
			{ numRuns: 500 },
		);
	});

	it("of 4 MiB take no time that grows with their square", () => {
		const bytes = Buffer.alloc(4 * 1024 * 1024);
		for (let at = 0; at < bytes.length; at++) bytes[at] = (at * 2_654_435_761) >>> 24;
		const begin = process.cpuUsage();
		assert.ok(toBytes(toText(bytes)).equals(bytes));
		const { user } = process.cpuUsage(begin);
		assert.ok(user < 5_000_000, `${Math.round(user / 1000)} ms of the processor`);
	});

	for (const [what, text] of [
		["half a pair that is no byte's", "a\ud83d"],
		["the lower half of a pair that is none", "\udc00"],
		["two halves the wrong way round", "\ude42\ud83d"],
	] as const) {
		it(`${what} has no bytes`, () => assert.throws(() => toBytes(text), ArgumentError));
	}
});
