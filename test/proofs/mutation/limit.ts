/** Stryker switches Mocha's limit off: a test that waits for ever would take Stryker's own, many times as long. */
export const mochaHooks = {
	beforeEach(this: Mocha.Context) {
		if (this.currentTest?.timeout() === 0) this.currentTest.timeout(20_000);
	},
};
