import { eventOf } from "./event";
import { FanOut } from "./fan-out";
import { RawConnection } from "./raw";
import { serve, usage } from "./serve";

let connections: RawConnection[] = [];
let fanOut: FanOut | undefined;

/**
 * A long poll for each watcher, as lean as one can be: a bare socket each. (undici's pool opens a new connection
 * while an answered one is not free yet, and ten thousand watchers run out of files.)
 */
serve({
	async open({ endpoint, key, afterIndex, watchers }) {
		fanOut = new FanOut(watchers);
		await fanOut.open(async () => {
			const connection = await RawConnection.open(endpoint);
			connections.push(connection);
			return polls(connection, key, afterIndex);
		});
		return usage();
	},
	async deliver({ events }) {
		if (!fanOut) throw new Error("nothing is open");
		return { ns: await fanOut.delivered(events), ...usage() };
	},
	async shut() {
		for (const connection of connections) connection.close();
		connections = [];
		fanOut = undefined;
	},
});

async function* polls(connection: RawConnection, key: string, afterIndex: number): AsyncGenerator<number> {
	for (let index = afterIndex; ; yield index) {
		const body = await new Promise<string>((resolve, reject) => {
			connection.onLost = reject;
			connection.onBody = resolve;
			connection.send(
				`GET /v2/keys${key}?wait=true&recursive=true&waitIndex=${index + 1} HTTP/1.1\r\nHost: ${connection.host}\r\n\r\n`,
			);
		});
		index = eventOf(body).node.modifiedIndex;
	}
}
