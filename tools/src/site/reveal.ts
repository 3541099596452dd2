import { joined, type Notebook } from "../notebooks/file";
import type { Question } from "../notebooks/questions";
import { type Html, html } from "./render/html";
import { textOfHtml } from "./render/markdown";

/** A page's question: a form that takes the reader's prediction, and what came, folded until it is opened. */
export function asked(question: Question, notebook: Notebook, answer: readonly Html[]): Html {
	// reveal.js shows the form and compares; without it the answer is opened by hand.
	return html`${formOf(question, notebook)}<details class="reveal">
<summary>What came <span class="quiet">(predict first)</span></summary>
${answer}</details>
`;
}

/** Shown above a page that has questions, where a script can open them all. */
export const allAnswers = html`<p class="answers" hidden>This page asks before it answers. <button type="button" data-shows-answers aria-pressed="false">Show all answers</button></p>\n`;

/** One thing to predict: a field, and what it has to hold. */
interface Field {
	/** What a screen reader says of it. */
	readonly label: string;
	readonly came: string;
}

/** Fields in rows, below the names of their columns. */
interface Fields {
	readonly title: string;
	/** Of the columns that name a row. */
	readonly named: readonly string[];
	readonly columns: readonly string[];
	readonly rows: readonly {
		readonly names: readonly string[];
		readonly fields: readonly (Field | undefined)[];
	}[];
	/** What can be chosen; none: told or not. */
	readonly choices: readonly string[];
}

/** Made from the table that compares the committed prediction with what came; without such a table there is none. */
function formOf({ checked }: Question, { cells }: Notebook): Html {
	for (const output of cells[checked]?.outputs ?? []) {
		const markup = output.data?.["text/html"];
		const text = typeof markup === "string" || Array.isArray(markup) ? joined(markup) : "";
		if (!text.includes("<strong>Your prediction")) continue;
		const [head = [], ...rows] = rowsOf(text);
		const fields = head[0] === "watcher" ? eventFields(rows) : choiceFields(head, rows);
		if (fields.rows.length > 0) return form(fields);
	}
	return html``;
}

/** The texts of a table's cells. */
function rowsOf(markup: string): string[][] {
	return markup
		.split("<tr>")
		.slice(1)
		.map((row) => row.split(/<t[dh](?: [^<>]*)?>/).slice(1))
		.map((row) => row.map((cell) => textOfHtml(cell.split(/<\/t[dh]>/)[0] ?? "")));
}

/** Of rows "watcher, write, what, predicted, came": a row for each write, a column for each watcher. */
function eventFields(rows: readonly (readonly string[])[]): Fields {
	const watchers = [...new Set(rows.map(([watcher = ""]) => watcher))];
	const writes = new Map<string, { names: string[]; fields: (Field | undefined)[] }>();
	for (const [watcher = "", write = "", what = "", , came = ""] of rows) {
		if (came === "") continue; // "… and 3 more rows"
		const names = [write, what];
		const row = writes.get(names.join("\n")) ?? { names, fields: watchers.map(() => undefined) };
		row.fields[watchers.indexOf(watcher)] = { label: `${watcher}: write ${write}, ${what}`, came };
		writes.set(names.join("\n"), row);
	}
	const first = ({ names: [write = ""] }: { names: string[] }) => Number.parseInt(write, 10);
	return {
		title: "Which writes will each watcher be told about?",
		named: ["no.", "write"],
		columns: watchers,
		rows: [...writes.values()].sort((one, other) => first(one) - first(other)),
		choices: [],
	};
}

/** Of rows "what, predicted, came": a choice among all that was predicted or came. */
function choiceFields([what = ""]: readonly string[], rows: readonly (readonly string[])[]): Fields {
	const wordOf = (cell: string) => cell.replace(/^[✓✗?] /, "");
	const known = rows.filter((row) => row.length === 3);
	return {
		title: "What do you expect?",
		named: [what],
		columns: ["your prediction"],
		rows: known.map(([name = "", , came = ""]) => ({
			names: [name],
			fields: [{ label: `${what} ${name}`, came: wordOf(came) }],
		})),
		choices: [...new Set(known.flatMap((row) => row.slice(1).map(wordOf)))].sort(),
	};
}

function form({ title, named, columns, rows, choices }: Fields): Html {
	const field = (one: Field | undefined) => {
		if (one === undefined) return html`<td></td>`;
		const { label, came } = one;
		const options = [
			html`<option value="">choose</option>`,
			...choices.map((each) => html`<option>${each}</option>`),
		];
		const control =
			choices.length === 0
				? html`<input type="checkbox" data-came="${came}" aria-label="${label}">`
				: html`<select data-came="${came}" aria-label="${label}">${options}</select>`;
		return html`<td>${control} <span class="sign"></span></td>`;
	};
	return html`<form class="predict" hidden>
<p><strong>${title}</strong></p>
<div class="table scrolls"><table>
<thead><tr>${[...named, ...columns].map((name) => html`<th scope="col">${name}</th>`)}</tr></thead>
<tbody>
${rows.map(({ names, fields }) => html`<tr>${names.map((name) => html`<td>${name}</td>`)}${fields.map(field)}</tr>\n`)}</tbody>
</table></div>
<p><button type="submit">See what came</button> <span class="told" role="status"></span></p>
</form>
`;
}
