/** `.ci/run` plants every fault; `npm test` a third of them, another one each day, to stay short. */
export const isThorough: boolean = process.env["ETCD_WATCH_LAB_COVER_ALL"] === "1";

/** All of them where everything has to be covered; else today's third, which is printed. */
export function allOrAThird<T>(all: readonly T[]): readonly T[] {
	if (isThorough) return all;
	const third = Math.floor(Date.now() / 86_400_000) % 3;
	console.log(
		`      the third that begins with number ${third + 1}; ETCD_WATCH_LAB_COVER_ALL=1 takes them all`,
	);
	return all.filter((_, at) => at % 3 === third);
}
