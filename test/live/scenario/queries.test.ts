import assert from "node:assert/strict";
import { startLab } from "etcd-watch-lab/server";
import { answersTo } from "#lib/pages";
import { forEachEtcd } from "../../support/etcd";

describe("answersTo", () => {
	forEachEtcd((server) => {
		it("sends each query as it stands, and tells a refusal from a watch of the past and one from now on", async () => {
			// A server whose history still has its first event.
			const lab = await startLab({ binary: server.binary, env: {} });
			try {
				assert.deepEqual(
					await answersTo(lab, [
						"wait=true&waitIndex=abc",
						"wait=true&waitIndex=-1",
						"wait=maybe",
						"wait=true&recursive=yes",
						"wait=true&waitIndex=0",
						"wait=true&waitindex=1",
						"wait=true&waitIndex=1",
					]),
					[
						[
							"wait=true&waitIndex=abc",
							'203 The given index in POST form is not a number: invalid value for "waitIndex"',
						],
						[
							"wait=true&waitIndex=-1",
							'203 The given index in POST form is not a number: invalid value for "waitIndex"',
						],
						["wait=maybe", '209 Invalid field: invalid value for "wait"'],
						["wait=true&recursive=yes", '209 Invalid field: invalid value for "recursive"'],
						["wait=true&waitIndex=0", "accepted: it gives the next"],
						["wait=true&waitindex=1", "accepted: it gives the next"],
						["wait=true&waitIndex=1", "accepted: it gives the past"],
					],
				);
			} finally {
				await lab.close();
			}
		});
	});
});
