/** Wakes all who wait for the next time that it rings; it remembers nothing. */
export class Bell {
	#waiting: (() => void)[] = [];

	/** Resolves at the next `ring()`. */
	next(): Promise<void> {
		return new Promise((resolve) => this.#waiting.push(resolve));
	}

	ring(): void {
		for (const wake of this.#waiting.splice(0)) wake();
	}
}
