import { ConnectionError } from "../../http/errors";
import type { V3Message, V3Watch } from "../../v3/watch";

/** What is read of a watch here. */
export type Watched = Pick<V3Watch, "header" | "endpoint" | "next" | "close">;

type Arrived = { readonly message: V3Message | undefined } | { readonly error: unknown };

/** What comes by a watch, one message ahead of what is done with it. */
export class Incoming {
	readonly watch: Watched;
	#arrived: Arrived | undefined;
	#isAsked = false;
	#wake: () => void = () => {};

	constructor(watch: Watched) {
		this.watch = watch;
		this.#ask();
	}

	/** Whether there is something to take. */
	get has(): boolean {
		return this.#arrived !== undefined;
	}

	/** Called whenever there is. */
	set onArrival(wake: () => void) {
		this.#wake = wake;
	}

	/** The message that has come; undefined if none has. @throws what the watch ended with */
	take(): V3Message | undefined {
		const message = this.#message();
		if (message === undefined) return undefined;
		this.#arrived = undefined;
		this.#ask();
		return message;
	}

	/** Waits until there is something to take, and looks at it; undefined when nothing comes in time. Throws as `take`. */
	async peek(ms: number): Promise<V3Message | undefined> {
		if (!this.has) {
			let timer: NodeJS.Timeout | undefined;
			await new Promise<void>((resolve) => {
				this.#wake = resolve;
				timer = setTimeout(resolve, ms);
			});
			clearTimeout(timer);
			this.#wake = () => {};
		}
		return this.#message();
	}

	#ask(): void {
		const arrived = (arrival: Arrived) => {
			this.#isAsked = false;
			this.#arrived = arrival;
			this.#wake();
		};
		if (this.#isAsked) return;
		this.#isAsked = true;
		this.watch.next().then(
			(message) => arrived({ message }),
			(error: unknown) => arrived({ error }),
		);
	}

	#message(): V3Message | undefined {
		const arrived = this.#arrived;
		if (arrived === undefined) return undefined;
		if ("error" in arrived) throw arrived.error;
		if (arrived.message !== undefined) return arrived.message;
		throw new ConnectionError(`${this.watch.endpoint} ended the watch`, { maybeApplied: false });
	}
}
