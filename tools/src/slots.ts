import { availableParallelism } from "node:os";

/** For how many notebooks there is room: a process of `npm test`, beside others, has its share. */
const room = Number(process.env["ETCD_WATCH_LAB_SLOTS"]) || Math.max(2, availableParallelism());

/** Runs notebooks side by side, as many as there are processors (at least two), the others in their turn. */
export class Slots {
	private free: number;
	private readonly queue: (() => void)[] = [];

	constructor(count = room) {
		this.free = count;
	}

	/** Begins `work` as soon as a slot is free; the slot is free again when the work has ended, however it ends. */
	async run<T>(work: () => Promise<T>): Promise<T> {
		if (this.free > 0) this.free--;
		else await new Promise<void>((resolve) => this.queue.push(resolve));
		try {
			return await work();
		} finally {
			const next = this.queue.shift();
			if (next === undefined) this.free++;
			else next();
		}
	}
}
