import { setTimeout as wait } from "node:timers/promises";
import { eventOf } from "./event";
import type { WriteAnswer } from "./protocol";
import { RawConnection } from "./raw";
import { now, serve } from "./serve";

/** Writes over raw sockets, so that the writer takes as little as can be of the machine that it shares. */
serve({
	async write({ endpoint, key, keyCount, count, connections, everyMs }): Promise<WriteAnswer> {
		const open = await Promise.all(Array.from({ length: connections }, () => RawConnection.open(endpoint)));
		const indexes: number[] = [];
		const ns: number[] = [];
		let next = 0;
		const begin = performance.now();
		const write = async (connection: RawConnection): Promise<void> => {
			while (next < count) {
				const nth = next++;
				const answer = await put(connection, `${key}/key${nth % keyCount}`, `value of the write ${nth}`);
				ns.push(now());
				indexes.push(eventOf(answer).node.modifiedIndex);
				if (everyMs !== undefined) await wait(everyMs);
			}
		};
		await Promise.all(open.map(write));
		const ms = performance.now() - begin;
		for (const connection of open) connection.close();
		return { indexes, ns, ms };
	},
});

function put(connection: RawConnection, key: string, value: string): Promise<string> {
	const form = `value=${encodeURIComponent(value)}`;
	return new Promise((resolve, reject) => {
		connection.onLost = reject;
		connection.onBody = resolve;
		connection.send(
			`PUT /v2/keys${key} HTTP/1.1\r\nHost: ${connection.host}\r\n` +
				`Content-Type: application/x-www-form-urlencoded\r\nContent-Length: ${form.length}\r\n\r\n${form}`,
		);
	});
}
