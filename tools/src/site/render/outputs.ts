import { joined, type Output } from "../../notebooks/file";
import { chartParts, VEGA_LITE } from "./charts";
import { type Html, html, trusted } from "./html";
import { type Prose, renderMarkdown } from "./markdown";
import { textForm, withoutColours } from "./output-text";
import { sanitised, withScrolledTables } from "./sanitise";

/** What the lab says of its verdicts, and the stylesheet gives a colour. */
const VERDICTS = ["verdict", "confirmed", "refuted", "untested"];

/** What the outputs of a page add to the site beside their markup. */
export interface OutputFiles {
	/** Names the page's next chart. */
	nextChart(): string;
	add(files: ReadonlyMap<string, string>): void;
}

/** An output as a notebook shows it: of its forms the richest that a page can hold. */
export function renderOutput(output: Output, prose: Prose, files: OutputFiles): Html {
	if (output.output_type === "stream") return textBlock(joined(output.text), output.name === "stderr");
	if (output.output_type === "error") {
		const trace = output.traceback?.join("\n") || `${output.ename}: ${output.evalue}`;
		return textBlock(trace, true);
	}
	const data = output.data ?? {};
	const markup = textForm(data, "text/html");
	if (data[VEGA_LITE] !== undefined || (markup === undefined && textForm(data, "image/svg+xml"))) {
		const chart = chartParts(data, files.nextChart());
		files.add(chart.files);
		return chart.figure;
	}
	if (markup !== undefined) {
		return html`<div class="rendered">${withScrolledTables(sanitised(markup, VERDICTS))}</div>`;
	}
	const png = textForm(data, "image/png");
	if (png !== undefined) {
		const alternative = textForm(data, "text/plain") ?? "A picture";
		const source = `data:image/png;base64,${png.replace(/\s/g, "")}`;
		return html`<div class="rendered scrolls"><img src="${source}" alt="${alternative}"></div>`;
	}
	const markdown = textForm(data, "text/markdown");
	if (markdown !== undefined) return html`<div class="rendered">${renderMarkdown(markdown, prose)}</div>`;
	return textBlock(textForm(data, "text/plain") ?? JSON.stringify(data, null, 1), false);
}

/** What an output says, for the search: a chart's own words stand in its picture already. */
export function wordsOfOutput(output: Output): string {
	if (output.output_type === "stream") return withoutColours(joined(output.text));
	const data = output.data ?? {};
	return data[VEGA_LITE] === undefined
		? (textForm(data, "text/plain") ?? "").replace(/[\u2500-\u257f]+/g, " ")
		: (textForm(data, "text/plain") ?? "").split("\n").slice(0, 2).join(" ");
}

function textBlock(text: string, isError: boolean): Html {
	// Looked at from the first of several line ends alone: from each of them would take the square of their number.
	const lines = withoutColours(text).replace(/(?<!\n)\n+$/, "");
	if (lines === "") return trusted("");
	return html`<pre class="text scrolls${isError ? " error" : ""}">${lines}</pre>`;
}
