import { ArgumentError } from "../http/errors";
import type { ConnectOptions } from "../http/transport";

/** The switch that lets experiments overflow the window of a server that the lab did not start. */
export const overflowSwitch = "ETCD_WATCH_LAB_ALLOW_OVERFLOW";

/**
 * The reader's own server, by etcdctl's variables; undefined when ETCDCTL_ENDPOINTS is not set.
 * @throws ArgumentError for a user without a password, or a certificate without its key
 */
export function connectionFrom(env: NodeJS.ProcessEnv): ConnectOptions | undefined {
	const read = (name: string) => (env[name] === "" ? undefined : env[name]);
	const listed = read("ETCDCTL_ENDPOINTS");
	if (listed === undefined) return undefined;
	const ca = read("ETCDCTL_CACERT");
	const cert = read("ETCDCTL_CERT");
	const key = read("ETCDCTL_KEY");
	if ((cert === undefined) !== (key === undefined)) {
		throw new ArgumentError("ETCDCTL_CERT and ETCDCTL_KEY go together: set both, or none");
	}
	// etcdctl takes host:port as well.
	const scheme = ca === undefined && cert === undefined ? "http" : "https";
	const endpoints = listed
		.split(",")
		.map((endpoint) => endpoint.trim())
		.filter((endpoint) => endpoint !== "")
		.map((endpoint) => (endpoint.includes("://") ? endpoint : `${scheme}://${endpoint}`));
	const user = userFrom(read("ETCDCTL_USER"), read("ETCDCTL_PASSWORD"));
	return {
		endpoints,
		...(user ? { user } : {}),
		tls: {
			...(ca === undefined ? {} : { ca }),
			...(cert === undefined ? {} : { cert }),
			...(key === undefined ? {} : { key }),
		},
	};
}

function userFrom(user: string | undefined, password: string | undefined): ConnectOptions["user"] {
	if (user === undefined) return undefined;
	if (password !== undefined) return { name: user, password };
	const colon = user.indexOf(":");
	if (colon > 0) return { name: user.slice(0, colon), password: user.slice(colon + 1) };
	throw new ArgumentError(
		"ETCDCTL_USER is name:password (or set ETCDCTL_PASSWORD): a notebook can't ask for it",
	);
}
