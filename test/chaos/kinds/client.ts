import { V2Client } from "etcd-watch-lab/dist/v2";
import { V3Client } from "etcd-watch-lab/dist/v3";
import type { Kind } from "../kind";
import { RemoteConsumer } from "../remote";
import type { Run } from "../run";

/** What the consumers do themselves: stop, fail, dawdle, stand still, or come a thousand at once. */
export const clientKinds: readonly Kind[] = [
	{
		name: "restart",
		group: "client",
		needs: {},
		seconds: 1.7,
		about: "the consumers stop and go on from their saved positions, twice, under full traffic",
		async run(run) {
			await run.startUsual();
			const writing = run.write({ count: 2_000 });
			let names: readonly string[] = ["tree", "all", "key", "after an index", "textbook", "naive"];
			for (const reached of [500, 1_100]) {
				await writing.reached(reached);
				const saved = await Promise.all(names.map((name) => run.save(name)));
				// Something happens while nobody is there.
				await writing.reached(reached + 150);
				names = await run.resume(names, saved);
				run.bit(`${names.length} consumers were started again`);
			}
			await writing.done;
		},
	},
	{
		name: "other-process",
		group: "client",
		needs: {},
		seconds: 1.9,
		about: "a position is saved in one process and gone on from in another",
		async run(run) {
			await run.startLoops();
			await Promise.all([
				run.start("tree", { remote: true }),
				run.start("all", { remote: true, key: run.places.root }),
			]);
			const writing = run.write({ count: 1_800 });
			await writing.reached(500);
			await run.restart(["tree", "all"], { remote: true });
			run.bit("two processes ended, and two others went on");
			await writing.done;
		},
	},
	{
		name: "slow-consumer",
		group: "client",
		needs: { members: 1 },
		seconds: 3,
		about: "a consumer takes its time for each change, and its queue holds 100",
		async run(run) {
			const slow = { queueLength: 100, paceMs: 1 };
			await Promise.all([run.start("tree", slow), run.start("all", { ...slow, key: run.places.root })]);
			await Promise.all([run.startLoops(), run.start("fast")]);
			await run.write({ count: 5_000 }).done;
			const full = ["tree", "all"].map((name) => run.consumer(name).notes.full ?? 0);
			if (full.every((count) => count > 0)) run.bit(`the queues were full ${full.join(" and ")} times`);
		},
	},
	{
		name: "throwing-consumer",
		group: "client",
		needs: {},
		seconds: 1.5,
		about: "a consumer throws while it has a change in hand, and goes on from its position",
		async run(run) {
			await run.startUsual();
			await run.start("fails", { throwsAt: 120 });
			await run.start("fails, too", { throwsAt: 250, key: run.places.root });
			const writing = run.write({ count: 1_500 });
			const names = ["fails", "fails, too"];
			for (const name of names) {
				await run.until(`${name} has thrown`, () => run.consumer(name).error !== undefined);
				run.bit(`${run.consumer(name).error}`);
			}
			await run.restart(names);
			await writing.done;
		},
	},
	{
		name: "stall",
		group: "client",
		needs: {},
		seconds: 8,
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
			await Promise.all(names.map((name) => stalled(run, name)));
			run.bit(`three processes stood still for 5 s, ${writing.acknowledged.length} writes long`);
			await writing.reached(writing.acknowledged.length + 300);
			await writing.stop();
		},
	},
	{
		name: "thousand-followers",
		group: "client",
		needs: { members: 1, proxied: "clients" },
		seconds: 12,
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
			for (const proxy of run.proxies) {
				proxy.inject({ kind: "refuse" });
				proxy.cutAll();
			}
			await run.write({ count: 1_500 }).done;
			await run.forget();
			for (const proxy of run.proxies) proxy.heal();
			if (run.isOfFollowers) {
				const gaps = () => names.filter((name) => run.consumer(name).gaps > 0).length;
				// A thousand lists, one after the other: on two busy cores that takes its time.
				await run.until("they have all listed again", () => gaps() >= count * 0.9, 120_000);
				run.bit(`${gaps()} followers listed again`);
			} else run.bit(`${count} were cut off until the history had gone`);
			await run.write({ count: 100 }).done;
		},
	},
];

async function stalled(run: Run, name: string): Promise<void> {
	const consumer = run.consumer(name);
	if (consumer instanceof RemoteConsumer) await consumer.stall(5_000);
}
