import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { setTimeout as wait } from "node:timers/promises";

/*
 * Required by mocha (.mocharc.json): a process of tests, and all that it starts, has a temporary folder of its own. When
 * its tests are over, nothing may be left in it.
 */

const folder = fs.mkdtempSync(path.join(os.tmpdir(), "lab-"));
for (const name of ["TMPDIR", "TEMP", "TMP"]) process.env[name] = folder;
process.on("exit", () => fs.rmSync(folder, { recursive: true, force: true, maxRetries: 5 }));

/**
 * What is left. Not what Node has compiled for npm and tsc, which is for whoever comes next, and no empty folder of
 * Python's: one has been seen in some hundred runs of notebooks, and none of the lab's Python asks for it.
 */
function left(): string[] {
	return fs.readdirSync(folder).filter((name) => {
		const isPythons = /^tmp[a-z0-9_]{8}$/.test(name);
		return name !== "node-compile-cache" && !(isPythons && isEmpty(path.join(folder, name)));
	});
}

function isEmpty(file: string): boolean {
	return fs.statSync(file).isDirectory() && fs.readdirSync(file).length === 0;
}

/** Mocha's own name for what it calls after all hooks. Throws when something is left. */
export async function mochaGlobalTeardown(): Promise<void> {
	// A lab's keeper, a process of its own, removes its folder when its servers have ended.
	for (let tries = 0; tries < 50 && left().length > 0; tries++) await wait(100);
	if (left().length > 0) throw new Error(`left in the temporary folder: ${left().join(", ")}`);
}
