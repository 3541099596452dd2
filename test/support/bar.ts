import { type Options, Presets, SingleBar } from "cli-progress";

/** A bar that shows how far a long command is; where there is no terminal it shows nothing, unless `plain` says so. */
export class Bar {
	readonly #bar: SingleBar;
	readonly #isShown: boolean;

	/** @param format what cli-progress shows: {bar}, {value}, {total}, {eta_formatted}, and what updates give */
	constructor(format: string, options: { readonly plainEveryMs?: number; readonly etaBuffer?: number } = {}) {
		const { plainEveryMs, etaBuffer = 50 } = options;
		const plain: Options =
			plainEveryMs === undefined ? {} : { noTTYOutput: true, notTTYSchedule: plainEveryMs };
		this.#bar = new SingleBar({ format, etaBuffer, hideCursor: true, ...plain }, Presets.shades_classic);
		// A process that another one has started leaves the terminal to that.
		this.#isShown = plainEveryMs !== undefined || (process.stdout.isTTY && process.send === undefined);
	}

	start(total: number, shown: Readonly<Record<string, unknown>> = {}): void {
		if (this.#isShown) this.#bar.start(total, 0, shown);
	}

	update(value: number, shown: Readonly<Record<string, unknown>> = {}): void {
		if (this.#bar.isActive) this.#bar.update(value, shown);
	}

	/** A line that stays, above the bar. */
	say(text: string): void {
		if (process.stdout.isTTY && this.#bar.isActive) process.stdout.write("\r\x1b[K");
		console.log(text);
	}

	stop(): void {
		this.#bar.stop();
	}
}
