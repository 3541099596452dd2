/** What a server still had in its event history at one moment. */
export interface WindowMoment {
	/** The store's index at that moment. */
	readonly index: number;
	/** The first and the last index that could still be asked for. */
	readonly oldestKept: number;
	readonly newestKept: number;
	/** What happened then, in a few words. */
	readonly note?: string;
}

/** An event to follow. */
export interface WindowEvent {
	readonly index: number;
	/** Such as "set /quiet". */
	readonly label: string;
}
