import { spawnSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";

/** An etcd 3.4, such as Debian's etcd-server brings; undefined if the machine has none. */
export function etcd34(): string | undefined {
	const candidates = [process.env["ETCD_WATCH_LAB_ETCD_34"], "/usr/bin/etcd", onPath("etcd")];
	return candidates.find((file) => file !== undefined && /etcd Version: 3\.4\./.test(versionOf(file)));
}

/** A Chromium, such as Debian's package brings; undefined if the machine has none. */
export function chromium(): string | undefined {
	const candidates = [process.env["CHROMIUM"], onPath("chromium"), onPath("google-chrome")];
	return candidates.find((file) => file !== undefined && fs.existsSync(file));
}

function versionOf(file: string): string {
	return spawnSync(file, ["--version"], { encoding: "utf8", timeout: 10_000 }).stdout ?? "";
}

/** Where the PATH has a command. The venv's folder does not count: its etcd is the 3.5 that is always there. */
export function onPath(command: string): string | undefined {
	return (process.env["PATH"] ?? "")
		.split(path.delimiter)
		.filter((folder) => folder !== "" && !folder.includes(`${path.sep}.venv${path.sep}`))
		.map((folder) => path.join(folder, command))
		.find((file) => {
			try {
				fs.accessSync(file, fs.constants.X_OK);
				return true;
			} catch {
				return false;
			}
		});
}
