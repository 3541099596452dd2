import { setImmediate } from "node:timers/promises";
import type { Change, HubWatch } from "etcd-watch-lab/dist/follow";

/** Reads an iterator as far as it goes without waiting for anything new. */
export class Reader {
	readonly heard: Change[] = [];
	isDone = false;
	error: unknown;
	readonly #watch: AsyncIterator<Change>;
	#pending: Promise<void> | undefined;

	constructor(watch: AsyncIterator<Change>) {
		this.#watch = watch;
	}

	/** Takes what is there, at most so many. */
	async read(most = Number.POSITIVE_INFINITY): Promise<readonly Change[]> {
		for (let count = 0; count < most && !this.isDone; count++) {
			this.#pending ??= this.#take();
			await setImmediate();
			if (this.#pending !== undefined) break;
		}
		return this.heard;
	}

	async #take(): Promise<void> {
		try {
			const { done, value } = await this.#watch.next();
			if (done) this.isDone = true;
			else this.heard.push(value);
		} catch (error) {
			this.error = error;
			this.isDone = true;
		}
		this.#pending = undefined;
	}
}

/** "set /r/a 3", "gap 1-2 cleared: /r/a", "reset 7: /r". */
export function told(change: Change): string {
	switch (change.kind) {
		case "event":
			return `${change.action} ${change.key} ${change.index}`;
		case "gap":
			return `gap ${change.from}-${change.to} ${change.why}: ${keysOf(change)}`;
		case "reset":
			return `reset ${change.lastIndex} ${change.why}: ${keysOf(change)}`;
	}
}

function keysOf({ state }: Exclude<Change, { kind: "event" }>): string {
	return state.nodes.map(({ key }) => key).join(" ");
}

/** What a watch has to say without waiting. */
export async function heardBy(watch: HubWatch): Promise<readonly string[]> {
	return (await new Reader(watch).read()).map(told);
}
