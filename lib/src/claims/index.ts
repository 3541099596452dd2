export type { Claim, Evidence, Verdict } from "./claim";

import * as events from "./events";
import * as indexes from "./indexes";
import * as loss from "./loss";
import * as reach from "./reach";
import * as window from "./window";

/**
 * What people say of etcd's watch, each to be asked of a timeline: `claims.grandchildrenAreUnseen(seen)` answers
 * confirmed, refuted or untested, with the rows that show it.
 */
export const claims = {
	...reach,
	...indexes,
	...events,
	...loss,
	...window,
};
