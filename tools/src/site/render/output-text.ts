import { joined } from "../../notebooks/file";

/** One form of an output as text; undefined when it has none, or one that is no text. */
export function textForm(data: Readonly<Record<string, unknown>>, mime: string): string | undefined {
	const form = data[mime];
	if (typeof form === "string") return form;
	return Array.isArray(form) && form.every((line) => typeof line === "string") ? joined(form) : undefined;
}

/** A terminal's text without its colours. */
export function withoutColours(text: string): string {
	// biome-ignore lint/suspicious/noControlCharactersInRegex: ESC is what a terminal colour begins with
	return text.replace(/\u001b\[[0-9;]*m/g, "");
}
