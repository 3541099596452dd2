import fs from "node:fs";
import path from "node:path";
import { CellFiles } from "./notebooks/cell-files";
import { joined, type Notebook, notebookFiles, readNotebook, writeNotebook } from "./notebooks/file";
import { asCommitted } from "./notebooks/questions";
import { root, shown } from "./paths";
import { Problem } from "./problem";
import type { Host } from "./setup/host";

/** Compiled by `tsc -b`, in this order. */
const PROJECTS = ["lib", "tools", "test", "bench"];

/**
 * `npm run check`: lint, formatting, types and rooms of everything, the notebooks' code cells included. All of it runs
 * even if an early part finds something. With `fix`, what can be put right by itself is.
 */
export async function check(host: Host, options: { fix?: boolean }): Promise<number> {
	const cells = CellFiles.write();
	try {
		return await checkAll(host, cells, options);
	} finally {
		cells.remove();
	}
}

/** Compiles everything, and checks nothing else. */
export async function compileAll(host: Host): Promise<void> {
	await host.exclusive(() => host.compile(PROJECTS));
}

async function checkAll(host: Host, cells: CellFiles, options: { fix?: boolean }): Promise<number> {
	const findings = [
		await biome(host, cells, options.fix === true),
		fullRooms(),
		unfolded(host, options.fix === true),
		...(await types(host)),
		await cellTypes(host, cells),
	].filter((text) => text !== "");
	if (findings.length > 0) {
		host.say(findings.join("\n\n"));
		host.say(
			options.fix
				? "\ncheck: see above"
				: "\ncheck: see above (npm run check -- --fix puts some of it right)",
		);
		return 1;
	}
	host.say(`check: lint, format and types are fine, in ${cells.count} notebooks too`);
	return 0;
}

/** What Biome finds, in the sources and in the cells. */
async function biome(host: Host, cells: CellFiles, fix: boolean): Promise<string> {
	const bin = path.join(root, "node_modules", "@biomejs", "biome", "bin", "biome");
	const command = [bin, "check", "--colors=off", "--error-on-warnings", "--max-diagnostics=200"];
	if (fix) command.push("--write");
	const sources = await host.run(process.execPath, [...command, "."], {});
	let findings = sources.code === 0 ? "" : sources.output;
	if (cells.count > 0) {
		const config = `--config-path=${path.join(root, "tools", "cells.biome.json")}`;
		const laidOut = await host.run(process.execPath, [...command, config, shown(cells.folder)], {});
		if (laidOut.code !== 0) findings += cells.translate(laidOut.output);
		if (fix) for (const file of cells.writeBack()) host.say(`formatted ${file}`);
	}
	return findings.trim();
}

/** The folders of the sources with more files than a reader takes in; what else keeps them small is in biome.json. */
function fullRooms(): string {
	const most = 12;
	const counts = new Map<string, number>();
	for (const src of [path.join("lib", "src"), path.join("tools", "src")]) {
		for (const file of fs.readdirSync(path.join(root, src), { recursive: true, encoding: "utf8" })) {
			const folder = path.join(src, path.dirname(file));
			if (file.endsWith(".ts")) counts.set(folder, (counts.get(folder) ?? 0) + 1);
		}
	}
	const full = [...counts].filter(([, count]) => count > most);
	return full
		.map(
			([folder, count]) =>
				`${folder} has ${count} files, at most ${most}: merge some, or make a folder in it`,
		)
		.join("\n");
}

/** The pages that give an answer away in JupyterLab; with `fix` they are put right. */
function unfolded(host: Host, fix: boolean): string {
	const files = notebookFiles().filter((file) => {
		const notebook = readNotebook(file);
		const better = asCommitted(notebook);
		const shape = ({ cells }: Notebook) =>
			JSON.stringify(cells.map(({ id, metadata, source }) => [id, metadata, joined(source)]));
		if (shape(better) === shape(notebook)) return false;
		if (!fix) return true;
		writeNotebook(file, better);
		host.say(`folded ${shown(file)}`);
		return false;
	});
	const why = "JupyterLab would show an answer before its prediction (or a heading stands within a cell)";
	return files.map((file) => `${shown(file)}: ${why}`).join("\n");
}

/** What the compiler finds in the projects and in setup.mjs, which is typed by JSDoc. */
async function types(host: Host): Promise<string[]> {
	const setup = await host.run(process.execPath, [tsc, "-p", path.join("tools", "tsconfig.setup.json")], {});
	const findings = setup.code === 0 ? [] : [setup.output.trim()];
	try {
		await compileAll(host);
	} catch (error) {
		if (!(error instanceof Problem) && !(error instanceof Error && error.name === "Problem")) throw error;
		findings.push(error.message);
	}
	return findings;
}

const tsc = path.join(root, "node_modules", "typescript", "bin", "tsc");

/** What the compiler finds in the notebooks: the cells of one, put together, are one module. */
async function cellTypes(host: Host, cells: CellFiles): Promise<string> {
	if (cells.count === 0) return "";
	const config = {
		compilerOptions: {
			target: "es2022",
			lib: ["es2023"],
			// As in a cell: await at the top level, and imports without a file extension.
			module: "esnext",
			moduleResolution: "bundler",
			types: ["node"],
			typeRoots: ["../../../node_modules/@types"],
			strict: true,
			noImplicitReturns: true,
			noFallthroughCasesInSwitch: true,
			skipLibCheck: true,
			noEmit: true,
		},
		include: ["*.ts"],
	};
	const file = path.join(cells.folder, "tsconfig.json");
	fs.writeFileSync(file, JSON.stringify(config));
	const { code, output } = await host.run(process.execPath, [tsc, "-p", file, "--pretty", "false"], {});
	return code === 0 ? "" : cells.translate(output).trim();
}
