import assert from "node:assert/strict";
import { connect } from "node:net";
import { text } from "node:stream/consumers";
import type { V2Client } from "etcd-watch-lab/v2";
import type { TxnOperation } from "etcd-watch-lab/v3";
import { wireTxn } from "#lib/v3/requests.js";

/** Makes exactly `count` sets of one key in the directory, several at once; gives the last one's index. */
export async function writeMany(v2: V2Client, directory: string, count: number): Promise<number> {
	let next = 0;
	let last = 0;
	const writer = async () => {
		while (next < count) {
			next++;
			const { node } = await v2.set(`${directory}/noise`, "x");
			last = Math.max(last, node.modifiedIndex);
		}
	};
	await Promise.all(Array.from({ length: 16 }, writer));
	return last;
}

/** What one revision of v3's store is made of. */
export type Revision = readonly TxnOperation[];

/**
 * Makes a long history of v3's, a revision of each, in this order: all are on one connection at once, so that neither side
 * waits for the other between two of them. @throws where one is refused
 */
export async function writeHistory(endpoint: string, revisions: readonly Revision[]): Promise<void> {
	const { hostname, port } = new URL(endpoint);
	const socket = connect(Number(port), hostname);
	socket.setTimeout(60_000, () => socket.destroy(new Error(`${endpoint} has said nothing for a minute`)));
	const end = revisions.length - 1;
	socket.write(
		revisions
			.map((success, nth) => {
				const body = JSON.stringify(wireTxn({ success }));
				const last = nth === end ? "connection: close\r\n" : "";
				return `POST /v3/kv/txn HTTP/1.1\r\nhost: etcd\r\n${last}content-length: ${body.length}\r\n\r\n${body}`;
			})
			.join(""),
	);
	const answers = (await text(socket)).match(/HTTP\/1\.1 \d+/g) ?? [];
	const refused = answers.find((answer) => answer !== "HTTP/1.1 200");
	assert.deepEqual([answers.length, refused], [revisions.length, undefined]);
}
