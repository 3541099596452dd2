import { checkDurationMs, checkIndex } from "../http/checks";
import { ArgumentError } from "../http/errors";
import { V2Client } from "../v2/client";
import { V3Client } from "../v3/client";
import type { FollowOptions, KeySpace, Position, Scope, Source } from "./changes";
import { DirectoryKeys, isSameScope, NameKeys, nameOf, wordsFor } from "./keys";
import { V2Source } from "./v2/source";
import { V3Source } from "./v3/source";

/** What a follower can be made of: a client of either API, or a source. */
export type Followable = V2Client | V3Client | Source;

/** What this library's own users of a follower give it beside; the package's subpath does not export it. */
export interface InternalOptions extends FollowOptions {
	/** Asked all the time: up to which index bookmarks are waited for, even while nothing happens. */
	readonly proveThrough?: () => number;
}

/** What a follower is given, once it has been checked. */
export interface Settings {
	readonly source: Source;
	readonly keySpace: KeySpace;
	readonly queueLength: number;
}

/** @throws ArgumentError for a key, an index, a position, a duration or an option that can't be followed */
export function settingsOf(client: Followable, key: string, options: InternalOptions): Settings {
	const { afterIndex, position } = options;
	if (afterIndex !== undefined) checkIndex("afterIndex", afterIndex);
	if (afterIndex !== undefined && position !== undefined) {
		throw new ArgumentError("give afterIndex or position, not both: a position holds its index");
	}
	const queueLength = checkIndex("queueLength", options.queueLength ?? 1_000, 1);
	const { source, keySpace } = sourceOf(client, key, options);
	if (position !== undefined) checkPosition(position, keySpace.scope);
	return { source, keySpace, queueLength };
}

function sourceOf(client: Followable, key: string, options: InternalOptions): Omit<Settings, "queueLength"> {
	const { recursive = false, prefix = false, rangeEnd } = options;
	const settings = sourceSettingsOf(options);
	if (client instanceof V3Client) {
		const scope = { key, recursive, ...(prefix ? { prefix } : {}) };
		const keySpace = new NameKeys(rangeEnd === undefined ? scope : { ...scope, rangeEnd });
		return { source: new V3Source({ ...settings, client, keySpace }), keySpace };
	}
	if (prefix || rangeEnd !== undefined) {
		throw new ArgumentError(
			`${prefix ? "prefix" : "rangeEnd"} is for v3, whose keys are names: v2's are directories, and recursive takes ` +
				"what is below one",
		);
	}
	if (client instanceof V2Client) {
		const keySpace = new DirectoryKeys(key, recursive);
		return { source: new V2Source({ ...settings, keys: client, keySpace }), keySpace };
	}
	const keySpace = client.keySpace ?? new DirectoryKeys(client.key, client.recursive);
	const { scope } = keySpace;
	const asked = keySpace.isFlat ? nameOf("key", key) : new DirectoryKeys(key, recursive).scope.key;
	if (asked !== scope.key || recursive !== scope.recursive) {
		const words = wordsFor({ key: asked, recursive });
		throw new ArgumentError(`the source is one of ${wordsFor(scope)}, not of ${words}`);
	}
	return { source: client, keySpace };
}

function sourceSettingsOf(options: InternalOptions) {
	const { rollMs = [20_000, 40_000], backoffMs = [50, 5_000], onNote = () => {} } = options;
	for (const one of rollMs) checkDurationMs("rollMs", one);
	for (const one of backoffMs) checkDurationMs("backoffMs", one);
	return {
		rollMs,
		backoffMs,
		onNote,
		probeMs: checkDurationMs("probeMs", options.probeMs ?? 150),
		timeoutMs: checkDurationMs("timeoutMs", options.timeoutMs ?? 5_000),
		patienceMs: checkDurationMs("patienceMs", options.patienceMs ?? 30_000),
	};
}

/** @throws ArgumentError for what is no position, or one of other keys */
function checkPosition(position: Position, scope: Scope): void {
	const wrong = wrongWith(position);
	if (wrong !== undefined) throw new ArgumentError(`this is no follower's position: ${wrong}`);
	if (isSameScope(position, scope)) return;
	throw new ArgumentError(
		`the position is one of a follower of ${wordsFor(position)}, not of ${wordsFor(scope)}`,
	);
}

/** What keeps it from being a position: it may come from a file, whatever its type says. */
function wrongWith(position: unknown): string | undefined {
	if (typeof position !== "object" || position === null) return "it is no object";
	const { format, version, key, recursive, prefix, rangeEnd, index, clusterId, nodes } = position as Record<
		string,
		unknown
	>;
	if (format !== "etcd-watch-lab/position") return 'its format is not "etcd-watch-lab/position"';
	if (version !== 1) return "its version is not 1";
	if (typeof key !== "string") return "its key is no string";
	if (typeof recursive !== "boolean") return "its recursive is neither true nor false";
	if (!["undefined", "boolean"].includes(typeof prefix)) return "its prefix is neither true nor false";
	if (!["undefined", "string"].includes(typeof rangeEnd)) return "its rangeEnd is no string";
	if (!isIndex(index)) return "its index is no whole number from 0";
	if (typeof clusterId !== "string") return "its clusterId is no string";
	if (nodes === undefined) return undefined;
	if (!Array.isArray(nodes)) return "its nodes are no array";
	const nth = nodes.findIndex((node) => !isNode(node));
	return nth < 0 ? undefined : `its nodes[${nth}] is no node with a key, dir, createdIndex and modifiedIndex`;
}

function isNode(node: unknown): boolean {
	if (typeof node !== "object" || node === null) return false;
	const { key, dir, createdIndex, modifiedIndex } = node as Record<string, unknown>;
	return (
		typeof key === "string" && typeof dir === "boolean" && isIndex(createdIndex) && isIndex(modifiedIndex)
	);
}

function isIndex(index: unknown): boolean {
	return Number.isSafeInteger(index) && Number(index) >= 0;
}
