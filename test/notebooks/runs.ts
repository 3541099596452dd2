import fs from "node:fs";
import { availableParallelism } from "node:os";
import path from "node:path";
import { type Notebook, writeNotebook } from "#tools/notebook";
import { type ExecuteOptions, executeNotebook } from "#tools/notebooks";
import { root } from "../support/checkout";

/** Variables of the reader's own that a test's kernel must not see. */
const unset = {
	ETCDCTL_ENDPOINTS: undefined,
	ETCDCTL_CACERT: undefined,
	ETCDCTL_CERT: undefined,
	ETCDCTL_KEY: undefined,
	ETCDCTL_USER: undefined,
	ETCDCTL_PASSWORD: undefined,
	ETCD_WATCH_LAB_ETCD: undefined,
	ETCD_WATCH_LAB_ALLOW_OVERFLOW: undefined,
};

let free = Math.max(2, availableParallelism());
const queue: (() => void)[] = [];

/** Runs a notebook in a fresh kernel, as soon as a processor is free for it; the file stays as it is. */
export async function run(file: string, options: ExecuteOptions = {}): Promise<Notebook> {
	if (free > 0) free--;
	else await new Promise<void>((resolve) => queue.push(resolve));
	try {
		return await executeNotebook(file, { ...options, env: { ...unset, ...options.env } });
	} finally {
		const next = queue.shift();
		if (next === undefined) free++;
		else next();
	}
}

/** A run that is begun now and awaited by its test later, so that the processors are never idle in between. */
export function begin(file: string, options: ExecuteOptions = {}): Promise<Notebook> {
	const running = run(file, options);
	// Its test tells of a failure; until that test has its turn, nobody listens.
	running.catch(() => {});
	return running;
}

/** Where executed notebooks are left to be looked at after a failure. */
export function artifacts(name: string): string {
	return path.join(root, ".artifacts", "notebooks", name);
}

/** Writes a variant of a notebook inside the checkout, so that its cells find the packages; gives its file. */
export function variant(name: string, notebook: Notebook): string {
	const file = path.join(artifacts("variants"), `${name}.ipynb`);
	fs.mkdirSync(path.dirname(file), { recursive: true });
	writeNotebook(file, notebook);
	return file;
}
