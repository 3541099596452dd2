import { setTimeout as wait } from "node:timers/promises";

const pauseMs = 10;

/** How long it waits where nothing else is said. The proof `mutation` has less patience. */
export const usual = { timeoutMs: 15_000 };

/** Waits for a condition, and throws with what was waited for when it does not come true in time. */
export async function until(
	what: string,
	condition: () => boolean | Promise<boolean>,
	timeoutMs = usual.timeoutMs,
): Promise<void> {
	const deadline = performance.now() + timeoutMs;
	// A process that was held up meanwhile has not looked often enough.
	for (let looks = 1; !(await condition()); looks++) {
		if (performance.now() > deadline && looks * pauseMs * 10 > timeoutMs)
			throw new Error(`waited ${timeoutMs} ms in vain: ${what}`);
		await wait(pauseMs);
	}
}
