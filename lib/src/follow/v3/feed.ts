import { ConnectionError } from "../../http/errors";
import { WebSocketRefusedError } from "../../v3/errors";
import type { V3WatchOptions } from "../../v3/watch";
import { JoinedWatch, type Watched } from "./incoming";
import type { Member, MemberSettings } from "./member";
import type { FollowedRange } from "./range";

/** Where the watches of a session come from: one WebSocket, or an HTTP stream for each where there is none. */
export interface Feed {
	readonly isWebSocket: boolean;
	/** From a revision on, itself included; from now on without one. */
	watch(startRevision: number | undefined): Promise<Watched>;
	/** Has every watch told how far it has been told, as soon as it has; by WebSocket alone. */
	requestProgress(): void;
	close(): void;
}

/** How often in a row a WebSocket may be cut before it is registered, at a member that answers otherwise. */
const mostFailures = 2;

/**
 * A WebSocket, unless the server takes no user's token by it, or something in between takes no WebSocket. The signal
 * ends it. @throws what the client throws
 */
export async function openFeed(
	settings: MemberSettings,
	meeting: Promise<Member>,
	signal: AbortSignal,
): Promise<Feed> {
	const { client, endpoint, memory, timeoutMs } = settings;
	if (client.hasUser) {
		const member = await meeting;
		if (member.has("19752")) {
			return httpFeed(
				settings,
				meeting,
				`etcd ${member.version} takes no user's token by it (issue 19752)`,
				signal,
			);
		}
	}
	const failures = memory.noSocket.get(endpoint) ?? 0;
	if (failures >= mostFailures)
		return httpFeed(settings, meeting, `it failed ${failures} times in a row`, signal);
	try {
		// Both at once; where nobody answers, the meeting's error says it as well.
		const [watches] = await Promise.all([client.watches({ endpoint, timeoutMs, signal }), meeting]);
		const requestProgress = () => void watches.progress(timeoutMs).catch(() => {});
		return {
			isWebSocket: true,
			async watch(startRevision) {
				try {
					const { inFragments, provesProgress } = await meeting;
					const watch = await joined(
						settings,
						(range) => watches.watch(range.first, watchOptions(settings, range, startRevision, inFragments)),
						provesProgress ? requestProgress : undefined,
					);
					memory.noSocket.delete(endpoint);
					return watch;
				} catch (error) {
					if (error instanceof ConnectionError) memory.noSocket.set(endpoint, failures + 1);
					throw error;
				}
			},
			requestProgress,
			close: () => watches.close(),
		};
	} catch (error) {
		if (error instanceof WebSocketRefusedError) return httpFeed(settings, meeting, error.message, signal);
		if (error instanceof ConnectionError) memory.noSocket.set(endpoint, failures + 1);
		throw error;
	}
}

function httpFeed(
	settings: MemberSettings,
	meeting: Promise<Member>,
	message: string,
	signal: AbortSignal,
): Feed {
	const { client, endpoint, memory, onNote, timeoutMs } = settings;
	if (!memory.noted.has(`no websocket ${endpoint}`)) onNote({ note: "no websocket", endpoint, message });
	memory.noted.add(`no websocket ${endpoint}`);
	return {
		isWebSocket: false,
		async watch(startRevision) {
			const { inFragments } = await meeting;
			return await joined(settings, (range) =>
				client.watch(range.first, {
					...watchOptions(settings, range, startRevision, inFragments),
					// A member that has lost its leader ends the watch by itself; the reads find out what does not.
					...{ requireLeader: true, endpoint, signal, timeoutMs },
				}),
			);
		},
		requestProgress: () => {},
		close: () => {},
	};
}

/** One watch for each range, as one. */
async function joined(
	{ ranges }: MemberSettings,
	open: (range: FollowedRange) => Promise<Watched>,
	requestProgress?: () => void,
): Promise<Watched> {
	const opened = await Promise.allSettled(ranges.map(open));
	const watches = opened.flatMap((one) => (one.status === "fulfilled" ? [one.value] : []));
	const refused = opened.find((one) => one.status === "rejected");
	const [first, ...more] = watches;
	if (refused !== undefined || first === undefined) {
		for (const watch of watches) watch.close();
		throw refused?.reason;
	}
	return more.length === 0 ? first : new JoinedWatch([first, ...more], requestProgress);
}

/** What every watch of a follower asks for. */
export function watchOptions(
	{ timeoutMs }: MemberSettings,
	range: FollowedRange,
	startRevision: number | undefined,
	fragment: boolean,
): Pick<
	V3WatchOptions,
	"rangeEnd" | "startRevision" | "prevKv" | "progressNotify" | "fragment" | "timeoutMs"
> {
	return {
		...(range.end === undefined ? {} : { rangeEnd: range.end }),
		...(startRevision === undefined ? {} : { startRevision }),
		...{ prevKv: true, progressNotify: true, fragment, timeoutMs },
	};
}
