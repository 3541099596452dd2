import assert from "node:assert/strict";
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { startLab } from "etcd-watch-lab/server";
import {
	AuthenticationFailedError,
	InvalidTokenError,
	PermissionDeniedError,
	V3Client,
	type V3Error,
	v3Errors,
} from "etcd-watch-lab/v3";
import { OwnEtcd } from "../../support/own-etcd";
import { assertNoSecret } from "../../support/secrets";
import { forEachEtcd } from "../../support/servers";
import { switchUsersOn } from "../../support/users";

const rootPassword = "r00t-v3-pass-never-shown é";
const guestPassword = "gue5t-v3-pass-never-shown";

async function refusedWith(
	pending: Promise<unknown>,
	type: new (...args: never[]) => V3Error,
	text: string,
): Promise<void> {
	await assert.rejects(pending, (error: unknown) => {
		assert.ok(error instanceof type, `not ${type.name} but ${error}`);
		assert.equal(error.text, text);
		for (const secret of [rootPassword, guestPassword]) assertNoSecret(error, secret);
		return true;
	});
}

forEachEtcd((server) => {
	describe("v3's users", () => {
		let own: OwnEtcd;
		let root: V3Client;
		let guest: V3Client;
		const as = (name: string, password: string) =>
			new V3Client({ endpoints: [own.endpoint], user: { name, password } });
		/** Every token is forgotten by the server, as when its time has passed. */
		const forgetTokens = async () => {
			await root.call("/v3/auth/disable", {});
			await root.call("/v3/auth/enable", {});
		};
		before(async () => {
			own = await OwnEtcd.start(server.binary);
			root = as("root", rootPassword);
			guest = as("guest", guestPassword);
			// Before they are switched on, a user is no hindrance: no token is asked for.
			await switchUsersOn(root, [
				{ name: "root", password: rootPassword },
				{ name: "guest", password: guestPassword, prefix: "/guests/" },
			]);
		});
		after(async () => {
			await root.close();
			await guest.close();
			await own.stop();
		});

		it("get a token by themselves, and do what they may", async () => {
			await guest.put("/guests/a", "1");
			assert.equal((await guest.get("/guests/a"))?.value, "1");
			const watch = await guest.watch("/guests/", { prefix: true });
			await guest.delete("/guests/a");
			assert.equal((await watch.next())?.kind, "events");
			watch.close();
		});

		it("are refused what they may not with a PermissionDeniedError, a watch too", async () => {
			const denied = "etcdserver: permission denied";
			await refusedWith(guest.get("/a"), PermissionDeniedError, denied);
			await refusedWith(guest.put("/a", "1"), PermissionDeniedError, denied);
			await refusedWith(guest.range("", { prefix: true }), PermissionDeniedError, denied);
			await refusedWith(guest.watch("/a"), PermissionDeniedError, denied);
			await refusedWith(guest.watch("/guests", { prefix: true }), PermissionDeniedError, denied);
		});

		it("with a wrong password, or a name that is none, get an AuthenticationFailedError that shows nothing", async () => {
			const text = "etcdserver: authentication failed, invalid user ID or password";
			for (const name of ["guest", "nobody"]) {
				const wrong = as(name, rootPassword);
				await refusedWith(wrong.get("/guests/a"), AuthenticationFailedError, text);
				await refusedWith(wrong.watch("/guests/a"), AuthenticationFailedError, text);
				await wrong.close();
			}
		});

		it("whose token the server has forgotten get a new one, for a read, a write and a watch", async () => {
			for (const call of [
				() => guest.get("/guests/a"),
				() => guest.put("/guests/a", "1"),
				() => guest.watch("/guests/a").then((watch) => watch.close()),
			]) {
				await call();
				await forgetTokens();
				await call();
			}
		});

		it("ask for one new token, however many requests need it", async () => {
			await guest.get("/guests/a");
			await forgetTokens();
			let asked = 0;
			const count = (message: unknown) => {
				const { request } = message as { readonly request: { readonly path: string } };
				if (request.path === "/v3/auth/authenticate") asked++;
			};
			subscribe("undici:request:create", count);
			await Promise.all(Array.from({ length: 20 }, () => guest.get("/guests/a")));
			unsubscribe("undici:request:create", count);
			assert.equal(asked, 1);
		});

		it("keep a watch that is open when the token is forgotten: it is looked at when it begins alone", async () => {
			const watch = await guest.watch("/guests/", { prefix: true });
			await forgetTokens();
			await guest.put("/guests/a", "after");
			const message = await watch.next();
			assert.ok(message?.kind === "events");
			assert.equal(message.events[0]?.kv.value, "after");
			watch.close();
		});

		it("whose role has changed since the token was given go on", async () => {
			await guest.get("/guests/a");
			await root.call("/v3/auth/role/add", { name: `more-${server.series}` });
			await guest.put("/guests/a", "2");
		});

		it("whose token is none are told so by a read, in the words that the table knows", async () => {
			const answer = await fetch(`${own.endpoint}/v3/kv/range`, {
				method: "POST",
				headers: { authorization: "garbage.1" },
				body: JSON.stringify({ key: "L2E=" }),
			});
			const { code, message } = (await answer.json()) as { code: number; message: string };
			assert.deepEqual([answer.status, code, v3Errors.get(message)], [401, 16, InvalidTokenError]);
		});

		it("are not v2's: a lab with v3's user in ETCDCTL_USER uses v3 with its token, and v2 openly", async () => {
			const lab = await startLab({
				env: { ETCDCTL_ENDPOINTS: own.endpoint, ETCDCTL_USER: `root:${rootPassword}` },
			});
			for (const shown of [lab, lab.v3]) assertNoSecret(shown, rootPassword);
			await lab.v2.set(`${lab.newPrefix()}/a`, "1");
			await lab.v3.put(`${lab.root}/a`, "left behind");
			const { root: was } = lab;
			await lab.close();
			assert.equal(await root.get(`${was}/a`), undefined, "the lab's v3 keys are removed at its end");
		});
	});
});
