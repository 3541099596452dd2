import { findEtcd, type Lab, startLab } from "etcd-watch-lab/server";
import type { V2Client } from "etcd-watch-lab/v2";
import { notCovered } from "./coverage";
import { etcd34 } from "./found";

/** One etcd at hand, with a lab that all the tests of this process share. */
export interface EtcdUnderTest {
	readonly series: "3.4" | "3.5";
	readonly binary: string;
	/** To be used inside a test: it runs from `before` on. */
	readonly lab: Lab;
	readonly v2: V2Client;
	/** Removes all keys: one whose ttl ends later takes an index of whoever counts them then. */
	empty(): Promise<void>;
}

class SharedEtcd implements EtcdUnderTest {
	#started: Lab | undefined;

	constructor(
		readonly series: EtcdUnderTest["series"],
		readonly binary: string,
	) {}

	get lab(): Lab {
		if (this.#started === undefined) throw new Error("the lab is there from `before` on, not earlier");
		return this.#started;
	}

	get v2(): V2Client {
		return this.lab.v2;
	}

	async start(): Promise<void> {
		// env: a reader's own ETCDCTL_ENDPOINTS is not for the tests.
		this.#started ??= await startLab({ binary: this.binary, env: {} });
	}

	async empty(): Promise<void> {
		const { node } = await this.v2.get("/");
		for (const { key, dir } of node.nodes ?? []) {
			await (dir ? this.v2.rmdir(key, { recursive: true }) : this.v2.delete(key));
		}
	}

	async stop(): Promise<void> {
		await this.#started?.close();
		this.#started = undefined;
	}
}

/** The wheel's etcd 3.5. */
export const etcd35: string = findEtcd({});

const older = etcd34();
const servers: readonly SharedEtcd[] = [
	new SharedEtcd("3.5", etcd35),
	...(older === undefined ? [] : [new SharedEtcd("3.4", older)]),
];

before("etcd 3.4", () => {
	if (older === undefined) notCovered("etcd 3.4, on which the v2 API differs a little (Debian: etcd-server)");
});

after("the etcds under test", async () => {
	await Promise.all(servers.map((server) => server.stop()));
});

/** Defines the same tests for the wheel's etcd 3.5 and, where there is one, for an etcd 3.4. */
export function forEachEtcd(tests: (server: EtcdUnderTest) => void): void {
	for (const server of servers) {
		describe(`etcd ${server.series}`, () => {
			before(() => server.start());
			tests(server);
			after(() => server.empty());
		});
	}
}
