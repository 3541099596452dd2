export { eventsOf, gapsOf, lostInSilence, missedBy } from "./ask";
export { compareTimelines, type Difference } from "./compare";
export { type Explanation, explain, type Reason } from "./explain";
export { loadTimeline, saveTimeline, TimelineFormatError } from "./json";
export type * from "./timeline";
export { UnknownReasonError } from "./why";
