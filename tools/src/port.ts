import net from "node:net";
import { Problem } from "./problem";

/** A port of 127.0.0.1 that nobody listens on at the moment. */
export async function freePort(): Promise<number> {
	return await bind(0);
}

/** Reads `--port`; throws a Problem when it is no port, or taken. */
export async function chosenPort(text: string): Promise<number> {
	const port = Number(text);
	if (!/^\d+$/.test(text) || port < 1 || port > 65_535) {
		throw new Problem(`--port ${text}: a port is a number from 1 to 65535`);
	}
	try {
		return await bind(port);
	} catch (error) {
		const code = error instanceof Error && "code" in error ? error.code : undefined;
		if (code === "EADDRINUSE") {
			throw new Problem(`port ${port} is taken: choose another, or leave --port out for a free one`);
		}
		if (code === "EACCES") throw new Problem(`port ${port} is not for everybody: choose one above 1023`);
		throw error;
	}
}

function bind(port: number): Promise<number> {
	return new Promise((resolve, reject) => {
		const server = net.createServer();
		server.once("error", reject);
		server.listen({ port, host: "127.0.0.1", exclusive: true }, () => {
			const address = server.address();
			server.close(() => {
				if (address === null || typeof address === "string") reject(new Error("no port was bound"));
				else resolve(address.port);
			});
		});
	});
}
