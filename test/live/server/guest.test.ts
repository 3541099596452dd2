import assert from "node:assert/strict";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { type Lab, startLab } from "etcd-watch-lab/server";
import { GuestV3Client, removeRoot } from "#lib/server/guest.js";
import { Keeper } from "#lib/server/keeper.js";
import { identify } from "#lib/server/leftovers.js";
import { LabProcess } from "../../support/lab-process";
import { type FaultProxy, startProxy } from "../../support/proxy";
import { fakeServer, forEachEtcd, ownEtcd } from "../../support/servers";
import { until } from "../../support/until";

const state = fs.mkdtempSync(path.join(os.tmpdir(), "lab-state-"));
const records = path.join(state, "etcd-watch-lab");
const noted = () => (fs.existsSync(records) ? fs.readdirSync(records) : []);
// Also when none of the tests here is run.
after(() => fs.rmSync(state, { recursive: true, force: true }));

/** What is said while the body runs. */
async function said(body: () => Promise<unknown>): Promise<string[]> {
	const lines: string[] = [];
	const { warn } = console;
	console.warn = (line: string) => lines.push(line);
	try {
		await body();
	} finally {
		console.warn = warn;
	}
	return lines;
}

forEachEtcd((server) => {
	describe("what a lab makes on a server that it did not start", function () {
		this.timeout(30_000);
		const was = process.env["XDG_STATE_HOME"];
		let proxy: FaultProxy;
		let endpoint = "";
		let env: NodeJS.ProcessEnv = {};
		before(async () => {
			process.env["XDG_STATE_HOME"] = state;
			proxy = await startProxy({ target: server.lab.endpoints[0] ?? "" });
			({ endpoint } = proxy);
			env = { ETCDCTL_ENDPOINTS: endpoint };
		});
		after(async () => {
			if (was === undefined) delete process.env["XDG_STATE_HOME"];
			else process.env["XDG_STATE_HOME"] = was;
			await proxy.close();
		});
		beforeEach(() => {
			proxy.heal();
			fs.rmSync(records, { recursive: true, force: true });
		});

		/** Both APIs' keys of that root that are there. */
		async function left(root: string): Promise<string[]> {
			const v2 = await server.v2.get("/");
			const v3 = await server.lab.v3.range(`${root}/`, { prefix: true });
			return [
				...(v2.node.nodes ?? []).filter(({ key }) => key === root).map(({ key }) => `v2 ${key}`),
				...v3.kvs.map(({ key }) => `v3 ${String(key)}`),
			];
		}

		async function write(lab: Lab): Promise<void> {
			await lab.v2.set(`${lab.newPrefix()}/a`, "1");
			await lab.v3.put(`${lab.newPrefix()}/a`, "1");
			assert.equal((await left(lab.root)).length, 2);
		}

		/** A process that has written, and the root that it wrote below. */
		async function writer(): Promise<{ owner: LabProcess; root: string; keeper: number }> {
			const owner = new LabProcess(
				`const lab = await startLab(); await lab.v2.set(lab.newPrefix() + "/a", "1");
				await lab.v3.put(lab.newPrefix() + "/a", "1"); say(lab.root); setInterval(() => {}, 1000);`,
				env,
			);
			const root: string = JSON.parse(await owner.says(/"\/etcd-watch-lab-\w+"/));
			assert.equal((await left(root)).length, 2);
			const [keeper] = owner.living;
			assert.ok(keeper);
			return { owner, root, keeper: keeper.pid };
		}

		it("is removed by close, without a word, and is noted nowhere any more", async () => {
			const lab = await startLab({ env });
			await write(lab);
			assert.deepEqual(noted(), [`${lab.root.slice(1)}.json`]);
			assert.deepEqual(await said(() => lab.close()), []);
			assert.deepEqual([await left(lab.root), noted()], [[], []]);
		});

		it("is noted where no other user can read it, and without a password", async () => {
			const lab = await startLab({ env: { ...env, ETCDCTL_USER: "somebody:s3cretpw" } });
			const [name = ""] = noted();
			const text = fs.readFileSync(path.join(records, name), "utf8");
			assert.ok(text.includes(lab.root) && !text.includes("s3cretpw") && !text.includes("somebody"), text);
			assert.equal(fs.statSync(path.join(records, name)).mode & 0o077, 0);
			assert.equal(fs.statSync(records).mode & 0o077, 0);
			await lab.close();
		});

		it("is removed from a slow server though lab and keeper are killed while they wait for it", async () => {
			const { owner, root, keeper } = await writer();
			try {
				proxy.inject({ kind: "delay", toClientMs: 1_500 });
				owner.running.child.kill("SIGKILL");
				await until("the removal is under way", () => proxy.bitten.delay > 0);
				// As `npm start` does to what has not ended in time.
				process.kill(keeper, "SIGKILL");
				await until("the keeper is gone", () => owner.living.length === 0);
				await until("all is removed", async () => (await left(root)).length === 0);
				await until("it is noted nowhere", () => noted().length === 0);
			} finally {
				owner.remove();
			}
		});

		it("is said to be there, and how to remove it, where it can't be; a helper removes it as soon as it can", async () => {
			const lab = await startLab({ env });
			await write(lab);
			proxy.inject({ kind: "refuse" });
			proxy.cutAll();
			const lines = await said(() => lab.close());
			assert.equal(lines.length, 2, lines.join("\n"));
			assert.match(
				lines[0] ?? "",
				new RegExp(
					`^v2 keys below ${lab.root} may still be at ${endpoint} \\(.*\\): to remove them, ETCDCTL_API=2 etcdctl --endpoints ${endpoint} rm --recursive ${lab.root}$`,
				),
			);
			assert.match(
				lines[1] ?? "",
				new RegExp(
					`^v3 keys below ${lab.root} .*go by themselves in 10 minutes, or by ETCDCTL_API=3 etcdctl --endpoints ${endpoint} del --prefix ${lab.root}/$`,
				),
			);
			assert.deepEqual(noted(), [`${lab.root.slice(1)}.json`]);
			proxy.heal();
			await until("the helper that was left has removed it", async () => (await left(lab.root)).length === 0);
		});

		it("is removed by the next start on that server where all of the lab was killed, which says so", async () => {
			const { owner, root, keeper } = await writer();
			try {
				process.kill(owner.running.pid, "SIGSTOP");
				process.kill(keeper, "SIGKILL");
				process.kill(owner.running.pid, "SIGKILL");
				await until("nothing runs", () => owner.living.length === 0);
				assert.equal((await left(root)).length, 2);
				const elsewhere = await startLab({ env: { ETCDCTL_ENDPOINTS: server.lab.endpoints.join(",") } });
				assert.equal((await left(root)).length, 2, "it was at another address");
				await elsewhere.close();
				let lab: Lab | undefined;
				const lines = await said(async () => {
					lab = await startLab({ env });
				});
				assert.deepEqual(lines, [
					`an earlier lab was killed: what it had left below ${root} at ${endpoint} is removed`,
				]);
				assert.deepEqual(await left(root), []);
				assert.deepEqual(noted(), [`${lab?.root.slice(1)}.json`]);
				await lab?.close();
			} finally {
				owner.remove();
			}
		});

		it("of a lab that lives is left alone by the next start, and so is what no lab has made", async () => {
			const lab = await startLab({ env });
			await write(lab);
			await server.v2.set("/theirs/a", "1");
			const gone = { ...identify(process.pid), pid: 2 ** 22 - 1 };
			for (const root of ["/theirs", "/", "/etcd-watch-lab-000000000000/../theirs", ""]) {
				const record = JSON.stringify({ root, endpoints: [endpoint], owner: gone });
				fs.writeFileSync(path.join(records, `${root.replaceAll("/", "")}.json`), record);
			}
			fs.writeFileSync(path.join(records, "torn.json"), '{"root":');
			const lines = await said(async () => (await startLab({ env })).close());
			assert.deepEqual(lines, []);
			assert.equal((await left(lab.root)).length, 2);
			assert.equal((await server.v2.get("/theirs/a")).node.value, "1");
			await server.v2.rmdir("/theirs", { recursive: true });
			await lab.close();
		});

		it("in v3 has the lab's lease, unless it was given another, in transactions too", async () => {
			const lab = await startLab({ env });
			const { v3 } = lab;
			const prefix = lab.newPrefix();
			await v3.txn({
				compare: [{ key: `${prefix}/a`, createRevision: 0 }],
				success: [
					{ op: "put", key: `${prefix}/a`, value: "1" },
					{ op: "txn", success: [{ op: "put", key: `${prefix}/b`, value: "1" }] },
				],
			});
			await v3.put(`${prefix}/c`, "1");
			const own = await v3.grant(60);
			await v3.put(`${prefix}/d`, "1", { lease: own.id });
			const { kvs } = await v3.range(`${prefix}/`, { prefix: true });
			const [lease = 0n, ...others] = kvs.map((kv) => kv.lease);
			assert.deepEqual(others, [lease, lease, own.id]);
			assert.equal((await v3.timeToLive(lease)).grantedTtl, 600);
			// The machine slept for longer than it lives.
			await server.lab.v3.revoke(lease);
			await v3.put(`${prefix}/e`, "1");
			const next = (await v3.get(`${prefix}/e`))?.lease ?? 0n;
			assert.ok(next !== 0n && next !== lease);
			// A wrong lease of the caller's own is the caller's.
			await assert.rejects(v3.put(`${prefix}/f`, "1", { lease: 4711n }), /lease not found/);
			await lab.close();
			assert.ok(!(await server.lab.v3.leases()).includes(next), "no lease of the lab's is left");
			await server.lab.v3.revoke(own.id);
		});

		it("in v3 stays as long as the keeper renews its lease, and goes by itself when that was killed", async () => {
			const { v3 } = server.lab;
			const root = "/etcd-watch-lab-1ea5e";
			const keeper = await Keeper.start();
			const { id } = await v3.grant(2);
			await v3.put(`${root}/a`, "1", { lease: id });
			keeper.removeAtEnd({ root, server: { endpoints: [endpoint] }, leases: [String(id)], renewMs: 200 });
			const before = (await v3.status()).raftIndex;
			const seen: number[] = [];
			const deadline = performance.now() + 4_500;
			await until("more than twice its time is over", async () => {
				seen.push((await v3.timeToLive(id)).ttl);
				return performance.now() > deadline;
			});
			assert.ok(Math.min(...seen) >= 0, `never gone: ${new Set(seen).size}, from ${before}`);
			process.kill(keeper.pid, "SIGKILL");
			await until("it is gone", async () => (await left(root)).length === 0);
			await assert.rejects(keeper.close(), /helper process/);
		});
	});
});

describe("the removal of a lab's keys", () => {
	it("asks v2 and v3 side by side, and gives up in its time", async () => {
		const asked: string[] = [];
		const silent = await fakeServer((_, { path: what }) => {
			asked.push(what.replace(/\?.*/, ""));
		});
		const root = { root: "/etcd-watch-lab-5ide", server: { endpoints: [silent.endpoint] }, leases: ["1"] };
		const lines = await removeRoot(root, 300);
		assert.deepEqual(asked.sort(), ["/v2/keys/etcd-watch-lab-5ide", "/v3/kv/deleterange"]);
		assert.equal(lines.length, 2);
	});

	it("asks for no lease where nothing is put", async () => {
		const own = await ownEtcd(require("etcd-watch-lab/server").findEtcd({}));
		const leases: bigint[] = [];
		const v3 = new GuestV3Client({ endpoints: [own.endpoint] }, (lease) => leases.push(lease));
		await v3.txn({ success: [{ op: "range", key: "a" }] });
		await v3.delete("a");
		assert.deepEqual(leases, []);
		await Promise.all([v3.put("a", "1"), v3.put("b", "1")]);
		assert.equal(leases.length, 1, "one for all");
		await v3.close();
	});
});
