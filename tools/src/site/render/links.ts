import { spawnSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { notebooksDir, root, shown } from "../../paths";
import { Problem } from "../../problem";

/** Where a text comes from, and where its page lies in the site. */
export interface Place {
	/** The notebook's or the document's own path. */
	readonly file: string;
	/** The page's path in the site, such as "02-grandchild-writes.html". */
	readonly page: string;
}

/** These are copied; all else is text, which gets a page: as it is, it could be a page that runs what it wants. */
const PICTURE = /\.(?:svg|png|jpe?g|gif|webp)$/i;

/**
 * Says where a link of a notebook leads in the site: a notebook to its page, a file of the repository to a page
 * or a copy in files/, a folder nowhere. Remembers which files the site needs for that.
 */
export class Links {
	/** Files of the repository that are linked to or shown, by their path from the root. */
	private readonly wanted = new Set<string>();
	private readonly given = new Set<string>();
	private known: ReadonlySet<string> | undefined;

	/** @returns undefined for what has no page, such as a folder. @throws Problem for a link into nothing */
	resolve(href: string, from: Place): string | undefined {
		if (/^[a-z][a-z0-9+.-]*:/i.test(href) || href.startsWith("//") || href.startsWith("#")) return href;
		const [, target = "", fragment = ""] = /^([^?#]*)(?:\?[^#]*)?(#.*)?$/.exec(href) ?? [];
		const file = path.resolve(path.dirname(from.file), decodeURIComponent(target));
		const why = this.whyNotShown(file);
		if (why !== undefined) throw new Problem(`${shown(from.file)} links to ${href}, and ${why}`);
		if (fs.statSync(file).isDirectory()) return undefined;
		return `${relative(from.page, this.pageOf(file))}${fragment}`;
	}

	/** The files that have been asked for since the last call: a page made for one can ask for more. */
	takeWanted(): string[] {
		const more = [...this.wanted].filter((name) => !this.given.has(name));
		for (const name of more) this.given.add(name);
		return more;
	}

	/** The site shows what belongs to the repository, and nothing else of the disk that it is built on. */
	private whyNotShown(file: string): string | undefined {
		const name = shown(file);
		if (name.startsWith("..") || path.isAbsolute(name) || !fs.existsSync(file))
			return "there is no such file";
		if (!isItself(file)) return "a symbolic link on the way to it may lead anywhere: link to the file itself";
		if (fs.statSync(file).isDirectory()) return undefined;
		if (isNotebook(file)) return undefined;
		this.known ??= knownToGit();
		if (this.known === undefined)
			return name.split("/").some((part) => part.startsWith(".")) ? "a hidden file is not shown" : undefined;
		return this.known.has(name) ? undefined : "git does not know that file: git add it first";
	}

	private pageOf(file: string): string {
		if (isNotebook(file)) return pageOfNotebook(file);
		const name = shown(file);
		this.wanted.add(name);
		return pageOfFile(name);
	}
}

/** Whether it has a page of its own, git or not. */
function isNotebook(file: string): boolean {
	return path.dirname(file) === notebooksDir && file.endsWith(".ipynb");
}

/** Whether a file of the checkout is reached without a symbolic link. */
export function isItself(file: string): boolean {
	return fs.realpathSync(file) === path.join(fs.realpathSync(root), path.relative(root, file));
}

/** The files that git tracks; undefined where the checkout has no git. @throws Problem when git can't tell */
function knownToGit(): ReadonlySet<string> | undefined {
	if (!fs.existsSync(path.join(root, ".git"))) return undefined;
	const { stdout, stderr, status, error } = spawnSync("git", ["ls-files", "-z"], {
		cwd: root,
		encoding: "utf8",
		maxBuffer: 2 ** 28,
	});
	if (error !== undefined && "code" in error && error.code === "ENOENT") return undefined;
	if (status !== 0)
		throw new Problem(`git can't say which files are the repository's: ${stderr.trim() || error}`);
	return new Set(stdout.split("\0"));
}

/** The page of a notebook: "02-grandchild-writes.html". */
export function pageOfNotebook(file: string): string {
	return `${path.basename(file, ".ipynb")}.html`;
}

/** The page of a text of the repository, or the copy of anything else. */
export function pageOfFile(name: string): string {
	const copied = `files/${name}`;
	return isText(name) ? `${copied}.html` : copied;
}

export function isText(name: string): boolean {
	return !PICTURE.test(name);
}

/** The address of a page of the site, as another one links to it. */
export function relative(from: string, to: string): string {
	return path.posix.relative(path.posix.dirname(from), to).split("/").map(encodeURIComponent).join("/");
}

/** A file of the repository by its path from the root. */
export function inRepository(name: string): string {
	return path.join(root, ...name.split("/"));
}
