import MiniSearch from "minisearch";
import { joined } from "../notebooks/file";
import type { Page } from "./pages";
import { Anchors } from "./render/anchors";
import { plainText } from "./render/markdown";
import { wordsOfOutput } from "./render/outputs";

/** What can be found: the part of a page below one heading. */
export interface Section {
	readonly id: number;
	/** Where it is: "02-grandchild-writes.html#Conclude". */
	readonly href: string;
	readonly page: string;
	readonly heading: string;
	/** Its prose, code and outputs as words. */
	readonly text: string;
}

/** MiniSearch's options: search.js needs the same to read the index. */
export const indexOptions = {
	fields: ["heading", "page", "text"],
	storeFields: ["href", "page", "heading", "text"],
};

/** The sections of all pages. */
export function sectionsOf(pages: readonly Page[]): Section[] {
	return pages.flatMap(sectionsOfPage).map((section, id) => ({ ...section, id }));
}

/** The index as a script: a page that is read from a file can load a script, and nothing else. */
export function searchScript(pages: readonly Page[]): string {
	const index = new MiniSearch<Section>(indexOptions);
	index.addAll(sectionsOf(pages));
	return `self.searchIndex = ${JSON.stringify({ options: indexOptions, index })};\n`;
}

function sectionsOfPage({ page, number, title, notebook }: Page): Omit<Section, "id">[] {
	const name = number === "" ? title : `${number} ${title}`;
	const sections: { href: string; page: string; heading: string; text: string }[] = [];
	const anchors = new Anchors();
	const append = (words: string) => {
		const last = sections.at(-1);
		if (last !== undefined) last.text = `${last.text} ${words}`.replace(/\s+/g, " ").trim();
	};
	for (const cell of notebook.cells) {
		const source = joined(cell.source);
		if (cell.cell_type !== "markdown") {
			append(source);
			for (const output of cell.outputs ?? []) append(wordsOfOutput(output));
			continue;
		}
		for (const part of byHeading(source)) {
			if (part.heading !== undefined) {
				const { id, text } = anchors.add(part.level, plainText(part.heading));
				const href = part.level === 1 ? page : `${page}#${encodeURIComponent(id)}`;
				sections.push({ href, page: name, heading: text, text: "" });
			}
			append(plainText(part.body));
		}
	}
	return sections;
}

interface Part {
	readonly level: number;
	/** Undefined for what stands above the first heading. */
	readonly heading: string | undefined;
	readonly body: string;
}

/** A markdown text cut before each heading; what looks like one in a fenced block is none. */
function byHeading(text: string): Part[] {
	const parts: Part[] = [];
	let level = 0;
	let heading: string | undefined;
	let lines: string[] = [];
	let fenced = false;
	const close = () => {
		if (heading !== undefined || lines.length > 0) parts.push({ level, heading, body: lines.join("\n") });
		lines = [];
	};
	for (const line of text.split("\n")) {
		if (/^\s*(?:```|~~~)/.test(line)) fenced = !fenced;
		const [, signs, words] = (fenced ? null : /^(#{1,6})\s(.*)$/s.exec(line)) ?? [];
		if (signs === undefined) lines.push(line);
		else {
			close();
			level = signs.length;
			heading = words
				?.trim()
				.replace(/(?<!#)#+$/, "")
				.trimEnd();
		}
	}
	close();
	return parts;
}
