import sanitizeHtml from "sanitize-html";
import { type Html, trusted } from "./html";

/** The tags of prose and tables. What is not here goes, scripts and styles with their content. */
const tags = [
	...["h1", "h2", "h3", "h4", "h5", "h6", "p", "hr", "br", "blockquote", "ul", "ol", "li", "dl", "dt", "dd"],
	...["a", "strong", "b", "em", "i", "del", "s", "sub", "sup", "kbd", "mark", "small", "code", "pre", "span"],
	...["table", "caption", "thead", "tbody", "tfoot", "tr", "th", "td", "img", "div", "details", "summary"],
];

/** A notebook's HTML without anything that could run, load, or be laid over the page. */
export function sanitised(markup: string): Html {
	return trusted(
		sanitizeHtml(markup, {
			allowedTags: tags,
			allowedAttributes: {
				"*": ["id", "class", "title", "aria-label", "aria-hidden"],
				a: ["href", "rel"],
				img: ["src", "alt", "width", "height", "loading"],
				td: ["align", "style", "colspan", "rowspan"],
				th: ["align", "style", "colspan", "rowspan", "scope"],
				ol: ["start"],
			},
			allowedStyles: { "*": { "text-align": [/^(?:left|right|center)$/] } },
			allowedSchemes: ["https", "http", "mailto"],
			// Pictures are files of the site: none is fetched from elsewhere.
			allowedSchemesByTag: { img: [] },
			allowProtocolRelative: false,
		}),
	);
}

/** Every table in a box of its own, in which it can be scrolled sideways. */
export function withScrolledTables({ markup }: Html): Html {
	return trusted(
		markup
			.replaceAll("<table>", '<div class="table scrolls"><table>')
			.replaceAll("</table>", "</table></div>"),
	);
}
