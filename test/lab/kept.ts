import fs from "node:fs";
import path from "node:path";
import { root } from "../support/checkout";

/** What JupyterLab remembers from one start to the next: the reader's settings and window layout. */
const folders = ["settings", "workspaces"].map((name) => path.join(root, ".lab", "jupyter", name));

const aside = (folder: string): string => `${folder}-set-aside-by-test`;

/** Sets the reader's own settings and layout aside, so that the lab opens as it does the first time. */
export function setAside(): void {
	// Left by a test run that was killed: these are the reader's, not what is there now.
	if (folders.some((folder) => fs.existsSync(aside(folder)))) putBack();
	for (const folder of folders) if (fs.existsSync(folder)) fs.renameSync(folder, aside(folder));
	// A notebook with a chart counts as changed as soon as it is opened, since JupyterLab adds a PNG to the output:
	// two minutes later it would be saved, and a slow machine's test would have changed the reader's file.
	const [settings = ""] = folders;
	const file = path.join(settings, "@jupyterlab", "docmanager-extension", "plugin.jupyterlab-settings");
	fs.mkdirSync(path.dirname(file), { recursive: true });
	fs.writeFileSync(file, JSON.stringify({ autosave: false }));
}

/** Puts the reader's own back, in the place of the test's. */
export function putBack(): void {
	for (const folder of folders) {
		fs.rmSync(folder, { recursive: true, force: true });
		if (fs.existsSync(aside(folder))) fs.renameSync(aside(folder), folder);
	}
}
