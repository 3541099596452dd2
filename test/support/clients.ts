import { V2Client } from "etcd-watch-lab/v2";
import { V3Client } from "etcd-watch-lab/v3";
import type { ConnectOptions } from "#lib/http/request.js";
import { FakeServer, type Reply } from "./fake-server";

/** A server, by its URL. */
export type At = string | { readonly endpoint: string };
type Options = Partial<ConnectOptions>;

const opened: (() => Promise<unknown>)[] = [];

/** Ends it with the test that opened it: what was opened last is ended first. For tests, not for `before`. */
export function withTest<T>(one: T, end: (one: T) => Promise<unknown>): T {
	opened.push(() => end(one));
	return one;
}

afterEach("what the test opened", async () => {
	const failures: unknown[] = [];
	for (const end of opened.splice(0).reverse()) await end().catch((error: unknown) => failures.push(error));
	if (failures.length > 0) throw failures[0];
});

/** A client of one server, or of several in that order, that is closed with the test. */
export function v2At(at: At | readonly At[], options: Options = {}): V2Client {
	return withTest(new V2Client({ ...options, endpoints: endpointsOf(at) }), (client) => client.close());
}

export function v3At(at: At | readonly At[], options: Options = {}): V3Client {
	return withTest(new V3Client({ ...options, endpoints: endpointsOf(at) }), (client) => client.close());
}

export function endpointsOf(at: At | readonly At[]): readonly string[] {
	return [at].flat().map((one) => (typeof one === "string" ? one : one.endpoint));
}

export async function fakeServer(reply: Reply): Promise<FakeServer> {
	return withTest(await FakeServer.start(reply), (server) => server.close());
}

/** A client of v2, and the server that says just that to it. */
export async function v2Of(reply: Reply, options?: Options): Promise<{ server: FakeServer; keys: V2Client }> {
	const server = await fakeServer(reply);
	return { server, keys: v2At(server, options) };
}

export async function v3Of(reply: Reply, options?: Options): Promise<{ server: FakeServer; v3: V3Client }> {
	const server = await fakeServer(reply);
	return { server, v3: v3At(server, options) };
}

/** One field of each. */
export function each<T, K extends keyof T>(all: readonly T[], field: K): readonly T[K][];
export function each<T, K extends keyof T>(
	all: readonly T[] | undefined,
	field: K,
): readonly T[K][] | undefined;
export function each<T, K extends keyof T>(
	all: readonly T[] | undefined,
	field: K,
): readonly T[K][] | undefined {
	return all?.map((one) => one[field]);
}
