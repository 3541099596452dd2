import assert from "node:assert/strict";
import { mock } from "node:test";
import type { Target } from "#lib/scenario";
import { announceWrites } from "#lib/scenario/server.js";
import { Followed } from "../../support/follow/followed";
import { ModelServer } from "../../support/follow/model-server";
import { until } from "../../support/until";

describe("the client's clock that jumps", () => {
	let server: ModelServer;

	beforeEach("a member", async () => {
		server = await ModelServer.start();
	});

	afterEach("the member and the clock", async () => {
		mock.restoreAll();
		await server.stop();
	});

	for (const [way, hours] of [
		["on", 1],
		["back", -1],
	] as const)
		it(`by an hour, ${way}, makes a follower lose nothing, fail nothing and ask no less often`, async () => {
			const followed = await Followed.start([server.endpoint], "/a");
			const indexes = [server.set("/a/1")];
			await followed.has(1);
			const { now } = Date;
			const clock = mock.method(Date, "now", () => now() + hours * 3_600_000);
			const asked = server.reads.length;
			await until(
				"it has asked the member for its index again and again",
				() => server.reads.length > asked + 3,
			);
			indexes.push(server.set("/a/2"));
			await followed.has(2);
			clock.mock.restore();
			indexes.push(server.set("/a/3"));
			await followed.has(3);
			assert.deepEqual(followed.indexes, indexes);
			assert.deepEqual(followed.noted("failed"), []);
		});

	for (const [way, hours] of [
		["on", 1],
		["back", -1],
	] as const)
		it(`by an hour, ${way}, neither forgets the writes of the last minute nor keeps them longer`, () => {
			const refused: string[] = [];
			const target = { mayOverflow: (what: string) => refused.push(what) } as unknown as Target;
			let passed = 0;
			mock.method(performance, "now", () => passed);
			announceWrites(target, 200, "first");
			const { now } = Date;
			mock.method(Date, "now", () => now() + hours * 3_600_000);
			passed = 59_999;
			announceWrites(target, 51, "within the minute");
			passed += 60_000;
			announceWrites(target, 250, "a minute later");
			assert.deepEqual(refused, ["within the minute"]);
		});
});
