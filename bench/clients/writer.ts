import { setTimeout as wait } from "node:timers/promises";
import type { Api } from "./protocol";
import { eventOf, RawConnection } from "./raw";
import { now, serve } from "./serve";

/** Writes over raw sockets, so that the writer takes as little as can be of the machine that it shares. */
serve({
	async write({ api, endpoint, key, keyCount, count, connections, everyMs, valueBytes = 0 }) {
		const open = await Promise.all(Array.from({ length: connections }, () => RawConnection.open(endpoint)));
		const indexes: number[] = [];
		const ns: number[] = [];
		let next = 0;
		const begin = performance.now();
		const write = async (connection: RawConnection): Promise<void> => {
			while (next < count) {
				const nth = next++;
				const value = `value of the write ${nth}`.padEnd(valueBytes, "-");
				const index = await put[api](connection, `${key}/key${nth % keyCount}`, value);
				ns.push(now());
				indexes.push(index);
				if (everyMs !== undefined) await wait(everyMs);
			}
		};
		await Promise.all(open.map(write));
		const ms = performance.now() - begin;
		for (const connection of open) connection.close();
		return { indexes, ns, ms };
	},
});

/** Writes a key; gives the index, or the revision. */
const put: Readonly<Record<Api, (to: RawConnection, key: string, value: string) => Promise<number>>> = {
	async v2(to, key, value) {
		const form = `value=${encodeURIComponent(value)}`;
		const type = "application/x-www-form-urlencoded";
		return eventOf(await to.ask("PUT", `/v2/keys${key}`, type, form)).node.modifiedIndex;
	},
	async v3(to, key, value) {
		const json = JSON.stringify({ key: base64(key), value: base64(value) });
		const answer = await to.ask("POST", "/v3/kv/put", "application/json", json);
		const { header } = JSON.parse(answer) as { readonly header?: { readonly revision: string } };
		if (header === undefined) throw new Error(`no write: ${answer.slice(0, 200)}`);
		return Number(header.revision);
	},
};

function base64(text: string): string {
	return Buffer.from(text).toString("base64");
}
