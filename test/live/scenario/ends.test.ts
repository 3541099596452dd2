import assert from "node:assert/strict";
import { endOfAPoll, type PollEnd } from "#lib/pages";

describe("a quiet long poll that was ended, asked again with the same waitIndex", function () {
	this.timeout(60_000);

	const expected: Readonly<Record<PollEnd, string>> = {
		"kill -9": "ConnectionError",
		SIGTERM: "ConnectionError",
		"a proxy gives up": "a 200 with an empty body",
		"the client's bodyTimeout": "BodyTimeoutError",
	};
	const ends = Object.keys(expected) as PollEnd[];
	let runs: Map<PollEnd, ReturnType<typeof endOfAPoll>>;

	// An orderly end takes some seconds on 3.5: the others go on beside it.
	before(() => {
		runs = new Map(ends.map((how) => [how, endOfAPoll(how)]));
		for (const run of runs.values()) run.catch(() => {});
	});

	for (const how of ends) {
		it(`gives what it waited for, after ${how}`, async () => {
			assert.deepEqual(await runs.get(how), {
				how,
				got: expected[how],
				askedAgain: "what it waited for",
			});
		});
	}
});
