import { STYLES, type Style } from "./style";

export type StyleName = keyof typeof STYLES;
type Drawn<Draw> = {
	[Name in StyleName]: (typeof STYLES)[Name]["draw"] extends Draw ? Name : never;
}[StyleName];
export type MarkStyle = Drawn<"mark">;
export type BoxStyle = Drawn<"box">;

/** What any shape may have besides its place. */
interface Common {
	/** The lowest place of the slider at which it shows; it always shows unless given. */
	readonly at?: number;
	/** The one place of the slider at which it shows. */
	readonly only?: number;
	/** What is pointed at stays bright with all of the same link. */
	readonly link?: string;
	/** What a screen reader says. Without it a text says itself, and anything else nothing. */
	readonly say?: string;
	/** The tooltip's rows. */
	readonly tip?: Readonly<Record<string, string>>;
	/** What the legend calls it, where its style leaves that to the shapes. */
	readonly what?: string;
}

/**
 * What a chart is made of. x is a place on the axis, or in pixels if the style says so or where there is no axis; y is
 * in pixels from the plot's top. Texts need not be printable: they are made so where they become layers.
 */
export type Shape = Common &
	(
		| {
				readonly style: MarkStyle;
				/** How it is drawn if not as its style says: in the legend. */
				readonly look?: MarkLook;
				readonly x: number;
				readonly y: number;
				readonly size: number;
		  }
		| {
				readonly style: BoxStyle | Drawn<"line">;
				readonly look?: { readonly fill: string; readonly stroke: string };
				readonly x: number;
				readonly x2?: number;
				readonly y: number;
				readonly y2?: number;
				/** Of a style that trails: the index at which it stops. */
				readonly last?: number;
		  }
		| {
				readonly style: Drawn<"text">;
				readonly x: number;
				readonly y: number;
				readonly text: string;
				readonly colour?: string;
				/** True when a screen reader is told the same by what it names. */
				readonly isMute?: true;
		  }
	);

export interface MarkLook {
	readonly shape: string;
	readonly fill: string;
	readonly stroke: string;
	readonly strokeWidth: number;
	readonly size: number;
}

/** A mark of this area as it is drawn: small ones have thin lines. */
export function lookOf(name: MarkStyle, size: number): MarkLook {
	const { shape, fill, stroke, thick, area } = STYLES[name].look;
	return { shape, fill, stroke, strokeWidth: thick * (size < 60 ? 1 : 2), size: size * area };
}

/** The colours of a box of this style, as the legend shows it. */
export function swatchOf(name: BoxStyle) {
	const { key, look, props }: Style = STYLES[name];
	const {
		fill = look?.fill ?? "none",
		stroke = look?.stroke,
		strokeDash,
	}: { fill?: string; stroke?: string | null; strokeDash?: unknown } = props ?? {};
	const colours = { fill: key?.fill ?? fill, stroke: key?.stroke ?? stroke ?? fill };
	return { ...colours, isDashed: strokeDash !== undefined };
}
