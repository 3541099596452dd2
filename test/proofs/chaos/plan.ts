import type { Kind } from "./kind";
import { Random } from "./random";

/** One run to come. */
export interface Planned {
	readonly kind: Kind;
	readonly seed: number;
}

/** A kind that takes longer than that comes more seldom after its first time. */
const usualSeconds = 3;

/**
 * Draws so many runs: the first ones are one of each kind, in an order that the seed gives, then rounds of all but
 * those that take their time, which are in every second, third … round. They are then put in the order that starts
 * the fewest servers. The same seed draws the same runs, whatever else is asked for.
 */
export function plan(options: {
	readonly seed: number;
	readonly runs: number;
	readonly kinds: readonly Kind[];
	readonly shape: (kind: Kind) => string;
}): readonly Planned[] {
	const { seed, runs, kinds, shape } = options;
	const random = new Random(seed);
	let deck: Kind[] = [];
	let round = 0;
	const planned = Array.from({ length: runs }, (_, nth): Planned => {
		for (; deck.length === 0; round++) {
			const isIn = ({ seconds }: Kind) => round % Math.ceil(seconds / usualSeconds) === 0;
			deck = shuffled(kinds.filter(isIn), random);
		}
		const kind = deck.pop() ?? random.pick(kinds);
		// One run alone begins with the seed that was asked for, so that it can be had again.
		return { kind, seed: nth === 0 ? seed : random.below(1_000_000_000) };
	});
	const order = ({ kind }: Planned) => shape(kind);
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
