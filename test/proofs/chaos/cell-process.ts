import { type Cell, runCell } from "./cell";

/** One etcd, one API, one consumer, in a process of its own: it is sent what to run, and sends what came of it. */
let isInterrupted = false;
for (const signal of ["SIGINT", "SIGTERM"] as const) {
	process.on(signal, () => {
		isInterrupted = true;
	});
}
// Its parent is gone: it comes to its end as after Ctrl-C.
process.on("disconnect", () => {
	isInterrupted = true;
});
process.once("message", (cell: Cell) => {
	runCell(cell, () => isInterrupted).then(
		(totals) => process.send?.(totals, () => process.disconnect()),
		(error: unknown) => {
			console.error(error instanceof Error ? error.message : error);
			process.exit(1);
		},
	);
});
