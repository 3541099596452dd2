/**
 * How often a second `work` is done, which does `count` things at a time: the best of the rounds, since whatever
 * else the machine does can only slow one down.
 */
export async function rate(
	count: number,
	work: () => void | Promise<void>,
	rounds = 7,
	roundMs = 400,
): Promise<number> {
	let best = 0;
	for (let nth = 0; nth <= rounds; nth++) {
		const { times, ms } = await round(work, roundMs);
		best = Math.max(best, (times * count * 1000) / ms);
	}
	return best;
}

async function round(
	work: () => void | Promise<void>,
	roundMs: number,
): Promise<{ times: number; ms: number }> {
	const begin = performance.now();
	let times = 0;
	let ms = 0;
	while (ms < roundMs) {
		const done = work();
		if (done) await done;
		times++;
		ms = performance.now() - begin;
	}
	return { times, ms };
}
