export { type Follower, type FollowOptions, follow } from "./follow";
export { type Rule, rules } from "./rules";
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
