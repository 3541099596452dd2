import assert from "node:assert/strict";
import { NotHttpError, ResponseReader } from "etcd-watch-lab/dist/http/response-reader";
import fc from "fast-check";

type Seen = { status: number; body: string; headers: Readonly<Record<string, string>>; ended: boolean };

/** Reads the pieces, and what came out of them. */
function read(pieces: readonly Buffer[], closes = false): Seen[] {
	const seen: Seen[] = [];
	const body: Buffer[] = [];
	const reader = new ResponseReader({
		head: (status, headers) => void seen.push({ status, headers, body: "", ended: false }),
		data: (piece) => void body.push(Buffer.from(piece)),
		end() {
			const last = seen.at(-1);
			assert.ok(last && !last.ended);
			last.body = Buffer.concat(body.splice(0)).toString("utf8");
			last.ended = true;
		},
	});
	for (const piece of pieces) reader.push(piece);
	if (closes) reader.close();
	return seen;
}

const answers = [
	'HTTP/1.1 200 OK\r\nX-Etcd-Index: 7\r\nTransfer-Encoding: chunked\r\n\r\n4\r\n{"é\r\n3\r\n":1\r\n1\r\n}\r\n0\r\n\r\n',
	"HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\n{}",
	"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length:0\r\n\r\n",
	"HTTP/1.1 204 No Content\r\n\r\n",
	"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nA;name=value\r\n0123456789\r\n0\r\nTrailer: x\r\n\r\n",
];
const bodies = ['{"é":1}', "{}", "", "", "0123456789"];

describe("ResponseReader", () => {
	it("reads pipelined answers, wherever the pieces are cut", () => {
		const bytes = Buffer.from(answers.join(""), "utf8");
		fc.assert(
			fc.property(fc.uniqueArray(fc.nat({ max: bytes.length }), { maxLength: 40 }), (cuts) => {
				const at = [0, ...cuts.sort((one, two) => one - two), bytes.length];
				const seen = read(at.slice(1).map((end, nth) => bytes.subarray(at[nth], end)));
				assert.deepEqual(
					seen.map(({ status, body, ended }) => [status, body, ended]),
					[200, 404, 200, 204, 200].map((status, nth) => [status, bodies[nth], true]),
				);
			}),
			{ seed: 7, numRuns: 500 },
		);
	});

	it("tells of the headers before there is any body, by their names in small letters", () => {
		const [answer] = read([
			Buffer.from("HTTP/1.1 200 OK\r\nX-Etcd-Index: 7\r\nTransfer-Encoding: chunked\r\n\r\n"),
		]);
		assert.deepEqual([answer?.headers["x-etcd-index"], answer?.ended], ["7", false]);
	});

	it("ends a body without a length with the connection, and no other body", () => {
		const open = Buffer.from("HTTP/1.1 200 OK\r\n\r\nabc");
		assert.deepEqual([read([open], false)[0]?.ended, read([open], true)[0]?.body], [false, "abc"]);
		const cut = Buffer.from("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nabc");
		assert.equal(read([cut], true)[0]?.ended, false);
	});

	for (const [what, text] of [
		["another protocol", "SSH-2.0-OpenSSH\r\n\r\n"],
		["a header without a colon", "HTTP/1.1 200 OK\r\nnonsense\r\n\r\n"],
		["a length that is no number", "HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\n"],
		["an encoding that it does not know", "HTTP/1.1 200 OK\r\ntransfer-encoding: gzip\r\n\r\n"],
		["a chunk without a size", "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nxyz\r\n"],
		[
			"a chunk that is longer than it says",
			"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\nabc\r\n",
		],
		["a head without an end", `HTTP/1.1 200 OK\r\n${"a: b\r\n".repeat(20_000)}`],
	] as const) {
		it(`refuses ${what}`, () => {
			assert.throws(() => read([Buffer.from(text)]), NotHttpError);
		});
	}
});
