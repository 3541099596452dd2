import assert from "node:assert/strict";
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import fs from "node:fs";
import { createServer, Server } from "node:net";
import os from "node:os";
import path from "node:path";
import { findEtcd, StartError, startCluster, startLab } from "etcd-watch-lab/server";
import { ConnectionError } from "etcd-watch-lab/v2";
import { freePorts, isPaused, searchPath } from "#lib/server/etcd.js";
import { Keeper, onInterrupt } from "#lib/server/keeper.js";
import { identify } from "#lib/server/leftovers.js";
import { FaultError } from "#lib/server/member-api.js";
import { descendants, kill, type ProcessId, survivors } from "#tools/process-tree";
import { Running } from "../../support/checkout";
import { notCovered } from "../../support/coverage";
import { LabProcess } from "../../support/lab-process";
import { etcd35 } from "../../support/servers";
import { until } from "../../support/until";

const temporary = fs.mkdtempSync(path.join(os.tmpdir(), "keeper-test-"));
after(() => fs.rmSync(temporary, { recursive: true, force: true, maxRetries: 5 }));

function file(name: string, content: string): string {
	const target = path.join(temporary, name);
	fs.writeFileSync(target, content, { mode: 0o700 });
	return target;
}

async function withPlatform(platform: NodeJS.Platform, body: () => unknown): Promise<void> {
	const was = Object.getOwnPropertyDescriptor(process, "platform") ?? {};
	Object.defineProperty(process, "platform", { ...was, value: platform });
	try {
		await body();
	} finally {
		Object.defineProperty(process, "platform", was);
	}
}

async function withVariable(name: string, value: string, body: () => Promise<void>): Promise<void> {
	const was = process.env[name];
	process.env[name] = value;
	try {
		await body();
	} finally {
		if (was === undefined) delete process.env[name];
		else process.env[name] = was;
	}
}

/** A keeper as the lab has one, told what to do by hand. */
class BareKeeper {
	readonly running: Running;
	readonly child: ChildProcess;
	readonly temporary = fs.mkdtempSync(path.join(os.tmpdir(), "bare-keeper-"));

	constructor(env: NodeJS.ProcessEnv = {}) {
		const script = require.resolve("#lib/server/keeper-process.js");
		this.child = spawn(process.execPath, [script, String(process.pid)], {
			detached: true,
			stdio: ["ignore", "pipe", "pipe", "ipc"],
			env: { ...process.env, ...env, TMPDIR: this.temporary },
		});
		this.running = new Running(this.child);
		this.child.on("message", (report) => this.child.stdout?.emit("data", `${JSON.stringify(report)}\n`));
	}

	tell(order: string | object): void {
		this.child.send(order);
	}

	/** A process that does nothing; resolves when it runs. */
	async starts(id: string): Promise<ProcessId> {
		const before = descendants(this.running.pid);
		this.tell({
			order: "start",
			id,
			command: process.execPath,
			args: ["-e", "setInterval(() => {}, 1000)"],
			env: {},
		});
		await this.running.says(new RegExp(`"started","id":"${id}"`));
		const [started] = descendants(this.running.pid).filter(
			({ pid }) => !before.some((one) => one.pid === pid),
		);
		assert.ok(started);
		return started;
	}

	get folders(): string[] {
		return fs.readdirSync(this.temporary);
	}

	remove(): void {
		kill(descendants(this.running.pid));
		this.child.kill("SIGKILL");
		fs.rmSync(this.temporary, { recursive: true, force: true, maxRetries: 5 });
	}
}

describe("a keeper", () => {
	let bare: BareKeeper;
	afterEach(() => bare?.remove());

	it("lives on after what it can't carry out, and says of a start that it failed", async () => {
		bare = new BareKeeper();
		const server = await bare.starts("a");
		bare.tell("no order");
		bare.tell({ order: "signal", id: "a", signal: "SIGNOTHING" });
		const long = "x".repeat(4_000_000);
		bare.tell({ order: "start", id: "long", command: process.execPath, args: [long], env: {} });
		await bare.running.says(/"failed","id":"long","message":".*E2BIG/);
		bare.tell({ order: "start", id: "none", command: path.join(temporary, "none"), args: [], env: {} });
		await bare.running.says(/"failed","id":"none","message":".*ENOENT/);
		bare.tell({ order: "start", id: "no/folder", command: process.execPath, args: [], env: {} });
		await bare.running.says(/"failed","id":"no\/folder"/);
		assert.deepEqual(survivors([server]), [server]);
		bare.tell({ order: "signal", id: "a", signal: "SIGTERM" });
		await bare.running.says(/"exited","id":"a"/);
	});

	it("ends its servers and removes its folder when something in it fails that nobody expected", async () => {
		const planted = file("planted.js", 'process.on("SIGUSR2", () => { throw new Error("planted"); });');
		bare = new BareKeeper({ NODE_OPTIONS: `--require ${planted}` });
		const server = await bare.starts("a");
		bare.child.kill("SIGUSR2");
		await bare.running.ended;
		assert.deepEqual([survivors([server]), bare.folders], [[], []]);
	});

	it("starts nothing more when it is ending", async () => {
		const late = { order: "start", id: "late", command: process.execPath, args: ["--version"], env: {} };
		const planted = file(
			"late.js",
			`process.on("SIGUSR2", () => {
				process.emit("SIGTERM");
				process.emit("message", ${JSON.stringify(late)});
			});`,
		);
		bare = new BareKeeper({ NODE_OPTIONS: `--require ${planted}` });
		await bare.starts("a");
		bare.child.kill("SIGUSR2");
		const { stdout } = await bare.running.ended;
		assert.match(stdout, /"exited","id":"a"/);
		assert.ok(!stdout.includes("late"), stdout);
		assert.deepEqual(bare.folders, []);
	});

	it("gives its servers no secret of the reader's", async () => {
		const secrets = {
			JUPYTER_TOKEN: "t0ken",
			ETCDCTL_PASSWORD: "passw0rd",
			ETCDCTL_USER: "me:passw0rd",
			MY_API_KEY: "k3y",
		};
		bare = new BareKeeper(secrets);
		const { pid } = await bare.starts("a");
		const environment = fs.readFileSync(`/proc/${pid}/environ`, "utf8");
		for (const secret of Object.values(secrets)) assert.ok(!environment.includes(secret));
	});
});

describe("the lab's side of a keeper", () => {
	it("is not disturbed by what NODE_OPTIONS has printed", async () => {
		const noisy = file("noisy.js", 'console.log("hello"); console.log("{}"); console.log("1");');
		await withVariable("NODE_OPTIONS", `--require ${noisy}`, async () => {
			const keeper = await Keeper.start();
			const kept = await keeper.run("a", process.execPath, ["--version"]);
			assert.equal(await kept.exited, "exit code 0");
			await keeper.close();
		});
	});

	it("gives the keeper no secret of the reader's", async () => {
		await withVariable("JUPYTER_TOKEN", "t0ken", () =>
			withVariable("ETCDCTL_PASSWORD", "passw0rd", async () => {
				const keeper = await Keeper.start();
				const environment = fs.readFileSync(`/proc/${keeper.pid}/environ`, "utf8");
				assert.ok(!/t0ken|passw0rd/.test(environment));
				assert.match(environment, /PATH=/);
				await keeper.close();
			}),
		);
	});

	it("says that it can't be started where Node is gone", async () => {
		const { execPath } = process;
		process.execPath = path.join(temporary, "none");
		try {
			await assert.rejects(Keeper.start(), {
				name: "StartError",
				message: /helper process can't be started .*ENOENT/,
			});
		} finally {
			process.execPath = execPath;
		}
	});

	it("says when it is closed that its keeper had been killed, and leaves no server and no folder", async () => {
		const keeper = await Keeper.start();
		const kept = await keeper.run("a", process.execPath, ["-e", "setInterval(() => {}, 1000)"]);
		const [server] = descendants(keeper.pid);
		assert.equal(server?.pid, kept.pid, "the process itself, and not what ties it to the keeper");
		process.kill(keeper.pid, "SIGKILL");
		assert.match(await kept.exited, /SIGKILL|helper process is gone/);
		await assert.rejects(keeper.close(), {
			name: "StartError",
			message: /helper process had been ended before/,
		});
		assert.ok(!fs.existsSync(keeper.folder));
		await until("the server is gone", () => server === undefined || survivors([server]).length === 0);
		await keeper.close();
	});
});

describe("kill -9 of the keeper and of its lab", () => {
	it("leaves no server, and the next start removes the folder", async () => {
		const script = `const lab = await startLab({ binary: ${JSON.stringify(etcd35)}, env: {} }); say("up"); setInterval(() => {}, 1000);`;
		const owner = new LabProcess(script);
		try {
			await owner.says(/"up"/);
			const [left = ""] = owner.folders;
			const keeper = Number(/^etcd-watch-lab-(\d+)-/.exec(left)?.[1]);
			assert.ok(
				owner.living.some(({ pid }) => pid === keeper),
				"its number is in the folder's name",
			);
			process.kill(owner.running.pid, "SIGSTOP");
			process.kill(keeper, "SIGKILL");
			process.kill(owner.running.pid, "SIGKILL");
			await until("nothing runs", () => owner.living.length === 0);
			assert.deepEqual(owner.folders, [left]);
			const elsewhere = path.join(owner.temporary, "etcd-watch-lab-1-foreign");
			fs.mkdirSync(elsewhere);
			await withVariable("TMPDIR", owner.temporary, async () => {
				const keeper = await Keeper.start();
				await until("the folder is gone", () => !owner.folders.includes(left));
				assert.ok(fs.existsSync(keeper.folder), "that of one that runs stays");
				await keeper.close();
			});
			assert.deepEqual(owner.folders, [path.basename(elsewhere)], "what is no keeper's stays");
		} finally {
			owner.remove();
		}
	});

	it("where nothing ties a server to its keeper, the next start ends it, and no other of its number", async () => {
		const own = fs.mkdtempSync(path.join(os.tmpdir(), "keeper-sweep-"));
		const sleeper = () => spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"], { stdio: "ignore" });
		const [server, stranger] = [sleeper(), sleeper()];
		try {
			const ids = [identify(server.pid ?? 0), identify(stranger.pid ?? 0)];
			assert.ok(ids[0] && ids[1]);
			const gone = { ...ids[0], pid: 2 ** 22 - 1, started: "1" };
			const folder = path.join(own, `etcd-watch-lab-${gone.pid}-abcdef`);
			fs.mkdirSync(folder);
			const lines = [gone, ids[0], { ...ids[1], started: "1" }].map((id) => `${JSON.stringify(id)}\n`);
			fs.writeFileSync(path.join(folder, "keeper.log"), lines.join(""));
			const ended = once(server, "exit");
			await withVariable("TMPDIR", own, async () => {
				const keeper = await Keeper.start();
				await ended;
				await until("the folder is gone", () => !fs.existsSync(folder));
				await keeper.close();
			});
			assert.equal(stranger.signalCode, null);
		} finally {
			server.kill("SIGKILL");
			stranger.kill("SIGKILL");
			fs.rmSync(own, { recursive: true, force: true });
		}
	});
});

describe("a lab in a process whose Jupyter is killed", () => {
	it("is ended, its process with it", async () => {
		const jupyter = spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"], { stdio: "ignore" });
		const script = `const lab = await startLab({ binary: ${JSON.stringify(etcd35)}, env: {} }); say("up"); setInterval(() => {}, 1000);`;
		const owner = new LabProcess(script, { JPY_PARENT_PID: String(jupyter.pid) });
		const other = new LabProcess(script, { JPY_PARENT_PID: "4194303" });
		try {
			await Promise.all([owner.says(/"up"/), other.says(/"up"/)]);
			jupyter.kill("SIGKILL");
			await owner.running.ended;
			await owner.leavesNothing();
			assert.equal(other.living.length, 2, "a number of nobody's means nothing");
		} finally {
			owner.remove();
			other.remove();
			jupyter.kill("SIGKILL");
		}
	});
});

describe("a lab whose own etcd has died", () => {
	const pidOf = (owner: LabProcess, word: RegExp) => {
		const found = owner.living.find(({ pid }) => word.test(fs.readFileSync(`/proc/${pid}/cmdline`, "utf8")));
		assert.ok(found);
		return found.pid;
	};
	for (const [what, word, signal, how, left] of [
		["by itself", /--enable-v2/, "SIGSEGV", /SIG\w+|exit code 2/, 1],
		["by kill -9", /--enable-v2/, "SIGKILL", /SIGKILL/, 1],
		["with its keeper, by kill -9", /keeper-process/, "SIGKILL", /the lab's helper process is gone/, 0],
		["with its keeper, in order", /keeper-process/, "SIGTERM", /SIGKILL|the lab's helper process is gone/, 0],
	] as const) {
		it(`${what}, says so in one line, in each error too, and is followed by another at the next call of lab()`, async () => {
			const owner = new LabProcess(
				`
			const { lab } = require("etcd-watch-lab/server");
			const one = await lab();
			const waiting = one.v2.watcher("/a").next().catch((error) => say("waited: " + error.name));
			say(one.endpoints[0]);
			take({ async ask() {
				await waiting;
				for (const ask of [() => one.v2.get("/a"), () => one.v3.put("a", "1"), () => one.v2.watcher("/a").next()]) {
					say(await ask().catch((error) => error.name + ": " + error.message));
				}
				const two = await lab();
				await two.v2.set("/a", "1");
				say([two.endpoints[0] !== one.endpoints[0], await lab() === two]);
				await one.close().catch((error) => say(error.name));
				await two.close();
				process.exit();
			} });
		`,
				{ ETCDCTL_ENDPOINTS: "", ETCD_WATCH_LAB_ETCD: etcd35 },
			);
			try {
				await owner.says(/"http:/);
				process.kill(pidOf(owner, word), signal);
				const line = new RegExp(
					`the lab's own etcd 3\\.5\\.\\d+ has died \\((${how.source})\\): call lab\\(\\) again`,
				);
				await until("it says so", () => line.test(owner.running.errors));
				await until("nothing else is left of it", () => owner.living.length === left);
				owner.tell("ask");
				const said = await owner.says(/[\s\S]*\[true,true\]/);
				const answers = said.split("\n").filter((one) => one.includes("Error: "));
				assert.equal(answers.length, 3, said);
				for (const answer of answers) assert.match(answer, new RegExp(`ConnectionError: ${line.source}`));
				assert.equal((await owner.running.ended).code, 0);
				assert.equal(owner.running.errors.trim().split("\n").length, 1);
				await owner.leavesNothing();
			} finally {
				owner.remove();
			}
		});
	}

	it("and one that was closed says nothing", async () => {
		const owner = new LabProcess(
			`const lab = await startLab({ binary: ${JSON.stringify(etcd35)}, env: {} }); await lab.close();`,
		);
		assert.equal((await owner.running.ended).code, 0);
		assert.equal(owner.running.errors, "");
		owner.remove();
	});
});

describe("a full disk", () => {
	it("is what the error names, at the start and later, with what to do; nothing is left, and the next start works", async () => {
		const folder = path.join(temporary, "disk");
		fs.mkdirSync(folder);
		const mount = (size: string) =>
			spawnSync("mount", ["-t", "tmpfs", "-o", `size=${size},nr_inodes=100`, "tmpfs", folder]);
		const unmount = () => spawnSync("umount", ["-l", folder]);
		const full = new RegExp(`the disk is full at ${folder}/etcd-watch-lab-.*: free some of it, or .* TMPDIR`);
		const start = () => startLab({ binary: etcd35, env: {} });
		const refused = (message: RegExp) =>
			assert.rejects(start(), (error: unknown) => {
				assert.ok(error instanceof StartError, String(error));
				assert.match(error.message, message);
				return true;
			});
		const said: string[] = [];
		const { warn } = console;
		try {
			if (mount("4k").status !== 0) return notCovered("a full disk (mount, as root)");
			await withVariable("TMPDIR", folder, async () => {
				for (const size of ["4k", "16k", "1m", "60m"]) {
					unmount();
					mount(size);
					await refused(full);
					assert.deepEqual(fs.readdirSync(folder), [], `left on a disk of ${size}`);
				}
				unmount();
				mount("140m");
				for (let nth = 0; nth < 99; nth++) fs.mkdirSync(path.join(folder, `${nth}`));
				await refused(/helper process ended at once .*: is the temporary folder full\?/);
				for (let nth = 0; nth < 99; nth++) fs.rmdirSync(path.join(folder, `${nth}`));
				const lab = await start();
				console.warn = (line: string) => said.push(line);
				const rest = path.join(folder, "rest");
				const { bavail, bsize } = fs.statfsSync(folder);
				fs.writeFileSync(rest, Buffer.alloc((bavail - 10) * bsize));
				const value = "x".repeat(1_000_000);
				await assert.rejects(async () => {
					for (let nth = 0; nth < 100; nth++) await lab.v3.put(`${nth}`, value);
				}, ConnectionError);
				await until("it says so", () => said.length > 0);
				assert.match(
					said.join(),
					new RegExp(`^the lab's own etcd .* has died \\(exit code 1; ${full.source}\\)`),
				);
				await assert.rejects(lab.v2.get("/"), full);
				await lab.close();
				assert.deepEqual(fs.readdirSync(folder), ["rest"]);
				fs.rmSync(rest);
				await (await start()).close();
			});
		} finally {
			console.warn = warn;
			unmount();
		}
	}).timeout(60_000);
});

describe("what the lab's own etcd shows to other users of the machine", () => {
	it("is its client port: no peer port, and no name by which it is told from a stranger", async () => {
		const lab = await startLab({ binary: etcd35, env: {} });
		const name = await lab.v2.memberName();
		const [etcd] = descendants(process.pid).filter(({ pid }) =>
			fs.readFileSync(`/proc/${pid}/environ`, "latin1").includes(`ETCD_NAME=${name}`),
		);
		assert.ok(etcd);
		assert.ok(!fs.readFileSync(`/proc/${etcd.pid}/cmdline`, "latin1").includes(name));
		const port = Number(new URL(lab.endpoints[0] ?? "").port);
		assert.deepEqual(listeningPorts(etcd.pid), [port]);
		await lab.close();
	});

	it("where the temporary folder's path is too long for a socket's, there is a peer port, on loopback", async () => {
		const long = path.join(temporary, "x".repeat(80));
		fs.mkdirSync(long);
		await withVariable("TMPDIR", long, async () => {
			const cluster = await startCluster({ size: 3, binary: etcd35, proxied: { peers: true } });
			const member = await cluster.leader();
			assert.equal(listeningPorts(member.pid ?? 0).length, 2);
			cluster.partition([member]);
			assert.notEqual(await cluster.leader(), member);
			cluster.heal();
			await cluster.settled();
			await cluster.close();
		});
	}).timeout(30_000);

	it("flags win over the lab's own settings, whichever way they are written", async () => {
		const cluster = await startCluster({
			size: 1,
			binary: etcd35,
			flags: ["--name=mine", "-heartbeat-interval", "20", "--log-level", "warn", "--enable-v2"],
		}).catch((error: unknown) => error);
		// etcd is started with it, and its cluster does not know that name.
		assert.ok(cluster instanceof StartError);
		assert.match(cluster.message, /mine/);
	});
});

/** The ports of 127.0.0.1 that the process listens on. */
function listeningPorts(pid: number): number[] {
	const sockets = new Set(
		fs.readdirSync(`/proc/${pid}/fd`).map((fd) => {
			try {
				return /^socket:\[(\d+)\]$/.exec(fs.readlinkSync(`/proc/${pid}/fd/${fd}`))?.[1];
			} catch {
				return undefined;
			}
		}),
	);
	const rows = ["tcp", "tcp6"].flatMap((name) =>
		fs.readFileSync(`/proc/${pid}/net/${name}`, "utf8").trim().split("\n").slice(1),
	);
	return rows.flatMap((row) => {
		const [, local = "", , state, , , , , , inode] = row.trim().split(/\s+/);
		const isListening = state === "0A" && sockets.has(inode);
		return isListening ? [Number.parseInt(local.split(":")[1] ?? "", 16)] : [];
	});
}

describe("freePorts", () => {
	it("leaves nothing open when one of them can't be had", async () => {
		const made: Server[] = [];
		const listen = Server.prototype.listen;
		const patched = function (this: Server, ...args: unknown[]): Server {
			made.push(this);
			if (made.length !== 2) return Reflect.apply(listen, this, args);
			process.nextTick(() => this.emit("error", new Error("planted")));
			return this;
		};
		Reflect.set(Server.prototype, "listen", patched);
		try {
			await assert.rejects(freePorts(4), /planted/);
		} finally {
			Reflect.set(Server.prototype, "listen", listen);
		}
		assert.equal(made.length, 4);
		assert.deepEqual(
			made.map((server) => server.listening),
			[false, false, false, false],
		);
		assert.ok(!createServer().listening);
	});
});

describe("onInterrupt", () => {
	it("listens once for any number, and not at all where nobody handles SIGINT or all are over", () => {
		const others = process.listeners("SIGINT");
		const handler = () => {};
		assert.equal(others.length, 0, "mocha handles it only while it runs a command line of its own");
		onInterrupt(() => assert.fail("nobody handles it"))();
		assert.equal(process.listenerCount("SIGINT"), 0);
		process.on("SIGINT", handler);
		try {
			let count = 0;
			const over = Array.from({ length: 30 }, () => onInterrupt(() => count++));
			assert.equal(process.listenerCount("SIGINT"), 2);
			process.emit("SIGINT");
			assert.equal(count, 30);
			for (const end of over) end();
			assert.equal(process.listenerCount("SIGINT"), 1);
		} finally {
			process.off("SIGINT", handler);
		}
	});
});

describe("what differs from system to system", () => {
	it("PATH is found by any spelling on Windows, and by its own elsewhere", async () => {
		const env = { Path: "C:\\bin" };
		await withPlatform("win32", () => assert.equal(searchPath(env), "C:\\bin"));
		await withPlatform("linux", () => assert.equal(searchPath(env), undefined));
		assert.ok(findEtcd({}));
	});

	it("a process that has ended is not paused, by `ps` too", async () => {
		const gone = spawn(process.execPath, ["--version"], { stdio: "ignore" });
		await once(gone, "exit");
		const ps = fs.existsSync("/bin/ps") || fs.existsSync("/usr/bin/ps");
		const folder = path.join(temporary, "bin");
		fs.mkdirSync(folder, { recursive: true });
		// As `ps` says it of a process that is gone; the machine may have none.
		fs.writeFileSync(path.join(folder, "ps"), "#!/bin/sh\nexit 1\n", { mode: 0o755 });
		const search = ps ? (process.env["PATH"] ?? "") : `${folder}:${process.env["PATH"]}`;
		await withVariable("PATH", search, () =>
			withPlatform("darwin", async () => assert.equal(await isPaused(gone.pid ?? 0), false)),
		);
	});

	it("Windows can neither pause nor resume, and the keeper is asked for neither", async () => {
		const cluster = await startCluster({ size: 1, binary: etcd35 });
		const [member] = cluster.members;
		assert.ok(member);
		await withPlatform("win32", async () => {
			await assert.rejects(member.pause(), FaultError);
			await assert.rejects(member.resume(), FaultError);
		});
		assert.equal(member.state, "running");
		await cluster.close();
	});
});
