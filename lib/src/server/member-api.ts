import { Agent, type Dispatcher } from "undici";

/** What a member says of itself and of its leader; no quorum is needed for it. */
export interface MemberStatus {
	/** The members' ids as etcd prints them, in hexadecimal. */
	readonly id: string;
	/** "0": it knows of none. */
	readonly leader: string;
	readonly term: number;
	/** The raft log's index up to which it has applied. */
	readonly appliedIndex: number;
}

/** How long one answer may take: a member that is cut off or overloaded is asked again. */
const answerMs = 2_000;

/** The pages of a member that are not of the keys API. Nothing is asked twice. */
export class MemberApi {
	readonly #agent = new Agent({ connect: { timeout: answerMs } });

	/** undefined: it does not answer. */
	async status(endpoint: string): Promise<MemberStatus | undefined> {
		const answer = await this.#ask(endpoint, "POST", "/v3/maintenance/status", "{}");
		if (answer?.status !== 200) return undefined;
		const {
			header,
			leader = "0",
			raftTerm,
			raftIndex,
			raftAppliedIndex = raftIndex,
		} = JSON.parse(answer.text) as {
			header: { member_id: string };
			leader?: string;
			raftTerm: string;
			raftIndex: string;
			raftAppliedIndex?: string;
		};
		return {
			id: hex(header.member_id),
			leader: hex(leader),
			term: Number(raftTerm),
			appliedIndex: Number(raftAppliedIndex),
		};
	}

	/** Whether the member answers a read that has to go through raft. */
	async answersQuorumRead(endpoint: string): Promise<boolean> {
		return (await this.#ask(endpoint, "GET", "/v2/keys/?quorum=true"))?.status === 200;
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

	async #ask(
		endpoint: string,
		method: Dispatcher.HttpMethod,
		path: string,
		json?: string,
	): Promise<{ status: number; text: string } | undefined> {
		try {
			const { statusCode, body } = await this.#agent.request({
				origin: endpoint,
				path,
				method,
				signal: AbortSignal.timeout(answerMs),
				...(json === undefined ? {} : { body: json, headers: { "content-type": "application/json" } }),
			});
			return { status: statusCode, text: await body.text() };
		} catch {
			return undefined;
		}
	}
}

function refusal(answer: { status: number; text: string } | undefined, expected: number): string | undefined {
	if (answer?.status === expected) return undefined;
	return answer === undefined ? "no answer" : `${answer.status} ${answer.text.trim().slice(0, 200)}`;
}

function hex(decimal: string): string {
	return BigInt(decimal).toString(16);
}
