import fs from "node:fs";
import path from "node:path";
import { notebooksDir, root, shown } from "../paths";
import { Problem } from "../problem";

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

	/** @returns undefined for what has no page, such as a folder. @throws Problem for a link into nothing */
	resolve(href: string, from: Place): string | undefined {
		if (/^[a-z][a-z0-9+.-]*:/i.test(href) || href.startsWith("//") || href.startsWith("#")) return href;
		const [, target = "", fragment = ""] = /^([^?#]*)(?:\?[^#]*)?(#.*)?$/.exec(href) ?? [];
		const file = path.resolve(path.dirname(from.file), decodeURIComponent(target));
		const name = shown(file);
		if (name.startsWith("..") || !fs.existsSync(file)) {
			throw new Problem(`${shown(from.file)} links to ${href}, and there is no such file`);
		}
		if (fs.statSync(file).isDirectory()) return undefined;
		return `${relative(from.page, this.pageOf(file))}${fragment}`;
	}

	/** The files that have been asked for since the last call: a page made for one can ask for more. */
	takeWanted(): string[] {
		const more = [...this.wanted].filter((name) => !this.given.has(name));
		for (const name of more) this.given.add(name);
		return more;
	}

	private pageOf(file: string): string {
		if (path.dirname(file) === notebooksDir && file.endsWith(".ipynb")) return pageOfNotebook(file);
		const name = shown(file);
		this.wanted.add(name);
		return pageOfFile(name);
	}
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
