/**
 * The thirteen rules by which a follower loses nothing in silence. Each names the behaviour of etcd that forces it
 * (T… are the rows of the field guide), is tested under its name, and can be left out in a proof, all but "polls are
 * the truth", which is an argument: what then goes wrong is what the rule is for (`npm run chaos -- --without "…"`).
 */
export const rules = {
	/** State first, then its changes: read by quorum, and watch from the index at which the reading is true. */
	"list first": "a quorum read of the tree; its X-Etcd-Index L is where it is true; watch from L + 1",
	"go on after the event":
		"the next waitIndex is the event's modifiedIndex + 1, never the X-Etcd-Index of the answer (T10)",
	"each once": "only indexes above the last one are handed on",
	"a cleared history is a gap":
		"401: list again and say from where to where, what changed, and the state to go on from; never jump (T2)",
	"polls are the truth": "long polls with waitIndex; a stream can go deaf and not say so (T3, T12)",
	"verify a jump":
		"an event more than one above its answer's X-Etcd-Index is asked for again: a member that caught up by a " +
		"snapshot skips events for those who wait (T17)",
	"an index that goes back is a reset":
		"a member behind the position lags or was reset; a quorum read behind it, or a tree that contradicts it, " +
		"is another store (T18)",
	"no poll for ever":
		"a quiet poll is made anew after 20 to 40 s with its waitIndex kept, after a quorum read; a failure means " +
		"the next endpoint, after a backoff with jitter; an empty answer is no event (T13, T14, T19, T20)",
	"bookmark a quiet key":
		"when 250 of the 1000 indexes have passed by: ask anew, list, and go on from there instead of from a 401 (T2)",
	"a removed directory is all its keys": "a directory's delete or expiry names each key under it (T8)",
	"what only the replay shows is dropped":
		"hidden keys below the watched one, and the removal of a sibling whose name is a prefix (T4, T5)",
	"a slow consumer is a gap":
		"a bounded queue; when it is full nobody asks; when there is room again the history answers, or a gap",
	"an exception consumes nothing":
		"the position moves when the next change is asked for; leaving the loop closes every connection",
} as const;

/** Those that mean nothing on v3, and why. The others hold there, word for word but for v3's own words. */
export const notOnV3 = {
	"polls are the truth":
		"a v3 watch is a stream that keeps what it could not send, or says that it was compacted; where a server does not " +
		"say so (issues 17529, 20693), the follower asks",
	"verify a jump":
		"a v3 member that catches up by a snapshot tells its watches what they missed (issue 8411)",
	"a removed directory is all its keys": "v3 has no directories, and an event for each key that goes",
	"what only the replay shows is dropped":
		"v3 hides no keys, and tells of the past what it would have told live",
} as const satisfies Partial<Record<keyof typeof rules, string>>;

/** The name of one of the thirteen rules. */
export type Rule = keyof typeof rules;
