import { now } from "./serve";

/** Many watchers in one process, counted together. */
export class FanOut {
	readonly #watchers: number;
	/** At n − 1: how many watchers have had their n-th event. */
	readonly #had: number[] = [];
	readonly #waiting: { readonly events: number; readonly tell: (ns: number) => void }[] = [];
	readonly #failed: Promise<never>;
	#fail: (error: unknown) => void = () => {};

	constructor(watchers: number) {
		this.#watchers = watchers;
		this.#failed = new Promise((_, reject) => {
			this.#fail = reject;
		});
		// Every watcher fails when it is shut, and nobody waits then.
		this.#failed.catch(() => {});
	}

	/** Opens them, not more than a few at a time, and lets each count until it ends. */
	async open(watch: () => Promise<AsyncIterable<unknown>>): Promise<void> {
		let left = this.#watchers;
		const opener = async () => {
			while (left-- > 0) {
				this.#count(await watch()).catch(this.#fail);
			}
		};
		await Promise.all(Array.from({ length: 64 }, opener));
	}

	/** Resolves with the moment at which each watcher has had so many events. @throws what ended one of them */
	async delivered(events: number): Promise<number> {
		if (this.#had[events - 1] === this.#watchers) return now();
		const last = new Promise<number>((tell) => this.#waiting.push({ events, tell }));
		return await Promise.race([last, this.#failed]);
	}

	async #count(watcher: AsyncIterable<unknown>): Promise<void> {
		let events = 0;
		for await (const _ of watcher) {
			events++;
			const had = (this.#had[events - 1] ?? 0) + 1;
			this.#had[events - 1] = had;
			if (had !== this.#watchers) continue;
			for (const waiting of this.#waiting) if (waiting.events === events) waiting.tell(now());
		}
	}
}
