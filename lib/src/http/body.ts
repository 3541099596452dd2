import { decode, tooLarge } from "./answer";
import { ConnectionError } from "./errors";
import type { OpenAnswer } from "./request";

/**
 * An open answer's body, read to its end.
 * @throws ConnectionError when it was cut, AbortedError after its `close()`, BadAnswerError when it is larger than
 * `maxBodyBytes` or no UTF-8
 */
export async function readText(answer: OpenAnswer, maxBodyBytes: number): Promise<string> {
	const chunks: Buffer[] = [];
	let size = 0;
	try {
		for await (const chunk of answer.body as AsyncIterable<Buffer>) {
			size += chunk.length;
			if (size > maxBodyBytes) throw tooLarge(answer, maxBodyBytes, chunks[0] ?? chunk);
			chunks.push(chunk);
		}
		const text = decode(answer, Buffer.concat(chunks));
		answer.done();
		return text;
	} catch (error) {
		// First what it was: after `close` everything looks as if the caller had ended it.
		const failure = answer.failure(error);
		answer.close();
		throw failure;
	}
}

/**
 * The lines of an open answer, as they come: Go's json.Encoder ends each event with a newline, and JSON text holds none.
 * `mayEndWithout`: the last one may lack its newline, as an error that ends a gateway's stream does. `received`: told how
 * many bytes have come, before they are read.
 * Returns when the answer ends properly; whoever leaves early has to close the answer.
 * @throws ConnectionError when it was cut, AbortedError after its `close()`, BadAnswerError for a line that is too long
 * or no UTF-8
 */
export async function* readLines(
	answer: OpenAnswer,
	maxBodyBytes: number,
	mayEndWithout = false,
	received: (byteCount: number) => void = () => {},
): AsyncGenerator<string, void, undefined> {
	let pending: Buffer[] = [];
	let size = 0;
	try {
		for await (const chunk of answer.body as AsyncIterable<Buffer>) {
			received(chunk.length);
			let from = 0;
			for (let end = chunk.indexOf(10); end >= 0; end = chunk.indexOf(10, from)) {
				pending.push(chunk.subarray(from, end));
				const line = decode(answer, Buffer.concat(pending));
				pending = [];
				size = 0;
				from = end + 1;
				if (line.trim() !== "") yield line;
			}
			if (from < chunk.length) pending.push(chunk.subarray(from));
			size += chunk.length - from;
			if (size > maxBodyBytes) throw tooLarge(answer, maxBodyBytes, pending[0]);
		}
	} catch (error) {
		const failure = answer.failure(error);
		answer.close();
		throw failure;
	}
	answer.done();
	const rest = decode(answer, Buffer.concat(pending)).trim();
	if (rest !== "" && mayEndWithout && isWhole(rest)) yield rest;
	else if (rest !== "") {
		throw new ConnectionError(`${answer.endpoint} ended the stream inside an event`, { maybeApplied: false });
	}
}

function isWhole(line: string): boolean {
	try {
		JSON.parse(line);
		return true;
	} catch {
		return false;
	}
}
