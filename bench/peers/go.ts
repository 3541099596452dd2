import { createHash } from "node:crypto";
import fs from "node:fs";
import path from "node:path";
import type { Found } from "./found";
import { madeOnce, root, run } from "./run";

/** The client of etcd 3.5.35: client/v2 is numbered 2.305 for 3.5. */
const version = "2.305.35";
const goMod = `module peer\n\ngo 1.19\n\nrequire go.etcd.io/etcd/client/v2 v${version}\n`;

/** Builds bench/peers/go once, for as long as its source stays as it is. */
export async function goPeer(): Promise<Found> {
	const source = path.join(root, "bench", "peers", "go");
	const files = fs.readdirSync(source).sort();
	const hash = createHash("sha256").update(goMod);
	for (const file of files) hash.update(fs.readFileSync(path.join(source, file)));
	const folder = path.join(root, ".lab", `bench-peers-go-${hash.digest("hex").slice(0, 12)}`);
	const binary = process.platform === "win32" ? "peer.exe" : "peer";
	const failed = await madeOnce(folder, async (work) => {
		for (const file of files) fs.copyFileSync(path.join(source, file), path.join(work, file));
		fs.writeFileSync(path.join(work, "go.mod"), goMod);
		const { code, output } = await run("go", ["build", "-mod=mod", "-o", binary, "."], work, {
			CGO_ENABLED: "0",
		});
		return code === 0 ? undefined : output.trim().slice(-300);
	});
	if (failed !== undefined)
		return { missing: `the Go client ${version} (needs Go on the PATH; go build: ${failed})` };
	return { command: path.join(folder, binary), args: [] };
}
