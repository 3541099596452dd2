import { type Profiler, Session } from "node:inspector";
import path from "node:path";
import { pathToFileURL } from "node:url";

/**
 * How many times as much work each of these takes for twice the size: 2 where it grows with the size, 4 with its square.
 * Work is the blocks of the library's code that are run, as V8 counts them (precise coverage): no busy machine changes
 * it, and some hundred of a thing show it. What Node does within one call, `includes` or a copy, is one block.
 *
 * @param load requires a part of the library, which is loaded anew: V8 counts the blocks only of what it compiles after it
 * was asked to count
 */
export function growths<Library>(
	size: number,
	load: () => Library,
	works: (library: Library) => Readonly<Record<string, (size: number) => unknown>>,
): Record<string, number> {
	// V8 loses some of what it counts now and then (seen on Node 20, 24 and 26): what grows so each time grows so.
	const rounds = Array.from({ length: 3 }, () => growthsOnce(size, load, works));
	const names = Object.keys(rounds[0] ?? {});
	return Object.fromEntries(names.map((name) => [name, Math.min(...rounds.map((one) => one[name] ?? 0))]));
}

function growthsOnce<Library>(
	size: number,
	load: () => Library,
	works: (library: Library) => Readonly<Record<string, (size: number) => unknown>>,
): Record<string, number> {
	const session = new Session();
	session.connect();
	session.post("Profiler.enable");
	session.post("Profiler.startPreciseCoverage", { callCount: true, detailed: true });
	try {
		const { library, files } = loadAnew(load);
		const blocks = (work: (size: number) => unknown, of: number): number => {
			work(of);
			return blocksRun(session, files);
		};
		const made = works(library);
		blocksRun(session, files);
		return Object.fromEntries(
			Object.entries(made).map(([name, work]) => {
				const one = blocks(work, size);
				return [name, blocks(work, 2 * size) / one];
			}),
		);
	} finally {
		session.disconnect();
	}
}

/** The other tests keep the modules that they have: errors of two copies are of two classes. */
function loadAnew<Library>(load: () => Library): { library: Library; files: ReadonlySet<string> } {
	const dist = path.dirname(require.resolve("etcd-watch-lab"));
	const ours = () => Object.keys(require.cache).filter((file) => file.startsWith(dist + path.sep));
	const before = ours().map((file) => [file, require.cache[file]] as const);
	for (const [file] of before) delete require.cache[file];
	try {
		const library = load();
		return { library, files: new Set(ours().map((file) => pathToFileURL(file).href)) };
	} finally {
		for (const file of ours()) delete require.cache[file];
		for (const [file, module] of before) require.cache[file] = module;
	}
}

/** Since it was asked before: V8 begins anew each time. */
function blocksRun(session: Session, files: ReadonlySet<string>): number {
	const taken: Profiler.TakePreciseCoverageReturnType[] = [];
	session.post("Profiler.takePreciseCoverage", (error, coverage) => {
		if (error) throw error;
		taken.push(coverage);
	});
	return taken
		.flatMap(({ result }) => result.filter(({ url }) => files.has(url)))
		.flatMap(({ functions }) => functions.flatMap(({ ranges }) => ranges))
		.reduce((sum, { count }) => sum + count, 0);
}
