/**
 * A share of what takes long: `npm test` takes the one that its test names, always the same; a part of `npm run proofs`
 * takes another by ETCD_WATCH_LAB_SHARE=K/N, those whose place in the list is K modulo N. All N of them are all.
 */
export function shareOf<T>(all: readonly T[], usual: string): readonly T[] {
	const share = process.env["ETCD_WATCH_LAB_SHARE"] || usual;
	const [, nth, of] = (/^(\d+)\/(\d+)$/.exec(share) ?? []).map(Number);
	if (nth === undefined || of === undefined || !(nth < of))
		throw new Error(`ETCD_WATCH_LAB_SHARE=${share}: it is K/N, two whole numbers, K below N`);
	if (of > 1) console.log(`      share ${share}; npm run proofs takes them all`);
	return all.filter((_, at) => at % of === nth);
}
