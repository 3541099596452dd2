import assert from "node:assert/strict";
import { setTimeout as wait } from "node:timers/promises";
import { Incoming, JoinedWatch, type Watched } from "#lib/follow/v3/incoming.js";
import type { V3Message } from "#lib/v3/watch.js";

const header = { revision: 1 } as Watched["header"];

/** A watch that is told one event, of so many pieces that come one in 40 ms each. */
function slowly(revision: number, pieces: number): Watched {
	const watch = { header, endpoint: "http://x", receivedBytes: 0, next, close() {} };
	const kv = { modRevision: revision };
	const told = { kind: "events", header: { ...header, revision }, events: [{ kv }], fragment: false };
	let isTold = false;
	async function next(): Promise<V3Message> {
		if (isTold) return new Promise(() => {});
		isTold = true;
		while (watch.receivedBytes < pieces) {
			await wait(40);
			watch.receivedBytes++;
		}
		return told as unknown as V3Message;
	}
	return watch;
}

describe("what comes by a v3 watch in pieces, for longer than a silence is waited for", () => {
	it("is waited for, and nothing for no longer", async () => {
		const incoming = new Incoming(slowly(5, 8));
		assert.equal((await incoming.next(100))?.header.revision, 5);
		assert.equal(await incoming.next(100), undefined);
	});

	it("holds up the later events of the watches beside it", async () => {
		const joined = new JoinedWatch([slowly(7, 0), slowly(6, 8)], undefined);
		const told: number[] = [];
		while (told.length < 2) {
			const message = await joined.next();
			if (message?.kind === "events") told.push(...message.events.map(({ kv }) => kv.modRevision));
		}
		joined.close();
		assert.deepEqual(told, [6, 7]);
	});
});
