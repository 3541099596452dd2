import type { Kind } from "../kind";
import { clientKinds } from "./client";
import { memberKinds } from "./member";
import { proxyKinds } from "./proxy";
import { storeKinds } from "./store";
import { treeKinds } from "./tree";
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
