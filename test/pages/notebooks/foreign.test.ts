import assert from "node:assert/strict";
import { type Lab, startLab } from "#lib/server";
import { type Notebook, notebookFiles } from "#tools/notebooks/file";
import { tellCounts } from "#tools/programs/counted";
import { etcd35 } from "../../support/etcd";
import { Kernel } from "../../support/kernel";
import { assertNoSecret } from "../../support/secrets";
import { shareOf } from "../../support/share";
import { until } from "../../support/until";
import { expectedVerdicts } from "./expected";
import { codeCells, pages, sourceOf, textOf, verdictsOf } from "./reading";
import { artifacts, begin, run } from "./runs";

const password = "correct-horse-battery-staple";

/** A server that the notebook is not to know as its lab's: only its address is handed on. */
async function foreign(): Promise<Lab> {
	return await startLab({ binary: etcd35, env: {} });
}

function endpointOf(server: Lab): string {
	const [endpoint] = server.endpoints;
	assert.ok(endpoint);
	return endpoint;
}

function fileOf(name: string): string {
	const [file] = notebookFiles([name]);
	assert.ok(file);
	return file;
}

function about(notebook: Notebook): string {
	return (codeCells(notebook)[0]?.outputs ?? []).map(textOf).join("");
}

function verdictWords(notebook: Notebook): string[] {
	return verdictsOf(notebook).map(({ verdict }) => verdict);
}

function expectedWords(name: string): string[] {
	return (expectedVerdicts[name] ?? []).map(([, verdict]) => verdict);
}

async function request(url: string, body: unknown, authorization?: string): Promise<void> {
	const response = await fetch(url, {
		method: "PUT",
		headers: {
			"content-type": "application/json",
			...(authorization === undefined ? {} : { authorization }),
		},
		body: JSON.stringify(body),
	});
	assert.ok(response.ok, `${url}: ${response.status} ${await response.text()}`);
}

describe("a notebook on a server that the lab did not start", function () {
	this.timeout(240_000);

	let quiet: Lab;
	let guarded: Lab;
	let busy: Lab;
	let locked: Lab;
	const authorization = `Basic ${Buffer.from(`root:${password}`).toString("base64")}`;
	const outDir = artifacts("foreign");
	const grandchild = "02-grandchild-writes";
	const afterIndex = "04-afterindex-recovery";
	const start = "00-start-here";
	let onQuiet: Promise<Notebook>;
	let refused: Promise<Notebook>;
	let allowed: Promise<Notebook>;
	let withPassword: Promise<Notebook>;

	before("starts the servers and begins all runs", async () => {
		// One each: to a notebook, another one's writes are gaps in the indexes, and some claims stay untested.
		[quiet, guarded, busy, locked] = await Promise.all([foreign(), foreign(), foreign(), foreign()]);
		await request(`${endpointOf(locked)}/v2/auth/users/root`, { user: "root", password });
		await request(`${endpointOf(locked)}/v2/auth/enable`, {});
		// Without this a stranger could still read and write everything.
		const revoke = { kv: { read: ["/*"], write: ["/*"] } };
		await request(`${endpointOf(locked)}/v2/auth/roles/guest`, { role: "guest", revoke }, authorization);

		onQuiet = begin(fileOf(grandchild), { outDir, env: { ETCDCTL_ENDPOINTS: endpointOf(quiet) } });
		refused = begin(fileOf(afterIndex), { env: { ETCDCTL_ENDPOINTS: endpointOf(guarded) } });
		allowed = begin(fileOf(afterIndex), {
			outDir,
			env: { ETCDCTL_ENDPOINTS: endpointOf(busy), ETCD_WATCH_LAB_ALLOW_OVERFLOW: "1" },
		});
		withPassword = begin(fileOf(start), {
			outDir,
			env: { ETCDCTL_ENDPOINTS: endpointOf(locked), ETCDCTL_USER: `root:${password}` },
		});
	});

	after(async () => {
		await Promise.allSettled([onQuiet, refused, allowed, withPassword]);
		await Promise.all([quiet, guarded, busy, locked].map((server) => server?.close()));
	});

	/** The lab's keeper outlives the kernel for as long as it takes to remove the keys. */
	async function becomesEmpty(server: Lab, headers: Readonly<Record<string, string>> = {}): Promise<void> {
		await until("no key and no lease of the notebook is left", async () => {
			const response = await fetch(`${endpointOf(server)}/v2/keys/`, { headers });
			const { node } = (await response.json()) as { node: { nodes?: readonly unknown[] } };
			return (node.nodes ?? []).length === 0 && (await server.v3.leases()).length === 0;
		});
	}

	it("02 works, says whose server it is, and leaves no key behind when its kernel has ended", async () => {
		const notebook = await onQuiet;
		const [, endpoint, keys] = /^etcd 3\.5\.\d+, at (\S+), keys below (\S+)$/m.exec(about(notebook)) ?? [];
		assert.equal(endpoint, endpointOf(quiet));
		assert.match(keys ?? "", /^\/etcd-watch-lab-[0-9a-f]{12}$/);
		assert.deepEqual(verdictWords(notebook), expectedWords(grandchild));
		const { etcdIndex } = await quiet.v2.get("/");
		assert.ok(etcdIndex >= 20, "it was this server that was written to");
		await becomesEmpty(quiet);
	});

	it("04 does not overflow the window: it runs to its end with records, says why, and names the switch", async () => {
		const notebook = await refused;
		const texts = codeCells(notebook).map(({ outputs = [] }) => outputs.map(textOf).join("\n"));
		const notRun = texts.filter((text) =>
			/recorded on etcd 3\.5\.1 \(not run on this server, etcd 3\.5\.1/.test(text),
		);
		assert.ok(notRun.length > 5, `${notRun.length} cells`);
		for (const text of notRun.filter((one) => one.includes("did not start): "))) {
			assert.match(text, /other people's watchers.*unset ETCDCTL_ENDPOINTS.*ETCD_WATCH_LAB_ALLOW_OVERFLOW=1/);
		}
		assert.deepEqual(verdictWords(notebook), expectedWords(afterIndex));
		const { etcdIndex } = await guarded.v2.get("/");
		assert.ok(etcdIndex < 1000, `the window did not move on: index ${etcdIndex}`);
		await becomesEmpty(guarded);
	});

	it("a cell that asks v2 itself for too much shows what it gave on the lab's own etcd, and says why", async () => {
		const cell = pages()
			.flatMap(({ notebook }) => codeCells(notebook).map(sourceOf))
			.find((source) => source.includes("etcd.mayOverflow("));
		assert.ok(cell);
		const kernel = new Kernel({ ETCDCTL_ENDPOINTS: endpointOf(guarded) });
		try {
			assert.equal((await kernel.answer()).done, "start");
			await kernel.run('import { lab } from "etcd-watch-lab"; const etcd = await lab();');
			await kernel.run('import { follow } from "etcd-watch-lab/follow";');
			const told = await kernel.run(cell);
			const why =
				"a flood of 1200 writes would push other people's watchers out of .*ALLOW_OVERFLOW=1 [^\\n]*";
			assert.match(
				told,
				new RegExp(`^recorded on etcd 3\\.5\\.1 \\(${why}\\):\na gap, slow consumer; .*\n$`),
			);
			const own = await kernel.fails('etcd.mayOverflow("mine");');
			assert.match(own, /^line 1: SharedServerError: mine would push [^\n]*\n$/);
		} finally {
			await kernel.end();
			kernel.remove();
		}
		assert.ok((await guarded.v2.get("/")).etcdIndex < 1000);
	});

	for (const { name, file } of shareOf(pages(), "6/12")) {
		it(`${name} runs to its end on a server with v2 that others use, too`, async () => {
			const notebook = await run(file, { env: { ETCDCTL_ENDPOINTS: endpointOf(quiet) } });
			for (const [at, { outputs = [] }] of codeCells(notebook).entries()) {
				for (const { output_type, name: stream } of outputs)
					assert.ok(output_type !== "error" && stream !== "stderr", `cell ${at + 1}`);
			}
			await becomesEmpty(quiet);
			tellCounts([quiet.version], { pages: 1 });
		});
	}

	it("04 works where the switch allows it, with the same verdicts, and leaves no key behind", async () => {
		const notebook = await allowed;
		assert.match(about(notebook), new RegExp(`at ${endpointOf(busy)}, keys below`));
		assert.deepEqual(verdictWords(notebook), expectedWords(afterIndex));
		assert.ok((await busy.v2.get("/")).etcdIndex > 1000);
		await becomesEmpty(busy);
	});

	it("works with a user and a password, which are nowhere in the executed notebook", async () => {
		const stranger = await fetch(`${endpointOf(locked)}/v2/keys/x`, {
			method: "PUT",
			body: "value=x",
			headers: { "content-type": "application/x-www-form-urlencoded" },
		});
		assert.equal(stranger.status, 401, "the server lets nobody in without a password");
		const notebook = await withPassword;
		assert.match(about(notebook), new RegExp(`at ${endpointOf(locked)}, keys below`));
		assert.deepEqual(verdictWords(notebook), expectedWords(start));
		assertNoSecret(JSON.stringify(notebook), password);
		// Else what removes them would go on when the server is gone.
		await becomesEmpty(locked, { authorization });
		assert.throws(() => assertNoSecret(JSON.stringify({ x: `root:${password}@` }), password));
	});
});
