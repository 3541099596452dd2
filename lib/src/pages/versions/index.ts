import { live } from "../../page/live";
import { findEtcd, type Lab, versionOf } from "../../server";
import { columnOf, type VersionColumn } from "./columns";
import { versionsChart } from "./matrix";
import type { VersionsRecord } from "./record";
import { GuestServers, OwnServers, type Servers } from "./servers";

/**
 * Makes every experiment on the etcd of a lab, while a chart beside the record grows; half a minute. Faults are made on
 * servers that are started from the same binary and end with it. Where the lab is a guest, what others could feel
 * stays untested.
 */
export async function tryYours(lab: Lab, record: VersionsRecord): Promise<VersionColumn> {
	const chart = live(versionsChart(record));
	try {
		return await columnOf(await serversOf(lab), whoseWords(lab), {
			onResult: (column) => chart.update(() => versionsChart(record, column)),
		});
	} finally {
		chart.finish();
	}
}

async function serversOf(lab: Lab): Promise<Servers> {
	if (!lab.owned) return new GuestServers(lab);
	const binary = findEtcd();
	return new OwnServers(binary, await versionOf(binary));
}

function whoseWords({ owned }: Lab): string {
	return owned
		? "started by this lab, run just now"
		: "the server that ETCDCTL_ENDPOINTS names, run just now";
}

export { columnOf, type VersionColumn, versionExperiments } from "./columns";
export type { Found, VersionExperiment } from "./experiment";
export {
	columnTable,
	showColumn,
	showVersions,
	showVersionsTable,
	versionsChart,
	versionsTable,
} from "./matrix";
export {
	loadVersions,
	recordedVersions,
	savedVersions,
	VersionsFormatError,
	type VersionsRecord,
	versionsFile,
} from "./record";
export { OwnServers, type Servers } from "./servers";
export { freeFrom, freeOfAll, isIn, showUpgrades, upgradeChart } from "./upgrade";
