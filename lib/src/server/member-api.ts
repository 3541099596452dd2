import { Agent, type Dispatcher } from "undici";

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

/** The pages of a member that are not of the keys API. Nothing is asked twice. */
export class MemberApi {
	readonly #agent = new Agent({ connect: { timeout: answerMs } });

	/**
	 * undefined: it does not answer, or its term is just changing. By v2's pages: v3's gateway is up only 1 or 2 s
	 * after the member, since it dials its own gRPC server too early and then waits.
	 */
	async status(endpoint: string): Promise<MemberStatus | undefined> {
		const before = await this.#term(endpoint);
		if (before === undefined) return undefined;
		const self = idIn(await this.#ask(endpoint, "GET", "/v2/stats/self"));
		const leader = idIn(await this.#ask(endpoint, "GET", "/v2/members/leader"));
		const after = await this.#term(endpoint);
		return self === undefined || after !== before ? undefined : { id: self, leader, term: before };
	}

	/** Whether the member answers a read that has to go through raft. */
	async answersQuorumRead(endpoint: string): Promise<boolean> {
		return (await this.#ask(endpoint, "GET", "/v2/keys/?quorum=true"))?.status === 200;
	}

	/** Whether it answers at its peer URL. */
	async answersMembers(peerUrl: string): Promise<boolean> {
		return (await this.#ask(peerUrl, "GET", "/version"))?.status === 200;
	}

	/** The page for Prometheus; undefined: it does not answer. */
	async metrics(endpoint: string): Promise<string | undefined> {
		const answer = await this.#ask(endpoint, "GET", "/metrics");
		return answer?.status === 200 ? answer.text : undefined;
	}

	/** Takes a member out of the cluster; gives etcd's refusal. */
	async removeMember(endpoint: string, id: string): Promise<string | undefined> {
		return refusal(await this.#ask(endpoint, "DELETE", `/v2/members/${id}`), 204);
	}

	/** Announces a member that will come with this peer URL; gives etcd's refusal. */
	async addMember(endpoint: string, peerUrl: string): Promise<string | undefined> {
		return refusal(
			await this.#ask(endpoint, "POST", "/v2/members", JSON.stringify({ peerURLs: [peerUrl] })),
			201,
		);
	}

	close(): Promise<void> {
		return this.#agent.destroy();
	}

	async #term(endpoint: string): Promise<number | undefined> {
		const term = (await this.#ask(endpoint, "GET", "/v2/keys/"))?.term;
		return term === undefined ? undefined : Number(term);
	}

	async #ask(
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

function refusal(answer: { status: number; text: string } | undefined, expected: number): string | undefined {
	if (answer?.status === expected) return undefined;
	return answer === undefined ? "no answer" : `${answer.status} ${answer.text.trim().slice(0, 200)}`;
}

function idIn(answer: PageAnswer | undefined): string | undefined {
	return answer?.status === 200 ? /"id":"([0-9a-f]+)"/.exec(answer.text)?.[1] : undefined;
}
