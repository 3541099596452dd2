import type { Poll, V2Client, WatchOptions } from "../../v2";
import type { Source, WatchListener } from "../api";

/** The Go client's loop, registered. */
export async function watchSource(
	v2: V2Client,
	key: string,
	options: WatchOptions,
	listener: WatchListener,
): Promise<Source> {
	const watcher = v2.watcher(key, options);
	listener.asked(await watcher.registered(), waitIndexOf(options));
	return watcher;
}

/** An open stream. It carries nothing on. */
export async function streamSource(
	v2: V2Client,
	key: string,
	options: WatchOptions,
	listener: WatchListener,
): Promise<Source> {
	const stream = await v2.stream(key, options);
	listener.asked(stream.headers, waitIndexOf(options));
	return stream;
}

/** One long poll, or with `again` one after the other, each from now on. */
export async function pollSource(
	v2: V2Client,
	key: string,
	options: WatchOptions,
	listener: WatchListener,
	again: boolean,
): Promise<Source> {
	const ask = async () => {
		const poll = await v2.poll(key, options);
		listener.asked(poll.headers, waitIndexOf(options));
		return poll;
	};
	let asking: Promise<Poll> | undefined = ask();
	await asking;
	let closed = false;
	let over = false;
	return {
		async registered() {
			if (over || closed) return;
			asking ??= ask();
			await asking;
		},
		async next() {
			while (!over) {
				asking ??= ask();
				const poll = await asking;
				// It may have been closed while it was being asked.
				if (closed) poll.close();
				const answer = await poll.answer();
				asking = undefined;
				over = !again;
				// An empty answer is no event: the loop asks again, and the single poll is over without one.
				if (answer.kind === "empty") {
					listener.answered({ etcdIndex: poll.headers.etcdIndex });
					continue;
				}
				const { event } = answer;
				listener.answered({ etcdIndex: event.etcdIndex, event });
				return event;
			}
			return undefined;
		},
		close() {
			closed = true;
			asking?.then(
				(poll) => poll.close(),
				() => {},
			);
		},
	};
}

function waitIndexOf(options: WatchOptions): number | undefined {
	return options.afterIndex === undefined ? undefined : options.afterIndex + 1;
}
