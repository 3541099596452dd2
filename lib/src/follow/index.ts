export type {
	Bookmark,
	Change,
	FollowedEvent,
	FollowOptions,
	Gap,
	KeySpace,
	Listing,
	Note,
	Position,
	Reset,
	Scope,
	Source,
	State,
	StateDifference,
	Tail,
	TailOptions,
} from "./changes";
export { type Follower, follow } from "./follow";
export { type Mirror, type MirrorChange, type MirrorOptions, mirror, ResetError } from "./mirror";
export type { KeyChange } from "./mirror-keys";
export type { Followable } from "./options";
export { notOnV3, type Rule, rules } from "./rules";
