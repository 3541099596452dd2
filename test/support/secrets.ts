import assert from "node:assert/strict";
import { inspect } from "node:util";

/** Fails when a secret, plain or as in a basic-auth header, is anywhere in what can be shown of a thing. */
export function assertNoSecret(shown: unknown, secret: string): void {
	for (const text of everythingOf(shown)) {
		assert.ok(!text.includes(secret), "the secret is shown");
		for (let shift = 0; shift < 3; shift++) {
			// The three ways in which base64 can hold the same bytes, without the characters at the edges.
			const coded = Buffer.from("x".repeat(shift) + secret)
				.toString("base64")
				.slice(shift + 1, -4);
			assert.ok(!text.includes(coded), "the secret is shown in base64");
		}
	}
}

function* everythingOf(shown: unknown): Generator<string> {
	yield inspect(shown, { depth: 20, showHidden: true, maxStringLength: null, maxArrayLength: null });
	if (!(shown instanceof Error)) return;
	yield shown.message;
	yield String(shown.stack);
	yield JSON.stringify(shown, Object.getOwnPropertyNames(shown)) ?? "";
	if (shown.cause !== undefined) yield* everythingOf(shown.cause);
}
