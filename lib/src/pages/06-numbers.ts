import { show } from "../page/display";
import { type Cell, type Table, tableBundle, tableOf } from "../page/table";
import { ScenarioError, type Target } from "../scenario/api";
import { Recorder } from "../scenario/record";
import { onV2 } from "../scenario/recorded";
import type { Scenario } from "../scenario/scenario";
import { stepWords, type WriteStep } from "../scenario/steps";
import { V2Api } from "../scenario/v2/api";
import { V3Api } from "../scenario/v3/api";
import { counterparts } from "../scenario/v3/counterparts";
import { printable } from "../timeline/printable";
import { KeyNotFoundError } from "../v2";

/** A number that etcd gives with an answer, in either API. */
export const numberNames = {
	v2: ["X-Raft-Index", "X-Etcd-Index", "modifiedIndex", "createdIndex"],
	v3: ["raftIndex", "revision", "mod_revision", "create_revision", "version"],
} as const;
export type NumberName = (typeof numberNames)["v2" | "v3"][number];

/** What the numbers were after one write. */
export interface NumbersAfter {
	/** Such as "set /k". */
	readonly write: string;
	/** True when the write was to the key whose numbers these are. */
	readonly isOwn: boolean;
	/** False when it was refused, or a comparison did not hold. */
	readonly isAccepted: boolean;
	/** By its name; those of the key are missing while it does not exist. */
	readonly numbers: Readonly<Partial<Record<NumberName, number>>>;
}

/** The numbers of one key, and of its store, through some writes. */
export interface KeyNumbers {
	readonly api: "v2" | "v3";
	readonly key: string;
	readonly after: readonly NumbersAfter[];
	/** As a timeline's, where it is a record. */
	readonly recorded?: string;
}

/**
 * Makes a scenario's writes one after the other on one API, and reads after each what etcd says of a key and of its
 * store. All but `version` are counted from where they were before the first write. The scenario may hold nothing but
 * writes.
 * @throws ScenarioError for another step, or without a v3 API; errors as `Scenario.run`
 */
export async function keyNumbers(
	steps: Scenario,
	target: Target,
	key: string,
	options: { readonly api?: "v2" | "v3"; readonly signal?: AbortSignal } = {},
): Promise<KeyNumbers> {
	const writes = steps.steps.filter((step): step is WriteStep => step.step === "write");
	const other = steps.steps.find(({ step }) => step !== "write");
	if (other)
		throw new ScenarioError(`"${stepWords(other)}" is no write: numbers are read after writes alone`);
	const { api: name = "v2", signal = new AbortController().signal } = options;
	const read = () => readNumbers(writes, target, key, name, signal);
	if (name === "v2") return await onV2(target, { name: steps.name, of: ["numbers", steps.steps, key] }, read);
	return await read();
}

async function readNumbers(
	writes: readonly WriteStep[],
	target: Target,
	key: string,
	name: "v2" | "v3",
	signal: AbortSignal,
): Promise<KeyNumbers> {
	if (name === "v3" && target.v3 === undefined)
		throw new ScenarioError("this server's v3 API is not at hand: run it on a lab");
	const api = name === "v3" && target.v3 ? new V3Api(target.v3, target) : new V2Api(target);
	const prefix = target.newPrefix();
	// While a server comes up, it writes to its own log; it takes v3's requests only after that.
	await target.v3?.status({ signal });
	const recorder = new Recorder(prefix, await api.now(prefix, signal));
	const absolute = recorder.absoluteKey(key);
	const read = () => (name === "v2" ? readV2(target, absolute, signal) : readV3(target, absolute, signal));
	try {
		const before = await read();
		const after: NumbersAfter[] = [];
		for (const step of writes) {
			const { prevIndex } = step.expected ?? {};
			const expected =
				prevIndex === undefined
					? {}
					: { expected: { ...step.expected, prevIndex: recorder.absoluteIndex(prevIndex) } };
			const written = { ...step, ...expected, key: recorder.absoluteKey(step.key) };
			const { outcome } = await api.write(written, recorder, signal);
			after.push({
				write: stepWords(step),
				isOwn: step.key === key,
				isAccepted: outcome.kind === "accepted",
				numbers: since(before, await read()),
			});
		}
		return { api: name, key, after };
	} finally {
		await api.clear(prefix);
		await api.close();
	}
}

type Numbers = Partial<Record<NumberName, number>>;

async function readV2({ v2 }: Target, key: string, signal: AbortSignal): Promise<Numbers> {
	// A plain read: one with a quorum would take a raft index itself.
	try {
		const { etcdIndex, raftIndex, node } = await v2.get(key, { signal });
		const { modifiedIndex, createdIndex } = node;
		return { "X-Raft-Index": raftIndex, "X-Etcd-Index": etcdIndex, modifiedIndex, createdIndex };
	} catch (error) {
		if (!(error instanceof KeyNotFoundError)) throw error;
		const { etcdIndex, raftIndex } = await v2.get("/", { signal });
		return { "X-Raft-Index": raftIndex, "X-Etcd-Index": etcdIndex };
	}
}

async function readV3({ v3 }: Target, key: string, signal: AbortSignal): Promise<Numbers> {
	if (v3 === undefined) return {};
	const { header, kvs } = await v3.range(key, { signal });
	const { raftIndex } = await v3.status({ signal });
	const [kv] = kvs;
	return {
		raftIndex,
		revision: header.revision,
		...(kv ? { mod_revision: kv.modRevision, create_revision: kv.createRevision, version: kv.version } : {}),
	};
}

/** Counted from the start; each number of a key from where its store's was. */
function since(before: Numbers, now: Numbers): Numbers {
	const index = before["X-Etcd-Index"];
	const { revision } = before;
	const origin: Readonly<Record<NumberName, number | undefined>> = {
		"X-Raft-Index": before["X-Raft-Index"],
		"X-Etcd-Index": index,
		modifiedIndex: index,
		createdIndex: index,
		raftIndex: before.raftIndex,
		revision,
		mod_revision: revision,
		create_revision: revision,
		version: 0,
	};
	const entries = Object.entries(now).map(([name, value]) => [
		name,
		value - (origin[name as NumberName] ?? 0),
	]);
	return Object.fromEntries(entries);
}

/** What a number counts, as far as these writes tell. */
export type Counts = "every attempt" | "the store's writes" | "the key's writes" | "not known";

/**
 * What each number counts, by what moved it: one that is moved by what was refused counts attempts; one whose values lie
 * apart by the writes to other keys in between is dealt out by the store; one that goes up by 1 with each accepted
 * write to the key, whatever happens elsewhere, is the key's own.
 */
export function whatTheyCount({ api, after }: KeyNumbers): Readonly<Partial<Record<NumberName, Counts>>> {
	const refused = after.some(({ isAccepted }) => !isAccepted);
	const others = after.some(({ isOwn, isAccepted }) => !isOwn && isAccepted);
	const judge = (name: NumberName): Counts => {
		let attempts = 0;
		let store = 0;
		let key = 0;
		const fits = { attempts: true, store: true, key: true };
		let last = 0;
		for (const { isOwn, isAccepted, numbers } of after) {
			attempts++;
			if (isAccepted) store++;
			if (isAccepted && isOwn) key++;
			const value = numbers[name];
			if (value === undefined) {
				// Gone with its key: what counts the key's writes begins anew.
				key = 0;
				last = 0;
				continue;
			}
			if (value === last) continue;
			last = value;
			fits.attempts &&= value === attempts;
			fits.store &&= value === store;
			fits.key &&= value === key;
		}
		if (last === 0 || !refused || !others) return "not known";
		if (fits.store) return "the store's writes";
		if (fits.attempts) return "every attempt";
		return fits.key ? "the key's writes" : "not known";
	};
	return Object.fromEntries(numberNames[api].map((name) => [name, judge(name)]));
}

/** A scenario's steps, what each is in v3, and which have no counterpart there. */
export function counterpartTable(scenario: Scenario): Table {
	const all = counterparts(scenario);
	const without = all.filter(({ v3 }) => v3 === undefined);
	const isToSay = all.some(({ note }) => note !== "");
	return tableOf({
		title: `${printable(scenario.name)}: its steps in v3`,
		columns: ["step", "in v2", "in v3", ...(isToSay ? ["why"] : [])],
		rows: all.map(({ step, v2, v3, note }): Cell[] => [
			step,
			v2,
			v3 ?? { text: "no counterpart", mark: "wrong" },
			...(isToSay ? [note] : []),
		]),
		...(without.length === 0
			? {}
			: { notes: ["What has no counterpart is left out of a run on v3, and the run's timeline says so."] }),
	});
}

/** Shows what each step of a scenario is in v3. To have it as data, call `counterparts`. */
export function showCounterparts(scenario: Scenario): void {
	show(tableBundle(counterpartTable(scenario)));
}
