/** The type of a chart that JupyterLab and the site draw. */
const VEGA_LITE = "application/vnd.vegalite.v5+json";

const schema = "https://vega.github.io/schema/vega-lite/v5.json";
const point = {
	data: { values: [{ a: 1 }] },
	mark: "point",
	encoding: { x: { field: "a", type: "quantitative" } },
};

/** A chart whose usermeta is to win over the options of whoever draws it. */
export function withEmbedOptions(embedOptions: object): object {
	return { $schema: schema, ...point, usermeta: { embedOptions: { actions: true, ...embedOptions } } };
}

/** Specifications that fetch from there when they are drawn, by the last part of the address. */
export function fetchingSpecs(from: string): Readonly<Record<string, unknown>> {
	const image = (name: string) => ({ type: "image", url: `${from}/${name}`, width: 9, height: 9 });
	return {
		"data-url": { $schema: schema, ...point, data: { url: `${from}/data-url` } },
		"image-mark": { $schema: schema, ...point, mark: image("image-mark") },
		"image-field": {
			$schema: schema,
			data: { values: [{ picture: `${from}/image-field` }] },
			mark: { type: "image", width: 9, height: 9 },
			encoding: { url: { field: "picture" } },
		},
		"whole-vega": {
			$schema: "https://vega.github.io/schema/vega/v5.json",
			...{ width: 9, height: 9, data: [{ name: "d", url: `${from}/whole-vega`, format: { type: "json" } }] },
		},
		"embed-patch": withEmbedOptions({ patch: `${from}/embed-patch` }),
		"embed-config": withEmbedOptions({ config: `${from}/embed-config` }),
	};
}

/** Markup that fetches from there when it is shown, by the last part of the address. */
export function fetchingMarkup(from: string): Readonly<Record<string, string>> {
	return {
		img: `<img src="${from}/img">`,
		srcset: `<img srcset="${from}/srcset 1x">`,
		style: `<p style="background:url(${from}/style)">x</p>`,
		video: `<video src="${from}/video" autoplay></video>`,
		poster: `<video poster="${from}/poster"></video>`,
		audio: `<audio src="${from}/audio" autoplay></audio>`,
	};
}

/** Cells of a notebook, in its own words. */
export const markdown = (source: string): object => ({ cell_type: "markdown", metadata: {}, source });
export const output = (data: Readonly<Record<string, unknown>>): object => ({
	cell_type: "code",
	...{ execution_count: 1, metadata: {}, source: "1" },
	outputs: [{ output_type: "display_data", data, metadata: {} }],
});
export const chart = (spec: unknown): object => output({ [VEGA_LITE]: spec, "text/plain": "a chart" });

export function notebook(cells: readonly object[], language: object = { name: "typescript" }): string {
	const metadata = { kernelspec: { name: "tslab", display_name: "TypeScript" }, language_info: language };
	const named = cells.map((cell, at) => ({ id: `cell-${at}`, ...cell }));
	return JSON.stringify({ cells: named, metadata, nbformat: 4, nbformat_minor: 5 });
}

/** All of it: what fetches when it is shown. */
export function fetchingCells(from: string): object[] {
	return [
		...Object.values(fetchingSpecs(from)).map(chart),
		...Object.values(fetchingMarkup(from)).map((markup) => output({ "text/html": markup })),
		markdown(`![x](${from}/markdown)\n\n<img src="${from}/markdown-html">`),
		output({ "text/markdown": `![x](${from}/markdown-output)` }),
		output({ "image/svg+xml": `<svg xmlns="http://www.w3.org/2000/svg"><image href="${from}/svg"/></svg>` }),
	];
}
