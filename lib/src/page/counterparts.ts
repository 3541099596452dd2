import { counterparts } from "../scenario/counterparts";
import type { Scenario } from "../scenario/scenario";
import { printable } from "../timeline/printable";
import { show } from "./display";
import { type Cell, type Table, tableBundle, tableOf } from "./table";

/** A scenario's steps, what each is in v3, and which have no counterpart there. */
export function counterpartTable(scenario: Scenario): Table {
	const all = counterparts(scenario);
	const without = all.filter(({ v3 }) => v3 === undefined);
	const isToSay = all.some(({ note }) => note !== "");
	return tableOf({
		title: `${printable(scenario.name)}: its steps in v3`,
		columns: ["step", "in v2", "in v3", ...(isToSay ? ["why"] : [])],
		rows: all.map(({ step, v2, v3, note }): Cell[] => [
			step,
			v2,
			v3 ?? { text: "no counterpart", mark: "wrong" },
			...(isToSay ? [note] : []),
		]),
		...(without.length === 0
			? {}
			: { notes: ["What has no counterpart is left out of a run on v3, and the run's timeline says so."] }),
	});
}

/** Shows what each step of a scenario is in v3. To have it as data, call `counterparts`. */
export function showCounterparts(scenario: Scenario): void {
	show(tableBundle(counterpartTable(scenario)));
}
