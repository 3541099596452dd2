/** Markup that is safe to stand in a page. Only `html` and `trusted` make it. */
export class Html {
	constructor(readonly markup: string) {}

	toString(): string {
		return this.markup;
	}
}

type Value = Html | string | number | undefined | false | readonly Value[];

/** A template whose values are escaped, unless they are Html already; undefined and false leave nothing. */
export function html(parts: TemplateStringsArray, ...values: readonly Value[]): Html {
	return new Html(parts.map((part, at) => part + (at < values.length ? markupOf(values[at]) : "")).join(""));
}

/** Takes a text for markup: for what a library has made of a text that it has escaped or sanitised. */
export function trusted(markup: string): Html {
	return new Html(markup);
}

/** A text as it may stand between tags and in an attribute in quotes. */
export function escaped(text: string): string {
	return text.replace(/[&<>"']/g, (sign) => `&#${sign.charCodeAt(0)};`);
}

/** JSON as the content of a script element: nothing in it can end the element. */
export function jsonForScript(value: unknown): Html {
	return trusted(JSON.stringify(value).replaceAll("<", "\\u003c"));
}

function markupOf(value: Value): string {
	if (value === undefined || value === false) return "";
	if (value instanceof Html) return value.markup;
	return typeof value === "object" ? value.map(markupOf).join("") : escaped(String(value));
}
