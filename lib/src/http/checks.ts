import { ArgumentError } from "./errors";

/** @throws ArgumentError unless it is a whole number from `least` to 2^53 − 1. */
export function checkIndex(name: string, index: number, least = 0): number {
	if (typeof index !== "number" || !Number.isSafeInteger(index) || index < least) {
		throw new ArgumentError(`${name} is a whole number from ${least}, not ${kindOf(index)}`);
	}
	return index;
}

/** What a timer can hold, in milliseconds; a longer one would go off at once. */
export const longestMs = 2 ** 31 - 1;

/** @throws ArgumentError unless it is a positive number of milliseconds, up to 24.8 days. */
export function checkDurationMs(name: string, durationMs: number): number {
	if (typeof durationMs !== "number" || !(durationMs > 0 && durationMs <= longestMs)) {
		throw new ArgumentError(
			`${name} is a positive number of milliseconds up to ${longestMs}, not ${kindOf(durationMs)}`,
		);
	}
	return durationMs;
}

/** What a value is, for a message: a number, true and null as they are, else its type. */
export function kindOf(value: unknown): string {
	return typeof value === "number" || typeof value === "boolean" || value == null
		? String(value)
		: typeof value;
}
