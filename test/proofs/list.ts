import { isOnServers, nameOf, testFiles } from "#tools/testfiles";
import { type EtcdKind, kinds as v2Etcds, v3Kinds as v3Etcds } from "../support/etcds";
import type { Kind } from "./chaos/kind";
import { kindsOn } from "./chaos/kinds";
import type { Api } from "./chaos/record";
import { type Group, groupNames, groups } from "./mutation/report";

/** One process of a proof: it ends with 0 and tells what it counted (tools/src/programs/counted.ts), or it has failed. */
export interface Part {
	/** Names a file, too: letters, digits, dots and hyphens. */
	readonly id: string;
	/** What Node is given, from the checkout. */
	readonly args: readonly string[];
	readonly env?: Readonly<Record<string, string>>;
	/** About how long it takes, two of them side by side on two processors. */
	readonly seconds: number;
}

/** A long proof, in parts that are made one by one, in any order. */
export interface Proof {
	readonly name: string;
	/** What it shows, for the table in test/README.md. */
	readonly about: string;
	/** Where its code begins: all that these load is part of it. */
	readonly entries: readonly string[];
	/** Files and folders that it reads and does not load. */
	readonly reads?: readonly string[];
	readonly parts: (seed: number) => readonly Part[];
	/** A small part of it, another one for each `draw`, a whole number: over many draws all of it. */
	readonly quick: (draw: number) => readonly Part[];
}

const mocha = "node_modules/mocha/bin/mocha.js";
const testOf = (name: string) => [mocha, `test/dist/${name}.test.js`];
const range = (count: number) => Array.from({ length: count }, (_, nth) => nth);
/** Draws are as large as hashes; a seed is one of a thousand million. */
const seedOf = (draw: number) => draw % 1_000_000_000;

/** Takes over a minute, and does not bite on a busy machine: --quick leaves it to the whole proof. */
const tooSlow = "slow-reader-compaction";

/** What the etcds are that are built here. */
const ofEtcds = ["test/etcds"];

const etcdsOn: Readonly<Record<Api, readonly EtcdKind[]>> = { v2: v2Etcds, v3: v3Etcds };

function chaosPart(
	id: string,
	seconds: number,
	options: Readonly<Record<string, string | number | true>>,
): Part {
	const given = Object.entries(options).map(([name, value]) =>
		value === true ? `--${name}` : `--${name}=${value}`,
	);
	return { id, args: ["test/dist/proofs/chaos/main.js", ...given], seconds };
}

const kindsOf = (api: Api) => kindsOn(api).kinds.filter(({ name }) => name !== tooSlow);

/** About how long these kinds take, once each. */
function secondsOf(kinds: readonly Kind[]): number {
	return kinds.reduce((sum, { seconds }) => sum + 1 + seconds, 0);
}

/**
 * Deals half of the kinds of fault to APIs and servers by a draw, the others by the next one: each kind to one server of
 * one API, over many draws to all that it is on.
 */
export function dealt(api: Api, draw: number): ReadonlyMap<EtcdKind, readonly Kind[]> {
	const etcds = etcdsOn[api];
	const names = (one: Api) => kindsOf(one).map(({ name }) => name);
	const all = [...new Set([...names("v2"), ...names("v3")])];
	// Of what the servers leave of the draw: else a kind would meet some of the servers on one API alone.
	const turn = Math.floor(draw / (etcdsOn.v2.length * etcdsOn.v3.length));
	const found = new Map<EtcdKind, Kind[]>();
	for (const kind of kindsOf(api)) {
		const at = all.indexOf(kind.name);
		if ((at + draw) % 2 !== 0) continue;
		const apis = (["v2", "v3"] as const).filter((one) => names(one).includes(kind.name));
		const etcd = etcds[(at + draw) % etcds.length];
		if (etcd === undefined || apis[(at + turn) % apis.length] !== api) continue;
		found.set(etcd, [...(found.get(etcd) ?? []), kind]);
	}
	return found;
}

const namesOf = (kinds: readonly Kind[]) => kinds.map(({ name }) => name).join();

/** How often each kind meets each server. v3 has more servers, and its runs take longer; another seed makes another round. */
const rounds: Readonly<Record<Api, number>> = { v2: 3, v3: 1 };

function chaosProof(api: Api): Proof {
	const all = kindsOn(api).kinds;
	const runs = all.length;
	return {
		name: `chaos-${api}`,
		about: `under every kind of fault, \`follow\` on ${api} loses, repeats and reorders nothing in silence`,
		entries: ["test/proofs/chaos/main.ts"],
		reads: ofEtcds,
		parts: (seed) =>
			etcdsOn[api].flatMap((etcd) =>
				range(rounds[api]).map((nth) =>
					chaosPart(`${etcd}-${nth + 1}`, secondsOf(all), { api, etcd, runs, seed: seed * 1_000 + nth }),
				),
			),
		quick: (draw) =>
			[...dealt(api, draw)].map(([etcd, kinds]) =>
				chaosPart(etcd, 5 + secondsOf(kinds), {
					...{ api, etcd, kind: namesOf(kinds), runs: kinds.length, seed: seedOf(draw) },
				}),
			),
	};
}

function controlsProof(api: Api): Proof {
	const etcds = etcdsOn[api];
	const runs = kindsOn(api).kinds.length;
	const each = api === "v2" ? 1.4 : 2.2;
	const shared = { api, "without-fault": true } as const;
	return {
		name: `controls-${api}`,
		about: `each kind of fault on ${api}, left out, is noticed: no run says "ok" without its fault`,
		entries: ["test/proofs/chaos/main.ts"],
		reads: ofEtcds,
		parts: (seed) =>
			etcds.map((etcd) => chaosPart(etcd, each * runs, { ...shared, etcd, runs, seed: seed * 1_000 })),
		// A sixth of the kinds, on one server: most of a part is to begin it.
		quick: (draw) => {
			const drawn = kindsOf(api).filter((_, at) => (at + draw) % 6 === 0);
			const etcd = etcds[Math.floor(draw / 6) % etcds.length] ?? "3.5.1";
			const options = { ...shared, etcd, kind: namesOf(drawn), runs: drawn.length, seed: seedOf(draw) };
			return [chaosPart("one-server", 5 + each * drawn.length, options)];
		},
	};
}

/** A test file in shares (test/support/share.ts): `whole` so many for the proof, `drawn` for --quick, one of so many. */
function inShares(file: string, of: { whole: number; drawn: number; seconds: number }) {
	const part = (id: string, nth: number, shares: number): Part => ({
		id,
		args: testOf(file),
		env: { ETCD_WATCH_LAB_SHARE: `${nth}/${shares}` },
		seconds: 3 + of.seconds / shares,
	});
	return {
		parts: () => range(of.whole).map((nth) => part(`share-${nth + 1}`, nth, of.whole)),
		quick: (draw: number) => [part("share", draw % of.drawn, of.drawn)],
	};
}

const differentialPart = (id: string, runs: number, seed: number): Part => ({
	id,
	args: ["test/dist/proofs/differential/main.js", `--runs=${runs}`, `--seed=${seed}`],
	seconds: 3 + runs / 60,
});

const mutationPart = (id: string, seconds: number, option: string): Part => ({
	id,
	args: ["test/dist/proofs/mutation/main.js", option],
	seconds,
});

/** One for each group, so that a row in the tests of one is no other code for the rest. */
function mutationProof(group: Group): Proof {
	const { sources, tests, seconds } = groups[group];
	const own = ["limit.ts", `same-program/${group}.json`, "stryker"].map(
		(name) => `test/proofs/mutation/${name}`,
	);
	return {
		name: `mutation-${group}`,
		about: `of what StrykerJS changes in the pure parts of ${group}, fast tests notice nine of ten`,
		entries: ["test/proofs/mutation/main.ts", ...tests.map((name) => `test/${name}.test.ts`)],
		reads: [...sources.map((name) => `lib/src/${name}`), ...own, "test/pages/golden"],
		parts: () => [mutationPart("whole", seconds, `--group=${group}`)],
		// One for all: it draws from the files of every group.
		quick: (draw) =>
			group === groupNames[0]
				? [mutationPart("files", 60, `--commit=${draw.toString(16).padStart(7, "0")}`)]
				: [],
	};
}

function accountPart(id: string, seconds: number, wished: Readonly<Record<string, string | number>>): Part {
	const all = { model: 0, live: 0, faults: 0, ...wished };
	const list = Object.entries(all).map(([name, value]) => `${name}:${value}`);
	return {
		id,
		args: testOf("live/scenario/agreement"),
		env: { ETCD_WATCH_LAB_AGREEMENT: list.join() },
		seconds,
	};
}

const soakPart = (id: string, minutes: number): Part => ({
	id,
	args: ["bench/dist/soak.js", String(minutes)],
	seconds: 10 + minutes * 60,
});

/** What a page that runs in a kernel is made of. */
const ofPages = ["notebooks", "lib/src", "lib/recorded", "tools/execute.py"];

/** One of them for each draw. */
const oneOf = (parts: readonly Part[]) => (draw: number) => parts.slice(draw % parts.length).slice(0, 1);

/** Tests by their files and folders, all or those on one etcd; `share`: of a file that is dealt in shares. */
function testsPart(
	id: string,
	seconds: number,
	names: readonly string[],
	{ etcd, share }: { readonly etcd?: EtcdKind; readonly share?: string } = {},
): Part {
	return {
		...{ id, seconds },
		args: ["test/dist/proofs/tests.js", ...names, ...(etcd === undefined ? [] : [`--etcd=${etcd}`])],
		...(share === undefined ? {} : { env: { ETCD_WATCH_LAB_SHARE: share } }),
	};
}

/** What a set-up is made of. */
const ofSetup = [
	...["package.json", "package-lock.json", ".npmrc", "lib/package.json", "lib/src"],
	...["bootstrap.mjs", "setup.mjs", "command.mjs", "requirements.txt", "lab.py", "src"].map(
		(name) => `tools/${name}`,
	),
];

/** What `npm test` has on etcd 3.5.1 and 3.7 alone, dealt to parts: on 3.4 it is most of it. */
const otherServers: readonly Part[] = [
	testsPart("3.4-follow", 130, ["live/follow", "live/http"], { etcd: "3.4" }),
	testsPart("3.4-scenario", 110, ["live/scenario", "live/page"], { etcd: "3.4" }),
	testsPart("3.4-server", 80, ["live/server", "pages/notebooks"], { etcd: "3.4" }),
	testsPart("3.4-clients", 50, ["live/v2", "live/v3", "live/versions"], { etcd: "3.4" }),
	testsPart("newest", 70, ["live/follow", "live/server", "live/versions"], { etcd: "newest" }),
	testsPart("3.6", 80, ["live/follow", "live/server", "live/versions"], { etcd: "3.6" }),
];

/** What takes longest and says least about watches. `npm test` has the first quarter of the pages. */
const longTests: readonly Part[] = [
	...range(3).map((nth) =>
		testsPart(`pages-${nth + 2}`, 70, ["pages/notebooks/notebooks"], { share: `${nth + 1}/4` }),
	),
	testsPart("browser", 110, ["pages/site/browser"]),
	testsPart("start", 90, ["setup/start"]),
	testsPart("setup", 65, ["setup/setup"]),
	testsPart("notebooks", 55, ["setup/notebooks"]),
	testsPart("package", 40, ["setup/package"]),
	testsPart("test", 45, ["setup/test"]),
	testsPart("check", 55, ["setup/check", "setup/freshness"]),
	testsPart("hostile", 30, ["pages/lab/hostile"]),
];

const onServers = testFiles()
	.map(nameOf)
	.filter(isOnServers)
	.map((name) => `test/${name}.test.ts`);

const rules = inShares("proofs/chaos/rules", { whole: 4, drawn: 6, seconds: 90 });

const firstStart: Part = { id: "one", args: ["test/dist/proofs/first-start.js"], seconds: 90 };

export const proofs: readonly Proof[] = [
	chaosProof("v2"),
	chaosProof("v3"),
	controlsProof("v2"),
	controlsProof("v3"),
	{
		name: "rules-off",
		about: "each rule of the follower is missed when it is switched off, under faults and step by step",
		entries: ["test/proofs/chaos/rules.test.ts", "test/live/follow/without-rules.test.ts"],
		reads: ofEtcds,
		parts: () => [
			...rules.parts(),
			{ id: "step-by-step", args: testOf("live/follow/without-rules"), seconds: 25 },
		],
		quick: rules.quick,
	},
	{
		name: "mutants",
		about: "each planted fault of the model is found by the differential test, within 1,500 programs",
		entries: ["test/proofs/differential/mutants.test.ts"],
		...inShares("proofs/differential/mutants", { whole: 3, drawn: 3, seconds: 60 }),
	},
	...groupNames.map(mutationProof),
	{
		name: "differential",
		about: "random programs of writes and watchers: the model answers, delivers and is silent as etcd",
		entries: ["test/proofs/differential/main.ts"],
		reads: ofEtcds,
		parts: (seed) =>
			range(10).map((nth) => differentialPart(String(nth + 1), 10_000, seed * 1_000 + nth * 10)),
		quick: (draw) => [differentialPart("some", 600, seedOf(draw))],
	},
	{
		name: "account",
		about: "random runs: chart, tables, text, claims and account say the same of each, and it is the model's",
		entries: ["test/live/scenario/agreement.test.ts"],
		reads: ofEtcds,
		parts: (seed) => [
			...range(4).map((nth) =>
				accountPart(`model-${nth + 1}`, 120, { model: 5_000, from: seed * 100_000 + nth * 5_000 }),
			),
			...range(5).map((nth) =>
				accountPart(`live-${nth + 1}`, 200, { live: 50, from: seed * 100_000 + nth * 50 }),
			),
			...range(5).map((nth) =>
				accountPart(`faults-${nth + 1}`, 200, { faults: 10, from: seed * 100_000 + nth * 10 }),
			),
			accountPart("snapshots", 200, { snapshots: 3, from: seed * 100_000 }),
			...(["newest", "3.6", "3.7"] as const).map((etcd) =>
				accountPart(`v3-on-${etcd}`, 150, { v3: etcd, live: 50, faults: 10, from: seed * 100_000 }),
			),
		],
		quick: (draw) => {
			const from = seedOf(draw);
			const newer = (["newest", "3.6", "3.7"] as const)[draw % 3] ?? "newest";
			return [
				accountPart("some", 25, { model: 300, live: 3, faults: 1, from }),
				accountPart(`v3-on-${newer}`, 15, { v3: newer, live: 3, faults: 1, from }),
			];
		},
	},
	{
		name: "soak",
		about:
			"one follower behind a writer at full speed: nothing is lost, and its heap grows by 64 MiB at most",
		entries: ["bench/soak.ts", "bench/clients/writer.ts"],
		parts: () => [soakPart("one-follower", 20)],
		quick: () => [soakPart("one-follower", 0.2)],
	},
	{
		name: "servers",
		about: "what `npm test` shows on etcd 3.5.1 and 3.7 holds on 3.4, the newest 3.5 and 3.6, too",
		entries: ["test/proofs/tests.ts", ...onServers],
		reads: ofEtcds,
		parts: () => otherServers,
		quick: oneOf(otherServers),
	},
	{
		name: "long-tests",
		about:
			"the set-up from nothing, the pages that `npm test` leaves out, the site in a browser, hostile notebooks",
		entries: [
			"test/proofs/tests.ts",
			...new Set(longTests.flatMap(({ args }) => args.slice(1).map((name) => `test/${name}.test.ts`))),
		],
		reads: [...ofEtcds, ...ofPages, ...ofSetup],
		parts: () => longTests,
		quick: oneOf(longTests),
	},
	{
		name: "pages-twice",
		about: "every page gives its verdicts on etcd 3.4 too, and when each of its cells is run twice",
		entries: ["test/pages/notebooks/twice.test.ts"],
		reads: ofPages,
		...inShares("pages/notebooks/twice", { whole: 4, drawn: 12, seconds: 260 }),
	},
	{
		name: "pages-without-v2",
		about: "every page runs on an etcd 3.7, which has no v2, and says what is a record",
		entries: ["test/pages/notebooks/without-v2.test.ts"],
		reads: [...ofEtcds, ...ofPages],
		...inShares("pages/notebooks/without-v2", { whole: 4, drawn: 12, seconds: 150 }),
	},
	{
		name: "pages-secured",
		about:
			"every page runs on a cluster of three with TLS and users, as its root and as who may use its keys alone",
		entries: ["test/pages/notebooks/secured.test.ts"],
		reads: [...ofEtcds, ...ofPages],
		...inShares("pages/notebooks/secured", { whole: 4, drawn: 12, seconds: 290 }),
	},
	{
		name: "pages-shared",
		about: "every page runs to its end on an etcd with v2 that the lab did not start and that others use",
		entries: ["test/pages/notebooks/foreign.test.ts"],
		reads: ofPages,
		...inShares("pages/notebooks/foreign", { whole: 3, drawn: 12, seconds: 150 }),
	},
	{
		name: "first-start",
		about:
			"with nothing but a clone, `npm start` comes to a JupyterLab that answers, and Ctrl-C ends all of it",
		entries: ["test/proofs/first-start.ts"],
		reads: ofSetup,
		parts: () => [firstStart],
		// CI's own checkout starts with nothing, too.
		quick: () => [],
	},
];
