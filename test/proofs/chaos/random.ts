/** Numbers that look random and are the same for the same seed, in every process (mulberry32). */
export class Random {
	#state: number;

	constructor(seed: number) {
		this.#state = seed >>> 0;
	}

	/** From 0 to below 1. */
	next(): number {
		this.#state = (this.#state + 0x6d2b79f5) >>> 0;
		let mixed = this.#state;
		mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
		mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
		return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
	}

	/** A whole number below `count`. */
	below(count: number): number {
		return Math.floor(this.next() * count);
	}

	/** One of them. */
	pick<T>(all: readonly T[]): T {
		const one = all[this.below(all.length)];
		if (one === undefined) throw new Error("there is nothing to pick from");
		return one;
	}

	/** One of the names, as often as its weight says. */
	weighted<Name extends string>(weights: Readonly<Partial<Record<Name, number>>>): Name {
		const all = Object.entries(weights) as [Name, number][];
		let left = this.next() * all.reduce((sum, [, weight]) => sum + weight, 0);
		for (const [name, weight] of all) {
			left -= weight;
			if (left < 0) return name;
		}
		throw new Error("no name has a weight");
	}
}
