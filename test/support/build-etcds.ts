import { etcdOf, v3Kinds } from "./etcds";

/** Run by itself: builds the etcds that tests want and that are not here yet; prints why one could not be built. */
async function buildAll(): Promise<void> {
	for (const kind of v3Kinds) {
		const etcd = await etcdOf(kind);
		if ("missing" in etcd) console.log(etcd.missing);
	}
}

void buildAll();
