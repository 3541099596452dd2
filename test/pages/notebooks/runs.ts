import fs from "node:fs";
import path from "node:path";
import { type Notebook, writeNotebook } from "#tools/notebooks/file";
import { type ExecuteOptions, executeNotebook, inTurn, ownEtcd } from "#tools/notebooks/run";
import { root } from "../../support/checkout";

/** Runs a notebook in a fresh kernel, as soon as a processor is free for it; the file stays as it is. */
export async function run(file: string, options: ExecuteOptions = {}): Promise<Notebook> {
	return await inTurn(() => executeNotebook(file, { ...options, env: { ...ownEtcd, ...options.env } }));
}

/** A run that is begun now and awaited by its test later, so that the processors are never idle in between. */
export function begin(file: string, options: ExecuteOptions = {}): Promise<Notebook> {
	const running = run(file, options);
	// Its test tells of a failure; until that test has its turn, nobody listens.
	running.catch(() => {});
	return running;
}

/** `npm test` has a folder for each run. */
const own = process.env["ETCD_WATCH_LAB_RUN"] ?? path.join(root, ".artifacts", "tests", String(process.pid));

/** Where executed notebooks are left to be looked at after a failure, until the next run of the tests. */
export function artifacts(name: string): string {
	return path.join(own, "notebooks", name);
}

/** Writes a variant of a notebook inside the checkout, so that its cells find the packages; gives its file. */
export function variant(name: string, notebook: Notebook): string {
	const file = path.join(artifacts("variants"), `${name}.ipynb`);
	fs.mkdirSync(path.dirname(file), { recursive: true });
	writeNotebook(file, notebook);
	return file;
}
