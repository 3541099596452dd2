import { type ChildProcess, spawn } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";

/** The checkout that the tests belong to: this file runs as test/dist/support/checkout.js. */
export const root = path.resolve(__dirname, "..", "..", "..");

/** How a command ended, and what it said. */
export interface Ended {
	code: number | null;
	signal: NodeJS.Signals | null;
	stdout: string;
	stderr: string;
	ms: number;
}

/** A command under way. */
export class Running {
	readonly ended: Promise<Ended>;
	private out = "";
	private err = "";
	private readonly waiting = new Set<() => void>();

	constructor(readonly child: ChildProcess) {
		const begin = Date.now();
		child.stdout?.setEncoding("utf8").on("data", (text: string) => {
			this.out += text;
			for (const look of this.waiting) look();
		});
		child.stderr?.setEncoding("utf8").on("data", (text: string) => {
			this.err += text;
		});
		this.ended = new Promise((resolve, reject) => {
			child.once("error", reject).once("close", (code, signal) => {
				resolve({ code, signal, stdout: this.out, stderr: this.err, ms: Date.now() - begin });
				for (const look of this.waiting) look();
			});
		});
	}

	get pid(): number {
		if (this.child.pid === undefined) throw new Error("the command did not start");
		return this.child.pid;
	}

	/** What has come on stderr so far. */
	get errors(): string {
		return this.err;
	}

	/** Waits until stdout matches; throws if the command ends first. */
	async says(pattern: RegExp): Promise<RegExpExecArray> {
		return await new Promise((resolve, reject) => {
			const look = (): void => {
				const match = pattern.exec(this.out);
				if (match === null && this.child.exitCode === null && this.child.signalCode === null) return;
				this.waiting.delete(look);
				if (match !== null) resolve(match);
				else reject(new Error(`it ended without saying ${pattern}: ${this.out}${this.err}`));
			};
			this.waiting.add(look);
			look();
		});
	}
}

/**
 * A copy of the checkout's tools with a library of one line, in a temporary folder, whose npm and python are
 * scripts of this test: a set-up takes a moment, needs no network, and can fail in every way.
 */
export class FakeCheckout {
	readonly dir = fs.mkdtempSync(path.join(os.tmpdir(), "etcd-watch-lab-checkout-"));
	private readonly bin = path.join(this.dir, "fake-bin");

	constructor() {
		for (const file of [
			"package.json",
			"package-lock.json",
			"tsconfig.json",
			"biome.json",
			".mocharc.json",
			".ci",
			"tools",
			"lib/package.json",
			"lib/tsconfig.json",
		]) {
			fs.cpSync(path.join(root, file), path.join(this.dir, file), {
				recursive: true,
				preserveTimestamps: true,
			});
		}
		this.write("lib/src/index.ts", "export const one = 1;\n");
		this.write("test/tsconfig.json", fs.readFileSync(path.join(root, "test", "tsconfig.json"), "utf8"));
		this.write("test/empty.ts", "export {};\n");
		this.write("bench/tsconfig.json", fs.readFileSync(path.join(root, "bench", "tsconfig.json"), "utf8"));
		this.write("bench/empty.ts", "export {};\n");
		fs.mkdirSync(path.join(this.dir, "notebooks"));
		fs.mkdirSync(this.bin);
		this.npm();
		this.python();
	}

	write(file: string, text: string): void {
		const target = path.join(this.dir, file);
		fs.mkdirSync(path.dirname(target), { recursive: true });
		fs.writeFileSync(target, text);
	}

	read(file: string): string {
		return fs.readFileSync(path.join(this.dir, file), "utf8");
	}

	has(file: string): boolean {
		return fs.existsSync(path.join(this.dir, file));
	}

	/** How often the fake npm (or pip, venv, jupyterlab) was called. */
	calls(name: "npm" | "venv" | "pip" | "jupyterlab"): number {
		const log = path.join(this.dir, "calls.log");
		if (!fs.existsSync(log)) return 0;
		return fs
			.readFileSync(log, "utf8")
			.split("\n")
			.filter((line) => line === name).length;
	}

	/**
	 * An npm that links to the checkout's packages; with `body`, after half of its work it does that instead.
	 */
	npm(body = ""): void {
		this.command(
			"npm",
			`log("npm");
			fs.rmSync("node_modules", { recursive: true, force: true });
			fs.mkdirSync("node_modules");
			${body === "" ? "" : `${body}; return;`}
			for (const name of fs.readdirSync(${JSON.stringify(path.join(root, "node_modules"))})) {
				if (name === ".lab-stamp" || name === "etcd-watch-lab") continue;
				fs.symlinkSync(path.join(${JSON.stringify(path.join(root, "node_modules"))}, name), path.join("node_modules", name));
			}
			fs.symlinkSync("../lib", "node_modules/etcd-watch-lab");`,
		);
	}

	/** A python3 whose venvs are a folder with a python that answers for pip and jupyterlab. */
	python(
		options: { version?: string; hasVenv?: boolean; venv?: string; pip?: string; jupyterlab?: string } = {},
	): void {
		const { version = "3.12.1", hasVenv = true, venv = "", pip = "", jupyterlab = "" } = options;
		const [major, minor] = version.split(".");
		const probe = `${major} ${minor} ${version} ${hasVenv ? "True" : "False"}`;
		const inner = this.script(
			`if (args[0] === "-c") return console.log("${major}.${minor}");
			const what = args[0] === "-m" ? args[1] : "jupyterlab";
			log(what);
			if (what === "pip") { ${pip} }
			if (what === "jupyterlab") { ${jupyterlab} }`,
		);
		this.command(
			"python3",
			`if (args[0] === "-c") return console.log(${JSON.stringify(probe)});
			log("venv");
			${venv === "" ? "" : `${venv}; return;`}
			fs.mkdirSync(path.join(args[2], "bin"), { recursive: true });
			fs.writeFileSync(path.join(args[2], "bin", "python"), ${JSON.stringify(inner)}, { mode: 0o755 });`,
		);
	}

	/** Takes a command away. */
	without(command: "npm" | "python3"): void {
		fs.rmSync(path.join(this.bin, command));
	}

	/** Adds a command, by a script in JavaScript. */
	command(name: string, body: string): void {
		fs.writeFileSync(path.join(this.bin, name), this.script(body), { mode: 0o755 });
	}

	/** Runs .ci/run, with the fake commands before the machine's own. */
	async runCi(): Promise<Ended> {
		const env = { ...process.env, PATH: `${this.bin}${path.delimiter}${process.env["PATH"]}`, HOME: "" };
		const child = spawn("bash", [".ci/run"], { cwd: this.dir, env, stdio: ["ignore", "pipe", "pipe"] });
		return await new Running(child).ended;
	}

	/** Starts one of the lab's commands. Nothing but the fake commands is on its PATH. */
	spawn(...args: string[]): Running {
		return this.spawnWith({}, ...args);
	}

	private spawnWith(added: Readonly<NodeJS.ProcessEnv>, ...args: string[]): Running {
		// As npm sets them, these would lead to the real npm, and to the folder in which it was called.
		const { npm_execpath, INIT_CWD, ETCD_WATCH_LAB_COVER_ALL, ETCD_WATCH_LAB_NOT_COVERED, ...env } =
			process.env;
		return new Running(
			spawn(process.execPath, [path.join(this.dir, "tools", "bootstrap.mjs"), ...args], {
				cwd: this.dir,
				env: { ...env, PATH: this.bin, HOME: path.join(this.dir, "home"), ...added },
				stdio: ["ignore", "pipe", "pipe"],
			}),
		);
	}

	async run(...args: string[]): Promise<Ended> {
		return await this.spawn(...args).ended;
	}

	/** As run(), with these in the environment. */
	async runWith(env: Readonly<NodeJS.ProcessEnv>, ...args: string[]): Promise<Ended> {
		return await this.spawnWith(env, ...args).ended;
	}

	/** Moves it, as a reader would move the folder. */
	moved(): FakeCheckout {
		const to = `${this.dir}-moved`;
		fs.renameSync(this.dir, to);
		const copy: FakeCheckout = Object.create(FakeCheckout.prototype);
		return Object.assign(copy, this, { dir: to, bin: path.join(to, "fake-bin") });
	}

	remove(): void {
		fs.rmSync(this.dir, { recursive: true, force: true, maxRetries: 3 });
	}

	private script(body: string): string {
		return `#!${process.execPath}
const fs = require("node:fs");
const path = require("node:path");
const args = process.argv.slice(2);
const log = (name) => fs.appendFileSync(${JSON.stringify(path.join(this.dir, "calls.log"))}, name + "\\n");
const hang = () => setInterval(() => {}, 1000);
const fail = (text) => { console.error(text); process.exitCode = 1; };
(() => { ${body} })();
`;
	}
}
