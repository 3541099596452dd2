import http from "node:http";
import { serveWatch } from "./serve";

/** As much of a line of the gateway's watch as is read here. */
interface Line {
	readonly result?: {
		readonly canceled?: boolean;
		readonly events?: readonly { readonly kv: { readonly key: string; readonly mod_revision: string } }[];
	};
	readonly error?: object;
}

/** One watch of v3's on one HTTP stream of the gateway: each line parsed, nothing checked, nothing tried again. */
serveWatch(({ endpoint, key, afterIndex }, take) => {
	const create_request = {
		key: base64(`${key}/`),
		// The first key beyond all that begin with "<key>/".
		range_end: base64(`${key}0`),
		start_revision: afterIndex + 1,
	};
	return new Promise((resolve, reject) => {
		const heard = (line: string): void => {
			const { result, error } = JSON.parse(line) as Line;
			if (result === undefined || error !== undefined || result.canceled) {
				throw new Error(`no events: ${line.slice(0, 200)}`);
			}
			for (const { kv } of result.events ?? []) {
				if (!take(Number(kv.mod_revision), Buffer.from(kv.key, "base64").toString())) continue;
				request.destroy();
				resolve({ gaps: 0 });
				return;
			}
		};
		const request = http.request(`${endpoint}/v3/watch`, { method: "POST", agent: false }, (response) => {
			let parts: string[] = [];
			response.setEncoding("utf8").on("data", (chunk: string) => {
				const [first = "", ...more] = chunk.split("\n");
				parts.push(first);
				try {
					for (const next of more) {
						heard(parts.join(""));
						parts = [next];
					}
				} catch (error) {
					request.destroy();
					reject(error);
				}
			});
			response.on("end", () => reject(new Error("the server ended the watch"))).on("error", reject);
		});
		request.on("error", reject).end(JSON.stringify({ create_request }));
	});
});

function base64(text: string): string {
	return Buffer.from(text).toString("base64");
}
