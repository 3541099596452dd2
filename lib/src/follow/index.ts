export { type Follower, type FollowOptions, follow } from "./follow";
export { type Hub, type HubOptions, type HubWatchOptions, startHub } from "./hub";
export type { HubWatch } from "./hub-watch";
export { type Mirror, type MirrorChange, type MirrorOptions, mirror, ResetError } from "./mirror";
export type { KeyChange } from "./mirror-keys";
export type { Bookmark } from "./pump";
export { type Rule, rules } from "./rules";
export { isBelow, isRemoval, parentOf } from "./tree";
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
} from "./types";
export { V3Source, type V3SourceOptions } from "./v3-source";
