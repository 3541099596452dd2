import assert from "node:assert/strict";
import { Recorder } from "#lib/scenario/record.js";
import { V2Api } from "#lib/scenario/v2/api.js";
import { V3Api } from "#lib/scenario/v3/api.js";
import { v2Of, v3Of } from "../../support/clients";
import { http } from "../../support/fake-server";

const step = { step: "write", by: "writer", operation: "set", key: "/run/a", value: "1" } as const;
const signal = new AbortController().signal;

/** What a run notes of a write that etcd answers with that. */
async function outcomeOf(api: "v2" | "v3", status: number, answer: object) {
	const recorder = new Recorder("/run", 4);
	const reply = (socket: { write(text: string): unknown }) =>
		socket.write(http(status, JSON.stringify(answer)));
	if (api === "v2") {
		const { keys } = await v2Of(reply);
		return (await new V2Api({ v2: keys, version: "3.5.1" } as never).write(step, recorder, signal)).outcome;
	}
	const { v3 } = await v3Of(reply);
	return (await new V3Api(v3, { version: "3.5.1" }).write(step, recorder, signal)).outcome;
}

describe("a run's write that etcd answers with an error", () => {
	const v2 = (errorCode: number, cause = "") => ({ errorCode, message: "m", cause, index: 9 });
	const v3 = (code: number, text: string) => ({ error: text, code, message: text });
	for (const [title, api, status, answer, kind] of [
		["a directory as a file", "v2", 500, v2(300, "nodePath /1/d : Not a file ()"), "refused"],
		["a key that is a file", "v2", 403, v2(102), "refused"],
		[
			"a request that timed out in the cluster",
			"v2",
			500,
			v2(300, "etcdserver: request timed out"),
			"failed",
		],
		["no permission", "v3", 403, v3(7, "etcdserver: permission denied"), "refused"],
		["too many requests", "v3", 429, v3(8, "etcdserver: too many requests"), "refused"],
		["a learner", "v3", 503, v3(14, "etcdserver: rpc not supported for learner"), "refused"],
		["a request that timed out in the cluster", "v3", 503, v3(14, "etcdserver: request timed out"), "failed"],
		[
			"a database that comes to its quota",
			"v3",
			429,
			v3(8, "etcdserver: mvcc: database space exceeded"),
			"failed",
		],
	] as const) {
		it(`is ${kind === "failed" ? "one that may have been carried out" : "refused"}: ${title} (${api})`, async () => {
			const outcome = await outcomeOf(api, status, answer);
			assert.equal(outcome.kind, kind);
			if (outcome.kind === "failed") assert.deepEqual([outcome.maybeApplied, outcome.answered], [true, true]);
		});
	}
});
