import path from "node:path";
import { pathToFileURL } from "node:url";
import { root } from "../paths";
import type { Host } from "../setup/host";
import { buildSite } from "./build";

/** Where the site goes unless told otherwise. Git ignores it. */
export const defaultOut = path.join(root, "site");

/** `npm run site`: renders all notebooks to pages that need no server and no network. */
export function site(host: Host, options: { readonly out?: string }): number {
	// npm runs a command in the checkout; the reader meant the folder that they are in.
	const from = process.env["INIT_CWD"] ?? process.cwd();
	const out = options.out === undefined ? defaultOut : path.resolve(from, options.out);
	const pages = buildSite(out);
	host.say(`${pages.length} pages: ${pathToFileURL(path.join(out, "index.html")).href}`);
	return 0;
}
