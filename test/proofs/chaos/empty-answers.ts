import { once } from "node:events";
import { createServer, request } from "node:http";
import type { AddressInfo } from "node:net";

/** Stands before a member as a proxy that gives up on long polls: a 200, etcd's headers, and nothing in it (T13). */
export interface EmptyAnswers {
	readonly endpoint: string;
	/** While true, every long poll is answered so as soon as it is registered. */
	isOn: boolean;
	/** How many were. */
	readonly count: number;
	close(): Promise<void>;
}

export async function startEmptyAnswers(target: string): Promise<EmptyAnswers> {
	const url = new URL(target);
	const server = createServer((asked, answer) => {
		const { method, url: path, headers } = asked;
		const forwarded = request({ host: url.hostname, port: url.port, method, path, headers }, (response) => {
			answer.writeHead(response.statusCode ?? 502, response.headers);
			if (state.isOn && path?.includes("wait=true") && response.statusCode === 200) {
				state.count++;
				answer.end();
				forwarded.destroy();
				return;
			}
			answer.flushHeaders();
			response.pipe(answer);
			response.on("error", () => answer.destroy());
		});
		forwarded.on("error", () => answer.destroy());
		answer.on("close", () => forwarded.destroy());
		asked.pipe(forwarded);
	}).listen(0, "127.0.0.1");
	await once(server, "listening");
	const { port } = server.address() as AddressInfo;
	const state = {
		endpoint: `http://127.0.0.1:${port}`,
		isOn: false,
		count: 0,
		async close() {
			server.closeAllConnections();
			server.close();
			await once(server, "close");
		},
	};
	return state;
}
