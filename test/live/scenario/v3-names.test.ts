import assert from "node:assert/strict";
import { explain, runOnModel, type Scenario, scenario } from "etcd-watch-lab";
import { ArgumentError } from "#lib/http";
import { forEachEtcd } from "../../support/etcd";

const odd: readonly [string, RegExp, Scenario][] = [
	["without a slash at its beginning", /step 1, set a: .*begin with "\/"/, scenario("x").set("a", "1")],
	["with a part ..", /clean it/, scenario("x").mkdir("/a/../b")],
	["with an empty part", /clean it/, scenario("x").set("/a").watch("w", "/a//b")],
	["of a burst without a slash", /step 1, 2 × set in a/, scenario("x").burst("a", { count: 2 })],
	["of an expiry without a slash", /begin with/, scenario("x").set("a", "", { ttl: 1 }).awaitExpiry("a")],
	["that is no text", /surrogate/, scenario("x").set("/a\udcff")],
	["whose value is no text", /surrogate/, scenario("x").set("/a", "\udc80")],
];

describe("a key of a scenario that v2 can't have", () => {
	for (const [what, why, one] of odd) {
		it(`${what}: is refused by the model, in one line that names the step and v3`, async () => {
			await assert.rejects(
				runOnModel(one),
				(error: Error) =>
					error instanceof ArgumentError && why.test(error.message) && /api: "v3"/.test(error.message),
			);
		});
	}
});

forEachEtcd((server) => {
	for (const [what, why, one] of odd) {
		it(`refuses on v2, before anything is written, a key ${what}`, async () => {
			const { etcdIndex } = await server.v2.get("/");
			await assert.rejects(one.run(server.lab), (error: Error) => {
				return error instanceof ArgumentError && why.test(error.message);
			});
			assert.equal((await server.v2.get("/")).etcdIndex, etcdIndex);
		});
	}

	it("runs on v3 with keys as people have them, and tells them by the names they were given", async () => {
		const before = (await server.lab.v3.range("\0", { fromKey: true, countOnly: true })).count;
		const seen = await scenario("odd names")
			.watch("flat", "foo", { recursive: true })
			.watch("slashed", "/foo", { recursive: true })
			.watch("empty part", "/a//b")
			.watch("bytes", "k8s\udcff", { recursive: true })
			.watch("all below", "/registry/", { recursive: true })
			.watch("by its bytes", "/\udcc3\udca9")
			.set("foo", "1")
			.set("/foo", "2")
			.set("foo/bar", "3")
			.set("foot", "4")
			.set("/a//b", "5")
			.set("k8s\udcff", "\udc80\udc00"[0] ?? "")
			.set("/registry/pods", "6")
			.set("/é", "7")
			.set("/\udcc3\udca9", "\udcc3\udca9")
			.run(server.lab, { api: "v3" });
		const keys = Object.fromEntries(
			seen.watchers.map(({ name, deliveries }) => [name, deliveries.map(({ key }) => key)]),
		);
		assert.deepEqual(keys, {
			flat: ["foo", "foo/bar"],
			slashed: ["/foo"],
			"empty part": ["/a//b"],
			bytes: ["k8s\udcff"],
			"all below": ["/registry/pods"],
			"by its bytes": ["/é", "/é"],
		});
		assert.equal(seen.watchers[3]?.deliveries[0]?.node.value, "\udc80");
		assert.ok(seen.watchers.every(({ proof }) => proof === "fence"));
		for (const { id } of seen.writes) explain(seen, "by its bytes", id);
		assert.equal((await server.lab.v3.range("\0", { fromKey: true, countOnly: true })).count, before);
	});
});
