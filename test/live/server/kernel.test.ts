import assert from "node:assert/strict";
import { V2Client } from "etcd-watch-lab/v2";
import { survivors } from "#tools/process-tree";
import { Kernel } from "../../support/kernel";
import { until } from "../../support/until";

describe("a lab in a real kernel", function () {
	this.timeout(60_000);
	let kernel: Kernel;
	let endpoint = "";
	let keys: V2Client;
	const watcherCount = (count: number) =>
		until(`${count} watchers at the server`, async () => (await keys.watcherCount()) === count);

	before(async () => {
		kernel = new Kernel();
		assert.equal((await kernel.answer()).done, "start");
		endpoint = await kernel.startLab();
		keys = new V2Client({ endpoints: [endpoint] });
	});
	after(async () => {
		await keys.close();
		kernel.remove();
	});

	it("gives the same server when its cell runs again", async () => {
		const again = await kernel.run("console.log((await lab()).endpoints[0]);");
		assert.ok(again.includes(endpoint));
	});

	for (const [what, code] of [
		["a watcher", 'await mine.v2.watcher("/a").next();'],
		["a poll", 'const poll = await mine.v2.poll("/a"); await poll.answer();'],
		["a stream", 'const stream = await mine.v2.stream("/a"); await stream.next();'],
		["a scenario", 'await scenario("x").watch("w", "/a").awaitDelivery("w", 1).run(mine);'],
	] as const) {
		it(`Interrupt stops a cell that waits in ${what}: its watch is gone, and the next cell uses the etcd`, async () => {
			kernel.send({ do: "run", code });
			await watcherCount(1);
			kernel.send({ do: "interrupt" });
			// The driver's and the cell's, in any order.
			const answers = [await kernel.answer(), await kernel.answer()];
			assert.ok(answers.some(({ done }) => done === "interrupt"));
			assert.equal(answers.find(({ ran }) => ran !== undefined)?.ran, "error");
			await watcherCount(0);
			const next = await kernel.run(
				'await mine.v2.set("/b", "still there"); console.log((await mine.v2.get("/b")).node.value);',
			);
			assert.ok(next.includes("still there"));
		});
	}

	it("restart in the middle of a watch leaves no etcd, no keeper and no folder, and the next cell starts another", async () => {
		kernel.send({ do: "run", code: 'await mine.v2.watcher("/a").next();' });
		await watcherCount(1);
		await kernel.command("restart");
		await kernel.leavesNothing();
		assert.notEqual(await kernel.startLab(), endpoint);
	});
});

describe("the end of a real kernel", function () {
	this.timeout(60_000);
	let kernel: Kernel;
	beforeEach(async () => {
		kernel = new Kernel();
		assert.equal((await kernel.answer()).done, "start");
		await kernel.startLab();
	});
	afterEach(() => kernel.remove());

	it("by shutdown leaves no etcd, no keeper and no folder", async () => {
		await kernel.command("shutdown");
		await kernel.leavesNothing();
		await kernel.end();
	});

	it("by kill -9 of the Jupyter that runs it leaves neither the kernel nor anything of its lab", async () => {
		const processes = await kernel.orphan();
		assert.ok(processes.length >= 3, "the kernel, a keeper and an etcd");
		await kernel.leavesNothing();
		await until("the kernel is gone", () => survivors(processes).length === 0);
	});

	it("by kill -9 leaves no etcd, no keeper and no folder", async () => {
		await kernel.command("kill");
		await kernel.leavesNothing();
	});
});
