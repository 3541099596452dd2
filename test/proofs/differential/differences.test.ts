import assert from "node:assert/strict";
import { type Command, ModelStore } from "etcd-watch-lab/model";
import { startLab } from "etcd-watch-lab/server";
import { EtcdError } from "etcd-watch-lab/v2";
import { forEachEtcd } from "../../support/etcd";

/** What the model first had otherwise. */
describe("differences between the model and etcd that were found", () => {
	forEachEtcd((server) => {
		it("refuses a compareAndDelete of the root with 102 and no cause, where a compareAndSwap gets 107", async () => {
			const expected = { prevIndex: 7 };
			const refused = async (pending: Promise<unknown>) => {
				const error = await pending.catch((thrown: unknown) => thrown);
				assert.ok(error instanceof EtcdError);
				return [error.code, error.etcdCause];
			};
			const model = (command: Command) => {
				const { outcome } = new ModelStore({ version: server.lab.version }).apply(command);
				assert.ok(outcome.kind === "refused");
				return [outcome.code, outcome.cause];
			};
			const removed = await refused(server.v2.compareAndDelete("/", expected));
			assert.deepEqual(removed, [102, ""]);
			assert.deepEqual(model({ operation: "compareAndDelete", key: "/", expected }), removed);
			const swapped = await refused(server.v2.compareAndSwap("/", "1", expected));
			assert.deepEqual(swapped, [107, "/"]);
			assert.deepEqual(model({ operation: "compareAndSwap", key: "/", value: "1", expected }), swapped);
		});

		it("sorts children by their bytes: a fullwidth letter comes before an emoji, whose UTF-16 is lower", async () => {
			const names = ["\u{1f600}", "\uff21", "a", "aa", "é", "A"];
			const sorted = ["A", "a", "aa", "é", "\uff21", "\u{1f600}"];
			const top = server.lab.newPrefix();
			const model = new ModelStore({ version: server.lab.version });
			for (const name of names) {
				await server.v2.set(`${top}/${name}`, "");
				model.apply({ operation: "set", key: `${top}/${name}`, value: "" });
			}
			const namesOf = (nodes: readonly { readonly key: string }[] | undefined) =>
				nodes?.map(({ key }) => key.slice(top.length + 1));
			const live = await server.v2.get(top, { sorted: true });
			assert.deepEqual(namesOf(live.node.nodes), sorted);
			const read = model.get(top);
			assert.ok(!("kind" in read));
			assert.deepEqual(namesOf(read.nodes), sorted);
		});

		it("answers a fresh server's watch from index 1, though the first indexes are etcd's own", async function () {
			this.timeout(60_000);
			const lab = await startLab({ binary: server.binary, env: {} });
			try {
				const { etcdIndex } = await lab.v2.get("/");
				assert.ok(etcdIndex > 0, "etcd has written its member's attributes");
				const model = new ModelStore({ version: lab.version, index: etcdIndex });
				await lab.v2.set("/a", "1");
				model.apply({ operation: "set", key: "/a", value: "1" });
				const poll = await lab.v2.poll("/a", { afterIndex: 0 });
				const answer = await poll.answer();
				assert.ok(answer.kind === "event");
				assert.equal(answer.event.fromHistory, true);
				const watched = model.watch({ key: "/a", recursive: false, stream: false, waitIndex: 1 });
				assert.ok(watched.kind === "answered");
			} finally {
				await lab.close();
			}
		});
	});
});
