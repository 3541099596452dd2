import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { PartitionProxy } from "#lib/server/partition.js";
import { until } from "../../support/until";

describe("a partition's proxy", () => {
	const cutOff = new Set<string | undefined>();
	const served: Socket[] = [];
	const clients: Socket[] = [];
	/** Echoes what it gets. */
	const target = createServer({ allowHalfOpen: true }, (socket) => {
		served.push(socket);
		socket.on("error", () => {}).pipe(socket);
	});
	let proxy: PartitionProxy;
	let address: AddressInfo;
	beforeEach(async () => {
		target.listen(0, "127.0.0.1");
		await once(target, "listening");
		const { port } = target.address() as AddressInfo;
		const [place] = await freePlace();
		proxy = await PartitionProxy.open(place, { host: "127.0.0.1", port }, (sender) => cutOff.has(sender));
		address = { address: "127.0.0.1", family: "IPv4", port: place.port };
	});
	afterEach(async () => {
		cutOff.clear();
		for (const socket of [...clients.splice(0), ...served.splice(0)]) socket.destroy();
		await proxy.close();
		await proxy.close();
		target.close();
		await once(target, "close");
	});

	async function freePlace(): Promise<[{ host: string; port: number }]> {
		const server = createServer().listen(0, "127.0.0.1");
		await once(server, "listening");
		const { port } = server.address() as AddressInfo;
		server.close();
		await once(server, "close");
		return [{ host: "127.0.0.1", port }];
	}

	/** A connection that has said who it is, and had its answer. */
	async function from(name: string): Promise<{ socket: Socket; heard: () => string }> {
		const socket = connect(address.port, address.address);
		clients.push(socket);
		let heard = "";
		socket.setEncoding("latin1").on("data", (text) => {
			heard += text;
		});
		socket.on("error", () => {});
		socket.write(`X-Server-From: ${name};`);
		await until("the echo", () => heard === `X-Server-From: ${name};`);
		return { socket, heard: () => heard };
	}

	it("swallows, both ways and ends too, what is of a member that is cut off, and passes on all others'", async () => {
		const [one, other, third] = [await from("a"), await from("b"), await from("c")];
		cutOff.add("a").add("c");
		proxy.refresh();
		one.socket.write("lost");
		third.socket.end("lost");
		other.socket.write("fence");
		await until("the other's echo", () => other.heard() === "X-Server-From: b;fence");
		served[0]?.write("lost, too");
		served[1]?.write("!");
		await until("the other's answer", () => other.heard() === "X-Server-From: b;fence!");
		assert.deepEqual(
			[one.heard(), one.socket.destroyed, served[2]?.readableEnded],
			["X-Server-From: a;", false, false],
		);
		cutOff.clear();
		proxy.refresh();
		await Promise.all([once(one.socket, "close"), once(served[2] as Socket, "close")]);
		other.socket.write("on");
		await until("the other goes on", () => other.heard() === "X-Server-From: b;fence!on");
	});

	it("takes a connection of one who is not known yet, and swallows it if such are cut off", async () => {
		cutOff.add(undefined);
		const unknown = connect(address.port, address.address).on("error", () => {});
		clients.push(unknown);
		unknown.write("nobody's name");
		await until("it is connected to the target", () => served.length === 1);
		const known = await from("b");
		assert.deepEqual([known.heard(), unknown.bytesRead], ["X-Server-From: b;", 0]);
		cutOff.clear();
		proxy.refresh();
		await once(unknown, "close");
	});

	it("leaves a connection that lost nothing open when it is healed", async () => {
		const one = await from("a");
		cutOff.add("a");
		proxy.refresh();
		cutOff.clear();
		proxy.refresh();
		one.socket.write("still");
		await until("the echo", () => one.heard() === "X-Server-From: a;still");
	});

	it("ends with either side", async () => {
		const [one, other] = [await from("a"), await from("b")];
		one.socket.end();
		await once(one.socket, "close");
		served[1]?.destroy();
		await once(other.socket, "close");
	});
});
