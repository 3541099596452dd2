import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { venvPython } from "#tools/paths";
import { root } from "../support/checkout";

/** Runs the server's configuration as Jupyter does, and its hook on a model. */
const runner = `
import json, sys
from traitlets.config import Config
c = Config()
exec(open(sys.argv[1]).read(), {"get_config": lambda: c})
model = json.loads(sys.argv[2])
c.FileContentsManager.pre_save_hook(model, path="x.ipynb", contents_manager=None)
print(json.dumps(model))
`;

async function saved(model: object): Promise<unknown> {
	const config = join(root, "tools", "jupyter_server_config.py");
	const { stdout } = await promisify(execFile)(venvPython, ["-c", runner, config, JSON.stringify(model)]);
	return JSON.parse(stdout);
}

const chart = { "application/vnd.vegalite.v5+json": { mark: "point" }, "image/svg+xml": "<svg/>" };
const notebook = (data: object, metadata: object) => ({
	type: "notebook",
	content: { cells: [{ cell_type: "code", metadata, outputs: [{ output_type: "display_data", data }] }] },
});

describe("saving a notebook in JupyterLab", () => {
	it("leaves out the picture and the mark that the browser added by looking at it", async () => {
		const looked = notebook({ ...chart, "image/png": "iVBOR…" }, { trusted: false, tags: ["kept"] });
		assert.deepEqual(await saved(looked), notebook(chart, { tags: ["kept"] }));
	});

	it("marks a folded output once, and keeps what the reader folded", async () => {
		const jupyter = { outputs_hidden: true };
		assert.deepEqual(
			await saved(notebook(chart, { collapsed: true, jupyter })),
			notebook(chart, { jupyter }),
		);
		assert.deepEqual(await saved(notebook(chart, { collapsed: true })), notebook(chart, { collapsed: true }));
	});

	it("keeps a picture that is no chart's, and a file that is no notebook", async () => {
		const picture = notebook({ "image/png": "iVBOR…" }, {});
		assert.deepEqual(await saved(picture), picture);
		const text = { type: "file", content: "image/png" };
		assert.deepEqual(await saved(text), text);
	});
});
