import type { Certificates } from "./certificates";
import { type At, endpointsOf, withTest } from "./clients";
import { notCovered } from "./coverage";
import { type EtcdKind, etcdOf } from "./etcds";
import { OwnEtcd, type OwnEtcdOptions } from "./own-etcd";
import { type FaultProxy, startProxy } from "./proxy";

export * from "./clients";
export { type EtcdUnderTest, etcd35, forEachEtcd } from "./etcd";

export async function proxyTo(target: At): Promise<FaultProxy> {
	const [endpoint = ""] = endpointsOf(target);
	return withTest(await startProxy({ target: endpoint }), (proxy) => proxy.close());
}

/** An etcd of the test's own. */
export async function ownEtcd(binary: string, options?: OwnEtcdOptions): Promise<OwnEtcd> {
	return withTest(await OwnEtcd.start(binary, options), (own) => own.stop());
}

/** How an etcd is started that speaks TLS, and wants its clients' certificates. */
export function tlsFlags({ server, ca }: Certificates): readonly string[] {
	return [
		...["--cert-file", server.cert, "--key-file", server.key],
		...["--trusted-ca-file", ca.cert, "--client-cert-auth"],
	];
}

/** One of that kind, without v2; undefined, and noted, where the machine has none. */
export async function ownOf(kind: EtcdKind, flags: readonly string[] = []): Promise<OwnEtcd | undefined> {
	const found = await etcdOf(kind);
	if ("binary" in found) return await ownEtcd(found.binary, { v2: false, flags });
	notCovered(found.missing);
	return undefined;
}
