import { setTimeout as wait } from "node:timers/promises";

/** Waits for a condition, and throws with what was waited for when it does not come true in time. */
export async function until(
	what: string,
	condition: () => boolean | Promise<boolean>,
	timeoutMs = 15_000,
): Promise<void> {
	const deadline = performance.now() + timeoutMs;
	while (!(await condition())) {
		if (performance.now() > deadline) throw new Error(`waited ${timeoutMs} ms in vain: ${what}`);
		await wait(10);
	}
}
