import path from "node:path";
import { interruptible } from "../interrupts";
import { artifactsDir, shown } from "../paths";
import { Problem } from "../problem";
import type { Host } from "../setup/host";
import { prepareVenv } from "../setup/venv";
import { advice, compareNotebooks, type Difference, report } from "./compare";
import { type Notebook, notebookFiles, readNotebook } from "./file";
import { codeCells, editedCells, sourceOf } from "./outputs";
import { executeNotebook, inTurn, ownEtcd } from "./run";
import { misfits, volatileCells } from "./volatile-cells";

/** How the check of one notebook ended. */
interface Checked {
	readonly name: string;
	readonly differences: readonly Difference[];
	/** Why it could not be run to its end. */
	readonly failure?: string;
}

/** Where the fresh runs are left, to be looked at beside the committed ones. */
const freshDir = path.join(artifactsDir, "notebooks", "fresh");

/**
 * `npm run notebooks -- --check`: runs all, or those named, side by side, leaves the files alone, and tells in
 * what they are not what a fresh run gives. Returns 1 if there is anything to tell.
 */
export async function checkNotebooks(host: Host, names: readonly string[]): Promise<number> {
	const files = notebookFiles(names);
	const wrong = misfits(
		new Map(notebookFiles().map((file) => [nameOf(file), readNotebook(file)])),
		volatileCells,
	);
	if (wrong.length > 0) throw new Problem(wrong.join("\n"));
	await host.exclusive(() => host.compile(["lib"]));
	await prepareVenv(host);
	const begin = Date.now();
	const checked = await interruptible(async (interrupted) => {
		const all = await Promise.all(files.map((file) => inTurn(() => checkOne(host, file, interrupted))));
		if (interrupted.aborted) throw new Problem("interrupted: no notebook was changed", 130);
		return all;
	});
	const colours = process.stdout.isTTY && process.stdout.hasColors();
	const stale = checked.filter(({ differences, failure }) => failure !== undefined || differences.length > 0);
	for (const { name, differences, failure } of stale)
		host.say(`\n${failure ?? report(`notebooks/${name}.ipynb`, differences, colours)}`);
	const differing = stale.filter(({ failure }) => failure === undefined).map(({ name }) => name);
	if (differing.length > 0) host.say(`\n${advice(differing)}\nThe fresh runs are in ${shown(freshDir)}/.`);
	const seconds = ((Date.now() - begin) / 1000).toFixed(0);
	const all = files.length === 1 ? "the notebook" : `all ${files.length} notebooks`;
	host.say(
		stale.length === 0
			? `what is committed is what a fresh run gives, in ${all} (${seconds} s)`
			: `\nwhat is committed is not what a fresh run gives, in ${stale.length} of ${files.length} (${seconds} s)`,
	);
	return stale.length === 0 ? 0 : 1;
}

async function checkOne(host: Host, file: string, signal: AbortSignal): Promise<Checked> {
	const name = nameOf(file);
	if (signal.aborted) return { name, differences: [] };
	const begin = Date.now();
	const committed = readNotebook(file);
	try {
		const fresh = await executeNotebook(file, { env: ownEtcd, outDir: freshDir, signal });
		const differences = compareNotebooks(name, committed, fresh);
		const found = differences.length === 0 ? "as committed" : `differs in ${differences.length}`;
		host.say(`${shown(file)}  ${((Date.now() - begin) / 1000).toFixed(1)} s  ${found}`);
		for (const cell of await editedCells(file, committed)) host.say(`  ${edited(committed, cell)}`);
		return { name, differences };
	} catch (error) {
		const failure = error instanceof Error ? error.message : String(error);
		if (!signal.aborted) host.say(`${shown(file)}  could not be run`);
		return { name, differences: [], failure };
	}
}

function edited(notebook: Notebook, cell: number): string {
	const cells = codeCells(notebook);
	const [first] = sourceOf(cells[cell - 1] ?? { cell_type: "code", metadata: {}, source: "" }).split("\n");
	return `cell ${cell} was edited since the last commit, and the notebook not run again: ${first}`;
}

function nameOf(file: string): string {
	return path.basename(file, ".ipynb");
}
