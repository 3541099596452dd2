/** Does `work` with a signal that is aborted when the reader presses Ctrl-C, or the terminal goes. */
export async function interruptible<T>(work: (interrupted: AbortSignal) => Promise<T>): Promise<T> {
	const interrupted = new AbortController();
	const signals: readonly NodeJS.Signals[] = ["SIGINT", "SIGTERM", "SIGHUP"];
	const stop = (): void => interrupted.abort();
	for (const signal of signals) process.on(signal, stop);
	try {
		return await work(interrupted.signal);
	} finally {
		for (const signal of signals) process.off(signal, stop);
	}
}
