import { Marked, type Renderer, type Tokens } from "marked";
import type { Anchors } from "./anchors";
import { highlighted } from "./highlight";
import { escaped, type Html, html, trusted } from "./html";
import type { Links, Place } from "./links";
import { sanitised, withScrolledTables } from "./sanitise";

/** What the rendering of one page's prose needs to know and collects. */
export interface Prose {
	readonly place: Place;
	readonly links: Links;
	readonly anchors: Anchors;
}

/** The classes of what is rendered below, and of highlight.js: "hljs-title function_". */
const ownClasses = ["anchor", "code", "scrolls", "only-light", "only-dark", "hljs-*", /^[a-z]+_+$/];

/** Renders markdown as JupyterLab would: with the same library, links and headings made the site's. */
export function renderMarkdown(text: string, prose: Prose): Html {
	const marked = new Marked({ gfm: true, renderer: rendererOf(prose) });
	try {
		return withScrolledTables(sanitised(marked.parse(text, { async: false }), ownClasses));
	} catch (error) {
		// marked asks to be told of every error, also of a link into nothing.
		if (error instanceof Error) error.message = error.message.replace(/\nPlease report this to .*/, "");
		throw error;
	}
}

/** The words of a markdown text alone, for the search. */
export function plainText(text: string): string {
	const words = new Marked({ gfm: true }).parse(text, { async: false });
	return textOfHtml(words);
}

/** The words between the tags. */
export function textOfHtml(markup: string): string {
	return (
		markup
			// Not /<[^>]*>/: many "<" that no ">" ends would take the square of their number.
			.replace(/<[^<>]*>/g, " ")
			.replace(/&(?:amp|#38);/g, "&")
			.replace(/&(?:lt|#60);/g, "<")
			.replace(/&(?:gt|#62);/g, ">")
			.replace(/&(?:quot|#34);/g, '"')
			.replace(/&(?:apos|#39);/g, "'")
			.replace(/\s+/g, " ")
			.trim()
	);
}

function rendererOf({ place, links, anchors }: Prose): Partial<Renderer> & object {
	return {
		heading(this: Renderer, { depth, tokens }: Tokens.Heading): string {
			const inner = this.parser.parseInline(tokens);
			const { id, text } = anchors.add(depth, textOfHtml(inner));
			const anchor = html`<a class="anchor" href="#${encodeURIComponent(id)}" aria-label="Link to: ${text}">#</a>`;
			return `${html`<h${depth} id="${id}">${trusted(inner)} ${anchor}</h${depth}>`}\n`;
		},
		link(this: Renderer, { href, title, tokens }: Tokens.Link): string {
			const inner = this.parser.parseInline(tokens);
			const to = links.resolve(href, place);
			if (to === undefined) return inner;
			return `<a href="${escaped(to)}"${title ? ` title="${escaped(title)}"` : ""}>${inner}</a>`;
		},
		image({ href, text, title }: Tokens.Image): string {
			const to = links.resolve(href, place);
			// A picture from elsewhere would be fetched from there: a link to it is not.
			if (to === undefined || /^(?:[a-z][a-z0-9+.-]*:|\/\/)/i.test(to)) {
				return `<a href="${escaped(href)}">${escaped(text === "" ? href : text)}</a>`;
			}
			const picture = (theme: string, file: string) =>
				`<img${theme} src="${escaped(file)}" alt="${escaped(text)}"${title ? ` title="${escaped(title)}"` : ""}>`;
			if (!to.endsWith(".svg")) return picture("", to);
			return `${picture(' class="only-light"', to)}${picture(' class="only-dark"', darkName(to))}`;
		},
		code({ text, lang }: Tokens.Code): string {
			return `${codeBlock(text, lang?.split(/\s/)[0])}\n`;
		},
	};
}

/** The name of a picture's other one, for the dark. */
export function darkName(svg: string): string {
	return svg.replace(/\.svg$/, "-dark.svg");
}

/** A block of code that scrolls in itself. */
export function codeBlock(code: string, language: string | undefined): Html {
	return html`<pre class="code scrolls"><code>${highlighted(code, language)}</code></pre>`;
}
