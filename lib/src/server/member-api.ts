import { get } from "node:http";
import { setTimeout as wait } from "node:timers/promises";
import { Agent, type Dispatcher } from "undici";
import { LabError } from "../http/errors";
import { type Place, startMs } from "./etcd";

/** A fault that this cluster can't have as it is now. Nothing was done. */
export class FaultError extends LabError {}

/** What a member says of itself and of its leader; no quorum is needed for it. */
export interface MemberStatus {
	/** The members' ids as etcd prints them, in hexadecimal. */
	readonly id: string;
	/** undefined: it knows of none. */
	readonly leader: string | undefined;
	readonly term: number;
}

/** How long one answer may take: a member that is cut off or overloaded is asked again. */
const answerMs = 2_000;

interface PageAnswer {
	readonly status: number;
	readonly term: string | string[] | undefined;
	readonly text: string;
}

/** By the pages that all members have. */
export function memberApiOf(hasV2: boolean): MemberApi {
	return hasV2 ? new V2MemberApi() : new V3MemberApi();
}

/** The pages of a member that are not of the keys API. */
export abstract class MemberApi {
	readonly #agent = new Agent({ connect: { timeout: answerMs } });

	/** undefined: it does not answer, or its term is just changing. */
	abstract status(endpoint: string): Promise<MemberStatus | undefined>;
	/** By which a member is told from a stranger on its port; undefined: it does not answer. */
	abstract self(endpoint: string): Promise<{ readonly id: string; readonly name: string } | undefined>;
	/** Whether the member answers a read that has to go through raft. */
	abstract answersQuorumRead(endpoint: string): Promise<boolean>;
	/** Takes a member out of the cluster, by its id in hexadecimal. @throws FaultError with etcd's last refusal */
	abstract removeMember(endpoint: string, id: string): Promise<void>;
	/** Announces a member that will come with this peer URL. @throws FaultError with etcd's last refusal */
	abstract addMember(endpoint: string, peerUrl: string): Promise<void>;

	/** Whether it answers where other members reach it. */
	answersMembers({ socket }: Place): Promise<boolean> {
		return new Promise((resolve) => {
			const where = "path" in socket ? { socketPath: socket.path } : socket;
			const asked = get({ ...where, path: "/version", agent: false, timeout: answerMs }, (answer) => {
				answer.resume().once("close", () => resolve(answer.statusCode === 200));
			});
			asked.once("timeout", () => asked.destroy()).once("error", () => resolve(false));
		});
	}

	/** What it takes for the cluster's version, which all can speak, such as "3.5.0"; undefined: nothing yet. */
	async clusterVersion(endpoint: string): Promise<string | undefined> {
		const answer = await this.ask(endpoint, "GET", "/version");
		return /"etcdcluster":"([\d.]+)"/.exec(answer?.text ?? "")?.[1];
	}

	/** The page for Prometheus; undefined: it does not answer. */
	async metrics(endpoint: string): Promise<string | undefined> {
		const answer = await this.ask(endpoint, "GET", "/metrics");
		return answer?.status === 200 ? answer.text : undefined;
	}

	close(): Promise<void> {
		return this.#agent.destroy();
	}

	protected async ask(
		endpoint: string,
		method: Dispatcher.HttpMethod,
		path: string,
		json?: string,
	): Promise<PageAnswer | undefined> {
		try {
			const { statusCode, headers, body } = await this.#agent.request({
				origin: endpoint,
				path,
				method,
				signal: AbortSignal.timeout(answerMs),
				...(json === undefined ? {} : { body: json, headers: { "content-type": "application/json" } }),
			});
			return { status: statusCode, term: headers["x-raft-term"], text: await body.text() };
		} catch {
			return undefined;
		}
	}
}

/**
 * By v2's pages wherever there are any: v3's gateway is up only 1 or 2 s after the member, since it dials its own gRPC
 * server too early and then waits.
 */
class V2MemberApi extends MemberApi {
	async status(endpoint: string): Promise<MemberStatus | undefined> {
		const before = await this.#term(endpoint);
		if (before === undefined) return undefined;
		const self = await this.self(endpoint);
		const leader = idIn(await this.ask(endpoint, "GET", "/v2/members/leader"));
		const after = await this.#term(endpoint);
		return self === undefined || after !== before ? undefined : { id: self.id, leader, term: before };
	}

	async self(endpoint: string): Promise<{ readonly id: string; readonly name: string } | undefined> {
		const answer = await this.ask(endpoint, "GET", "/v2/stats/self");
		const id = idIn(answer);
		const name = /"name":"([^"]+)"/.exec(answer?.text ?? "")?.[1];
		return id === undefined || name === undefined ? undefined : { id, name };
	}

	async answersQuorumRead(endpoint: string): Promise<boolean> {
		return (await this.ask(endpoint, "GET", "/v2/keys/?quorum=true"))?.status === 200;
	}

	removeMember(endpoint: string, id: string): Promise<void> {
		return done(204, () => this.ask(endpoint, "DELETE", `/v2/members/${id}`));
	}

	addMember(endpoint: string, peerUrl: string): Promise<void> {
		const body = JSON.stringify({ peerURLs: [peerUrl] });
		return done(201, () => this.ask(endpoint, "POST", "/v2/members", body));
	}

	async #term(endpoint: string): Promise<number | undefined> {
		const term = (await this.ask(endpoint, "GET", "/v2/keys/"))?.term;
		return term === undefined ? undefined : Number(term);
	}
}

/** By v3's gateway, where there is no v2: an id is a decimal there, and what is 0 is left out. */
class V3MemberApi extends MemberApi {
	async status(endpoint: string): Promise<MemberStatus | undefined> {
		const text = await this.#post(endpoint, "/v3/maintenance/status", {});
		const [id, term] = [hexIn(text, "member_id"), digitsIn(text, "raftTerm")];
		if (id === undefined || term === undefined) return undefined;
		return { id, term: Number(term), leader: hexIn(text, "leader") };
	}

	async self(endpoint: string): Promise<{ readonly id: string; readonly name: string } | undefined> {
		const number = digitsIn(await this.#post(endpoint, "/v3/maintenance/status", {}), "member_id");
		if (number === undefined) return undefined;
		const list = await this.#post(endpoint, "/v3/cluster/member/list", { linearizable: false });
		const name = new RegExp(`"ID":\\s*"${number}",\\s*"name":\\s*"([^"]+)"`).exec(list)?.[1];
		return name === undefined ? undefined : { id: BigInt(number).toString(16), name };
	}

	async answersQuorumRead(endpoint: string): Promise<boolean> {
		// One key, which need not be there.
		return (await this.#post(endpoint, "/v3/kv/range", { key: "AA==" })) !== "";
	}

	removeMember(endpoint: string, id: string): Promise<void> {
		const body = JSON.stringify({ ID: BigInt(`0x${id}`).toString() });
		return done(200, () => this.ask(endpoint, "POST", "/v3/cluster/member/remove", body));
	}

	addMember(endpoint: string, peerUrl: string): Promise<void> {
		const body = JSON.stringify({ peerURLs: [peerUrl] });
		return done(200, () => this.ask(endpoint, "POST", "/v3/cluster/member/add", body));
	}

	/** "": it does not answer, or refuses. */
	async #post(endpoint: string, path: string, body: object): Promise<string> {
		const answer = await this.ask(endpoint, "POST", path, JSON.stringify(body));
		return answer?.status === 200 ? answer.text : "";
	}
}

/** Asks until etcd does it: right after a leader's end it can't. */
async function done(expected: number, ask: () => Promise<PageAnswer | undefined>): Promise<void> {
	const deadline = performance.now() + startMs;
	for (let tries = 1; ; tries++) {
		const answer = await ask();
		if (answer?.status === expected) return;
		const refusal =
			answer === undefined ? "no answer" : `${answer.status} ${answer.text.trim().slice(0, 200)}`;
		// Asked again after an answer that was lost.
		if (tries > 1 && /^(404|410|409) /.test(refusal)) return;
		if (performance.now() > deadline) throw new FaultError(`etcd refused to change the cluster: ${refusal}`);
		await wait(50);
	}
}

/** The sum of a metric's values over its labels, in a page for Prometheus; 0 when it is not there. */
export function sumOf(name: string, page: string): number {
	let sum = 0;
	for (const line of page.split("\n")) {
		const [, found, value] = /^(\w+)(?:\{.*\})? (\S+)$/.exec(line) ?? [];
		if (found === name) sum += Number(value);
	}
	return sum;
}

function idIn(answer: PageAnswer | undefined): string | undefined {
	return answer?.status === 200 ? /"id":"([0-9a-f]+)"/.exec(answer.text)?.[1] : undefined;
}

/** A number of the gateway's: one of 64 bits is text; there may be a space before it, or none. */
function digitsIn(text: string, field: string): string | undefined {
	return new RegExp(`"${field}":\\s*"?(\\d+)`).exec(text)?.[1];
}

function hexIn(text: string, field: string): string | undefined {
	const id = BigInt(digitsIn(text, field) ?? 0);
	return id === 0n ? undefined : id.toString(16);
}
