export type {
	Bookmark,
	Change,
	FollowedEvent,
	FollowOptions,
	Gap,
	KeyChange,
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
export type { Followable } from "./options";
export { notOnV3, type Rule, rules } from "./rules";
export { faultsOf, type KnownFault, knownFaults } from "./v3/known-faults";
