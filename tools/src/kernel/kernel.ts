import fs from "node:fs";
import path from "node:path";
import { joined } from "../notebooks/file";
import { recordedCell } from "../notebooks/records";
import { root } from "../paths";
import { CellErrors } from "./cell-errors";
import { withHints } from "./hints";

/**
 * The kernel of a notebook: tslab's, with two things put right. A cell may use what this Node has, not only what
 * TypeScript 5.0 knows of; and an error says in one line what is wrong, and in which line of the cell.
 */
function main(configPath: string): void {
	const tslab = loadTslab();
	const { createConverter, createExecutor, JupyterHandlerImpl, ZmqServer } = tslab;
	// Enough that the cell's own line is among the frames of an error from deep in the lab.
	Error.stackTraceLimit = 40;
	const errors = new CellErrors(path.join(root, "lib", "dist"));
	const node = createConverter({ isBrowser: false });
	let browser: typeof node | undefined;
	const converters = {
		node: {
			...node,
			convert: (declarations: string, code: string) => {
				const converted = node.convert(declarations, code);
				const diagnostics = withHints(converted.diagnostics);
				if (converted.output === undefined) return { ...converted, diagnostics };
				return {
					...converted,
					diagnostics,
					output: errors.began(handler["execCount"], code, converted.output),
				};
			},
		},
		get browser() {
			browser ??= createConverter({ isBrowser: true });
			return browser;
		},
		close: () => {
			node.close();
			browser?.close();
		},
	};
	/** The running cell, and whether a record of it stands in for what it threw. */
	const running = { source: "", isReplayed: false };
	const executor = createExecutor(process.cwd(), converters, {
		log: console.log,
		// Called with a format for what TypeScript found, and with the error alone for what a cell threw.
		error: (first: unknown, ...rest: unknown[]) => {
			if (rest.length > 0) return console.error(first, ...rest);
			running.isReplayed = replays(first, running.source, tslab.jupyter);
			if (!running.isReplayed) console.error(errors.said(first));
		},
	});
	const { execute } = executor;
	executor.execute = async (source: string) => {
		Object.assign(running, { source, isReplayed: false });
		return (await execute(source)) || running.isReplayed;
	};
	const handler = new JupyterHandlerImpl(executor, false);
	process.on("SIGINT", () => executor.interrupt());
	process.on("uncaughtException", (error) => console.error(errors.saidAside(error)));
	process.on("unhandledRejection", (reason) =>
		console.error(`${errors.saidAside(reason)}\n(nothing awaited the promise that ended so)`),
	);
	const server = new ZmqServer(handler, configPath);
	encrypt(server, configPath);
	void server.init();
}

/**
 * Has a kernel's sockets speak with nobody who lacks the key of its connection file, where Jupyter has put one: as they
 * are, every user of the machine hears on the ports what the cells say (Jupyter signs messages, it hides none).
 */
function encrypt(server: object, configPath: string): void {
	const bind: unknown = Reflect.get(server, "bindSocket");
	const { curve_publickey, curve_secretkey } = JSON.parse(fs.readFileSync(configPath, "utf8"));
	if (curve_secretkey === undefined) return;
	if (typeof bind !== "function") throw new Error("tslab has changed: its ZmqServer has no bindSocket");
	Reflect.set(server, "bindSocket", async (socket: object, port: number) => {
		const keys = { curveServer: true, curvePublicKey: curve_publickey, curveSecretKey: curve_secretkey };
		await Reflect.apply(bind, server, [Object.assign(socket, keys), port]);
	});
}

/**
 * A cell that asks the v2 API of a server without one, or too much of one that the lab did not start: shows what it gave
 * on the lab's own etcd, and says so. False for another error, and where nothing is recorded of that very cell.
 */
function replays(thrown: unknown, source: string, jupyter: typeof import("tslab/dist/jupyter")): boolean {
	if (!(thrown instanceof Error) || !/^(?:V2Disabled|SharedServer)Error$/.test(thrown.name)) return false;
	const record = recordedCell(source);
	if (record === undefined) return false;
	const server = /^etcd \S+/.exec(thrown.message)?.[0] ?? "it";
	const why = thrown.name === "SharedServerError" ? thrown.message : `this server, ${server}, has no v2 API`;
	console.log(`recorded on etcd ${record.etcd} (${why}):`);
	for (const { output_type, text, data } of record.outputs) {
		if (output_type === "stream") process.stdout.write(joined(text));
		else Reflect.apply(jupyter.lastWriteDisplayData, jupyter, [{ data, metadata: {}, transient: {} }, false]);
	}
	return true;
}

/** tslab's parts, on a TypeScript that is told more: what this Node has, and to say where each line came from. */
function loadTslab() {
	const file = require.resolve("@tslab/typescript-for-tslab");
	const typescript: typeof import("@tslab/typescript-for-tslab") = require(file);
	const { createWatchCompilerHost, sys, transpileModule } = typescript;
	const more = newerLibs();
	const readFile = sys.readFile;
	sys.readFile = (name, encoding) => {
		const text = readFile(name, encoding);
		return more.includes(name) ? text && forOlderTypeScript(text) : text;
	};
	const changed = {
		...typescript,
		createWatchCompilerHost: (files: string[], options: object, ...rest: unknown[]) => {
			const lib = "lib" in options && Array.isArray(options.lib) ? options.lib : [];
			return Reflect.apply(createWatchCompilerHost, typescript, [
				files,
				{ ...options, lib: [...lib, ...more], inlineSourceMap: true },
				...rest,
			]);
		},
		transpileModule: (text: string, { compilerOptions, ...rest }: { compilerOptions?: object }) =>
			Reflect.apply(transpileModule, typescript, [
				text,
				{ ...rest, compilerOptions: { ...compilerOptions, inlineSourceMap: true, inlineSources: true } },
			]),
	};
	const cached = require.cache[file];
	if (cached) cached.exports = changed;
	return {
		...(require("tslab/dist/converter") as typeof import("tslab/dist/converter")),
		...(require("tslab/dist/executor") as typeof import("tslab/dist/executor")),
		...(require("tslab/dist/jupyter") as typeof import("tslab/dist/jupyter")),
		/** Its exports as they are at any time. */
		jupyter: require("tslab/dist/jupyter") as typeof import("tslab/dist/jupyter"),
	};
}

/** The declarations, from the TypeScript that the lab is compiled with, of what this Node has beyond ES2022. */
function newerLibs(): string[] {
	const { platform, arch } = process;
	const from = path.dirname(require.resolve("typescript/package.json"));
	const folder = require.resolve(`@typescript/typescript-${platform}-${arch}/package.json`, {
		paths: [from],
	});
	return [
		["es2023.array", "toSorted" in Array.prototype],
		["es2024.arraybuffer", "transfer" in ArrayBuffer.prototype],
		["es2024.collection", "groupBy" in Map],
		["es2024.object", "groupBy" in Object],
		["es2024.promise", "withResolvers" in Promise],
		["es2024.string", "isWellFormed" in String.prototype],
		["es2025.collection", "union" in Set.prototype],
		["es2025.promise", "try" in Promise],
		["es2025.regexp", "escape" in RegExp],
		["esnext.array", "fromAsync" in Array],
	].flatMap(([name, isThere]) =>
		isThere ? [path.join(path.dirname(folder), "lib", `lib.${name}.d.ts`).replaceAll("\\", "/")] : [],
	);
}

/** Without what TypeScript 5.0 does not know: arrays of bytes that name their buffer's type, the newer libs' names. */
function forOlderTypeScript(declarations: string): string {
	return declarations
		.replace(/\b(\w+Array)<(TArrayBuffer extends ArrayBufferLike|TArrayBuffer|ArrayBuffer)>/g, "$1")
		.replace(/^\/\/\/ <reference lib=.*$/gm, "");
}

const [configPath] = process.argv.slice(2);
if (configPath === undefined || !fs.existsSync(configPath)) {
	console.error("this runs a notebook's kernel, and Jupyter starts it: npm start");
	process.exitCode = 1;
} else main(configPath);
