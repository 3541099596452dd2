import { createPrivateKey, X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import net, { type Socket } from "node:net";
import tls, { type SecureContext } from "node:tls";
import { type buildConnector, type Dispatcher, errors } from "undici";
import { ArgumentError } from "./errors";

/** Paths of PEM files: whom to trust, and who the client is. */
export interface TlsFiles {
	/** The authorities that may have signed the server's certificate; those that Node knows unless given. */
	readonly ca?: string;
	/** The client's certificate. Goes with `key`. */
	readonly cert?: string;
	/** The key of `cert`, not encrypted. */
	readonly key?: string;
}

/**
 * Scheme, host and port of an endpoint.
 * @throws ArgumentError for what is no URL, has another scheme, a user, a path or a query
 */
export function checkEndpoint(endpoint: string): string {
	let url: URL;
	try {
		url = new URL(endpoint);
	} catch (cause) {
		throw new ArgumentError("an endpoint is a URL such as http://127.0.0.1:2379", { cause: codeOf(cause) });
	}
	if (url.protocol !== "http:" && url.protocol !== "https:") {
		throw new ArgumentError(`the endpoint at ${url.host} has to begin with http:// or https://`);
	}
	if (url.username !== "" || url.password !== "") {
		throw new ArgumentError(`the endpoint at ${url.host} holds a user: give it as the user, not in the URL`);
	}
	if (url.pathname !== "/" || url.search !== "" || url.hash !== "") {
		throw new ArgumentError(
			`the endpoint at ${url.host} has a path or a query: etcd's API is at the root of a server`,
		);
	}
	return url.origin;
}

/**
 * Reads the PEM files, once for all connections.
 * @throws ArgumentError that names the file and what is wrong with it: it can't be read, holds no certificate or key in
 * PEM form, is encrypted, or the key is not the certificate's
 */
export function secureContext({ ca, cert, key }: TlsFiles): SecureContext {
	const read: { ca?: Buffer; cert?: Buffer; key?: Buffer } = {};
	for (const [option, path] of Object.entries({ ca, cert, key })) {
		if (path !== undefined) read[option as keyof TlsFiles] = pem(option, path);
	}
	if (ca !== undefined && read.ca) {
		// Node takes a file without any certificate in it for "trust nobody", and says nothing.
		for (const one of certificatesIn("ca", ca, read.ca)) checked("ca", ca, () => new X509Certificate(one));
	}
	if (cert !== undefined && read.cert) {
		certificatesIn("cert", cert, read.cert);
		checked("cert", cert, () => tls.createSecureContext({ cert: read.cert }));
	}
	if (key !== undefined && read.key) {
		if (/ENCRYPTED/.test(read.key.toString("latin1"))) {
			throw new ArgumentError(
				`tls.key: the key in ${key} is encrypted, and there is nobody to ask for its password: ` +
					`give one that is not (openssl pkey -in ${key} -out FILE)`,
			);
		}
		checked("key", key, () => tls.createSecureContext({ key: read.key }));
	}
	if ((cert === undefined) !== (key === undefined)) {
		const [given, missing] = cert === undefined ? ["key", "cert"] : ["cert", "key"];
		throw new ArgumentError(`tls.${given} is given without tls.${missing}: they go together`);
	}
	if (cert !== undefined) {
		checked("cert", `${cert} with tls.key ${key}`, () => checkPair(read), "it is another key's");
	}
	return tls.createSecureContext(read);
}

/**
 * Opens a connection, by TLS to an https endpoint; `callback` gets it when it can be written to, or why there is none:
 * `UND_ERR_CONNECT_TIMEOUT` after `timeoutMs`. Returns the socket at once, so that whoever can't wait may destroy it.
 */
export function connectTo(
	{ hostname, protocol, port }: Pick<buildConnector.Options, "hostname" | "protocol" | "port">,
	options: { readonly secureContext?: SecureContext },
	timeoutMs: number,
	callback: buildConnector.Callback,
): Socket {
	const host = hostname.replace(/^\[(.*)\]$/, "$1");
	const isSecure = protocol === "https:";
	const socket = isSecure
		? tls.connect({
				host,
				port: Number(port || 443),
				ALPNProtocols: ["http/1.1"],
				...(net.isIP(host) === 0 ? { servername: host } : {}),
				...options,
			})
		: net.connect({ host, port: Number(port || 80) });
	const timer = setTimeout(() => {
		socket.destroy(new errors.ConnectTimeoutError(`no connection to ${host}:${port} in ${timeoutMs} ms`));
	}, timeoutMs);
	let isSettled = false;
	const settle = (error: Error | undefined) => {
		if (isSettled) return;
		isSettled = true;
		clearTimeout(timer);
		if (error === undefined) callback(null, socket);
		else callback(error, null);
	};
	socket.setNoDelay(true).setKeepAlive(true, 60_000);
	socket.once(isSecure ? "secureConnect" : "connect", () => settle(undefined));
	socket.on("error", (error) => {
		settle(error);
		// Node leaves a socket open whose TLS broke after the handshake, and undici waits for its close, for ever.
		socket.destroy();
	});
	socket.once("close", () => settle(new Error("the connection was ended before it was made")));
	return socket;
}

/**
 * Tells when a request is on its way: from then on nobody knows what became of it, whatever the error is. undici calls
 * one of these two, by the handler's generation, right before it writes to an established connection.
 */
export function tellsWhenSent(sent: () => void): Dispatcher.DispatcherComposeInterceptor {
	return (dispatch) => (options, handler) => {
		const telling = new Proxy(handler, {
			get(target, name) {
				const value: unknown = Reflect.get(target, name);
				if (typeof value !== "function") return value;
				if (name !== "onConnect" && name !== "onRequestStart") return value.bind(target);
				return (...told: readonly unknown[]) => {
					sent();
					return Reflect.apply(value, target, told);
				};
			},
		});
		return dispatch(options, telling);
	};
}

/** The code of a system's, OpenSSL's or undici's error; "" where there is none. */
export function codeOf(error: unknown): string {
	return error instanceof Error && "code" in error ? String(error.code) : "";
}

/** What an error says, with its code; of several (a name with several addresses), each. */
export function reasonOf(error: unknown): string {
	if (error instanceof AggregateError) return error.errors.map(reasonOf).join("; ");
	if (!(error instanceof Error)) return String(error);
	const code = codeOf(error);
	// OpenSSL's own have the place in its source in front of and behind what is wrong, and a line's end.
	const [, ofTls] = /^[0-9A-F]+:error:[0-9A-F]+:[^:]*:[^:]*:([^:\n]+):/.exec(error.message) ?? [];
	const message = (ofTls ?? error.message).replace(/\s*\n\s*/g, " ").trim();
	return code === "" ? message : `${message === "" ? "failed" : message} [${code}]`;
}

function checkPair(files: { readonly cert?: Buffer; readonly key?: Buffer }): void {
	tls.createSecureContext(files);
	const { cert = "", key = "" } = files;
	// OpenSSL keeps a key of another type, such as EC beside RSA, for a certificate that may yet come.
	if (!new X509Certificate(cert).checkPrivateKey(createPrivateKey(key))) throw new Error("key type mismatch");
}

function pem(option: string, path: string): Buffer {
	try {
		return readFileSync(path);
	} catch (cause) {
		throw new ArgumentError(`tls.${option}: the file ${path} can't be read (${codeOf(cause)})`, { cause });
	}
}

function certificatesIn(option: keyof TlsFiles, path: string, file: Buffer): readonly string[] {
	// OpenSSL passes over what does not begin its line, but for a byte order mark, and says nothing.
	const found = file
		.toString("latin1")
		.match(/(?<=^(?:\xef\xbb\xbf)?)-----BEGIN ([A-Z0-9 ]*CERTIFICATE)-----\s*\n[\s\S]*?\n-----END \1-----/gm);
	if (found !== null) return found;
	throw new ArgumentError(
		`tls.${option}: ${path} holds no certificate in PEM form ("-----BEGIN CERTIFICATE-----")`,
	);
}

function checked(
	option: keyof TlsFiles,
	path: string,
	check: () => unknown,
	hint = "not in PEM form?",
): void {
	try {
		check();
	} catch (cause) {
		throw new ArgumentError(`tls.${option}: ${path} can't be used: ${reasonOf(cause)} (${hint})`, { cause });
	}
}
