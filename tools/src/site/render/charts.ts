import { darkSpec, darkSvg } from "./dark";
import { type Html, html, jsonForScript } from "./html";
import { darkName, textOfHtml } from "./markdown";
import { textForm } from "./output-text";
import { sanitisedSvg } from "./sanitise";

export const VEGA_LITE = "application/vnd.vegalite.v5+json";

/** One chart of a page: its markup, and the pictures that stand in for it where no JavaScript runs. */
export interface ChartParts {
	readonly figure: Html;
	/** By their path in the site. */
	readonly files: ReadonlyMap<string, string>;
}

/**
 * A chart as the page holds it: the committed SVG, light and dark, until charts.js has drawn the specification in
 * its place; below it the same in words.
 *
 * @param name of its pictures, such as "02-grandchild-writes-1"
 */
export function chartParts(data: Readonly<Record<string, unknown>>, name: string): ChartParts {
	const spec = closedSpec(data[VEGA_LITE]);
	const drawn = textForm(data, "image/svg+xml");
	const svg = drawn === undefined ? undefined : sanitisedSvg(drawn);
	const text = textForm(data, "text/plain");
	const title = titleOf(svg, text);
	const files = new Map<string, string>();
	const light = `charts/${name}.svg`;
	if (svg !== undefined) files.set(light, svg).set(darkName(light), darkSvg(svg));
	const description = textOfHtml(/<desc>([\s\S]*?)<\/desc>/.exec(svg ?? "")?.[1] ?? "");
	const alternative = `${title}. ${description}`;
	const picture = (theme: "light" | "dark", file: string) =>
		html`<img class="only-${theme}" src="${file}" alt="${alternative}" loading="lazy"${sizeOf(svg)}>`;
	const figure = html`<figure class="chart">
<div class="view scrolls" role="group" aria-label="Chart: ${title}">
${svg === undefined ? "" : html`<div class="still">${picture("light", light)}${picture("dark", darkName(light))}</div>`}
</div>
${spec === undefined ? "" : html`<script type="application/json">${jsonForScript({ light: spec, dark: darkSpec(spec) })}</script>`}
${text === undefined ? "" : html`<details class="words"><summary>The chart in words</summary><pre class="scrolls">${text.trimEnd()}</pre></details>`}
</figure>`;
	return { figure, files };
}

/**
 * A specification that loads nothing, and leaves it to the page how it is drawn.
 *
 * @throws Error for one that names an address
 */
function closedSpec(spec: unknown): object | undefined {
	if (spec === undefined) return undefined;
	// A text would be the address of one.
	if (typeof spec !== "object" || spec === null) throw new Error("a chart is no object");
	// vega-embed lets this win over the page's own options: scripts for its menu, and addresses to load more from.
	const { usermeta, ...rest } = { ...spec, usermeta: undefined };
	const address = addressIn(rest);
	if (address !== undefined) throw new Error(`a chart names ${address}: it has to hold what it shows`);
	return rest;
}

/** What would be loaded, or led to: "url https://…"; undefined when it is all in the specification. */
function addressIn(value: unknown): string | undefined {
	if (typeof value !== "object" || value === null) return undefined;
	for (const [key, each] of Object.entries(value)) {
		const isAddress = /^(?:url|href|image)$/.test(key);
		if (isAddress && !(typeof each === "string" && each.startsWith("data:")))
			return `${key} ${JSON.stringify(each)}`;
		const below = addressIn(each);
		if (below !== undefined) return below;
	}
	return undefined;
}

function titleOf(svg: string | undefined, text: string | undefined): string {
	const label = /^<svg [^>]*\baria-label="([^"]*)"/.exec(svg ?? "")?.[1];
	return textOfHtml(label ?? "") || text?.split("\n")[0]?.trim() || "A chart";
}

/** Its size, so that the page does not move when the picture comes. */
function sizeOf(svg: string | undefined): Html {
	const [, width, height] = /viewBox="0 0 ([\d.]+) ([\d.]+)"/.exec(svg ?? "") ?? [];
	return width === undefined ? html`` : html` width="${width}" height="${height}"`;
}
