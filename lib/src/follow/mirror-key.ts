import { keyPath } from "../http/checks";
import { ArgumentError } from "../http/errors";
import { isHiddenFrom } from "../model/hub";
import { isBelow } from "./tree";

/** What keeps a root and all below it, by name. */
export interface Below {
	readonly root: string;
	readonly what: string;
	/** Nothing is hidden there. */
	readonly isFlat?: boolean;
}

/**
 * The key without a slash at its end.
 * @throws ArgumentError for what is no key, and for one that isn't kept: outside the root, or hidden from it
 */
export function checkedKey(key: string, below?: Below): string {
	keyPath(key);
	const clean = key === "/" ? key : key.replace(/\/$/, "");
	if (below === undefined) return clean;
	const { root, what, isFlat } = below;
	if (clean !== root && !isBelow(clean, root)) {
		throw new ArgumentError(
			`${what} keeps ${root} and what is below it, and ${clean} is not: follow that key`,
		);
	}
	if (!isFlat && isHiddenFrom(root, clean)) {
		throw new ArgumentError(
			`${clean} is hidden from ${root}: a part of it begins with "_", and a watch above it is not told of it; ` +
				"follow that key by itself",
		);
	}
	return clean;
}
