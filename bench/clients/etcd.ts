import { spawn } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { freePorts } from "#lib/server/etcd.js";
import { serve } from "./serve";

// Ctrl-C is heard by all processes of a terminal: the end of the bench, and so of stdin, is soon enough.
process.on("SIGINT", () => {});

/** An etcd with a data folder of its own, which both go when this process does: by the end of its stdin. */
serve({
	async start({ binary, v2 }) {
		const folder = fs.mkdtempSync(path.join(os.tmpdir(), "bench-etcd-"));
		const [endpoint = "", peer = ""] = (await freePorts(2)).map((port) => `http://127.0.0.1:${port}`);
		const log = fs.openSync(path.join(folder, "log"), "a");
		const args = [
			...["--name", "bench", "--data-dir", path.join(folder, "data"), "--log-level", "warn"],
			...["--listen-client-urls", endpoint, "--advertise-client-urls", endpoint],
			...["--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer],
			...["--initial-cluster", `bench=${peer}`],
			...(v2 ? ["--enable-v2"] : []),
		];
		const child = spawn(binary, args, { stdio: ["ignore", log, log] });
		let gone: string | undefined;
		child.on("error", (error) => {
			gone = error.message;
		});
		child.on("exit", () => {
			gone ??= fs.readFileSync(path.join(folder, "log"), "utf8").slice(-600);
		});
		process.on("exit", () => {
			child.kill("SIGKILL");
			fs.rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
		});
		for (const deadline = Date.now() + 30_000; Date.now() < deadline; await wait(50)) {
			if (gone !== undefined) throw new Error(`etcd ended: ${gone}`);
			if (await takesWrites(endpoint)) return { endpoint, pid: child.pid ?? 0 };
		}
		throw new Error("etcd takes no writes after 30 s");
	},
});

/** By its v3 API, which is ready a second or two after v2's. */
async function takesWrites(endpoint: string): Promise<boolean> {
	try {
		const json = JSON.stringify({ key: "cmVhZHk=" });
		return (await fetch(`${endpoint}/v3/kv/put`, { method: "POST", body: json })).ok;
	} catch {
		return false;
	}
}
