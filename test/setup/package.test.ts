import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { V3Client } from "#lib/v3";
import { Running, root } from "../support/checkout";
import { etcd35 } from "../support/etcd";
import { OwnEtcd } from "../support/own-etcd";

/** The subpaths, and what an import of each loads beside itself: nothing of the notebooks' (vega, zod, entities). */
const subpaths = { follow: ["undici"], v2: ["undici"], v3: ["undici"], server: ["undici"], model: [] };

/** What a user of the package writes: both APIs, from the state on, and again from a saved position. */
const consumer = `
const say = (what) => console.log(JSON.stringify(what));
async function main(endpoint, root) {
	const v2 = new V2Client({ endpoints: [endpoint] });
	const v3 = new V3Client({ endpoints: [endpoint] });
	const clients = [[v2, (key, value) => v2.set(key, value)], [v3, (key, value) => v3.put(key, value)]];
	for (const [client, write] of clients) {
		const follower = follow(client, root, { recursive: true });
		await follower.ready();
		await write(root + "/a", "1");
		const { value: event } = await follower.next();
		const position = JSON.parse(JSON.stringify(follower.position));
		await follower.close();
		await write(root + "/b", "2");
		const keys = [];
		for await (const change of follow(client, root, { recursive: true, position })) {
			keys.push(change.key);
			if (keys.length === 2) break;
		}
		const tree = await mirror(client, root);
		say([event.kind, event.key, event.node.value, ...keys, tree.get(root + "/b")?.value]);
		await tree.close();
		await client.close();
	}
	say(Object.keys(Module._cache));
}
main(...process.argv.slice(2));
`;
const names = [
	["Module", "node:module"],
	["{ follow, mirror }", "etcd-watch-lab/follow"],
	["{ V2Client }", "etcd-watch-lab/v2"],
	["{ V3Client }", "etcd-watch-lab/v3"],
] as const;
const loading = {
	import: (name: string, from: string) => `import ${name} from "${from}";\n`,
	require: (name: string, from: string) => `const ${name} = require("${from}");\n`,
} as const;

/** What has to compile, and what must not: else the types are loose, or tell of internal options. */
const typed = `
import { chart, type Scenario, scenario, type Timeline } from "etcd-watch-lab";
import { type Chart, timelineChart } from "etcd-watch-lab/chart";
import { type Change, type Follower, follow, type Mirror, mirror, type Position, ResetError } from "etcd-watch-lab/follow";
import { ModelStore } from "etcd-watch-lab/model";
import { type Table, timelineTable } from "etcd-watch-lab/page";
import { type SpeedSeries, timeTravel } from "etcd-watch-lab/pages";
import { startLab } from "etcd-watch-lab/server";
import type { WatcherRecord } from "etcd-watch-lab/timeline";
import { type Answer, ConnectionError, KeyNotFoundError, V2Client } from "etcd-watch-lab/v2";
import { ArgumentError, type ConnectOptions, type KeyValue, V3Client } from "etcd-watch-lab/v3";

export async function consume(client: V2Client | V3Client, position: Position): Promise<Position> {
	const follower: Follower = follow(client, "/a", { recursive: true, position, queueLength: 10 });
	for await (const change of follower) {
		if (change.kind === "event") console.log(change.index, change.node.value);
		else console.log(change.state.nodes.length, change.kind === "gap" ? change.from : change.lastIndex);
	}
	const tree: Mirror = await mirror(client, "/a", { onChange: (change) => console.log(change.kind) });
	const ended: Promise<IteratorResult<Change, undefined>> = follower.next();
	console.log(tree.index, await ended, new ModelStore(), startLab, KeyNotFoundError, ResetError);
	return follower.position;
}
export async function read(options: ConnectOptions): Promise<[Answer, KeyValue | undefined] | boolean> {
	try {
		return [await new V2Client(options).get("/a"), await new V3Client(options).get("/a")];
	} catch (error) {
		return error instanceof ConnectionError ? error.maybeApplied : error instanceof ArgumentError;
	}
}
export function drawn(run: Timeline): [Chart, Table, readonly WatcherRecord[]] {
	chart(run);
	timeTravel(run);
	return [timelineChart(run), timelineTable(run), run.watchers];
}
export const steps: Scenario = scenario("a").set("/a", "1");
export const series: SpeedSeries = { name: "a", points: [[1, 2]] };
// @ts-expect-error A scenario has to be run first.
chart(steps);
// @ts-expect-error A key is text.
follow(new V3Client({ endpoints: [] }), 7);
// @ts-expect-error An option of the mirror's own.
follow(new V3Client({ endpoints: [] }), "/a", { onBookmark: () => {} });
`;

const typescript = "typescript/bin/tsc";
const typescriptOfTslab = "@tslab/typescript-for-tslab/lib/tsc.js";
/** As of TypeScript 5.2. */
const disposed = `
export async function names(client: V3Client): Promise<readonly string[]> {
	await using follower = follow(client, "/a");
	await using tree = await mirror(client, "/a", { decode: ({ value = "" }) => ({ name: value }) });
	await follower.ready();
	return tree.list().map(({ name }) => name);
}
`;

/** Compilers, and how each is to find a package: a cell's way, the last, knows no "exports". */
const compilers = [
	[typescript, "--module nodenext", ["typed.mts", "typed.cts"]],
	[typescript, "--module esnext --moduleResolution bundler", ["typed.ts"]],
	[typescriptOfTslab, "--module nodenext --skipLibCheck", ["typed.mts", "typed.cts"]],
	[typescriptOfTslab, "--module commonjs --moduleResolution node --lib es2022", ["typed.ts"]],
] as const;

describe("the package", function () {
	this.timeout(240_000);
	let temporary = "";
	let folder = "";
	let installed = "";
	let etcd: OwnEtcd | undefined;

	before("packed from its sources alone, and installed into an empty folder", async () => {
		temporary = fs.mkdtempSync(path.join(os.tmpdir(), "etcd-watch-lab-package-"));
		folder = path.join(temporary, "consumer");
		installed = path.join(folder, "node_modules", "etcd-watch-lab");
		const sources = path.join(temporary, "lib");
		const isSource = (file: string) =>
			!/^(dist|node_modules)$/.test(path.relative(path.join(root, "lib"), file));
		fs.cpSync(path.join(root, "lib"), sources, { recursive: true, filter: isSource });
		fs.copyFileSync(path.join(root, "tsconfig.json"), path.join(temporary, "tsconfig.json"));
		fs.symlinkSync(path.join(root, "node_modules"), path.join(temporary, "node_modules"), "junction");
		await npm(sources, "pack", "--ignore-scripts=false", "--pack-destination", temporary);
		// Node and TypeScript look upwards: what they find has to be what was installed.
		for (const name of ["node_modules", "tsconfig.json"]) fs.unlinkSync(path.join(temporary, name));
		const [tarball] = fs.readdirSync(temporary).filter((name) => name.endsWith(".tgz"));
		fs.mkdirSync(folder);
		const { manifest, lock } = projectWith(`file:../${tarball}`);
		fs.writeFileSync(path.join(folder, "package.json"), JSON.stringify(manifest));
		fs.writeFileSync(path.join(folder, "package-lock.json"), JSON.stringify(lock));
		await npm(folder, "ci", "--prefer-offline", "--ignore-scripts");
		etcd = await OwnEtcd.start(etcd35);
	});
	after(async () => {
		await etcd?.stop();
		fs.rmSync(temporary, { recursive: true, force: true, maxRetries: 5 });
	});

	it("holds what a user needs: the compiled library and its sources, a README, the licence", () => {
		const inside = (of: string) =>
			fs.readdirSync(path.join(installed, of), { recursive: true, encoding: "utf8" });
		const names = fs.readdirSync(installed).sort();
		assert.deepEqual(names, ["LICENSE", "README.md", "dist", "package.json", "recorded", "src"]);
		const [ours, theirs] = [root, installed].map((of) => fs.readFileSync(path.join(of, "LICENSE"), "utf8"));
		assert.equal(theirs, ours);
		const sources = inside("src").filter((file) => file.endsWith(".ts"));
		const endings = [".js", ".js.map", ".d.ts", ".d.ts.map"];
		const wanted = sources.flatMap((file) => endings.map((ending) => file.replace(/\.ts$/, ending)));
		const made = inside("dist").filter((file) => path.extname(file) !== "");
		assert.deepEqual(made.sort(), wanted.sort());
	});

	it("tells of no internal option in its declarations", () => {
		const dist = path.join(installed, "dist");
		for (const file of fs.readdirSync(dist, { recursive: true, encoding: "utf8" })) {
			if (!file.endsWith(".d.ts")) continue;
			assert.doesNotMatch(fs.readFileSync(path.join(dist, file), "utf8"), /@internal/, file);
		}
	});

	for (const kind of ["import", "require"] as const) {
		it(`follows both APIs of a live etcd from a program that uses ${kind}, and loads undici and ws alone`, async () => {
			const name = kind === "import" ? "consumer.mjs" : "consumer.cjs";
			const head = names.map(([what, from]) => loading[kind](what, from)).join("");
			fs.writeFileSync(path.join(folder, name), head + consumer);
			const key = `/${kind}`;
			const said = (await node(folder, name, etcd?.endpoint ?? "", key)).trim().split("\n");
			const [v2, v3, loaded = []] = said.map((line): string[] => JSON.parse(line));
			const told = ["event", `${key}/a`, "1", `${key}/a`, `${key}/b`, "2"];
			assert.deepEqual([v2, v3], [told, told]);
			// A WebSocket, from its first use on.
			assert.deepEqual(packagesOf(loaded), ["etcd-watch-lab", "undici", "ws"]);
		});
	}

	for (const [subpath, beside] of Object.entries(subpaths)) {
		it(`/${subpath} loads ${beside.join() || "nothing"} beside itself`, async () => {
			const script = `require("etcd-watch-lab/${subpath}"); console.log(JSON.stringify(Object.keys(require.cache)))`;
			const loaded: string[] = JSON.parse(await node(folder, "-e", script));
			assert.deepEqual(packagesOf(loaded), ["etcd-watch-lab", ...beside]);
			const rooms = loaded.flatMap((file) => file.split(`${path.sep}dist${path.sep}`)[1] ?? []);
			assert.deepEqual(
				rooms.filter((file) => /^(chart|claims|page|pages|scenario|timeline)\b/.test(file)),
				[],
			);
		});
	}

	it("keeps its files to itself: what is not exported can't be loaded", async () => {
		const script = `try { require("etcd-watch-lab/dist/http/index.js"); } catch (error) { console.log(error.code); }`;
		assert.equal(await node(folder, "-e", script), "ERR_PACKAGE_PATH_NOT_EXPORTED\n");
	});

	it("has at its root what every page uses, and nothing else", async () => {
		const script = `import * as lab from "etcd-watch-lab"; const { default: _, __esModule, ...kit } = lab; console.log(Object.keys(kit).sort().join(" "));`;
		const kit =
			`chart chartSideBySide checkExercise checkPrediction claims eventTable eventsOf exercises explain
			explainMatrix lab loadTimeline missedBy predict runOnModel saveTimeline scenario showDifferences
			showExplanation showGaps showLosses showTable showVerdict table`.split(/\s+/);
		assert.equal(await node(folder, "--input-type=module", "-e", script), `${kit.join(" ")}\n`);
	});

	for (const kind of ["import", "require"] as const) {
		it(`has by ${kind} what one page uses, and charts, tables and records as data`, async () => {
			const all = ["pages timeTravel", "chart timelineChart", "page tableOf", "timeline compareTimelines"];
			for (const [subpath = "", name = ""] of all.map((one) => one.split(" "))) {
				const script = `${loading[kind](`{ ${name} }`, `etcd-watch-lab/${subpath}`)}console.log(typeof ${name});`;
				const type = kind === "import" ? "module" : "commonjs";
				assert.equal(await node(folder, `--input-type=${type}`, "-e", script), "function\n");
			}
		});
	}

	it("has a README whose programs run, print what it says that they print, and whose links lead somewhere", async () => {
		const readme = fs.readFileSync(path.join(installed, "README.md"), "utf8");
		const links = [...readme.matchAll(/\]\((?!https:|#)([^)]+)\)/g)].map(([, link = ""]) => link);
		assert.ok(links.length > 5);
		assert.deepEqual(
			links.filter((link) => !fs.existsSync(path.join(installed, link))),
			[],
		);
		const programs = [...readme.matchAll(/^```js\n(.*?)^```/gms)].map(([, text = ""]) => text);
		assert.equal(programs.length, 6);
		const endpoint = etcd?.endpoint ?? "";
		const writer = new V3Client({ endpoints: [endpoint] });
		// For the program that follows until it is ended.
		const writing = setInterval(() => void writer.put("/config/a", "1").catch(() => {}), 100);
		try {
			for (const [nth, text] of programs.entries()) {
				const wanted = [...text.matchAll(/^\/\/ → (.*)$/gm)].map(([, line = ""]) => line);
				assert.ok(wanted.length > 0);
				fs.writeFileSync(
					path.join(folder, `readme-${nth}.mjs`),
					text.replaceAll("http://127.0.0.1:2379", endpoint),
				);
				const child = spawn(process.execPath, [`readme-${nth}.mjs`], { cwd: folder, timeout: 30_000 });
				const running = new Running(child);
				for (const line of wanted) await running.says(new RegExp(`^${line}$`, "m"));
				if (text.includes("client.close()")) assert.equal((await running.ended).code, 0, "it ends by itself");
				else child.kill();
				await running.ended;
			}
		} finally {
			clearInterval(writing);
			await writer.close();
		}
	});

	for (const [compiler, options, files] of compilers) {
		it(`has types for ${compiler === typescript ? "TypeScript" : "tslab's TypeScript"}, ${options}`, async () => {
			const text = compiler === typescript ? typed + disposed : typed;
			for (const file of files) fs.writeFileSync(path.join(folder, file), text);
			const common = ["--noEmit", "--strict", "--target", "es2022", "--types", "node"];
			const tsc = path.join(root, "node_modules", compiler);
			await node(folder, tsc, ...common, ...options.split(" "), ...files);
		});
	}
});

/** A project that has the package and Node's types, with the versions that the checkout's lock file has. */
function projectWith(tarball: string) {
	const { packages } = JSON.parse(fs.readFileSync(path.join(root, "package-lock.json"), "utf8")) as {
		packages: Record<string, { version: string; dependencies?: Record<string, string> }>;
	};
	const own = { ...packages["lib"], version: "0.1.0", resolved: tarball };
	const types = packages["node_modules/@types/node"]?.version ?? "";
	const dependencies = { "etcd-watch-lab": tarball, "@types/node": types };
	const locked: Record<string, unknown> = { "": { dependencies }, "node_modules/etcd-watch-lab": own };
	const waiting = [...Object.keys(own.dependencies ?? {}), "@types/node"];
	for (let name = waiting.pop(); name !== undefined; name = waiting.pop()) {
		const place = `node_modules/${name}`;
		if (place in locked) continue;
		for (const [at, entry] of Object.entries(packages)) {
			if (at !== place && !at.startsWith(`${place}/`)) continue;
			locked[at] = { ...entry, dev: false };
			waiting.push(...Object.keys(entry.dependencies ?? {}));
		}
	}
	return { manifest: { private: true, dependencies }, lock: { lockfileVersion: 3, packages: locked } };
}

/** Of which packages the files are, without repetition. */
function packagesOf(files: readonly string[]): string[] {
	const names = files.flatMap((file) => {
		const [, inside] = file.split(`${path.sep}node_modules${path.sep}`);
		return inside === undefined ? [] : [inside.split(path.sep, 1)[0] ?? ""];
	});
	return [...new Set(names)].sort();
}

function node(cwd: string, ...args: string[]): Promise<string> {
	return output(cwd, process.execPath, args);
}

function npm(cwd: string, ...args: string[]): Promise<string> {
	const quiet = ["--no-audit", "--no-fund", "--no-update-notifier", "--loglevel=error"];
	return process.platform === "win32"
		? output(cwd, "cmd", ["/c", "npm", ...args, ...quiet])
		: output(cwd, "npm", [...args, ...quiet]);
}

/** What it prints. It has to end by itself, and well. */
async function output(cwd: string, command: string, args: readonly string[]): Promise<string> {
	const child = spawn(command, args, { cwd, stdio: ["ignore", "pipe", "pipe"], timeout: 100_000 });
	const { code, signal, stdout, stderr } = await new Running(child).ended;
	assert.equal(code, 0, `${command} ${args.join(" ")}: ${signal ?? code}\n${stdout}${stderr}`);
	return stdout;
}
