export type {
	Change,
	FollowedEvent,
	Gap,
	Listing,
	Note,
	Position,
	Reset,
	Source,
	State,
	StateDifference,
	Tail,
	TailOptions,
} from "./changes";
export { type Follower, type FollowOptions, follow } from "./follow";
export { type Mirror, type MirrorChange, type MirrorOptions, mirror, ResetError } from "./mirror";
export type { KeyChange } from "./mirror-keys";
export type { Bookmark } from "./reconciler";
export { notOnV3, type Rule, rules } from "./rules";
export { isBelow, isRemoval, parentOf } from "./tree";
export { V3Source, type V3SourceOptions } from "./v3/source";
