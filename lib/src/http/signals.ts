import { AbortedError } from "./errors";

/** What waits for each signal: one listener of ours on it, however many wait, so that Node's limit is its owner's. */
const waiting = new WeakMap<AbortSignal, Set<() => void>>();

/** Calls back when the signal aborts, at once where it has already; returns what takes that back. */
export function onAbort(signal: AbortSignal, callback: () => void): () => void {
	if (signal.aborted) {
		callback();
		return () => {};
	}
	const others = waiting.get(signal);
	const callbacks = others ?? new Set<() => void>();
	// Of its own: the same function may wait twice.
	const own = () => callback();
	callbacks.add(own);
	if (others === undefined) {
		waiting.set(signal, callbacks);
		signal.addEventListener("abort", abortAll, { once: true });
	}
	return () => {
		callbacks.delete(own);
		if (callbacks.size > 0 || waiting.get(signal) !== callbacks) return;
		waiting.delete(signal);
		signal.removeEventListener("abort", abortAll);
	};
}

function abortAll(this: AbortSignal): void {
	const callbacks = waiting.get(this) ?? [];
	waiting.delete(this);
	for (const callback of callbacks) callback();
}

/**
 * What `pending` gives, if it does so in time; undefined where it does not.
 * @throws AbortedError when the signal aborts before, and what `pending` rejects with
 */
export function within<T>(
	pending: Promise<T>,
	ms: number,
	signal: AbortSignal,
): Promise<{ readonly value: T } | undefined> {
	return new Promise((resolve, reject) => {
		let leave = () => {};
		const timer = setTimeout(() => end(() => resolve(undefined)), ms);
		const end = (settle: () => void) => {
			clearTimeout(timer);
			leave();
			settle();
		};
		leave = onAbort(signal, () => end(() => reject(new AbortedError("the run was interrupted"))));
		pending.then(
			(value) => end(() => resolve({ value })),
			(error: unknown) => end(() => reject(error)),
		);
	});
}
