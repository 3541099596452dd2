import fc from "fast-check";
import Mocha from "mocha";
import { usual } from "../../support/until";

/**
 * Many mutants make a test wait for ever, and Stryker switches Mocha's limit off: each would take Stryker's own, and a
 * new process. Here a test or a hook has failed as soon as nothing is left that could end it. The tests open no
 * connection: where no timer, no immediate and no request is on its way, nothing happens any more, however long one
 * waits. So no test fails because the machine is busy.
 */
const idleTurns = 3;

/** For what waits for ever and is not idle. */
const limitMs = 20_000;

/** Ends what runs. */
const overMs = 1;

// It looks again and again, and so is never idle. The tests take some milliseconds.
usual.timeoutMs = 1_500;

// One program that fails is enough: nobody reads the smallest.
fc.configureGlobal({ ...fc.readConfigureGlobal(), endOnFailure: true });

const isConnection = (name: string) => name.endsWith("Wrap");

/** By which Stryker speaks with this process. */
const ownCount = process.getActiveResourcesInfo().filter(isConnection).length;

let running: Mocha.Runnable | undefined;
let idle = 0;

const { run } = Mocha.Runnable.prototype;
// Mocha has no hook around its hooks.
Mocha.Runnable.prototype.run = function (this: Mocha.Runnable, ended) {
	// It has none, or what a mutant before this one has left: Stryker runs the same tests again and again.
	if (this.timeout() <= overMs) this.timeout(limitMs);
	running = this;
	idle = 0;
	run.call(this, (error) => {
		running = undefined;
		ended(error);
	});
};

setInterval(() => {
	idle = running !== undefined && isIdle() ? idle + 1 : 0;
	if (idle === idleTurns) running?.timeout(overMs);
}, 10).unref();

/** Nothing is on its way but the limit of the test. */
function isIdle(): boolean {
	const active = process.getActiveResourcesInfo();
	const others = active.filter((name) => !isConnection(name));
	return active.length - others.length <= ownCount && others.length === 1 && others[0] === "Timeout";
}
