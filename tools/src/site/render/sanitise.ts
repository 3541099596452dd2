import sanitizeHtml from "sanitize-html";
import { OWN_ID } from "./anchors";
import { type Html, trusted } from "./html";

/** The tags of prose and tables. What is not here goes, scripts and styles with their content. */
const tags = [
	...["h1", "h2", "h3", "h4", "h5", "h6", "p", "hr", "br", "blockquote", "ul", "ol", "li", "dl", "dt", "dd"],
	...["a", "strong", "b", "em", "i", "del", "s", "sub", "sup", "kbd", "mark", "small", "code", "pre", "span"],
	...["table", "caption", "thead", "tbody", "tfoot", "tr", "th", "td", "img", "div", "details", "summary"],
];

/**
 * A notebook's HTML without anything that could run, load, be laid over the page, or be taken for a part of it.
 *
 * @param classes that come through beside language-…
 */
export function sanitised(markup: string, classes: readonly (string | RegExp)[] = []): Html {
	return trusted(
		sanitizeHtml(markup, {
			allowedTags: tags,
			allowedAttributes: {
				"*": ["id", "title", "aria-label", "aria-hidden"],
				a: ["href", "rel"],
				img: ["src", "alt", "width", "height", "loading"],
				td: ["align", "style", "colspan", "rowspan"],
				th: ["align", "style", "colspan", "rowspan", "scope"],
				ol: ["start"],
			},
			allowedClasses: { "*": ["language-*", ...classes] },
			transformTags: {
				"*": (tagName, { id = "", ...attribs }) => ({
					tagName,
					attribs: id === "" || id.startsWith(OWN_ID) ? attribs : { id, ...attribs },
				}),
			},
			allowedStyles: { "*": { "text-align": [/^(?:left|right|center)$/], "white-space": [/^nowrap$/] } },
			allowedSchemes: ["https", "http", "mailto"],
			// Pictures are files of the site: none is fetched from elsewhere.
			allowedSchemesByTag: { img: [] },
			allowProtocolRelative: false,
		}),
	);
}

/** The elements that draw. None of them runs, embeds, animates or leads anywhere. */
const drawing = [
	...[
		"svg",
		"g",
		"defs",
		"symbol",
		"use",
		"title",
		"desc",
		"text",
		"tspan",
		"path",
		"rect",
		"circle",
		"ellipse",
	],
	...[
		"line",
		"polyline",
		"polygon",
		"marker",
		"mask",
		"clipPath",
		"pattern",
		"linearGradient",
		"radialGradient",
	],
	"stop",
];

/** An SVG file without anything that could run or load: opened by itself, it is a page of its own. */
export function sanitisedSvg(svg: string): string {
	return sanitizeHtml(svg, {
		allowedTags: drawing,
		allowedAttributes: false,
		parseStyleAttributes: false,
		parser: { xmlMode: true },
		transformTags: {
			"*": (tagName, attribs) => ({
				tagName,
				attribs: Object.fromEntries(Object.entries(attribs).filter(isInert)),
			}),
		},
	});
}

/** Words for a screen reader may be any. A style, and a value with an address or an escape, may name a file. */
function isInert([name, value]: readonly [string, string]): boolean {
	// It would be written without its quotes, which XML does not allow.
	if (value === "") return false;
	if (/^(?:aria-[a-z]+|role|class|id|xmlns|xmlns:xlink)$/.test(name)) return true;
	if (/href$/.test(name)) return value.startsWith("#");
	if (/^on|^style$|:/i.test(name)) return false;
	return !/\\|url|src|image/i.test(value.replace(/url\(#[\w-]+\)/g, ""));
}

/** Every table in a box of its own, in which it can be scrolled sideways. */
export function withScrolledTables({ markup }: Html): Html {
	return trusted(
		markup
			.replaceAll("<table>", '<div class="table scrolls"><table>')
			.replaceAll("</table>", "</table></div>"),
	);
}
