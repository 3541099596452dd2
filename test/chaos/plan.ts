import type { Kind } from "./kind";
import { Random } from "./random";

/** One run to come. */
export interface Planned {
	readonly kind: Kind;
	readonly seed: number;
	/** Which of the etcds it is on. */
	readonly etcd: number;
}

/**
 * Draws so many runs: the first ones are one of each kind, in an order that the seed gives, then any. They are then
 * put in the order that starts the fewest servers. The same seed draws the same runs, whatever else is asked for.
 */
export function plan(options: {
	readonly seed: number;
	readonly runs: number;
	readonly kinds: readonly Kind[];
	readonly etcds: number;
	readonly shape: (kind: Kind) => string;
}): readonly Planned[] {
	const { seed, runs, kinds, etcds, shape } = options;
	const random = new Random(seed);
	let deck: Kind[] = [];
	const planned = Array.from({ length: runs }, (_, nth): Planned => {
		if (deck.length === 0) deck = shuffled(kinds, random);
		const kind = deck.pop() ?? random.pick(kinds);
		// One run alone begins with the seed that was asked for, so that it can be had again.
		return { kind, seed: nth === 0 ? seed : random.below(1_000_000_000), etcd: random.below(etcds) };
	});
	const order = (one: Planned) => `${one.etcd} ${shape(one.kind)}`;
	return planned.sort((one, two) => (order(one) < order(two) ? -1 : order(one) > order(two) ? 1 : 0));
}

function shuffled(kinds: readonly Kind[], random: Random): Kind[] {
	const deck = [...kinds];
	for (let at = deck.length - 1; at > 0; at--) {
		const other = random.below(at + 1);
		const [one, two] = [deck[at], deck[other]];
		if (one === undefined || two === undefined) continue;
		deck[at] = two;
		deck[other] = one;
	}
	return deck;
}
