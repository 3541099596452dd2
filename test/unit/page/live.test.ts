import assert from "node:assert/strict";
import { mock } from "node:test";
import { type Table, tableOf } from "#lib/page";
import { paced } from "#lib/page/live.js";
import { each } from "../../support/clients";

/** A clock that moves when told, and what was sent at which time. */
class Clock {
	time = 0;
	readonly sent: { readonly at: number; readonly text: string; readonly update: boolean }[] = [];
	readonly output = paced((bundle, update) => {
		this.sent.push({ at: this.time, text: bundle["text/plain"].split("\n")[0] ?? "", update });
	});
	advance(ms: number) {
		for (let n = 0; n < ms; n++) {
			this.time++;
			mock.timers.tick(1);
		}
	}
}

const view = (name: string | number): Table => tableOf({ columns: [String(name)], rows: [] });

describe("live", () => {
	let clock: Clock;
	let output: Clock["output"];
	beforeEach(() => {
		mock.timers.enable({ apis: ["setTimeout"] });
		clock = new Clock();
		output = clock.output;
	});
	afterEach(() => mock.timers.reset());

	it("sends the first at once as a new output, and all that follow as updates of it", () => {
		output.update(view("a"));
		clock.advance(1000);
		output.update(view("b"));
		assert.deepEqual(clock.sent, [
			{ at: 0, text: "a", update: false },
			{ at: 1000, text: "b", update: true },
		]);
	});

	it("sends at most five a second, and the latest at the end of each pause", () => {
		for (let n = 0; n < 1000; n++) {
			output.update(view(n));
			clock.advance(1);
		}
		assert.deepEqual(each(clock.sent, "at"), [0, 200, 400, 600, 800, 1000]);
		assert.deepEqual(each(clock.sent, "text"), ["0", "199", "399", "599", "799", "999"]);
	});

	it("shows the last at once when it is finished, and not again later", () => {
		output.update(view("a"));
		output.update(view("b"));
		output.update(view("c"));
		output.finish();
		clock.advance(1000);
		assert.deepEqual(each(clock.sent, "text"), ["a", "c"]);
	});

	it("makes only the views that it shows", () => {
		const made: number[] = [];
		for (let n = 0; n < 10; n++)
			output.update(() => {
				made.push(n);
				return view(n);
			});
		output.finish();
		assert.deepEqual(made, [0, 9]);
	});

	it("throws at the next call what a view threw that was made later", () => {
		output.update(view("a"));
		output.update(() => {
			throw new Error("no such chart");
		});
		clock.advance(200);
		assert.throws(() => output.update(view("b")), /no such chart/);
		output.update(view("c"));
		output.finish();
		assert.equal(clock.sent.at(-1)?.text, "c");
	});

	it("refuses an update after it was finished", () => {
		output.finish();
		assert.throws(() => output.update(view("late")), /finished/);
	});
});
