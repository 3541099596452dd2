import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";

/**
 * Free loopback ports, all different: bound at port 0 together, then given back. Somebody else may take one
 * before it is used; who uses it checks what it got and asks again.
 */
export async function freePorts(count: number): Promise<readonly number[]> {
	const servers = Array.from({ length: count }, () => createServer().listen(0, "127.0.0.1"));
	await Promise.all(servers.map((server) => once(server, "listening")));
	const ports = servers.map((server) => (server.address() as AddressInfo).port);
	await Promise.all(
		servers.map(async (server) => {
			server.close();
			await once(server, "close");
		}),
	);
	return ports;
}
