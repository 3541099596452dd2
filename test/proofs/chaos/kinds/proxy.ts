import type { FaultProxy, ProxyFault } from "../../../support/proxy";
import { startEmptyAnswers } from "../empty-answers";
import { bite, type Kind } from "../kind";
import type { StartOptions } from "../run";

const alert: StartOptions = { timeoutMs: 500, rollMs: [300, 500], probeMs: 100 };

/** Which of the proxies' kinds are on 3.4 in `npm test`; the others are on the etcd that every reader has. */
const onOldest: ReadonlySet<string> = new Set(["cut-in-body", "delay", "black-hole-to-server", "refuse"]);

/** What a proxy between the consumers and the members does to what goes through it. */
export const proxyKinds: readonly Kind[] = [
	faulty("cut-before-header", "the connection ends where an answer should begin", {
		kind: "cutBeforeHeader",
		times: 20,
	}),
	faulty("cut-in-body", "the connection ends within an answer", {
		kind: "cutInBody",
		afterBytes: 30,
		times: 20,
	}),
	faulty("cut-in-character", "the connection ends within a character of two bytes", {
		kind: "cutInCharacter",
		times: 20,
	}),
	faulty("delay", "everything comes 60 ms later", { kind: "delay", toClientMs: 60 }),
	faulty("throttle", "20 kB a second on each connection", { kind: "throttle", toClient: 20_000 }),
	faulty("black-hole-to-server", "nothing that is asked arrives", {
		kind: "blackHole",
		direction: "toServer",
	}),
	faulty("black-hole-to-client", "nothing that is answered arrives", {
		kind: "blackHole",
		direction: "toClient",
	}),
	faulty("black-hole", "nothing arrives, either way, and nobody is told", {
		kind: "blackHole",
		direction: "both",
	}),
	faulty("reset-third", "every third answer is a reset", { kind: "reset" }),
	faulty("refuse", "connections are cut, and new ones reset", { kind: "refuse" }),
	{
		name: "cut-all",
		group: "proxy",
		needs: { proxied: "clients" },
		seconds: 1.7,
		etcd: "3.5.1",
		about: "all connections are cut, again and again",
		async run(run) {
			await run.startUsual(alert);
			const writing = run.write({ count: 1_800 });
			for (let reached = 200; reached <= 1_600; reached += 200) {
				await writing.reached(reached);
				await run.fault(() => {
					for (const proxy of run.proxies) proxy.cutAll();
				});
			}
			await writing.done;
			return [bite(run.proxied("cutAll"), "connections cut by the proxies")];
		},
	},
	{
		name: "empty-answers",
		group: "proxy",
		needs: {},
		seconds: 1.9,
		etcd: "3.4",
		about: "long polls are answered by a 200 with nothing in it (T13)",
		async run(run) {
			const empty = await startEmptyAnswers(run.member.direct);
			run.atEnd(() => empty.close());
			await run.startUsual({ ...alert, endpoints: [empty.endpoint] });
			const writing = run.write({ count: 1_500 });
			await writing.reached(300);
			await run.fault(() => {
				empty.isOn = true;
			});
			await run.bitten("some polls are answered with nothing", () => empty.count >= 10);
			await writing.reached(900);
			empty.isOn = false;
			await writing.done;
			return [bite(empty.count, "polls answered with nothing")];
		},
	},
];

/** The fault is on before every member for a while, under full traffic; no other way leads to them. */
function faulty(name: string, about: string, fault: ProxyFault): Kind {
	return {
		name,
		group: "proxy",
		needs: { proxied: "clients" },
		seconds: 1.9,
		etcd: onOldest.has(name) ? "3.4" : "3.5.1",
		about,
		async run(run) {
			await run.startUsual(alert);
			// Values that go beyond ASCII, so that there are characters to be cut.
			const writing = run.write({ count: 1_600, valueBytes: 40 });
			await writing.reached(400);
			await run.fault(() => {
				for (const proxy of run.proxies) inject(proxy, fault);
			});
			await run.bitten(`the proxies do ${fault.kind}`, () => run.proxied(fault.kind) > 0);
			await writing.reached(1_000);
			// A connection may have been made before the fault was on, and know nothing of it.
			for (const proxy of run.proxies) proxy.heal();
			await writing.done;
			return [bite(run.proxied(fault.kind), `times ${fault.kind} at the proxies`)];
		},
	};
}

function inject(proxy: FaultProxy, fault: ProxyFault): void {
	proxy.inject(fault);
	if (fault.kind === "refuse") proxy.cutAll();
}
