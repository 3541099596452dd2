import { AbortedError } from "./errors";

/** Where an error, or the error that caused it, holds words that a server may have said. */
const fields = ["message", "stack", "excerpt", "text", "etcdCause"] as const;

/** Takes credentials out of what a server or a proxy quotes of a request, before it becomes an error. */
export class Secrets {
	readonly #secrets: readonly string[];

	/** `authorization`: the value of the header that is sent. */
	constructor(user: { readonly name: string; readonly password: string } | undefined, authorization: string) {
		this.#secrets = user === undefined ? [] : [...secretsOf(authorization), ...secretsIn(user)];
	}

	/** The error without them, and without that header of its own request. Changes it and its causes in place. */
	outOf<E>(error: E, authorization = ""): E {
		const secrets = [...this.#secrets, ...secretsOf(authorization)].filter((secret) => secret !== "");
		for (let at: unknown = error; secrets.length > 0 && at instanceof Error; ) {
			for (const field of fields) {
				const said: unknown = Reflect.get(at, field);
				if (typeof said !== "string") continue;
				const left = without(secrets, at instanceof SyntaxError ? said.replace(quoted, "") : said);
				if (left !== said) Reflect.set(at, field, left);
			}
			// undici keeps what it could not read.
			if ("data" in at) Reflect.deleteProperty(at, "data");
			// What a caller gave as a signal's reason is the caller's.
			at = at instanceof AbortedError ? undefined : at.cause;
		}
		return error;
	}
}

/** JSON.parse quotes a piece of the text, cut anywhere. */
const quoted = /, (\.\.\.)?".*"(\.\.\.)?(?= is not valid JSON)/s;

const hidden = "‹hidden›";

function secretsOf(authorization: string): readonly string[] {
	return [authorization, authorization.replace(/^Basic /, "")];
}

function secretsIn({
	name,
	password,
}: {
	readonly name: string;
	readonly password: string;
}): readonly string[] {
	return [
		`${name}:${password}`,
		password,
		JSON.stringify(password).slice(1, -1),
		encodeURIComponent(password),
	];
}

function without(secrets: readonly string[], text: string): string {
	let left = text;
	for (const secret of secrets) {
		left = left.replace(patternOf(secret), hidden);
		// An excerpt may end inside it.
		for (let length = secret.length - 1; length > 3; length--) {
			if (!left.endsWith(secret.slice(0, length))) continue;
			left = left.slice(0, -length) + hidden;
			break;
		}
	}
	return left;
}

/** A short one counts only where it stands alone: else half of every message would go. */
function patternOf(secret: string): RegExp {
	const exact = secret.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&");
	const alone = `(?<![\\p{L}\\p{N}])${exact}(?![\\p{L}\\p{N}])`;
	return new RegExp(secret.length > 5 ? exact : alone, "gu");
}
