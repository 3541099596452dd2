import { eventOf, RawConnection } from "./raw";
import { oncePerEndpoint, serveWatch } from "./serve";

const connectionTo = oncePerEndpoint((endpoint) => RawConnection.open(endpoint));

/** What a bare socket of Node can do on v2: each body parsed, nothing checked, nothing tried again. */
serveWatch(
	async ({ endpoint, key, afterIndex }, take) => {
		const open = await RawConnection.open(endpoint);
		return await new Promise((resolve, reject) => {
			open.onLost = reject;
			open.onBody = (body) => {
				const { node } = eventOf(body);
				if (!take(node.modifiedIndex, node.key)) {
					open.send(poll(open, key, node.modifiedIndex + 1));
					return;
				}
				open.close();
				resolve({ gaps: 0 });
			};
			open.send(poll(open, key, afterIndex + 1));
		});
	},
	{
		/**
		 * The limit of one connection: all the requests in one write. Nobody could watch this way: it needs to know
		 * beforehand that every index is an event of the key.
		 */
		async "catch-up"({ endpoint, key, afterIndex, count }) {
			const open = await connectionTo(endpoint);
			const begin = performance.now();
			return await new Promise((resolve, reject) => {
				let events = 0;
				open.onLost = reject;
				open.onBody = (body) => {
					const lastIndex = eventOf(body).node.modifiedIndex;
					if (++events === count) resolve({ ms: performance.now() - begin, events, lastIndex });
				};
				let requests = "";
				for (let nth = 1; nth <= count; nth++) requests += poll(open, key, afterIndex + nth);
				open.send(requests);
			});
		},
	},
);

function poll({ host }: RawConnection, key: string, waitIndex: number): string {
	return `GET /v2/keys${key}?wait=true&recursive=true&waitIndex=${waitIndex} HTTP/1.1\r\nHost: ${host}\r\n\r\n`;
}
