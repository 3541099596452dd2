/** Something the reader can mend: setup.mjs shows its message alone, never a stack trace. */
export class Problem extends Error {
	override readonly name = "Problem";

	constructor(
		message: string,
		readonly exitCode = 1,
	) {
		super(message);
	}
}
