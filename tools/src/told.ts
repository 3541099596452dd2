import { styleText } from "node:util";
import type { Difference } from "./comparison";

/**
 * Differences as a person reads them: by notebook and cell, what was as "-" and what is as "+".
 *
 * @param page the notebook as it is named to the reader
 * @param colours for a terminal
 */
export function told(page: string, differences: readonly Difference[], colours = false): string {
	// What an output holds has no colours of its own here: they could hide what is beside them.
	const paint = (style: "bold" | "red" | "green" | "dim" | undefined, output: string): string => {
		const text = output.replaceAll("\u001b", "␛");
		return colours && style !== undefined ? styleText(style, text, { validateStream: false }) : text;
	};
	const lines: string[] = [];
	differences.forEach(({ cell, source, what, lines: detail }, at) => {
		if (cell !== differences[at - 1]?.cell) lines.push(paint("bold", `${page} cell ${cell}: ${source}`));
		lines.push(`  ${paint(undefined, what)}`);
		for (const line of detail) {
			const style = line.startsWith("- ") ? "red" : line.startsWith("+ ") ? "green" : "dim";
			lines.push(`    ${paint(style, line)}`);
		}
	});
	return lines.join("\n");
}

/** What to do about differences in these notebooks. */
export function advice(names: readonly string[]): string {
	return [
		"- is what is committed, + what a fresh run gives. If the fresh run is right, write it, look at it, commit it:",
		`  npm run notebooks ${names.join(" ")}`,
		"Numbers that no run can promise are listed, with the reason, in tools/src/volatile.ts.",
	].join("\n");
}
