import assert from "node:assert/strict";
import { request } from "node:http";

interface Answer {
	readonly status: number | undefined;
	/** What a browser would let the page do with it. */
	readonly granted: readonly string[];
}

/** Asks as a browser does for a page of another origin; the `host` header is the page's after DNS rebinding. */
function ask(url: string, method: string, headers: Readonly<Record<string, string>>): Promise<Answer> {
	return new Promise((resolve, reject) => {
		const asked = request(url, { method, headers, agent: false }, (answer) => {
			const granted = Object.keys(answer.headers).filter((name) => name.startsWith("access-control-"));
			answer.resume().once("end", () => resolve({ status: answer.statusCode, granted }));
		});
		asked.once("error", reject).end();
	});
}

/** A web page may read nothing of an etcd's answers, get no leave to write, and not come by another host name. */
export async function keepsPagesOut(endpoint: string): Promise<void> {
	const origin = "http://page.example";
	for (const path of ["/v2/keys/", "/version", "/v3/kv/range"]) {
		const url = `${endpoint}${path}`;
		for (const from of [origin, "null", "http://localhost:8888"]) {
			const { granted } = await ask(url, "GET", { origin: from });
			assert.deepEqual(granted, [], `GET ${path} from ${from}`);
			for (const method of ["PUT", "DELETE", "POST"]) {
				const preflight = await ask(url, "OPTIONS", {
					origin: from,
					"access-control-request-method": method,
				});
				assert.deepEqual(preflight.granted, [], `${method} ${path} from ${from}`);
			}
		}
		for (const host of ["page.example", `page.example:${new URL(endpoint).port}`, "localhost"]) {
			const { status } = await ask(url, "GET", { host });
			assert.equal(status, 421, `GET ${path} by the name ${host}`);
		}
	}
	assert.equal((await ask(`${endpoint}/v2/keys/`, "GET", {})).status, 200);
}
