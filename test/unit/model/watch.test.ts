import assert from "node:assert/strict";
import { historyCapacity } from "etcd-watch-lab/model";
import { Handmade } from "../../proofs/differential/handmade";
import { programs } from "./programs";

describe("live watchers in the model", () => {
	programs(`
	see their own key; what is below it only when they are recursive, at any depth
		stream plain /a; stream recursive /a/...; set /a/b; set /a/x/c; set /ab; rmdir /a/...; set /a
		plain heard => 4 delete /a, 4 delete /a, 5 set /a
		recursive heard => 1 set /a/b, 2 set /a/x/c, 4 delete /a, 4 delete /a, 5 set /a
	are gone after their one event, streams are not
		watch poll /a; stream stream /a
		watchers => 2
		set /a; set /a
		poll heard => 1 set /a
		stream heard => 1 set /a, 2 set /a
		watchers => 1
	do not hear of implicit parents
		stream parent /a; stream all /...; set /a/b/c
		parent heard =>
		all heard => 1 set /a/b/c
	are not told of hidden names below them, and are of hidden names above them
		stream above /a/...; stream inside /a/_h/...; stream key /a/_h/x; set /a/_h/x; set /a/_h/_y; set /a/b_c
		above heard => 3 set /a/b_c
		inside heard; key heard => 1 set /a/_h/x
	are told of a removed ancestor where their node was there, hidden or not, and not where it was missing
		set /a/b/_h; set /a/f; watch directory /a/b; watch hidden /a/b/_h; watch file /a/f; watch missing /a/b/missing
		watch sibling /ab/...; rmdir /a/...
		directory heard; hidden heard; file heard => 3 delete /a
		missing heard; sibling heard =>
	are not woken by a renewed ttl, which takes an index
		set /a ttl 9; stream all /...
		refresh /a ttl 9 => update /a 2
		set /a
		all heard => 3 set /a
	hear of nothing that was refused
		set /a/b; stream all /...
		set /a/b/c; delete /a/b/c => refused 104 /a/b @1
		all heard =>
	wait for an index in the future, and take nothing before it
		stream later /a from 3; set /a; set /a; set /a
		later heard => 3 set /a
	`);

	it("get the removal of exactly their key twice as streams, once as polls", () => {
		for (const remove of ["delete", "compareAndDelete", "expire"] as const) {
			const model = new Handmade();
			model.write("set", "/a", { value: "1", ttl: 1 });
			model.watch("stream", "/a", { stream: true });
			model.watch("poll", "/a");
			model.watch("above", "/", { stream: true, recursive: true });
			if (remove === "expire") model.expire(1_000);
			else model.write(remove, "/a", { expected: { prevIndex: 1 } });
			assert.deepEqual(model.heard("stream"), [`2 ${remove} /a`, `2 ${remove} /a`]);
			assert.deepEqual(model.heard("poll"), [`2 ${remove} /a`]);
			assert.deepEqual(model.heard("above"), [`2 ${remove} /a`]);
		}
	});

	it("are told by their numbers, which count from 1, and by which rule; nothing where nobody is reached", () => {
		const { store } = new Handmade();
		assert.deepEqual(store.apply({ operation: "set", key: "/a/b" }).deliveries, []);
		for (const key of ["/a", "/a/b", "/c"]) store.watch({ key, recursive: true, stream: true });
		assert.deepEqual(
			store
				.apply({ operation: "delete", key: "/a/b" })
				.deliveries.map(({ watcher, rule }) => [watcher, rule]),
			[
				[2, "own key"],
				[1, "recursive"],
				[2, "second notice of the removal"],
			],
		);
		assert.deepEqual(store.apply({ operation: "delete", key: "/a/b" }).deliveries, []);
	});

	it("are told nothing after unwatch", () => {
		const model = new Handmade();
		const watcher = model.watch("gone", "/a", { stream: true });
		model.watch("another", "/a");
		model.store.unwatch(watcher);
		model.set("/a");
		assert.deepEqual(model.heard("gone"), []);
		assert.deepEqual(model.heard("another"), ["1 set /a"]);
		assert.equal(model.store.watcherCount, 0);
	});
});

describe("replays in the model", () => {
	programs(`
	give the first event from that index on, that index included
		set /a; set /b; set /a; set /a
		replay /a 1 => 1 set /a
		replay /a 2; replay /a 3 => 3 set /a
		replay /b 3; replay /a 5 => waits
	show hidden names, which a live watch does not
		set /a/_h/x
		replay /a/... 1 => 1 set /a/_h/x
		replay /a 1 => waits
	show what is below a key when they are recursive, and no name that only begins like it
		set /ab; set /a/b
		replay /a/... 1 => 2 set /a/b
		replay /... 1 => 1 set /ab
		replay / 1 => waits
	take the removal of a directory for the watched key's by its text, slash or not; live watchers do not
		mkdir /foo; set /foobar; watch live /foobar; rmdir /foo
		live heard =>
		replay /foobar 3; replay /foo/bar 3 => 3 delete /foo
		replay /fo 3 => waits
	take a directory's expiry so, and neither the removal of a file nor a directory's new ttl
		on 3.4
		set /foo; delete /foo; mkdir /foo; updateDirectory /foo ttl 1
		replay /foobar 1 => waits
		expire 1000 => expire /foo 5
		replay /foobar 1 => 5 expire /foo
	pass over a renewed ttl
		set /a ttl 9; refresh /a ttl 9
		replay /a 2 => waits
		set /a
		replay /a 2 => 3 set /a
	give a stream one event, and nothing ever after
		set /a
		replay /a 1 stream => 1 set /a
		watchers => 0
	reach back ${historyCapacity} events, renewed ttls among them, and are refused with 401 one further
		set /a; refresh /a ttl 999; ${historyCapacity - 2} × set /b
		replay /a 1 => 1 set /a
		set /b
		kept => 2
		replay /a 1 => 401 [2/1]
		replay /a 2 => waits
	take the indexes before the model began for events of somebody else's
		from 700
		set /a
		replay /a 1 => 701 set /a
		${historyCapacity - 700} × set /b
		replay /a 2 => 701 set /a
		replay /a 1 => 401 [2/1]
		from 1700
		kept => 701
		replay /a 701 => waits
		replay /a 700 => 401 [701/700]
	`);

	it("tell a 401's store index, and an answer's index at which the watch began", () => {
		const model = new Handmade();
		for (let index = 1; index <= historyCapacity + 5; index++) model.set("/b");
		const refused = model.store.watch({ key: "/a", recursive: false, stream: false, waitIndex: 1 });
		assert.ok(refused.kind === "refused");
		assert.equal(refused.index, historyCapacity + 5);
		assert.equal(refused.cause, "the requested history has been cleared [6/1]");
		const answered = model.store.watch({ key: "/b", recursive: false, stream: false, waitIndex: 7 });
		assert.ok(answered.kind === "answered");
		assert.equal(answered.etcdIndex, historyCapacity + 5);
	});
});
