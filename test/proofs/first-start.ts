import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { descendants, survivors } from "#tools/process-tree";
import { tellCounts } from "#tools/programs/counted";
import { Running, root } from "../support/checkout";
import { until } from "../support/until";

const limitMs = 30 * 60_000;

/** What `npm run` adds to the environment, and what a reader may have set: a newcomer has neither, but for the way to npm's packages. */
const isNewcomers = ([name]: readonly [string, unknown]) =>
	/^npm_config_(?:registry|(?:https?_|no)?proxy|cafile)$/i.test(name) ||
	!/^(?:npm_|ETCD|XDG_|JUPYTER)/i.test(name);

/**
 * `npm start` in a folder with what git has of this checkout, and an empty home: all packages come from the network. It
 * has to come to a JupyterLab that answers; Ctrl-C ends all of it, and leaves nothing but the packages' caches.
 */
async function firstStart(): Promise<void> {
	const temporary = fs.mkdtempSync(path.join(os.tmpdir(), "newcomer-"));
	const [checkout, home] = ["checkout", "home"].map((name) => path.join(temporary, name)) as [string, string];
	fs.mkdirSync(home);
	const files = execFileSync("git", ["ls-files", "-z"], { cwd: root, encoding: "utf8" }).split("\0");
	for (const file of files.filter((name) => name !== "" && fs.existsSync(path.join(root, name))))
		fs.cpSync(path.join(root, file), path.join(checkout, file));
	const env = { ...Object.fromEntries(Object.entries(process.env).filter(isNewcomers)) };
	const lab = new Running(
		spawn("npm", ["start", "--", "--no-browser"], {
			...{ cwd: checkout, env: { ...env, HOME: home, TMPDIR: temporary }, detached: true },
			stdio: ["ignore", "pipe", "pipe"],
		}),
	);
	const limit = setTimeout(() => process.kill(-lab.pid, "SIGKILL"), limitMs);
	try {
		const [url] = await lab.says(/http:\S+/);
		assert.equal((await fetch(url)).status, 200);
		const started = descendants(lab.pid);
		assert.ok(started.length >= 2, "npm's child and JupyterLab");
		// As a terminal's Ctrl-C, which all of them get.
		process.kill(-lab.pid, "SIGINT");
		await lab.ended;
		await until("nothing runs", () => survivors(started).length === 0);
		assert.deepEqual(fs.readdirSync(temporary).sort(), ["checkout", "home"], "nothing is left beside");
		assert.deepEqual(
			// pip asks for rustc's version, and a rustc that is rustup's makes itself a folder.
			fs.readdirSync(home).filter((name) => !/^\.(?:npm|cache|rustup)$/.test(name)),
			[],
			"nothing but caches is left in the home",
		);
	} finally {
		clearTimeout(limit);
		if (lab.child.exitCode === null && lab.child.signalCode === null) process.kill(-lab.pid, "SIGKILL");
		fs.rmSync(temporary, { recursive: true, force: true, maxRetries: 5 });
	}
	tellCounts([], { "first starts": 1 });
}

void firstStart();
