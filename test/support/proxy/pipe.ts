import type { Socket } from "node:net";

/** What a pipe does with the bytes, asked anew for each piece. */
export interface PipeRules {
	/** True: everything is swallowed, and the connection's end, too. */
	isHole(): boolean;
	/** How much later a piece goes out than it came. */
	delayMs(): number;
	bytesPerSecond(): number | undefined;
	/** How much of the piece goes out, and whether the connection ends there. */
	inspect(bytes: Buffer): { readonly forward: Buffer; readonly ends?: "cut" | "reset" };
	swallowed(byteCount: number): void;
	delayed(): void;
	throttled(): void;
	/** Called after the last byte before it was written. */
	end(how: "cut" | "reset"): void;
}

interface Item {
	/** undefined: the source has ended. */
	bytes: Buffer | undefined;
	dueMs: number;
	inspected: boolean;
	readonly ends?: "cut" | "reset";
}

/** So much may wait in a pipe before its source is no longer read. */
const highWater = 256 * 1024;
/** A throttled pipe sends a piece so often. */
const tickMs = 25;

/** One direction of a proxied connection. */
export class Pipe {
	readonly #source: Socket;
	readonly #sink: Socket;
	readonly #rules: PipeRules;
	#queue: Item[] = [];
	#queued = 0;
	#timer: NodeJS.Timeout | undefined;
	#notBeforeMs = 0;
	#blocked = false;

	constructor(source: Socket, sink: Socket, rules: PipeRules) {
		this.#source = source;
		this.#sink = sink;
		this.#rules = rules;
		source.on("data", (bytes: Buffer) => this.#take(bytes));
		source.on("end", () => this.#take(undefined));
		sink.on("drain", () => {
			this.#blocked = false;
			this.pump();
		});
	}

	/** Lets go at once what waits for its time. */
	hurry(): void {
		for (const item of this.#queue) item.dueMs = 0;
		this.#notBeforeMs = 0;
		this.pump();
	}

	close(): void {
		clearTimeout(this.#timer);
		this.#queue = [];
		this.#queued = 0;
	}

	#take(bytes: Buffer | undefined): void {
		const delayMs = this.#rules.delayMs();
		if (delayMs > 0 && bytes !== undefined && !this.#rules.isHole()) this.#rules.delayed();
		this.#queue.push({ bytes, dueMs: performance.now() + delayMs, inspected: false });
		this.#queued += bytes?.length ?? 0;
		if (this.#queued > highWater) this.#source.pause();
		this.pump();
	}

	/** Sends what is due. */
	pump(): void {
		clearTimeout(this.#timer);
		while (true) {
			const item = this.#queue[0];
			if (item === undefined || (this.#blocked && !this.#rules.isHole())) break;
			if (this.#rules.isHole()) {
				this.#rules.swallowed(item.bytes?.length ?? 0);
				this.#shift(item);
				continue;
			}
			const waitMs = Math.max(item.dueMs, this.#notBeforeMs) - performance.now();
			if (waitMs > 0) {
				this.#timer = setTimeout(() => this.pump(), waitMs).unref();
				break;
			}
			if (item.bytes === undefined) {
				this.#shift(item);
				this.#sink.end();
				continue;
			}
			this.#send(item, item.bytes);
		}
		if (this.#queued <= highWater && this.#source.isPaused()) this.#source.resume();
	}

	#send(item: Item, bytes: Buffer): void {
		let { ends } = item;
		let forward = bytes;
		if (!item.inspected) ({ forward, ends } = { ends: undefined, ...this.#rules.inspect(bytes) });
		this.#shift(item);
		const rate = this.#rules.bytesPerSecond();
		const most = rate === undefined ? forward.length : Math.max(1, Math.floor((rate * tickMs) / 1000));
		const now = forward.subarray(0, most);
		const later = forward.subarray(most);
		if (rate !== undefined && now.length > 0) {
			this.#notBeforeMs = performance.now() + (now.length / rate) * 1000;
		}
		if (later.length > 0) {
			this.#rules.throttled();
			this.#queue.unshift({ bytes: later, dueMs: 0, inspected: true, ...(ends ? { ends } : {}) });
			this.#queued += later.length;
		}
		if (now.length > 0 && !this.#sink.write(now)) this.#blocked = true;
		if (later.length === 0 && ends) this.#rules.end(ends);
	}

	#shift(item: Item): void {
		this.#queue.shift();
		this.#queued -= item.bytes?.length ?? 0;
	}
}
