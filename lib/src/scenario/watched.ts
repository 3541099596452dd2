import type { WatcherRecord } from "../timeline/timeline";
import type { OpenStep } from "./steps";

/** One watcher of a run, whatever it reads from. */
export interface Watched {
	readonly key: string;
	/** What ended it that no timeline can hold, such as the kernel's Interrupt. */
	readonly fatal: unknown;
	/** Nothing more is expected of it: answered, failed, closed, or fenced. */
	readonly isOver: boolean;
	/** Nothing reaches it now, whatever is written: its reader or its member stands still, or it asked for a later store. */
	readonly isPaused: boolean;
	/** True for one that goes on by itself after each event, and is at it. */
	readonly asksAgain: boolean;
	readonly deliveryCount: number;
	/** Resolves when its reading has ended, whatever the reason. */
	readonly reading: Promise<void>;
	/** Resolves when it is registered at the server, or was refused there (which is recorded). */
	open(step: OpenStep): Promise<void>;
	/** Gives up the connection; what it still had to read is nobody's. */
	drop(kind: "closed" | "cut"): Promise<void>;
	/** After `drop("cut")`: goes on with what its client carries. */
	reconnect(): Promise<void>;
	/** Resolves when it has been sent so many events in all, or when its reading has failed for good. */
	delivered(count: number): Promise<void>;
	/** Resolves when it has come past this index and waits for the next event, or is over. */
	caughtUp(index: number): Promise<void>;
	/** From now on an event with this index of the run, or a later one, is the fence. */
	expectFence(index: number): void;
	/** For one that waits where nothing can come: the server has none such any more. */
	isGone(): void;
	/** The member that it is at answers nobody, or does again. */
	silence(silent: boolean): void;
	record(): WatcherRecord;
}
