import net from "node:net";
import { Problem } from "../problem";

/** Reads `--port`; throws a Problem when it is no port, or taken. */
export async function chosenPort(text: string): Promise<number> {
	const port = Number(text);
	if (!/^\d+$/.test(text) || port < 1 || port > 65_535) {
		throw new Problem(`--port ${text}: a port is a number from 1 to 65535`);
	}
	try {
		await bind(port);
		return port;
	} catch (error) {
		const code = error instanceof Error && "code" in error ? error.code : undefined;
		if (code === "EADDRINUSE") {
			throw new Problem(`port ${port} is taken: choose another, or leave --port out for a free one`);
		}
		if (code === "EACCES") throw new Problem(`port ${port} is not for everybody: choose one above 1023`);
		throw error;
	}
}

function bind(port: number): Promise<void> {
	return new Promise((resolve, reject) => {
		const server = net.createServer();
		server.once("error", reject);
		server.listen({ port, host: "127.0.0.1", exclusive: true }, () => server.close(() => resolve()));
	});
}
