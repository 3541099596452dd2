import { AbortedError } from "../http/errors";
import type { Fields } from "./parse";
import type { Results } from "./watch";

/** Somebody who waits. */
export interface Asked<T> {
	resolve(value: T): void;
	reject(error: unknown): void;
}

/** What a mailbox is part of. */
export interface MailboxOwner {
	/** How many bytes have come by the connection. */
	readonly receivedBytes: number;
	/** What a message says; it is held no longer. */
	read(bytes: Buffer): Fields;
	/** Nobody will read it. */
	drop(bytes: Buffer): void;
	/** Nothing more is to come for this watch. */
	cancel(id: number): void;
}

export interface MailboxOptions {
	readonly signal?: AbortSignal;
	/** It is canceled by itself once its first events have come, all fragments of the one message. */
	readonly once?: boolean;
	/** Called when events have come, before they are read. */
	readonly onEvents?: () => void;
}

/** What has come for one watch and was not read yet. */
export class Mailbox implements Results {
	readonly id: number;
	readonly once: boolean;
	readonly onEvents: () => void;
	readonly #owner: MailboxOwner;
	readonly #held: Buffer[] = [];
	readonly #asked: Asked<Fields>[] = [];
	readonly #signal: AbortSignal | undefined;
	readonly #abort = () => this.close();
	#failure: { readonly error: unknown } | undefined;
	#isClosed = false;

	/** The signal closes it. */
	constructor(
		owner: MailboxOwner,
		id: number,
		{ signal, once = false, onEvents = () => {} }: MailboxOptions,
	) {
		this.#owner = owner;
		this.id = id;
		this.once = once;
		this.onEvents = onEvents;
		this.#signal = signal;
		signal?.addEventListener("abort", this.#abort, { once: true });
	}

	get receivedBytes(): number {
		return this.#owner.receivedBytes;
	}

	next(): Promise<Fields> {
		return new Promise((resolve, reject) => {
			this.#asked.push({ resolve, reject });
			this.#answer();
		});
	}

	put(bytes: Buffer): void {
		this.#held.push(bytes);
		this.#answer();
	}

	/** What has come before is read first. */
	fail(error: unknown): void {
		this.#failure ??= { error };
		this.#signal?.removeEventListener("abort", this.#abort);
		this.#answer();
	}

	close(): void {
		if (this.#isClosed) return;
		this.#isClosed = true;
		for (const bytes of this.#held.splice(0)) this.#owner.drop(bytes);
		this.fail(new AbortedError("the watch was closed"));
		this.#owner.cancel(this.id);
	}

	#answer(): void {
		while (this.#asked.length > 0) {
			const bytes = this.#held.shift();
			if (bytes === undefined && this.#failure === undefined) return;
			const asked = this.#asked.shift();
			try {
				if (bytes === undefined) throw this.#failure?.error;
				asked?.resolve(this.#owner.read(bytes));
			} catch (error) {
				asked?.reject(error);
			}
		}
	}
}
