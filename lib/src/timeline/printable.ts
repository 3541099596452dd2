const CONTROL = /\p{Cc}/gu;
/** A byte that is no text, as the v3 client carries it (`V3Client`). */
const BYTE = /[\udc80-\udcff]/gu;
const UNSHOWABLE = /[\ufffe\uffff]|\p{Surrogate}/gu;
const INVISIBLE = /[\u200b\u200e\u200f\u061c\u2028-\u202e\u2060-\u2069\ufeff]/gu;
const RIGHT_TO_LEFT = /[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufeff\u{10800}-\u{10fff}\u{1e800}-\u{1efff}]/u;
const ISOLATED = /\u2068([^\u2066-\u2069]*)\u2069/u;
const WIDE =
	/[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|\p{Emoji_Presentation}|\ufe0f/u;
const ZERO = /^[\u2068\u2069\p{Mn}\p{Me}]$/u;

const graphemes = new Intl.Segmenter("en", { granularity: "grapheme" });

/**
 * A string from anywhere, made fit to be shown: control characters become their pictures (␀, ␊), what can't be
 * seen or would turn the text around is spelled out (`‹U+202E›`), and so is a byte that is no text (`‹0xFF›`); other
 * lone surrogates become �, and text written from
 * right to left is isolated so that it can't move what stands beside it. What it gives, it leaves as it is.
 * Escaping for HTML or SVG comes after this.
 */
export function printable(text: string): string {
	return text
		.split(ISOLATED)
		.map((part, at) => (at % 2 === 1 ? `\u2068${plain(part)}\u2069` : isolated(plain(part))))
		.join("");
}

function isolated(text: string): string {
	return RIGHT_TO_LEFT.test(text) ? `\u2068${text}\u2069` : text;
}

function plain(text: string): string {
	return text
		.replace(CONTROL, pictureOf)
		.replace(BYTE, (c) => `‹0x${(c.charCodeAt(0) - 0xdc00).toString(16).toUpperCase()}›`)
		.replace(UNSHOWABLE, "\ufffd")
		.replace(INVISIBLE, (c) => `‹U+${c.charCodeAt(0).toString(16).toUpperCase().padStart(4, "0")}›`);
}

function pictureOf(control: string): string {
	const code = control.charCodeAt(0);
	return code < 0x20 ? String.fromCharCode(0x2400 + code) : code === 0x7f ? "␡" : "\ufffd";
}

/** `printable` for a text of several lines: they stay apart. */
export function printableLines(text: string): string {
	return text.split("\n").map(printable).join("\n");
}

/** `printable`, with the middle left out when it is wider than this many pixels. */
export function fitted(text: string, pixels: number, fontSize: number, bold = false): string {
	const whole = printable(text);
	if (pixelsOf(whole, fontSize, bold) <= pixels) return whole;
	// No character is narrower than 0.3 em.
	for (let most = Math.ceil(pixels / (0.3 * fontSize)); most > 1; most--) {
		const cut = shortened(text, most);
		if (pixelsOf(cut, fontSize, bold) <= pixels) return cut;
	}
	return "…";
}

/** `printable`, with the middle left out when it has more than `max` characters: the two ends tell a key best. */
export function shortened(text: string, max: number): string {
	const first: string[] = [];
	for (const segment of segments(text)) if (first.push(segment) > max) break;
	if (first.length <= max) return printable(text);
	const head = Math.ceil((max - 1) / 2);
	return printable(`${first.slice(0, head).join("")}…${lastSegments(text, max - 1 - head).join("")}`);
}

/** The beginning of a text, of at most so many code units. */
export function beginningOf(text: string, units: number): string {
	let end = 0;
	for (const { length } of segments(text)) {
		if (length > units - end) break;
		end += length;
	}
	return text.slice(0, end);
}

/** The last characters of a text, of which no more than their part is looked at. */
function lastSegments(text: string, count: number): readonly string[] {
	if (count <= 0) return [];
	for (let units = 2 * count + CHUNK; ; units *= 2) {
		// More than 16 code units a character are not looked at, but for the one that goes on in them.
		const from = text.length - units;
		let at = betweenFlags(text, Math.max(0, from - 64));
		const last: string[] = [];
		for (const segment of segments(text.slice(at))) {
			if (at >= from) last.push(segment);
			at += segment.length;
		}
		if (last.length >= count || units >= Math.min(text.length, 16 * count + CHUNK)) return last.slice(-count);
	}
}

/** This place of a text, or the one before it that is inside no flag: in a row of them the first tells which two make one. */
function betweenFlags(text: string, at: number): number {
	const place = at > 0 && /[\udc00-\udfff]/.test(text.charAt(at)) ? at - 1 : at;
	let first = place;
	while (/^\p{RI}$/u.test(text.slice(Math.max(0, first - 2), first))) first -= 2;
	return place - ((place - first) % 4);
}

const CHUNK = 256;

/**
 * The characters of a text, as one sees them; one of more than 256 code units comes in parts. Node 20 takes the square
 * of its length to segment a text, so that a key of a megabyte takes minutes: it is done in parts, each of which
 * begins with a character.
 */
function* segments(text: string): Generator<string> {
	for (let at = 0; at < text.length; ) {
		// Half of a code point would be a character of its own, and the last character may go on in the next part.
		const chunk = text.slice(at, at + CHUNK).replace(/(?<=.)[\ud800-\udbff]$/s, "");
		const parts = Array.from(graphemes.segment(chunk), (part) => part.segment);
		if (at + CHUNK < text.length && parts.length > 1) parts.pop();
		for (const part of parts) {
			at += part.length;
			yield part;
		}
	}
}

/** How many columns the text takes in a terminal. */
export function columnsOf(text: string): number {
	let columns = 0;
	for (const segment of segments(text)) columns += ZERO.test(segment) ? 0 : WIDE.test(segment) ? 2 : 1;
	return columns;
}

/** Fills the text with spaces to this many columns. */
function padded(text: string, columns: number, align: "left" | "right" = "left"): string {
	const space = " ".repeat(Math.max(0, columns - columnsOf(text)));
	return align === "left" ? text + space : space + text;
}

/** Lines of a table in plain text; columns are as wide as what is in them. */
export function textTable(
	head: readonly (readonly string[])[],
	rows: readonly (readonly string[])[],
	align: readonly ("left" | "right")[],
): string[] {
	const widths: number[] = [];
	for (const row of [...head, ...rows])
		row.forEach((cell, at) => {
			widths[at] = Math.max(widths[at] ?? 0, columnsOf(cell));
		});
	const line = (row: readonly string[]) =>
		widths
			.map((width, at) => padded(row[at] ?? "", width, align[at] ?? "left"))
			.join(" │ ")
			.trimEnd();
	return [...head.map(line), widths.map((width) => "─".repeat(width)).join("─┼─"), ...rows.map(line)];
}

/** About how many pixels the text takes, from the widest of the fonts that a browser may choose (DejaVu Sans). */
export function pixelsOf(text: string, fontSize: number, bold = false): number {
	let ems = 0;
	for (const segment of segments(text)) {
		if (ZERO.test(segment)) continue;
		if (WIDE.test(segment)) ems += 1.3;
		else if (/[ijl.,:;'|!]/u.test(segment)) ems += 0.32;
		else if (/[ftr/\- ()[\]]/u.test(segment)) ems += 0.4;
		else if (/[mwMW@%+<>=…]/u.test(segment)) ems += 0.95;
		else if (/[A-Z]/u.test(segment)) ems += 0.72;
		else ems += 0.63;
	}
	return ems * fontSize * (bold ? 1.1 : 1);
}
