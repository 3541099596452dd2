import assert from "node:assert/strict";
import type { Target } from "#lib/scenario/api.js";
import { announceWrites, checkWrites } from "#lib/scenario/server.js";
import { SharedServerError } from "#lib/server";
import { V2Client } from "#lib/v2";

/** A server with other users; nothing is ever sent to it. */
const shared = (): Target => ({
	v2: new V2Client({ endpoints: ["http://127.0.0.1:9"] }),
	version: "3.5.1",
	owned: false,
	newPrefix: () => "/x",
	mayOverflow: (what) => {
		throw new SharedServerError(what);
	},
});

describe("announceWrites", () => {
	it("lets a quarter of the window pass, and not one more", () => {
		const target = shared();
		announceWrites(target, 250, "a large run");
		assert.throws(() => announceWrites(target, 1, "one more"), SharedServerError);
	});

	it("counts many small runs together, each server for itself", () => {
		const target = shared();
		for (let run = 0; run < 5; run++) announceWrites(target, 50, "a small run");
		assert.throws(() => announceWrites(target, 50, "the sixth"), SharedServerError);
		announceWrites(shared(), 50, "elsewhere");
	});

	it("does not count what was refused", () => {
		const target = shared();
		assert.throws(() => announceWrites(target, 1000, "too much"), SharedServerError);
		announceWrites(target, 250, "what is left");
	});
});

describe("checkWrites", () => {
	it("refuses an experiment of many runs before the first of them", () => {
		assert.throws(() => checkWrites(shared(), 251, "six runs"), SharedServerError);
		checkWrites(shared(), 250, "five runs");
	});
});
