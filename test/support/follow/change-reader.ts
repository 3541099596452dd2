import type { Change } from "etcd-watch-lab/follow";

/** "set /r/a 3", "gap 1-2 cleared: /r/a", "reset 7: /r". */
export function told(change: Change): string {
	switch (change.kind) {
		case "event":
			return `${change.action} ${change.key} ${change.index}`;
		case "gap":
			return `gap ${change.from}-${change.to} ${change.why}: ${keysOf(change)}`;
		case "reset":
			return `reset ${change.lastIndex} ${change.why}: ${keysOf(change)}`;
	}
}

function keysOf({ state }: Exclude<Change, { kind: "event" }>): string {
	return state.nodes.map(({ key }) => key).join(" ");
}
