/** The ground that charts stand on in the dark: site.css has the same for the boxes around them. */
export const DARK_GROUND = "#16191f";

/** No text is brighter against the ground than this: pure white on nearly black glares. */
const BRIGHTEST = 14;
/** A colour nearer to white than this is a ground for something else, not a mark. */
const TINT = 1.6;
/** Below this chroma (of OKLab, where 0.3 is vivid) a colour is a grey. */
const GREY = 0.035;

type Triple = readonly [number, number, number];

/**
 * The colour that says on a dark ground what this one says on white. Greys get the contrast with the ground that
 * they had with white, and tints some more, since dark shades are harder to tell apart. A hue is kept where it is
 * at least as clear as on white, and made lighter where it isn't.
 */
export function darkened(colour: string): string {
	const rgb = rgbOf(colour);
	const [, a, b] = labOf(rgb);
	const contrast = contrastOf(rgb, [1, 1, 1]);
	if (contrast === 1) return DARK_GROUND;
	const ground = rgbOf(DARK_GROUND);
	const isMark = contrast >= TINT && Math.hypot(a, b) >= GREY;
	if (isMark && contrastOf(rgb, ground) >= contrast) return colour;
	const wanted = contrast < TINT ? contrast ** 1.8 : Math.min(contrast, BRIGHTEST);
	return hexOf(withContrast([a, b], wanted, ground));
}

/** A Vega-Lite spec for the dark: colours change wherever a colour is meant, and no text that looks like one. */
export function darkSpec(spec: unknown): unknown {
	return recoloured(spec, false);
}

/** The same for the SVG beside it. */
export function darkSvg(svg: string): string {
	return svg.replace(
		/\b(fill|stroke)="(#[0-9a-f]{6}|#[0-9a-f]{3})"/gi,
		(_, attribute: string, colour: string) => {
			return `${attribute}="${darkened(colour)}"`;
		},
	);
}

function recoloured(value: unknown, meansColour: boolean): unknown {
	if (typeof value === "string") {
		return meansColour && /^#(?:[0-9a-f]{3}|[0-9a-f]{6})$/i.test(value) ? darkened(value) : value;
	}
	if (Array.isArray(value)) return value.map((each) => recoloured(each, meansColour));
	if (typeof value !== "object" || value === null) return value;
	return Object.fromEntries(
		Object.entries(value).map(([key, each]) => {
			// A tooltip's rows are the server's words.
			if (key === "tip") return [key, each];
			return [key, recoloured(each, meansColour || /colou?r|fill|stroke|background/i.test(key))];
		}),
	);
}

/** The contrast of two colours by WCAG 2: 1 to 21. */
export function contrast(one: string, other: string): number {
	return contrastOf(rgbOf(one), rgbOf(other));
}

function contrastOf(one: Triple, other: Triple): number {
	const [a, b] = [luminanceOf(one), luminanceOf(other)];
	return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
}

/** Lighter and lighter in the same hue, until the contrast is there. */
function withContrast([a, b]: readonly [number, number], wanted: number, ground: Triple): Triple {
	let [low, high] = [labOf(ground)[0], 1];
	for (let step = 0; step < 24; step++) {
		const middle = (low + high) / 2;
		if (contrastOf(rgbOfLab([middle, a, b]), ground) < wanted) low = middle;
		else high = middle;
	}
	return rgbOfLab([high, a, b]);
}

/** Red, green and blue from 0 to 1, of #rgb or #rrggbb. */
function rgbOf(colour: string): Triple {
	const digits = colour.length === 4 ? colour.replace(/[0-9a-f]/gi, "$&$&") : colour;
	const at = (from: number) => Number.parseInt(digits.slice(from, from + 2), 16) / 255;
	return [at(1), at(3), at(5)];
}

function hexOf(rgb: Triple): string {
	return `#${rgb
		.map((part) =>
			Math.round(part * 255)
				.toString(16)
				.padStart(2, "0"),
		)
		.join("")}`;
}

const linear = (part: number): number => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
const encoded = (part: number): number => {
	const clipped = Math.min(1, Math.max(0, part));
	return clipped <= 0.0031308 ? clipped * 12.92 : 1.055 * clipped ** (1 / 2.4) - 0.055;
};

function luminanceOf([r, g, b]: Triple): number {
	return 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
}

/** OKLab, by Björn Ottosson's matrices: lightness, and two axes of hue and chroma. */
function labOf(rgb: Triple): Triple {
	const [r, g, b] = [linear(rgb[0]), linear(rgb[1]), linear(rgb[2])];
	const l = Math.cbrt(0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b);
	const m = Math.cbrt(0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b);
	const s = Math.cbrt(0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b);
	return [
		0.2104542553 * l + 0.793617785 * m - 0.0040720468 * s,
		1.9779984951 * l - 2.428592205 * m + 0.4505937099 * s,
		0.0259040371 * l + 0.7827717662 * m - 0.808675766 * s,
	];
}

function rgbOfLab([lightness, a, b]: Triple): Triple {
	const l = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3;
	const m = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3;
	const s = (lightness - 0.0894841775 * a - 1.291485548 * b) ** 3;
	return [
		encoded(4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s),
		encoded(-1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s),
		encoded(-0.0041960863 * l - 0.7034186147 * m + 1.707614701 * s),
	];
}
