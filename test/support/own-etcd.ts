import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { V3Client } from "etcd-watch-lab/v3";
import { freePorts } from "#lib/server/etcd.js";
import { until } from "./until";

/** Those that run: a run of the tests that ends in their middle (--bail --exit) ends them too. */
const running = new Set<OwnEtcd>();
process.on("exit", () => {
	for (const own of running) own.remove();
});

export interface OwnEtcdOptions {
	readonly flags?: readonly string[];
	readonly v2?: boolean;
	readonly scheme?: "http" | "https";
}

/** An etcd that a test starts itself, as a reader's own server would run. */
export class OwnEtcd {
	private constructor(
		readonly endpoint: string,
		readonly process: ChildProcess,
		private readonly folder: string,
	) {}

	/** `flags` come last, so that they win; "--enable-v2" is there unless `v2` is false. */
	static async start(binary: string, options: OwnEtcdOptions = {}): Promise<OwnEtcd> {
		const { flags = [], v2 = true, scheme = "http" } = options;
		const folder = fs.mkdtempSync(path.join(os.tmpdir(), "own-etcd-"));
		const name = `own-${randomBytes(4).toString("hex")}`;
		const [clientPort = 0, peerPort = 0] = await freePorts(2);
		const client = `${scheme}://127.0.0.1:${clientPort}`;
		const peer = `http://127.0.0.1:${peerPort}`;
		const log = fs.openSync(path.join(folder, "log"), "a");
		const child = spawn(
			binary,
			[
				...["--name", name, "--data-dir", path.join(folder, "data")],
				...["--listen-client-urls", client, "--advertise-client-urls", client],
				...["--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer],
				...["--initial-cluster", `${name}=${peer}`, "--logger", "zap"],
				...(v2 ? ["--enable-v2"] : []),
				...flags,
			],
			{ stdio: ["ignore", log, log] },
		);
		fs.closeSync(log);
		const own = new OwnEtcd(client, child, folder);
		running.add(own);
		await until("etcd serves its clients", () => {
			if (own.isGone) throw new Error(`etcd ended: ${own.log().slice(-600)}`);
			return /ready to serve client requests|serving (insecure )?client (requests|traffic)/.test(own.log());
		});
		return own;
	}

	/** One cluster of so many members. */
	static async cluster(
		binary: string,
		size: number,
		options: OwnEtcdOptions = {},
	): Promise<readonly OwnEtcd[]> {
		const peers = (await freePorts(size)).map(
			(port, nth) => [`own-${nth}`, `http://127.0.0.1:${port}`] as const,
		);
		const all = peers.map(([name, peer]) => `${name}=${peer}`).join();
		const flagsOf = ([name, peer]: readonly [string, string]) => [
			...["--name", name, "--initial-cluster", all],
			...["--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer],
		];
		const starting = peers.map((peer) => {
			return OwnEtcd.start(binary, { ...options, flags: [...flagsOf(peer), ...(options.flags ?? [])] });
		});
		return await Promise.all(starting);
	}

	/** A learner that joins an etcd without TLS and users. */
	static async learnerOf(voter: OwnEtcd, binary: string): Promise<OwnEtcd> {
		const [port = 0] = await freePorts(1);
		const peer = `http://127.0.0.1:${port}`;
		const v3 = new V3Client({ endpoints: [voter.endpoint] });
		const [member] = await v3.members();
		await v3.call("/v3/cluster/member/add", { peerURLs: [peer], isLearner: true });
		await v3.close();
		return await OwnEtcd.start(binary, {
			v2: false,
			flags: [
				...["--name", "learner", "--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer],
				...["--initial-cluster", `${member?.name}=${member?.peerUrls[0]},learner=${peer}`],
				...["--initial-cluster-state", "existing"],
			],
		});
	}

	get isGone(): boolean {
		return this.process.exitCode !== null || this.process.signalCode !== null;
	}

	log(): string {
		return fs.readFileSync(path.join(this.folder, "log"), "utf8");
	}

	async stop(): Promise<void> {
		if (!this.isGone) {
			const gone = once(this.process, "exit");
			this.process.kill("SIGKILL");
			await gone;
		}
		this.remove();
	}

	/** Ends it without waiting. */
	remove(): void {
		running.delete(this);
		if (!this.isGone) this.process.kill("SIGKILL");
		fs.rmSync(this.folder, { recursive: true, force: true, maxRetries: 5 });
	}
}
