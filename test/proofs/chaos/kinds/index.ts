import type { Kind } from "../kind";
import type { Api } from "../record";
import { clientKinds } from "./client";
import { memberKinds } from "./member";
import { proxyKinds } from "./proxy";
import { reportKinds } from "./report";
import { serverReportKinds } from "./report-servers";
import { storeKinds } from "./store";
import { treeKinds } from "./tree";
import { onV3, v3Kinds } from "./v3";
import { windowKinds } from "./window";

/** Every kind of fault there is. */
export const kinds: readonly Kind[] = [
	...windowKinds,
	...treeKinds,
	...memberKinds,
	...storeKinds,
	...clientKinds,
	...proxyKinds,
];

/** Those that there are on an API, and why the others are not. */
export function kindsOn(api: Api): {
	readonly kinds: readonly Kind[];
	readonly without: readonly { readonly name: string; readonly reason: string }[];
} {
	if (api === "v2") return { kinds, without: [] };
	const found: Kind[] = [...v3Kinds, ...reportKinds, ...serverReportKinds];
	const without: { name: string; reason: string }[] = [];
	for (const kind of kinds) {
		const how = onV3[kind.name];
		if (how === undefined) throw new Error(`kinds/v3.ts does not say what ${kind.name} is on v3`);
		if (how === "same") found.push(kind);
		else if ("none" in how) without.push({ name: kind.name, reason: how.none });
		else found.push({ ...kind, ...how });
	}
	return { kinds: found, without };
}
