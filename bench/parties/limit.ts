import { eventOf } from "./event";
import { RawConnection } from "./raw";
import { now, serve } from "./serve";

let connection: Promise<RawConnection> | undefined;

/**
 * The limit of one connection: all the requests in one write, each body parsed, nothing checked, nothing handed on.
 * Nobody could watch this way: it needs to know beforehand that every index is an event of the key.
 */
serve({
	async catchUp({ endpoint, key, afterIndex, count }) {
		connection ??= RawConnection.open(endpoint);
		const open = await connection;
		const begin = performance.now();
		return await new Promise((resolve, reject) => {
			let events = 0;
			open.onLost = reject;
			open.onBody = (body) => {
				const lastIndex = eventOf(body).node.modifiedIndex;
				if (++events === count) resolve({ ms: performance.now() - begin, events, lastIndex });
			};
			let requests = "";
			for (let nth = 1; nth <= count; nth++) {
				const path = `/v2/keys${key}?wait=true&recursive=true&waitIndex=${afterIndex + nth}`;
				requests += `GET ${path} HTTP/1.1\r\nHost: ${open.host}\r\n\r\n`;
			}
			open.send(requests);
		});
	},
	async watch({ endpoint, key, afterIndex, lastKey }) {
		const open = await RawConnection.open(endpoint);
		const indexes: number[] = [];
		const ns: number[] = [];
		const ask = (waitIndex: number) =>
			open.send(
				`GET /v2/keys${key}?wait=true&recursive=true&waitIndex=${waitIndex} HTTP/1.1\r\nHost: ${open.host}\r\n\r\n`,
			);
		return await new Promise((resolve, reject) => {
			open.onLost = reject;
			open.onBody = (body) => {
				const { node } = eventOf(body);
				indexes.push(node.modifiedIndex);
				ns.push(now());
				if (node.key !== lastKey) return ask(node.modifiedIndex + 1);
				open.close();
				resolve({ indexes, ns, gaps: 0 });
			};
			ask(afterIndex + 1);
		});
	},
});
