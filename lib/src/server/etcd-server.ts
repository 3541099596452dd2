import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { V2Client } from "../v2/client";
import { type Keeper, type KeptProcess, StartError } from "./keeper";
import { freePorts } from "./ports";

/** A throwaway etcd of one member, on free loopback ports, its data in the keeper's folder. */
export interface EtcdServer {
	readonly endpoint: string;
	/** The random name that it was started with, by which it is told from a stranger on the same port. */
	readonly name: string;
	readonly process: KeptProcess;
}

/** How long a member may take from its start to its first quorum read. */
export const startMs = 30_000;

/**
 * Starts one with the v2 API on, and resolves when a quorum read works.
 * @throws StartError with the end of etcd's log
 */
export async function startEtcd(
	keeper: Keeper,
	binary: string,
	flags: readonly string[] = [],
): Promise<EtcdServer> {
	let failure = "";
	// Another process can take a port between its choice and etcd's start.
	for (let attempt = 0; attempt < 5; attempt++) {
		const name = `lab-${randomBytes(4).toString("hex")}`;
		const [client, peer] = (await freePorts(2)).map((port) => `http://127.0.0.1:${port}`) as [string, string];
		const member = await keeper.run(name, binary, [
			...["--name", name, "--data-dir", join(keeper.folder, name), "--enable-v2"],
			...["--listen-client-urls", client, "--advertise-client-urls", client, ...noPages(client)],
			...["--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer],
			...["--initial-cluster", `${name}=${peer}`, "--initial-cluster-token", name],
			...["--logger", "zap", "--log-level", "warn"],
			...flags,
		]);
		if (await isUp(client, name, member)) return { endpoint: client, name, process: member };
		member.kill();
		failure = lastLines(join(keeper.folder, `${name}.log`));
		if (!failure.includes("address already in use")) break;
	}
	throw new StartError(`etcd did not start: ${failure === "" ? `nothing in ${startMs} ms` : failure}`);
}

/**
 * Shuts out the pages in the reader's browser: by default etcd lets every origin read and write, and takes any Host
 * (DNS rebinding): server/embed/serve.go, accessController.ServeHTTP, at v3.5.9.
 */
export function noPages(clientUrl: string): readonly string[] {
	return ["--cors", clientUrl, "--host-whitelist", "127.0.0.1"];
}

/** Waits until the member of that name answers a quorum read; false if it ends before, or takes `startMs`. */
async function isUp(endpoint: string, name: string, member: KeptProcess): Promise<boolean> {
	const keys = new V2Client({ endpoints: [endpoint], timeoutMs: 5_000 });
	const deadline = Date.now() + startMs;
	let gone = false;
	void member.exited.then(() => {
		gone = true;
	});
	try {
		while (!gone && Date.now() < deadline) {
			try {
				if ((await keys.memberName()) === name) {
					await keys.get("/", { quorum: true });
					return true;
				}
			} catch {
				// Not listening yet, or no leader yet.
			}
			await wait(20);
		}
		return false;
	} finally {
		await keys.close();
	}
}

/** What etcd said when it ended; of a page of help, which it gives for a wrong flag, only what was wrong. */
export function lastLines(log: string): string {
	try {
		const lines = readFileSync(log, "utf8").trim().split("\n");
		const flag = lines.find((line) => line.includes("flag provided but not defined"));
		return flag ?? lines.slice(-3).join(" | ").slice(-600);
	} catch {
		return "";
	}
}
