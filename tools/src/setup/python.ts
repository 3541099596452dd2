import { execFile } from "node:child_process";
import { Problem } from "../problem";

/** A Python that can make the lab's venv. */
export interface Python {
	command: string;
	args: readonly string[];
	version: string;
}

interface Found extends Python {
	minor: number;
	hasVenv: boolean;
}

/** The oldest Python that the pins in requirements.txt resolve for (a test proves it). */
const OLDEST_MINOR = 10;

const PROBE = `
import importlib.util as u, sys
print(sys.version_info[0], sys.version_info[1], "%d.%d.%d" % sys.version_info[:3], all(u.find_spec(m) for m in ("venv", "ensurepip")))
`;

/** The Pythons to try, the one that the reader would get by typing python3 first. */
function candidates(): [string, ...string[]][] {
	const versioned = [13, 12, 11, 10, 14].map((minor): [string] => [`python3.${minor}`]);
	return process.platform === "win32"
		? [["python"], ["py", "-3"], ["python3"]]
		: [["python3"], ...versioned, ["python"]];
}

/** Finds a Python of 3.10 or newer with venv and ensurepip; throws a Problem that says which of them is missing. */
export async function findPython(): Promise<Python> {
	const found: Found[] = [];
	for (const [command, ...args] of candidates()) {
		const python = await probe(command, args);
		if (python !== undefined && python.minor >= OLDEST_MINOR && python.hasVenv) return python;
		if (python !== undefined) found.push(python);
	}
	const needs = `Python 3.${OLDEST_MINOR} or newer`;
	const lacking = found.find((python) => python.minor >= OLDEST_MINOR);
	if (lacking !== undefined) {
		throw new Problem(
			`Python ${lacking.version} (${lacking.command}) has no venv module: install it (Debian, Ubuntu: sudo apt install python3-venv), then run the same command again`,
		);
	}
	const older = found[0];
	if (older !== undefined) {
		throw new Problem(
			`Python ${older.version} (${older.command}) is too old: install ${needs}, then run the same command again`,
		);
	}
	throw new Problem(
		`no Python found: install ${needs} (python.org; Debian, Ubuntu: sudo apt install python3 python3-venv), then run the same command again`,
	);
}

/** What a command says of itself, or undefined when it is not there or is no Python 3 (a shim, a store's placeholder). */
async function probe(command: string, args: readonly string[]): Promise<Found | undefined> {
	const answer = await ask(command, [...args, "-c", PROBE]);
	const [major, minor, version, hasVenv] = (answer ?? "").trim().split(" ");
	if (major !== "3" || version === undefined) return undefined;
	return { command, args, version, minor: Number(minor), hasVenv: hasVenv === "True" };
}

/** The first two parts of a Python's version, such as "3.11"; undefined when it does not run. */
export async function pythonVersion(python: string): Promise<string | undefined> {
	return (await ask(python, ["-c", "import sys; print('%d.%d' % sys.version_info[:2])"]))?.trim();
}

function ask(command: string, args: readonly string[]): Promise<string | undefined> {
	return new Promise((resolve) => {
		execFile(command, args, { timeout: 20_000, windowsHide: true }, (error, stdout) => {
			resolve(error === null ? stdout : undefined);
		});
	});
}
