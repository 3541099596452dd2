/** `.ci/run` plants every fault; `npm test` the first of each three, to stay short: the same ones each time. */
export const isThorough: boolean = process.env["ETCD_WATCH_LAB_COVER_ALL"] === "1";

/** All of them where everything has to be covered; else a third, which is said. */
export function allOrAThird<T>(all: readonly T[]): readonly T[] {
	if (isThorough) return all;
	console.log("      the first of each three; ETCD_WATCH_LAB_COVER_ALL=1 takes them all");
	return all.filter((_, at) => at % 3 === 0);
}
