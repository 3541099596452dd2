/** What the scripts of a page share: no module can be imported from file://. */
type Theme = "light" | "dark";

/** The part of vega-embed that charts.ts uses. */
declare function vegaEmbed(
	element: HTMLElement,
	spec: object,
	options: object,
): Promise<{ view: { signal(name: string): unknown }; finalize(): void }>;

/** One section that was found. */
interface Found {
	readonly href: string;
	readonly page: string;
	readonly heading: string;
	readonly text: string;
	/** The words of the index that matched. */
	readonly terms: readonly string[];
}

/** The part of MiniSearch that search.ts uses. */
declare const MiniSearch: {
	loadJS(index: unknown, options: unknown): { search(words: string, options: object): readonly Found[] };
};

interface Window {
	/** Left by search-index.js. */
	searchIndex?: { readonly options: unknown; readonly index: unknown };
}
