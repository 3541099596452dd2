import { Keys } from "etcd-watch-lab/dist/etcd";
import { type Hub, startHub } from "etcd-watch-lab/dist/follow";
import { FanOut } from "./fan-out";
import { serve, usage } from "./serve";

let client: Keys | undefined;
let hub: Hub | undefined;
let fanOut: FanOut | undefined;

/** The lab's hub: any number of local watches over one follower. What the hub itself takes is theirs, too. */
serve({
	async open({ endpoint, key, watchers }) {
		client ??= new Keys({ endpoints: [endpoint] });
		fanOut = new FanOut(watchers);
		if (watchers > 0) {
			const started = await startHub(client, key);
			hub = started;
			await fanOut.open(async () => started.watch(key, { recursive: true }));
		}
		return usage();
	},
	async deliver({ events }) {
		if (!fanOut) throw new Error("nothing is open");
		return { ns: await fanOut.delivered(events), ...usage() };
	},
	async shut() {
		await hub?.close();
		await client?.close();
		hub = undefined;
		client = undefined;
		fanOut = undefined;
	},
});
