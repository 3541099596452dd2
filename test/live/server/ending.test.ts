import assert from "node:assert/strict";
import { etcd35 } from "../../support/etcd";
import { LabProcess } from "../../support/lab-process";

/** Starts a lab on its own etcd, and says so. */
const owns = `const lab = await startLab({ binary: ${JSON.stringify(etcd35)}, env: {} }); say("up");`;
/** Keeps the process alive. */
const stays = "setInterval(() => {}, 1000);";

describe("the end of a lab's process", () => {
	let owner: LabProcess;
	const start = (script: string, env: NodeJS.ProcessEnv = {}) => {
		owner = new LabProcess(script, env);
		return owner.says(/"up"/);
	};
	afterEach(() => owner.remove());

	/** So that "nothing is left" is not said of nothing. */
	function assertThere(): void {
		assert.equal(owner.living.length, 2, "a keeper and an etcd");
		assert.equal(owner.folders.length, 1, "a folder");
		assert.match(owner.folders[0] ?? "", /^etcd-watch-lab-/);
	}

	it("by close leaves no process and no folder, and nothing that keeps the owner alive", async () => {
		await start(
			`${owns} take({ close: () => lab.close().then(() => { say("closed"); process.stdin.destroy(); }) });`,
		);
		assertThere();
		owner.tell("close");
		await owner.says(/"closed"/);
		assert.deepEqual([owner.living, owner.folders], [[], []], "at once, not only after a while");
		assert.equal((await owner.running.ended).code, 0);
	});

	for (const [what, script, command] of [
		["process.exit", "process.exit(3)", "end"],
		["an uncaught exception", 'setImmediate(() => { throw new Error("unexpected"); })', "end"],
		["an unhandled rejection", 'void Promise.reject(new Error("unexpected"))', "end"],
	] as const) {
		it(`by ${what} leaves no process and no folder`, async () => {
			await start(`${owns} ${stays} take({ end() { ${script}; } });`);
			assertThere();
			owner.tell(command);
			assert.notEqual((await owner.running.ended).code, 0);
			await owner.leavesNothing();
		});
	}

	for (const signal of ["SIGKILL", "SIGTERM", "SIGHUP"] as const) {
		it(`by ${signal} leaves no process and no folder`, async () => {
			await start(`${owns} ${stays}`);
			assertThere();
			owner.running.child.kill(signal);
			assert.equal((await owner.running.ended).signal, signal);
			await owner.leavesNothing();
		});
	}

	it("by kill -9 while a watch waits and writes are under way leaves no process and no folder", async () => {
		await start(`${owns} void lab.v2.watcher("/a", { recursive: true }).next();
			const write = () => lab.v2.set("/a/b", "x").then(write); write(); ${stays}`);
		owner.running.child.kill("SIGKILL");
		await owner.running.ended;
		await owner.leavesNothing();
	});

	it("by kill -9 in the middle of a start leaves no process and no folder", async () => {
		owner = new LabProcess(`say("up"); ${owns}`);
		await owner.says(/"up"/);
		owner.running.child.kill("SIGKILL");
		await owner.running.ended;
		await owner.leavesNothing();
	});

	it("comes by itself when it has nothing more to do: a lab that nobody closed keeps no process alive", async () => {
		await start(owns);
		assert.equal((await owner.running.ended).code, 0);
		await owner.leavesNothing();
	});

	it("by SIGINT leaves nothing either where nobody listens for it", async () => {
		await start(`${owns} ${stays}`);
		owner.interrupt();
		assert.equal((await owner.running.ended).signal, "SIGINT");
		await owner.leavesNothing();
	});

	it("is not SIGINT where somebody listens for it, as a kernel does: watches end, and etcd goes on", async () => {
		await start(`
			process.on("SIGINT", () => say("interrupted"));
			${owns}
			const watches = ["poll", "stream"].map(async (kind) => {
				const open = await lab.v2[kind]("/a");
				say(kind + " registered");
				return kind === "poll" ? open.answer() : open.next();
			});
			watches.push((async () => {
				const watcher = lab.v2.watcher("/a");
				await watcher.registered();
				say("watcher registered");
				return watcher.next();
			})());
			const ends = Promise.allSettled(watches);
			take({ async after() {
				for (const { reason } of await ends) say(reason.name);
				await lab.v2.set("/b", "later");
				say((await lab.v2.get("/b")).node.value);
				const poll = await lab.v2.poll("/b");
				await lab.v2.set("/b", "watched");
				say((await poll.answer()).event.node.value);
				await lab.close();
				say("closed");
				process.exit();
			} });`);
		await owner.says(/(registered"[\s\S]*){3}/);
		owner.interrupt();
		await owner.says(/"interrupted"/);
		owner.tell("after");
		await owner.says(/("AbortedError"\n){3}"later"\n"watched"\n"closed"/);
		await owner.leavesNothing();
	});
});
