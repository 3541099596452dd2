import assert from "node:assert/strict";
import type { Notebook } from "#tools/notebooks/file";
import { tellCounts } from "#tools/programs/counted";
import { notCovered } from "../../support/coverage";
import { etcd34 } from "../../support/found";
import { shareOf } from "../../support/share";
import { assertClean, assertVerdicts } from "./expected";
import { codeCells, pages, type ShownVerdict, textOf, verdictsOf } from "./reading";
import { artifacts, begin, variant } from "./runs";

const older = etcd34();

/** The verdicts of a notebook in which every cell ran twice: the second time has to end as the first one. */
function onceEach(notebook: Notebook): ShownVerdict[] {
	const shown = verdictsOf(notebook);
	const at = (parity: number) =>
		shown
			.filter(({ cell }) => cell % 2 === parity)
			.map(({ cell, ...rest }) => ({ ...rest, cell: Math.ceil(cell / 2) }));
	assert.deepEqual(at(0), at(1), "the second run of a cell ends otherwise than the first");
	return at(1);
}

describe("a notebook in which each cell is run twice", function () {
	// A run takes up to 40 s on two processors that have nothing else to do, and ten times that on busy ones.
	this.timeout(600_000);

	const share = shareOf(pages(), "0/12");
	const runs = new Map<string, Promise<Notebook>>();

	before("begins all runs", () => {
		for (const { name, notebook } of share) {
			const doubled = variant(`${name}-twice`, {
				...notebook,
				cells: notebook.cells.flatMap((cell) =>
					cell.cell_type === "code" ? [cell, { ...cell, id: `${cell.id}-again` }] : [cell],
				),
			});
			const env = older === undefined ? {} : { ETCD_WATCH_LAB_ETCD: older };
			runs.set(name, begin(doubled, { outDir: artifacts("twice"), env }));
		}
		if (older === undefined) notCovered("the notebooks on etcd 3.4 (Debian: etcd-server)");
	});

	for (const { name } of share) {
		it(`${name} gives the same verdicts on etcd 3.4`, async () => {
			const running = runs.get(name);
			assert.ok(running, name);
			const result = await running;
			assertClean(result);
			assertVerdicts(name, onceEach(result));
			const about = codeCells(result)[0]?.outputs?.map(textOf)[0] ?? "";
			const [, version] = /^etcd (\d+\.\d+\.\d+)/.exec(about) ?? [];
			assert.match(version ?? about, older === undefined ? /^3\.5\./ : /^3\.4\./);
			tellCounts([version ?? ""], { pages: 1 });
		});
	}
});
