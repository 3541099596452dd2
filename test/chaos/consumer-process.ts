import type { Note, Position, State } from "etcd-watch-lab/dist/follow";
import type { Assignment } from "./consumer";
import { startConsumer } from "./consumers";
import type { Delivery } from "./record";

/** What the consumer's process is told. */
export type ConsumerOrder =
	| { readonly order: "consume"; readonly assignment: Assignment }
	/** Its event loop stands still for so long. */
	| { readonly order: "stall"; readonly ms: number }
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
}

const reportMs = 10;

function consume(assignment: Assignment): void {
	const consumer = startConsumer(assignment);
	let told = 0;
	let begun = false;
	void consumer.ready.then(() => {
		begun = true;
	});
	let toldBegun = false;
	let toldNotes = "{}";
	const report = (ended?: ConsumerReport["ended"]) => {
		const { deliveries, startIndex, start, queue } = consumer.following("finished");
		const isNew = begun && !toldBegun;
		const notes = JSON.stringify(consumer.notes);
		if (deliveries.length === told && notes === toldNotes && !isNew && !ended) return;
		toldNotes = notes;
		process.send?.({
			...(isNew ? { begun: { startIndex, ...(start === undefined ? {} : { start }) } } : {}),
			deliveries: deliveries.slice(told),
			notes: consumer.notes,
			mostQueued: queue?.most ?? 0,
			...(ended === undefined ? {} : { ended }),
		} satisfies ConsumerReport);
		toldBegun ||= isNew;
		told = deliveries.length;
	};
	const timer = setInterval(() => report(), reportMs);
	void consumer.ended.then(() => {
		clearInterval(timer);
		const { error, position } = consumer;
		report({ ...(error === undefined ? {} : { error }), ...(position === undefined ? {} : { position }) });
	});
	process.on("message", (order: ConsumerOrder) => {
		if (order.order === "stop") void consumer.stop();
	});
}

process.on("message", (order: ConsumerOrder) => {
	if (order.order === "consume") consume(order.assignment);
	if (order.order !== "stall") return;
	const begin = performance.now();
	while (performance.now() < begin + order.ms);
	process.send?.({ stalledMs: Math.round(performance.now() - begin) } satisfies ConsumerReport);
});
process.on("disconnect", () => process.exit(0));
