import assert from "node:assert/strict";
import type { V3Client } from "etcd-watch-lab/v3";

/** A user of v3's, and the keys that begin so, which alone it may read and write; root may everything. */
export interface User {
	readonly name: string;
	readonly password: string;
	readonly prefix?: string;
}

/** Adds users to a server that has none, root among them, and switches them on. */
export async function switchUsersOn(v3: V3Client, users: readonly User[]): Promise<void> {
	const auth = (path: string, body: object) => v3.call(`/v3/auth/${path}`, { ...body });
	const base64 = (text: string) => Buffer.from(text).toString("base64");
	await auth("role/add", { name: "root" });
	for (const { name, password, prefix } of users) {
		await auth("user/add", { name, password });
		if (name === "root") await auth("user/grant", { user: name, role: "root" });
		if (prefix === undefined) continue;
		// The last character of an ASCII prefix, and the one after it.
		const end = prefix.slice(0, -1) + String.fromCharCode(prefix.charCodeAt(prefix.length - 1) + 1);
		const perm = { permType: "READWRITE", key: base64(prefix), range_end: base64(end) };
		await auth("role/add", { name });
		await auth("role/grant", { name, perm });
		await auth("user/grant", { user: name, role: name });
	}
	await auth("enable", {});
}

/** Makes v2's root and guest, who may use /guests alone, and switches its users on. */
export async function switchV2UsersOn(
	{ endpoint }: { readonly endpoint: string },
	password: string,
	guestPassword = password,
): Promise<void> {
	const authorization = `Basic ${Buffer.from(`root:${password}`).toString("base64")}`;
	const headers = { "content-type": "application/json", authorization };
	const put = async (path: string, body?: object) => {
		const what = { method: "PUT", headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) };
		const answer = await fetch(`${endpoint}/v2/auth/${path}`, what);
		assert.ok(answer.ok, `${path}: ${answer.status} ${await answer.text()}`);
	};
	const kv = { read: ["/guests/*"], write: ["/guests/*"] };
	await put("users/root", { user: "root", password });
	await put("roles/guests", { role: "guests", permissions: { kv } });
	await put("users/guest", { user: "guest", password: guestPassword, roles: ["guests"] });
	await put("enable");
	// Switching it on makes a role of that name, with which nobody may do everything.
	await put("roles/guest", { role: "guest", revoke: { kv: { read: ["/*"], write: ["/*"] } } });
}
