import fs from "node:fs";
import path from "node:path";
import { capability } from "zeromq";
import { isAlive, labDir, root, venvBin, venvDir, venvPython } from "../paths";
import { kill, naming } from "../process-tree";

/**
 * Jupyter folders that outlive a start: settings, window layout, trusted notebooks. All inside the checkout; a test has
 * them in a folder of its own.
 */
const kept = (name: string): string =>
	path.join(process.env["ETCD_WATCH_LAB_JUPYTER"] ?? path.join(labDir, "jupyter"), name);

/**
 * What keeps a proxy of the reader's (HTTP_PROXY) away from what listens here: Node asks for loopback, too, by way of
 * it where NODE_USE_ENV_PROXY is set.
 */
export function noProxyForLoopback(env: NodeJS.ProcessEnv): { NO_PROXY: string; no_proxy: string } {
	const given = env["no_proxy"] ?? env["NO_PROXY"] ?? "";
	// Alone it means all hosts; in a list Node takes it for a name.
	const named = given.split(",").filter((host) => host.trim() !== "");
	const hosts = given === "*" ? given : [...new Set([...named, "127.0.0.1", "localhost", "::1"])].join(",");
	return { NO_PROXY: hosts, no_proxy: hosts };
}

/**
 * The environment of every Jupyter process that the lab starts. Jupyter reads and writes nothing in the home
 * folder, and finds no kernel but the checkout's own, which runs with the Node that runs this.
 *
 * @param runtimeDir a folder of this one start; the caller removes it
 */
export function jupyterEnvironment(runtimeDir: string): NodeJS.ProcessEnv {
	// Left in place, each of these would bring in somebody else's Python packages, configuration or kernels.
	const {
		PYTHONHOME,
		PYTHONPATH,
		PYTHONSTARTUP,
		JUPYTER_PATH,
		JUPYTER_CONFIG_PATH,
		JUPYTER_TOKEN_FILE,
		...env
	} = process.env;
	// The venv first. The reader's own before Node's folder: that may be /usr/bin, which can hold another etcd than theirs.
	const searched = [venvBin, ...(env["PATH"] ? [env["PATH"]] : []), path.dirname(process.execPath)].join(
		path.delimiter,
	);
	return {
		...env,
		...noProxyForLoopback(env),
		PATH: searched,
		VIRTUAL_ENV: venvDir,
		PYTHONUTF8: "1",
		PYTHONNOUSERSITE: "1",
		JUPYTER_PREFER_ENV_PATH: "1",
		JUPYTER_PLATFORM_DIRS: "0",
		JUPYTER_CONFIG_DIR: kept("config"),
		JUPYTER_DATA_DIR: kept("data"),
		JUPYTER_RUNTIME_DIR: runtimeDir,
		JUPYTERLAB_SETTINGS_DIR: kept("settings"),
		JUPYTERLAB_WORKSPACES_DIR: kept("workspaces"),
		IPYTHONDIR: kept("ipython"),
	};
}

/** Makes a folder for one start's connection files, readable by its owner alone: they carry the kernels' keys. */
export function makeRuntimeDir(): string {
	const parent = path.join(labDir, "runtime");
	fs.mkdirSync(parent, { recursive: true });
	removeAbandoned(parent);
	return fs.mkdtempSync(path.join(parent, `${process.pid}-`));
}

/** A start that was killed outright, JupyterLab with it, could not end its kernels and remove its own folder. */
function removeAbandoned(parent: string): void {
	for (const name of fs.readdirSync(parent)) {
		const pid = Number.parseInt(name, 10);
		if (!(pid > 0) || isAlive(pid)) continue;
		kill(naming(path.join(parent, name)));
		fs.rmSync(path.join(parent, name), { recursive: true, force: true });
	}
}

/**
 * Registers the kernel inside .venv: kernel.ts, which is the checkout's own tslab with what a learner needs, on
 * the Node that runs now. tslab's JavaScript kernel is left out.
 */
export function writeKernelSpec(): void {
	const spec = {
		argv: [process.execPath, path.join(root, "tools", "dist", "kernel", "kernel.js"), "{connection_file}"],
		display_name: "TypeScript",
		language: "typescript",
		// What jupyter_server_config.py and execute.py ask for. Not on a system whose zeromq was built without it.
		...(capability.curve === true ? { metadata: { supported_encryption: "curve" } } : {}),
	};
	writeIfChanged(path.join(venvDir, "share", "jupyter", "kernels", "tslab", "kernel.json"), spec);
}

/** JupyterLab's defaults here; the reader's own choices in its settings come before them. */
export function writeLabDefaults(): void {
	const quiet = { fetchNews: "false", checkForUpdates: false };
	// A chart's slider needs the arrow keys, which would fold the notebook's sections.
	const selector = ".jp-Notebook.jp-mod-commandMode:not(.jp-mod-readWrite) :focus";
	const folding = { "above-or-collapse": "ArrowLeft", "below-or-expand": "ArrowRight" };
	const shortcuts = Object.entries(folding).map(([where, key]) => ({
		command: `notebook:move-cursor-heading-${where}`,
		keys: [key],
		selector,
		disabled: true,
	}));
	writeIfChanged(path.join(venvDir, "share", "jupyter", "lab", "settings", "overrides.json"), {
		"@jupyterlab/apputils-extension:notification": quiet,
		"@jupyterlab/shortcuts-extension:shortcuts": { shortcuts },
	});
	writeLook();
}

/**
 * The lab's own look of JupyterLab (`--LabApp.custom_css`). In place of a folded output JupyterLab shows the first line of
 * it, and of a folded text: the answer, or a whole SVG. Here it says how to unfold it.
 */
const LOOK = `.jp-OutputPlaceholder .jp-PlaceholderText,
.jp-MarkdownCell .jp-PlaceholderText { display: none; }
.jp-OutputPlaceholder .jp-Placeholder-contentContainer::before,
.jp-MarkdownCell .jp-Placeholder-contentContainer::before {
  content: "Run the cell to see what comes. (A click shows the output of an earlier run.)";
  color: var(--jp-ui-font-color2);
  font-family: var(--jp-ui-font-family);
  font-size: var(--jp-ui-font-size1);
}
.jp-MarkdownCell .jp-Placeholder-contentContainer::before { content: "Said when you run on (Shift + Enter): what came of it."; }
`;

/** Writes the look where JupyterLab reads it. */
function writeLook(): void {
	writeIfChanged(path.join(kept("config"), "custom", "custom.css"), LOOK);
}

function writeIfChanged(file: string, content: unknown): void {
	const text = typeof content === "string" ? content : `${JSON.stringify(content, null, 1)}\n`;
	if (fs.existsSync(file) && fs.readFileSync(file, "utf8") === text) return;
	fs.mkdirSync(path.dirname(file), { recursive: true });
	// Renamed into place: another process may be reading it.
	fs.writeFileSync(`${file}.${process.pid}`, text);
	fs.renameSync(`${file}.${process.pid}`, file);
}

/** The command that opens JupyterLab; the token goes by the environment, where `ps` does not show it. */
export function jupyterLabCommand(options: { ip: string; port: number; notebooks: string }): {
	command: string;
	args: string[];
} {
	return {
		command: venvPython,
		args: [
			path.join(root, "tools", "lab.py"),
			"--no-browser",
			`--config=${path.join(root, "tools", "jupyter_server_config.py")}`,
			`--ServerApp.ip=${options.ip}`,
			`--ServerApp.port=${options.port}`,
			`--ServerApp.root_dir=${options.notebooks}`,
			"--ServerApp.answer_yes=True",
			"--ServerApp.allow_root=True",
			// A deleted file would go to the trash in the home folder.
			"--FileContentsManager.delete_to_trash=False",
			// It would look for language servers by asking npm, which writes to the home folder.
			"--LanguageServerManager.autodetect=False",
			"--KernelSpecManager.ensure_native_kernel=False",
			"--KernelSpecManager.allowed_kernelspecs=tslab",
			"--MultiKernelManager.default_kernel_name=tslab",
			"--LabApp.news_url=None",
			"--LabApp.custom_css=True",
			"--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
			"--LabApp.extension_manager=readonly",
		],
	};
}
