/** A whole number that was given on a command line. @throws Error that names the option */
export function wholeNumber(name: string, text: string): number {
	const number = Number(text);
	if (!/^\d+$/.test(text) || !Number.isSafeInteger(number))
		throw new Error(`--${name} is a whole number, not "${text}"`);
	return number;
}

/** Ends this process as `main` says; of what it throws, the message alone is shown. */
export function runMain(main: () => Promise<number>): void {
	main().then(
		(code) => {
			process.exitCode = code;
		},
		(error: unknown) => {
			console.error(error instanceof Error ? error.message : error);
			process.exitCode = 1;
		},
	);
}
