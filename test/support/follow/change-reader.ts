import type { Change } from "etcd-watch-lab/follow";

/** "set /r/a 3", "set /r/a 3 +" where more of its revision follows, "gap 1-2 cleared: /r/a", "reset 7 why: /r". */
export function told(change: Change): string {
	switch (change.kind) {
		case "event":
			return `${change.action} ${change.key} ${change.index}${change.more ? " +" : ""}`;
		case "gap":
			return `gap ${change.from}-${change.to} ${change.why}: ${keysOf(change)}`;
		case "reset":
			return `reset ${change.lastIndex} ${change.why}: ${keysOf(change)}`;
	}
}

/** Up to where it reaches: an event's index, or that of the state. */
export function reachOf(change: Change | undefined): number {
	return change === undefined ? 0 : change.kind === "event" ? change.index : change.state.index;
}

function keysOf({ state }: Exclude<Change, { kind: "event" }>): string {
	return state.nodes.map(({ key }) => key).join(" ");
}
