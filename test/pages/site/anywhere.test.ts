import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { root } from "../../support/checkout";

const read = (file: string): string => fs.readFileSync(path.join(root, file), "utf8");
const { scripts, engines } = JSON.parse(read("package.json"));

/** The commands of the lab that a text runs: "npm start", "npm run build", "node tools/bootstrap.mjs build". */
function labCommands(text: string): string[] {
	return [...text.matchAll(/(?:npm (?:run )?|tools\/bootstrap\.mjs )([a-z]+)/g)].map(([, name = ""]) => name);
}

/** The release of Node that an image is built on. */
function nodeOf(dockerfile: string): string | undefined {
	return /^FROM node:(\d+)-bookworm-slim(?:@sha256:[0-9a-f]{64})?$/m.exec(dockerfile)?.[1];
}

describe("the lab's image", () => {
	it("has a Node that is kept up, which the lab takes, and runs commands of the lab", () => {
		const file = read("Dockerfile");
		assert.equal(nodeOf(file), "24");
		assert.match(engines.node, /^>=20\./);
		assert.deepEqual(labCommands(file), ["build", "build"]);
		for (const text of [file, read("docker-compose.yml")]) {
			const commands = [...text.matchAll(/"node", "tools\/bootstrap\.mjs", "(\w+)"/g)].map(
				([, name]) => name,
			);
			assert.deepEqual(commands, ["start"]);
		}
	});
});

describe("the lab on mybinder", () => {
	it("names a Python that the lab's pins are made for, in repo2docker's words", () => {
		const [, minor] = /^python-3\.(\d+)\n$/.exec(read(".binder/runtime.txt")) ?? [];
		assert.ok(Number(minor) >= 10 && Number(minor) <= 13, minor);
	});

	it("builds with the lab's own command, and stops where a step fails", () => {
		const script = read(".binder/postBuild");
		assert.match(script, /^#!\/bin\/bash\n[\s\S]*^set -euo pipefail$/m);
		assert.deepEqual(labCommands(script), ["build"]);
		execFileSync("bash", ["-n", path.join(root, ".binder", "postBuild")]);
	});

	it("has scripts that can be executed, as git keeps them", () => {
		for (const name of ["postBuild", "start"])
			fs.accessSync(path.join(root, ".binder", name), fs.constants.X_OK);
	});

	it("starts what it is told to with the lab's JupyterLab, kernel and etcd in front", () => {
		const start = (...command: string[]): string =>
			execFileSync(path.join(root, ".binder", "start"), command, { cwd: "/", encoding: "utf8" }).trim();
		const venv = path.join(root, ".venv", "bin");
		for (const name of ["jupyter-lab", "etcd"]) assert.equal(start("which", name), path.join(venv, name));
		const { kernelspecs } = JSON.parse(start("jupyter", "kernelspec", "list", "--json"));
		assert.equal(
			kernelspecs.tslab.resource_dir,
			path.join(root, ".venv", "share", "jupyter", "kernels", "tslab"),
		);
		assert.equal(start("echo", "as it is", "$HOME"), "as it is $HOME");
	});
});

describe("the lab in a devcontainer", () => {
	const container = JSON.parse(read(".devcontainer/devcontainer.json"));

	it("is built from a file that is there, with a Node that the lab takes", () => {
		const file = read(path.join(".devcontainer", container.build.dockerfile));
		assert.equal(nodeOf(file), "24");
		for (const needed of ["git", "python3", "python3-venv"])
			assert.match(file, new RegExp(` ${needed}(?: |$)`, "m"));
	});

	it("runs commands that package.json has, and forwards the port that JupyterLab listens on", () => {
		for (const step of [container.postCreateCommand, container.postAttachCommand]) {
			assert.ok(
				labCommands(step).every((name) => name in scripts),
				step,
			);
		}
		assert.deepEqual(labCommands(container.postCreateCommand), ["build"]);
		const [, port] = /^npm start -- --no-browser --port (\d+)$/.exec(container.postAttachCommand) ?? [];
		assert.deepEqual(container.forwardPorts, [Number(port)]);
		assert.deepEqual(Object.keys(container.portsAttributes), [port]);
	});
});
