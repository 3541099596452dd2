import type { Note, Position, State } from "etcd-watch-lab/follow";
import type { Assignment } from "./consumer";
import { startConsumer } from "./consumers";
import type { Delivery } from "./record";

/** What the consumer's process is told. */
export type ConsumerOrder =
	| { readonly order: "consume"; readonly assignment: Assignment }
	/** Its event loop stands still for so long. */
	| { readonly order: "stall"; readonly ms: number }
	/** It goes on with the change that it has kept. */
	| { readonly order: "let go" }
	| { readonly order: "stop" };

/** What it tells, every few milliseconds. */
export interface ConsumerReport {
	readonly begun?: { readonly startIndex: number; readonly start?: State };
	readonly deliveries?: readonly Delivery[];
	readonly notes?: Readonly<Partial<Record<Note["note"], number>>>;
	readonly ended?: { readonly error?: string; readonly position?: Position };
	/** The stall is over: so many milliseconds long. */
	readonly stalledMs?: number;
	/** The most changes that it held at once. */
	readonly mostQueued?: number;
	/** By how many bytes the process has grown at most, where that is measured. */
	readonly grown?: number;
}

const reportMs = 10;

function consume(assignment: Assignment): void {
	const consumer = startConsumer(assignment);
	let begun = false;
	let grown = 0;
	void consumer.ready.then(() => {
		begun = true;
		if (assignment.memoryBytes !== undefined) {
			const first = held();
			setInterval(() => {
				grown = Math.max(grown, held() - first);
			}, 300).unref();
		}
	});
	let toldBegun = false;
	let toldNotes = "{}";
	const report = (ended?: ConsumerReport["ended"]) => {
		const drained = consumer.drained();
		// What waits to be sent is held here, too: where that is measured, only where it stands is told.
		const deliveries = assignment.memoryBytes === undefined ? drained : drained.map(withoutValues);
		const isNew = begun && !toldBegun;
		const notes = JSON.stringify(consumer.notes);
		if (deliveries.length === 0 && notes === toldNotes && !isNew && !ended) return;
		toldNotes = notes;
		const { startIndex, start, queue } = consumer.following("finished");
		process.send?.({
			...(isNew ? { begun: { startIndex, ...(start === undefined ? {} : { start }) } } : {}),
			deliveries,
			notes: consumer.notes,
			mostQueued: queue?.most ?? 0,
			grown,
			...(ended === undefined ? {} : { ended }),
		} satisfies ConsumerReport);
		toldBegun ||= isNew;
	};
	const timer = setInterval(() => report(), reportMs);
	void consumer.ended.then(() => {
		clearInterval(timer);
		const { error, position } = consumer;
		report({ ...(error === undefined ? {} : { error }), ...(position === undefined ? {} : { position }) });
	});
	process.on("message", (order: ConsumerOrder) => {
		if (order.order === "stop") void consumer.stop();
		if (order.order === "let go") consumer.letGo();
	});
}

function withoutValues({ change, at }: Delivery): Delivery {
	if (change.kind !== "event") {
		const { index } = change.state;
		return { at, change: { ...change, added: [], changed: [], removed: [], state: { index, nodes: [] } } };
	}
	const { kind, index, action, key, fromHistory } = change;
	const node = { key, dir: false, createdIndex: index, modifiedIndex: index };
	return {
		at,
		change: { kind, index, action, key, node, fromHistory, ...(change.more ? { more: true } : {}) },
	};
}

/** What is reachable, by itself and outside of the heap, in bytes. */
function held(): number {
	globalThis.gc?.();
	const { heapUsed, external } = process.memoryUsage();
	return heapUsed + external;
}

process.on("message", (order: ConsumerOrder) => {
	if (order.order === "consume") consume(order.assignment);
	if (order.order !== "stall") return;
	const begin = performance.now();
	while (performance.now() < begin + order.ms);
	process.send?.({ stalledMs: Math.round(performance.now() - begin) } satisfies ConsumerReport);
});
process.on("disconnect", () => process.exit(0));
