import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import fs from "node:fs";
import net from "node:net";
import os from "node:os";
import path from "node:path";
import { freePorts } from "#lib/server/etcd.js";
import { venvPython } from "#tools/paths";
import { descendants, type ProcessId, survivors } from "#tools/process-tree";
import { Running, root } from "../support/checkout";
import { FakeServer } from "../support/fake-server";
import { until } from "../support/until";

describe("npm start", function () {
	// JupyterLab comes up in five seconds, and in thirty where a first run builds etcds beside it.
	this.timeout(240_000);
	let home: string;
	let temporary: string;
	/** Not the reader's settings. */
	let jupyter: string;

	beforeEach(() => {
		[home = "", temporary = "", jupyter = ""] = ["home", "tmp", "jupyter"].map((name) =>
			fs.mkdtempSync(path.join(os.tmpdir(), `etcd-watch-lab-${name}-`)),
		);
	});
	const started: Running[] = [];
	afterEach(async () => {
		// A test that failed leaves its lab behind.
		for (const lab of started) lab.child.kill("SIGKILL");
		await Promise.all(started.splice(0).map((lab) => lab.ended));
		for (const folder of [home, temporary, jupyter]) fs.rmSync(folder, { recursive: true, force: true });
	});

	function own() {
		return { HOME: home, TMPDIR: temporary, ETCD_WATCH_LAB_JUPYTER: jupyter };
	}

	function start(...args: string[]): Running {
		return startWith({}, ...args);
	}

	function startWith(added: NodeJS.ProcessEnv, ...args: string[]): Running {
		const command = [path.join(root, "tools", "bootstrap.mjs"), "start", "--no-browser", ...args];
		const env = { ...process.env, ...own(), ...added };
		const lab = new Running(
			spawn(process.execPath, command, { cwd: root, env, stdio: ["ignore", "pipe", "pipe"] }),
		);
		started.push(lab);
		return lab;
	}

	async function address(lab: Running) {
		const url = new URL((await lab.says(/http:\S+/))[0]);
		const token = url.searchParams.get("token") ?? "";
		return { url, token, headers: { authorization: `token ${token}` }, port: Number(url.port) };
	}

	/** Starts a kernel; gives all that runs below the lab then. */
	async function withKernel(lab: Running): Promise<ProcessId[]> {
		const { url, headers } = await address(lab);
		const body = JSON.stringify({ name: "tslab" });
		assert.equal((await fetch(new URL("/api/kernels", url), { method: "POST", headers, body })).status, 201);
		const processes = descendants(lab.pid);
		assert.ok(processes.length >= 2, "JupyterLab and a kernel");
		return processes;
	}

	async function endsAtCtrlC(lab: Running): Promise<void> {
		lab.child.kill("SIGINT");
		const { code, stderr } = await lab.ended;
		assert.equal(code, 0, stderr);
	}

	async function fails(lab: Running, why: string): Promise<void> {
		const { code, stderr } = await lab.ended;
		assert.deepEqual([code, stderr], [1, `${why}\n`]);
	}

	it("lets in who has the token only, and leaves nothing behind at Ctrl-C", async () => {
		const lab = start();
		const { url, token, headers, port } = await address(lab);
		assert.equal(url.hostname, "127.0.0.1");
		assert.match(token, /^[0-9a-f]{48}$/);

		assert.equal((await fetch(new URL("/api/kernels", url))).status, 403);
		assert.equal((await fetch(new URL("/api/kernels?token=wrong", url))).status, 403);
		const page = await fetch(new URL("/lab", url), { redirect: "manual" });
		assert.deepEqual([page.status, page.headers.get("location")?.split("?")[0]], [302, "/login"]);
		assert.equal((await fetch(url, { headers })).status, 200);

		const specs = await fetch(new URL("/api/kernelspecs", url), { headers });
		const { kernelspecs } = JSON.parse(await specs.text());
		assert.deepEqual(Object.keys(kernelspecs), ["tslab"], "no kernel but the lab's own is offered");
		const setting = new URL("/lab/api/settings/@jupyterlab/apputils-extension:notification", url);
		const { schema } = JSON.parse(await (await fetch(setting, { headers })).text());
		assert.equal(schema.properties.fetchNews.default, "false", "Jupyter does not ask about its news");
		assert.equal(schema.properties.checkForUpdates.default, false);

		const processes = await withKernel(lab);
		if (process.platform === "linux") {
			const kernels = processes.filter((one) => commandLine(one).includes("kernel.js"));
			assert.equal(kernels.length, 1);
			for (const { pid } of kernels) {
				const environment = fs.readFileSync(`/proc/${pid}/environ`, "utf8");
				// Not by a match, whose message would show all of it.
				assert.ok(!environment.includes("JUPYTER_TOKEN") && !environment.includes(token), "it has the token");
			}
		}
		// Whose sockets another user of the machine can hear nothing on (executeNotebook's test listens).
		const [folder = ""] = runtimeFolders(lab);
		const connections = fs.readdirSync(folder).filter((name) => /^kernel-.*\.json$/.test(name));
		assert.equal(connections.length, 1);
		for (const name of connections) {
			const connection = JSON.parse(fs.readFileSync(path.join(folder, name), "utf8"));
			assert.ok(connection.curve_secretkey, "it has a key");
		}

		await endsAtCtrlC(lab);
		assert.deepEqual(survivors(processes), []);
		const free = net.createServer().listen(port, "127.0.0.1");
		await once(free, "listening");
		free.close();
		assert.deepEqual(runtimeFolders(lab), [], "no connection file, no log");
		assert.deepEqual(fs.readdirSync(home), [], "nothing is written to the home folder");
		assert.deepEqual(fs.readdirSync(temporary), [], "nothing is left in the temporary folder");
	});

	it("listens on the port asked for, and on no address but 127.0.0.1", async () => {
		const wanted = await freePort();
		const lab = start("--port", String(wanted));
		const { port } = await address(lab);
		assert.equal(port, wanted);
		const others = Object.values(os.networkInterfaces())
			.flatMap((each) => each ?? [])
			.filter((each) => each.address !== "127.0.0.1" && !each.address.startsWith("fe80"))
			.map((each) => each.address);
		// 127.0.0.2 is this machine too, and is there even where the machine has no network.
		for (const host of [...others, ...(process.platform === "linux" ? ["127.0.0.2"] : [])]) {
			await assert.rejects(once(net.connect(port, host), "connect"), `${host} is closed`);
		}
		lab.child.kill("SIGTERM");
		assert.equal((await lab.ended).code, 0);
	});

	it("ends with JupyterLab when the reader shuts that down from its menu", async () => {
		const lab = start();
		const { url, headers } = await address(lab);
		assert.equal((await fetch(new URL("/api/shutdown", url), { method: "POST", headers })).status, 200);
		const { code, stdout, stderr } = await lab.ended;
		assert.deepEqual([code, stderr], [0, ""]);
		assert.match(stdout, /shut down from its menu\n$/);
	});

	for (const [what, isStarter, isJupyter] of [
		["leaves no JupyterLab and no kernel when it is killed outright", true, false],
		["kill -9 of JupyterLab: no kernel and nothing of its lab is left", false, true],
		[
			"kill -9 of JupyterLab and its starter: no kernel and nothing of its lab is left when the next start is up",
			...([true, true] as const),
		],
	] as const) {
		it(what, async () => {
			const lab = start();
			const processes = await withKernel(lab);
			const jupyter = processes.find((one) => commandLine(one).includes("lab.py"));
			assert.ok(jupyter && processes.some((one) => commandLine(one).includes("kernel.js")));
			if (isStarter) lab.child.kill("SIGKILL");
			if (isJupyter) process.kill(jupyter.pid, "SIGKILL");
			await lab.ended;
			if (isStarter && isJupyter) {
				const next = start();
				await address(next);
				next.child.kill("SIGINT");
				await next.ended;
			}
			await allGone(processes);
		});
	}

	/**
	 * What another user of the machine can do: once JupyterLab's process is there, take the port that it is to have
	 * (its command line names it), answer 200 to all, and keep what it is sent.
	 */
	async function thiefBefore(lab: Running): Promise<{ heard: string; port: number; letGo(): void }> {
		let [command, folder = ""] = ["", ""];
		await until("JupyterLab's process and its log", () => {
			command =
				descendants(lab.pid)
					.map(commandLine)
					.find((line) => line.includes("lab.py")) ?? "";
			[folder = ""] = runtimeFolders(lab);
			return command !== "" && folder !== "";
		});
		const port = Number(/--ServerApp\.port=(\d+)/.exec(command)?.[1]);
		const thief = { heard: "", port, letGo: () => {} };
		// 0: the command line tells nobody.
		if (port === 0) return thief;
		const server = net.createServer((socket) => {
			socket
				.on("error", () => {})
				.setEncoding("utf8")
				.on("data", (text: string) => {
					thief.heard += text;
					socket.end("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}");
				});
		});
		await once(server.listen(port, "127.0.0.1"), "listening");
		thief.letGo = () => server.close();
		// JupyterLab's first word comes before it binds its port, and long after its start.
		const log = path.join(folder, "jupyter.log");
		await until("JupyterLab's first word", () => thief.heard !== "" || fs.statSync(log).size > 0, 60_000);
		return thief;
	}

	for (const given of [false, true]) {
		const which = given ? "--port's" : "its own";
		it(`sends its token to nobody who has ${which} port before JupyterLab and lets it go`, async () => {
			const lab = start(...(given ? ["--port", String(await freePort())] : []));
			const thief = await thiefBefore(lab);
			thief.letGo();
			const { port } = await address(lab);
			assert.equal(thief.heard, "");
			assert.equal(port === thief.port, given, "only the reader's own choice is on the command line");
			await endsAtCtrlC(lab);
		});
	}

	it("sends its token and the browser to nobody who keeps its port, and says in a line why it ends", async () => {
		const lab = start("--port", String(await freePort()));
		const thief = await thiefBefore(lab);
		const { code, stdout, stderr } = await lab.ended;
		thief.letGo();
		assert.equal(thief.heard, "");
		assert.doesNotMatch(stdout, /token=/);
		assert.equal(code, 1);
		assert.match(
			stderr,
			new RegExp(`^JupyterLab did not start: .*can't listen on port ${thief.port}: .*in use`),
		);
	});

	it("sends its token to no proxy that the reader's environment names", async () => {
		const proxy = await FakeServer.start(() => {});
		const url = proxy.endpoint;
		const env = { NODE_USE_ENV_PROXY: "1", HTTP_PROXY: url, http_proxy: url, ALL_PROXY: url };
		const lab = startWith(env);
		await address(lab);
		await endsAtCtrlC(lab);
		await proxy.close();
		assert.equal(proxy.connectionCount, 0);
	});

	it("says in one line that the port is taken, or is none", async () => {
		const server = await FakeServer.start(() => {});
		const taken = `port ${server.port} is taken: choose another, or leave --port out for a free one`;
		await fails(start("--port", String(server.port)), taken);
		await server.close();
		for (const port of ["0", "65536", "-1", "8e3", "http"])
			await fails(start(`--port=${port}`), `--port ${port}: a port is a number from 1 to 65535`);
	});

	it("takes no token that could be guessed", async () => {
		const why = "ETCD_WATCH_LAB_TOKEN has fewer than 20 characters: leave it out for a random one";
		await fails(startWith({ ETCD_WATCH_LAB_TOKEN: "x".repeat(19) }), why);
	});

	/** `npm start` in a terminal; at a line on the driver's stdin it presses Ctrl-C, or closes the terminal. */
	function inTerminal(act: "press" | "close"): Running {
		const script = `
import os, pty, sys
pid, fd = pty.fork()
if pid == 0:
    os.execvp("npm", ["npm", "start", "--silent", "--", "--no-browser"])
text, acted = b"", False
while True:
    try:
        got = os.read(fd, 65536)
    except OSError:
        break
    if not got:
        break
    text += got
    os.write(1, got)
    if b"Ctrl-C ends" in text and not acted:
        acted = True
        sys.stdin.readline()
        if sys.argv[1] == "close":
            os.close(fd)
            break
        os.write(fd, b"\\x03")
os.waitpid(pid, 0)
`;
		const env = { ...process.env, ...own() };
		return new Running(spawn(venvPython, ["-c", script, act], { cwd: root, env, stdio: "pipe" }));
	}

	it("ends at one Ctrl-C in a terminal, asks nothing, and leaves no process", async () => {
		// The terminal sends it to npm and to JupyterLab's starter, and npm passes it on once more.
		const terminal = inTerminal("press");
		await terminal.says(/Ctrl-C ends/);
		const processes = descendants(terminal.pid);
		assert.ok(processes.length >= 3, "npm, the starter and JupyterLab");
		terminal.child.stdin?.end("\n");
		const { stdout } = await terminal.ended;
		assert.match(stdout, /ending JupyterLab/);
		assert.doesNotMatch(stdout, /y\/\[n\]|Shut ?down this/i);
		await allGone(processes);
	});

	it("leaves no process when its terminal is closed", async () => {
		const terminal = inTerminal("close");
		await terminal.says(/Ctrl-C ends/);
		const processes = descendants(terminal.pid);
		terminal.child.stdin?.end("\n");
		await terminal.ended;
		await allGone(processes);
	});
});

async function freePort(): Promise<number> {
	const [port = 0] = await freePorts(1);
	return port;
}

/** The folders of one start: the connection files and the log. */
function runtimeFolders(lab: Running): readonly string[] {
	const parent = path.join(root, ".lab", "runtime");
	const names = fs.existsSync(parent) ? fs.readdirSync(parent) : [];
	return names.filter((name) => name.startsWith(`${lab.pid}-`)).map((name) => path.join(parent, name));
}

/** As every user of the machine sees it. */
function commandLine({ pid }: ProcessId): string {
	return spawnSync("ps", ["-ww", "-o", "args=", "-p", String(pid)], { encoding: "utf8" }).stdout;
}

/** npm may go before the starter that it started: waits until that has ended too. */
async function allGone(processes: readonly ProcessId[]): Promise<void> {
	await until("every process has ended", () => survivors(processes).length === 0, 60_000);
}
