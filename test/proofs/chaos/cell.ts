import type { Rule } from "etcd-watch-lab/follow";
import { Bar } from "../../support/bar";
import type { ConsumerKind } from "./consumer";
import { kindsOn } from "./kinds";
import { plan } from "./plan";
import type { Api } from "./record";
import { add, isBad, line, noTotals, noticed, type Totals } from "./report";
import { Session } from "./session";

/** The runs of one consumer on one API of one etcd, as plain data: they may be in another process. */
export interface Cell {
	readonly api: Api;
	readonly consumer: ConsumerKind;
	/** As --etcd names it. */
	readonly etcd: string;
	readonly binary: string;
	readonly members: 1 | 3;
	readonly without: readonly Rule[];
	/** The fault is left out, which has to be noticed: a run is good that says that it did not bite. */
	readonly withoutFault: boolean;
	/** The consumers stand still for a second, in the middle of each fault. */
	readonly withPauses: boolean;
	/** The names of the kinds. */
	readonly kinds: readonly string[];
	readonly runs: number;
	readonly seed: number;
}

/** Runs them, one after the other, and prints a line for each. */
export async function runCell(cell: Cell, isInterrupted: () => boolean): Promise<Totals> {
	const { api, etcd, binary, members, consumer, without, withoutFault, withPauses, runs, seed } = cell;
	const kinds = kindsOn(api).kinds.filter(({ name }) => cell.kinds.includes(name));
	const bar = new Bar("{bar} {value} of {total} runs, {verified} events verified, {eta_formatted} to go");
	const totals = noTotals();
	const begin = performance.now();
	const session = await Session.open({ binary, members, consumer, without, withPauses, api });
	try {
		bar.start(runs, { verified: 0 });
		for (const { kind, seed: own } of plan({ seed, runs, kinds, shape: (one) => session.shape(one) })) {
			if (isInterrupted()) break;
			const ran = await session.run(kind, own, { withoutFault });
			const result = withoutFault ? noticed(ran) : ran;
			const options = [
				api === "v3" ? " --api v3" : "",
				withPauses ? " --pause" : "",
				withoutFault ? " --without-fault" : "",
			].join("");
			const again = `npm run chaos -- --seed ${own} --runs 1 --kind ${kind.name} --etcd ${etcd} --members ${members}${options}`;
			add(totals, result, again);
			bar.say(line(result));
			if (isBad(result)) {
				for (const { checker, consumer: name, what } of result.findings.slice(1, 6)) {
					bar.say(`    ${checker} of ${name}: ${what}`);
				}
				bar.say(`    again: ${again}`);
			}
			bar.update(totals.runs, { verified: totals.verified });
		}
	} finally {
		bar.stop();
		await session.close();
	}
	totals.seconds = (performance.now() - begin) / 1000;
	return totals;
}
