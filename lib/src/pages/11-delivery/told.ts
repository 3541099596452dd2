import { ConnectionError } from "../../http";
import type { Lab } from "../../server";
import {
	InvalidTokenError,
	PermissionDeniedError,
	TimeoutError,
	type V3Client,
	type V3Header,
	type V3Message,
	type V3Watch,
	type V3WatchOptions,
	WebSocketRefusedError,
} from "../../v3";

/** A message of a watch, as it was sent. Revisions count from the store's own when the recording began. */
export interface ToldMessage {
	readonly kind: "events" | "progress";
	/** The header's. */
	readonly revision: number;
	/** In the order in which they came; none for a progress. */
	readonly events: readonly ToldEvent[];
	/** Another piece of the same message follows. */
	readonly fragment: boolean;
}

export interface ToldEvent {
	readonly type: "put" | "delete";
	/** Below the watched prefix. */
	readonly key: string;
	readonly revision: number;
}

/** All that one watch was told, message by message, up to the last event of the last write. */
export interface Told {
	readonly messages: readonly ToldMessage[];
	/** The last write's revision. */
	readonly last: number;
}

/** Writes keys below the prefix, and gives the answer to its last write, which is to change one of them. */
export type Write = (v3: V3Client, prefix: string) => Promise<{ readonly header: V3Header }>;

export interface ToldOptions extends Pick<V3WatchOptions, "prevKv" | "fragment"> {
	/** The watch opens after the writes, and asks for them from the first on. False: it is open before. */
	readonly later?: boolean;
}

/** For all that it is to be told. */
const toldMs = 60_000;

/**
 * What a watch on a new prefix is told of some writes. Closes it.
 * @throws TimeoutError when the last write was not told in a minute, and what the writes and the watch throw
 */
export async function told(etcd: Lab, write: Write, options: ToldOptions = {}): Promise<Told> {
	const { later = false, ...rest } = options;
	const { v3 } = etcd;
	const below = `${etcd.newPrefix()}/`;
	const origin = (await v3.range(below, { prefix: true, countOnly: true })).header.revision;
	const written = async () => (await write(v3, below)).header.revision;
	const open = () => v3.watch(below, { prefix: true, startRevision: origin + 1, ...rest });
	const place = { origin, below };
	let last = later ? await written() : undefined;
	const watch = await open();
	try {
		last ??= await written();
		return await upTo(watch, last, place);
	} finally {
		watch.close();
	}
}

/** What a watch of the past was told, and the answer to a request for progress right behind it. */
export interface ToldProgress extends Told {
	/** Why nobody can ask there; the messages then are those of a watch alone. */
	readonly refused?: string;
}

/**
 * As `told` with `later`, and progress is asked for right behind the watch, on the same connection: by WebSocket, since
 * by HTTP a watch takes no second request. Tried up to ten times, until the progress comes before events that it vouches
 * for: a round of the server's can fall between the two (`syncWatchersLoop`). Where it does not, it is asked for once
 * more after the events, since a server answers nothing while the watch is behind; from 3.4.25 to 3.4.30 and 3.5.8 to
 * 3.5.12 nothing comes then either (issue 17566), for which a second is waited.
 */
export async function toldWithProgress(etcd: Lab, write: Write): Promise<ToldProgress> {
	const { v3 } = etcd;
	const below = `${etcd.newPrefix()}/`;
	const origin = (await v3.range(below, { prefix: true, countOnly: true })).header.revision;
	const asked: Asked = { v3, below, origin, last: (await write(v3, below)).header.revision };
	const most = 10;
	try {
		for (let nth = 1; nth < most; nth++) {
			const seen = await askedAtOnce(asked, false);
			if (seen.messages[0]?.kind === "progress") return seen;
		}
		return await askedAtOnce(asked, true);
	} catch (error) {
		const refused = refusedBy(error);
		const watch = await v3.watch(below, { prefix: true, startRevision: origin + 1 });
		return { ...(await upTo(watch, asked.last, asked).finally(() => watch.close())), refused };
	}
}

async function askedAtOnce({ v3, last, ...place }: Asked, andLater: boolean): Promise<Told> {
	const connection = await v3.watches();
	try {
		const opening = connection.watch(place.below, { prefix: true, startRevision: place.origin + 1 });
		// It may never be answered: the end of the connection is its end, too.
		connection.progress().catch(() => {});
		const seen = await upTo(await opening, last, place);
		if (!andLater || seen.messages.some(({ kind }) => kind === "progress")) return seen;
		const header = await connection.progress(1_000).catch(unlessLate);
		const answer = header && messageOf({ kind: "progress", header }, place);
		return answer ? { ...seen, messages: [...seen.messages, answer] } : seen;
	} finally {
		connection.close();
	}
}

/** Where nobody can ask by WebSocket: why. @throws any other error */
function refusedBy(error: unknown): string {
	const isKnown =
		error instanceof WebSocketRefusedError ||
		error instanceof InvalidTokenError ||
		error instanceof PermissionDeniedError;
	if (isKnown) return error.message;
	throw error;
}

function unlessLate(error: unknown): undefined {
	if (error instanceof TimeoutError) return undefined;
	throw error;
}

/** What was watched, and the store's revision before the first write. */
interface Place {
	readonly below: string;
	readonly origin: number;
}

interface Asked extends Place {
	readonly v3: V3Client;
	readonly last: number;
}

/** Reads up to the end of the message that tells of that revision. */
async function upTo(watch: V3Watch, last: number, place: Place): Promise<Told> {
	const messages: ToldMessage[] = [];
	let isLate = false;
	const timer = setTimeout(() => {
		isLate = true;
		watch.close();
	}, toldMs);
	try {
		for (;;) {
			const message = await watch.next();
			if (message === undefined)
				throw new ConnectionError("the server ended the watch", { maybeApplied: false });
			messages.push(messageOf(message, place));
			if (message.kind !== "events" || message.fragment) continue;
			if ((message.events.at(-1)?.kv.modRevision ?? 0) >= last)
				return { messages, last: last - place.origin };
		}
	} catch (error) {
		if (!isLate) throw error;
		throw new TimeoutError(`the last write was not told in ${toldMs} ms`, {
			...{ maybeApplied: false, cause: error },
		});
	} finally {
		clearTimeout(timer);
	}
}

function messageOf(message: V3Message, { origin, below }: Place): ToldMessage {
	const revision = message.header.revision - origin;
	if (message.kind === "progress") return { kind: "progress", revision, events: [], fragment: false };
	return {
		...{ kind: "events", revision, fragment: message.fragment },
		events: message.events.map(({ type, kv }) => ({
			...{ type, key: kv.key.slice(below.length), revision: kv.modRevision - origin },
		})),
	};
}
