import { darkSpec, darkSvg } from "./dark";
import { textForm } from "./forms";
import { type Html, html, jsonForScript } from "./html";
import { darkName, textOfHtml } from "./markdown";

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
	const spec = data[VEGA_LITE];
	const svg = textForm(data, "image/svg+xml");
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

function titleOf(svg: string | undefined, text: string | undefined): string {
	const label = /^<svg [^>]*\baria-label="([^"]*)"/.exec(svg ?? "")?.[1];
	return textOfHtml(label ?? "") || text?.split("\n")[0]?.trim() || "A chart";
}

/** Its size, so that the page does not move when the picture comes. */
function sizeOf(svg: string | undefined): Html {
	const [, width, height] = /viewBox="0 0 ([\d.]+) ([\d.]+)"/.exec(svg ?? "") ?? [];
	return width === undefined ? html`` : html` width="${width}" height="${height}"`;
}
