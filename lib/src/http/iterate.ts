/**
 * An iterator over `next`, which gives undefined at the end. Its end, an error and `return` (so `break`) call `close`.
 * `return` ends it at once, even while a `next` is pending, which then says "done": a generator's would wait for that.
 */
export function iterate<T>(next: () => Promise<T | undefined>, close: () => void): AsyncIterableIterator<T> {
	let isOver = false;
	const end = () => {
		isOver = true;
		close();
		return { done: true, value: undefined } as const;
	};
	return {
		async next() {
			if (isOver) return end();
			try {
				const value = await next();
				return isOver || value === undefined ? end() : { done: false, value };
			} catch (error) {
				if (isOver) return end();
				end();
				throw error;
			}
		},
		async return() {
			return end();
		},
		[Symbol.asyncIterator]() {
			return this;
		},
	};
}
