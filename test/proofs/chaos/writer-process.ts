import { setTimeout as wait } from "node:timers/promises";
import type { Access } from "./consumer";
import { type ChaosCommand, type Mix, type Places, Program } from "./program";
import type { Acknowledged, Api, Unknown } from "./record";
import { storeOf } from "./store";

/** What the writer is told. */
export type WriterOrder =
	| {
			readonly order: "write";
			readonly id: number;
			readonly api: Api;
			readonly epoch: number;
			readonly endpoints: readonly string[];
			readonly user?: Access["user"];
			readonly seed: number;
			readonly mix: Mix;
			readonly places: Places;
			readonly valueBytes?: number;
			/** How many at once. */
			readonly connections: number;
			/** After so many acknowledged writes it is done; without, it goes on until it is told to stop. */
			readonly count?: number;
			readonly perSecond?: number;
	  }
	/** These commands, in any order. */
	| {
			readonly order: "carry out";
			readonly id: number;
			readonly api: Api;
			readonly epoch: number;
			readonly endpoints: readonly string[];
			readonly user?: Access["user"];
			readonly commands: readonly ChaosCommand[];
			readonly connections: number;
			readonly perSecond?: number;
	  }
	| { readonly order: "stop"; readonly id: number };

/** What it tells, every few milliseconds and when it is done. */
export interface WriterReport {
	readonly id: number;
	readonly acknowledged: readonly Acknowledged[];
	readonly unknown: readonly Unknown[];
	readonly refused: number;
	readonly done: boolean;
}

const reportMs = 25;
const stopped = new Set<number>();

async function write(order: Exclude<WriterOrder, { order: "stop" }>): Promise<void> {
	const { id, epoch, endpoints, connections } = order;
	const store = storeOf(order.api, endpoints, 1_500, order.user);
	let acknowledged: Acknowledged[] = [];
	let unknown: Unknown[] = [];
	let refused = 0;
	let count = 0;
	const tell = (done: boolean) => {
		if (acknowledged.length + unknown.length + refused === 0 && !done) return;
		process.send?.({ id, acknowledged, unknown, refused, done } satisfies WriterReport);
		acknowledged = [];
		unknown = [];
		refused = 0;
	};
	const timer = setInterval(() => tell(false), reportMs);
	const program =
		order.order === "write" ? new Program(order.seed, order.mix, order.places, order.valueBytes) : undefined;
	const commands = order.order === "carry out" ? order.commands[Symbol.iterator]() : undefined;
	const limit =
		order.order === "write" ? (order.count ?? Number.POSITIVE_INFINITY) : Number.POSITIVE_INFINITY;
	const { perSecond } = order;
	/** When the next write may begin. After a stall nobody hurries: that would be another rate. */
	let due = performance.now();
	let underWay = 0;
	const worker = async () => {
		// What is under way counts: exactly so many are acknowledged.
		while (!stopped.has(id) && count + underWay < limit) {
			const command: ChaosCommand | undefined = program ? program.next() : commands?.next().value;
			if (command === undefined) return;
			underWay++;
			if (perSecond !== undefined) {
				// A few of its own are made good: timers are late.
				due = Math.max(due, performance.now() - 20) + 1_000 / perSecond;
				const early = due - performance.now();
				if (early > 1) await wait(early);
			}
			const outcome = await store.carryOut(command, epoch);
			underWay--;
			if (outcome.is === "acknowledged") {
				count++;
				for (const write of [outcome.write, ...(outcome.more ?? [])]) {
					acknowledged.push(write);
					program?.holds(write.key, write.value);
				}
			} else if (outcome.is === "unknown") unknown.push(outcome.write, ...(outcome.more ?? []));
			else {
				refused++;
				// Nobody there: not as fast as the processor can.
				if (refused > 64) await wait(5);
			}
		}
	};
	try {
		await Promise.all(Array.from({ length: connections }, worker));
	} finally {
		clearInterval(timer);
		await store.close();
		tell(true);
	}
}

process.on("message", (order: WriterOrder) => {
	if (order.order === "stop") stopped.add(order.id);
	else void write(order);
});
process.on("disconnect", () => process.exit(0));
