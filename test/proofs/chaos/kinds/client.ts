import { V2Client } from "etcd-watch-lab/v2";
import { V3Client } from "etcd-watch-lab/v3";
import { bite, type Kind } from "../kind";
import { RemoteConsumer } from "../remote";
import type { Run } from "../run";

/** What the consumers do themselves: stop, fail, dawdle, stand still, or come a thousand at once. */
export const clientKinds: readonly Kind[] = [
	{
		name: "restart",
		group: "client",
		needs: {},
		seconds: 1.7,
		etcd: "3.5.1",
		about: "the consumers stop and go on from their saved positions, twice, under full traffic",
		async run(run) {
			await run.startUsual();
			const writing = run.write({ count: 2_000 });
			let names: readonly string[] = ["tree", "all", "key", "after an index", "textbook", "naive"];
			let away = 0;
			for (const reached of [500, 1_100]) {
				await writing.reached(reached);
				await run.fault(async () => {
					const saved = await Promise.all(names.map((name) => run.save(name)));
					// Something happens while nobody is there.
					const before = writing.acknowledged.length;
					await writing.reached(reached + 150);
					away += writing.acknowledged.length - before;
					names = await run.resume(names, saved);
				});
			}
			await writing.done;
			return [bite(away, "writes acknowledged while no consumer was there")];
		},
	},
	{
		name: "other-process",
		group: "client",
		needs: {},
		seconds: 1.9,
		etcd: "3.4",
		about: "a position is saved in one process and gone on from in another",
		async run(run) {
			await run.startLoops();
			await Promise.all([
				run.start("tree", { remote: true }),
				run.start("all", { remote: true, key: run.places.root }),
			]);
			const writing = run.write({ count: 1_800 });
			await writing.reached(500);
			const before = ["tree", "all"].map((name) => run.consumer(name));
			await run.fault(() => run.restart(["tree", "all"], { remote: true }));
			await writing.done;
			const gone = before.filter((one) => one instanceof RemoteConsumer && one.isGone);
			return [bite(gone.length, "processes ended, and others went on")];
		},
	},
	{
		name: "slow-consumer",
		group: "client",
		needs: { members: 1 },
		seconds: 3,
		etcd: "3.5.1",
		about: "a consumer takes its time for each change, and its queue holds 100",
		async run(run) {
			const slow = { queueLength: 100, ...(await run.fault(() => ({ paceMs: 1 }))) };
			await Promise.all([run.start("tree", slow), run.start("all", { ...slow, key: run.places.root })]);
			await Promise.all([run.startLoops(), run.start("fast")]);
			await run.write({ count: 4_000 }).done;
			// Five queues long, or more: what is acknowledged and not consumed waits somewhere.
			const behind = (await run.index()) - run.consumer("all").lastIndex;
			return [bite(behind > 500 ? behind : 0, "indexes behind when the last write was acknowledged")];
		},
	},
	{
		name: "large-backlog",
		group: "client",
		needs: { members: 1 },
		seconds: 12,
		etcd: "3.5.1",
		about:
			"a consumer keeps its first change until 240 MB more are written; the memory of its process is measured",
		async run(run) {
			// Beside the run's own directory: nobody else is told of it, and it is held against nothing.
			const key = `${run.places.root}-large`;
			run.atEnd(() => run.store.empty(key));
			const set = (nth: number, value: string) =>
				run.store.carryOut({ operation: "set", key: `${key}/k${nth % 20}`, value }, run.epoch);
			await set(0, "at first");
			// The queue and the tree are nothing beside that: it is for what a source may have under way, and has parsed.
			const memoryBytes = 128 * 1_048_576;
			const options = { key, queueLength: 10, memoryBytes, timeoutMs: 5_000, remote: true };
			const large = await run.start("large", { ...options, holds: true });
			await run.start("small", { key: run.places.key, recursive: false });
			const value = "x".repeat(20_000);
			let count = 0;
			await run.fault(async () => {
				const writeOn = async () => {
					while (count < 12_000) await set(count, `${count++}${value}`);
				};
				await Promise.all(Array.from({ length: 16 }, writeOn));
			});
			const behind = (await run.index()) - large.lastIndex;
			if (large instanceof RemoteConsumer) large.letGo();
			await run.write({ count: 100 }).done;
			return [bite(behind > 10_000 ? behind : 0, "indexes behind when the last of them was acknowledged")];
		},
	},
	{
		name: "throwing-consumer",
		group: "client",
		needs: {},
		seconds: 1.5,
		etcd: "3.5.1",
		about: "a consumer throws while it has a change in hand, and goes on from its position",
		async run(run) {
			await run.startUsual();
			const throwing = async (throwsAt: number) => (await run.fault(() => ({ throwsAt }))) ?? {};
			await run.start("fails", await throwing(120));
			await run.start("fails, too", { ...(await throwing(250)), key: run.places.root });
			const writing = run.write({ count: 1_500 });
			const names = ["fails", "fails, too"];
			const thrown = () => names.filter((name) => run.consumer(name).error?.startsWith("ConsumerError"));
			await run.bitten("both consumers throw", () => thrown().length === names.length);
			const count = thrown().length;
			await run.restart(names);
			await writing.done;
			return [bite(count, "consumers threw with a change in hand")];
		},
	},
	{
		name: "stall",
		group: "client",
		needs: {},
		seconds: 8,
		etcd: "newest",
		about: "the event loop of the consumers' process stands still for 5 s, under full traffic",
		async run(run) {
			const { root: key } = run.places;
			await run.start("fast");
			const names = ["tree", "all", "textbook"];
			await Promise.all([
				run.start("tree", { remote: true }),
				run.start("all", { remote: true, key }),
				run.start("textbook", { remote: true, kind: "textbook" }),
			]);
			const writing = run.write();
			await writing.reached(300);
			const before = writing.acknowledged.length;
			const stood = await run.fault(() => Promise.all(names.map((name) => stalled(run, name))));
			const meanwhile = writing.acknowledged.length - before;
			await writing.reached(writing.acknowledged.length + 300);
			await writing.stop();
			return [
				bite(Math.min(...(stood ?? [0])), "ms that each process stood still, by its own clock"),
				bite(meanwhile, "writes acknowledged meanwhile"),
			];
		},
	},
	{
		name: "thousand-followers",
		group: "client",
		needs: { members: 1, proxied: "clients" },
		seconds: 12,
		etcd: "newest",
		about: "1,000 followers are cut off until the history has gone, and list again at once",
		async run(run) {
			const { endpoints } = run;
			const shared = run.api === "v3" ? new V3Client({ endpoints }) : new V2Client({ endpoints });
			run.atEnd(() => shared.close());
			// Through the gateway each open watch costs etcd far more than a long poll does. A thousand processes of
			// another client would be no test of it.
			const count = run.isOfFollowers ? (run.api === "v3" ? 300 : 1_000) : 5;
			const names = Array.from({ length: count }, (_, nth) => `one of many ${nth}`);
			// As many probes as such a crowd has any use for; and whoever is one of a thousand waits for its turn: to give up
			// and begin anew would only make the queue longer.
			const options = { shared, probeMs: 2_000, timeoutMs: 60_000 };
			await run.startLoops();
			await Promise.all(names.map((name) => run.start(name, options)));
			await run.write({ count: 50 }).done;
			const stood = await run.index();
			await run.fault(() => {
				for (const proxy of run.proxies) {
					proxy.inject({ kind: "refuse" });
					proxy.cutAll();
				}
			});
			await run.write({ count: 1_500 }).done;
			await run.fault(() => run.forget());
			const forgotten = await run.forgottenAfter(stood);
			for (const proxy of run.proxies) proxy.heal();
			if (run.isOfFollowers) {
				const gaps = () => names.filter((name) => run.consumer(name).gaps > 0).length;
				// A thousand lists, one after the other: on two busy cores that takes its time.
				const haveListed = () => gaps() >= count * 0.9;
				await run.fault(() => run.until("they have all listed again", haveListed, 120_000));
			}
			await run.write({ count: 100 }).done;
			return [
				bite(run.proxied("cutAll"), "connections cut by the proxies"),
				bite(forgotten, "indexes forgotten after where they stood"),
			];
		},
	},
];

/** How long it stood still, by its own clock. */
async function stalled(run: Run, name: string): Promise<number> {
	const consumer = run.consumer(name);
	return consumer instanceof RemoteConsumer ? await consumer.stall(5_000) : 0;
}
