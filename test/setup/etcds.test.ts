import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { venvPython } from "#tools/paths";
import { root } from "../support/checkout";
import { notCovered } from "../support/coverage";
import { buildEtcd, built } from "../support/etcds";
import { onPath } from "../support/found";

const server = "go.etcd.io/etcd/server/v3";

describe("the etcds that are built with Go", () => {
	for (const version of Object.values(built)) {
		it(`${version}: the sum of every module is committed, of the release itself first`, () => {
			const [mod, sum] = ["go.mod", "go.sum"].map((name) =>
				fs.readFileSync(path.join(root, "test", "etcds", version, name), "utf8"),
			);
			const modules = [...(mod ?? "").matchAll(/^(?:require |\t)(\S+ v\S+)/gm)].map(
				([, module = ""]) => module,
			);
			assert.equal(modules[0], `${server} v${version}`);
			assert.ok(modules.length > 40, `${modules.length} modules`);
			assert.doesNotMatch(mod ?? "", /replace|exclude/);
			const sums = new Set(sum?.split("\n").map((line) => line.replace(/ h1:[\w+/]{43}=$/, "")));
			assert.deepEqual(
				modules.filter((module) => !sums.has(module)),
				[],
			);
		});
	}

	it("are of no other module of that name and version, whatever mirror the environment names", async function () {
		if (onPath("go") === undefined) return notCovered("etcds built with Go, which is not on the PATH");
		this.timeout(60_000);
		const folder = fs.mkdtempSync(path.join(os.tmpdir(), "etcd-watch-lab-mirror-"));
		try {
			const version = `v${built.newest}`;
			const mirror = path.join(folder, "mirror", server, "@v");
			fs.mkdirSync(mirror, { recursive: true });
			const script = `import sys, zipfile
with zipfile.ZipFile(sys.argv[1], "w") as module:
    module.writestr(sys.argv[2] + "/go.mod", "module ${server}\\n")
    module.writestr(sys.argv[2] + "/etcdmain/main.go", "package etcdmain\\nfunc Main(args []string) { println(\\"etcd Version: ${built.newest}\\") }\\n")`;
			const zip = path.join(mirror, `${version}.zip`);
			assert.equal(spawnSync(venvPython, ["-c", script, zip, `${server}@${version}`]).status, 0);
			fs.writeFileSync(path.join(mirror, `${version}.info`), JSON.stringify({ Version: version }));
			fs.writeFileSync(path.join(mirror, `${version}.mod`), `module ${server}\n`);
			const env = {
				...process.env,
				GOPROXY: `file://${path.join(folder, "mirror")}`,
				GOMODCACHE: path.join(folder, "modules"),
				// All that says that nothing is checked.
				GOFLAGS: "-mod=mod",
				GONOSUMDB: "*",
				GOSUMDB: "off",
			};
			const found = await buildEtcd(built.newest, path.join(folder, "etcd"), env);
			assert.ok("missing" in found, "it was built of another module");
			assert.match(found.missing, /SECURITY ERROR|checksum mismatch/);
			assert.ok(!fs.existsSync(path.join(folder, "etcd")));
		} finally {
			spawnSync("chmod", ["-R", "u+w", folder]);
			fs.rmSync(folder, { recursive: true, force: true });
		}
	});
});
