import { z } from "zod";
import { ArgumentError } from "../http/errors";
import type { Position } from "./changes";

const index = z.number().int().nonnegative();

const schema = z.object({
	format: z.literal("etcd-watch-lab/position"),
	version: z.literal(1),
	key: z.string(),
	recursive: z.boolean(),
	index,
	clusterId: z.string(),
	nodes: z
		.array(z.looseObject({ key: z.string(), dir: z.boolean(), createdIndex: index, modifiedIndex: index }))
		.optional(),
});

/** @throws ArgumentError for what is no position, or another key's. */
export function checkPosition(position: Position, key: string, recursive: boolean): void {
	const read = schema.safeParse(position);
	if (!read.success)
		throw new ArgumentError(`this is no follower's position: ${z.prettifyError(read.error)}`);
	if (position.key === key && position.recursive === recursive) return;
	const of = (name: string, all: boolean) => `${name}${all ? " and all below it" : ""}`;
	throw new ArgumentError(
		`the position is one of a follower of ${of(position.key, position.recursive)}, not of ${of(key, recursive)}`,
	);
}
