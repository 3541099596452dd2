import assert from "node:assert/strict";
import { toBytes, toText } from "etcd-watch-lab/v3";
import fc from "fast-check";
import { ArgumentError } from "#lib/http";
import { growths } from "../../support/work";

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

	it("take twice as much work when they are twice as many", () => {
		const growth = growths(
			4096,
			() => require("etcd-watch-lab/v3") as typeof import("etcd-watch-lab/v3"),
			({ toBytes, toText }) => ({
				both: (size) => {
					const bytes = Buffer.from(Array.from({ length: size }, (_, at) => (at * 2_654_435_761) >>> 24));
					assert.ok(toBytes(toText(bytes)).equals(bytes));
				},
			}),
		);
		assert.ok((growth["both"] ?? 4) < 2.1, JSON.stringify(growth));
	});

	for (const [what, text] of [
		["half a pair that is no byte's", "a\ud83d"],
		["the lower half of a pair that is none", "\udc00"],
		["two halves the wrong way round", "\ude42\ud83d"],
	] as const) {
		it(`${what} has no bytes`, () => assert.throws(() => toBytes(text), ArgumentError));
	}
});
