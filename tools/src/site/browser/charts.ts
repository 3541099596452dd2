/// <reference path="./globals.d.ts" />

/* Puts the live chart in the place of its picture, when it comes near the window. */
{
	interface Spec {
		readonly params?: readonly { readonly name: string; readonly bind?: unknown; value?: unknown }[];
	}
	type Drawn = Awaited<ReturnType<typeof vegaEmbed>>;

	const drawn = new WeakMap<Element, Drawn>();
	/** One after the other: a chart's drawing takes a moment of the page's only thread. */
	let queue: Promise<void> = Promise.resolve();

	const themeNow = (): Theme => (document.documentElement.dataset["theme"] === "dark" ? "dark" : "light");

	/** The spec of the theme, with the sliders where the reader has left them. */
	const specOf = (text: string, theme: Theme, before: Drawn | undefined): Spec => {
		const spec: Spec = JSON.parse(text)[theme];
		for (const param of spec.params ?? []) {
			if (before !== undefined && param.bind !== undefined) param.value = before.view.signal(param.name);
		}
		return spec;
	};

	const draw = async (figure: HTMLElement): Promise<void> => {
		const theme = themeNow();
		const text = figure.querySelector('script[type="application/json"]')?.textContent;
		const view = figure.querySelector(".view");
		if (typeof text !== "string" || view === null || figure.dataset["live"] === theme) return;
		const before = drawn.get(figure);
		const place = document.createElement("div");
		place.className = "live";
		try {
			// The sliders stand below the box that scrolls.
			const sliders = document.createElement("div");
			sliders.className = "sliders";
			// By its interpreter: the page's policy lets nothing be compiled.
			const options = { ast: true, actions: false, renderer: "svg", tooltip: { theme }, bind: sliders };
			const result = await vegaEmbed(place, specOf(text, theme, before), options);
			// Vega gives an empty layer a mark's role, and a mark without a name is a riddle to a screen reader.
			for (const empty of place.querySelectorAll('[role="graphics-symbol"]:not([aria-label])')) {
				empty.removeAttribute("role");
				empty.removeAttribute("aria-roledescription");
			}
			for (const old of figure.querySelectorAll(".live, .sliders")) old.remove();
			view.append(place);
			view.after(sliders);
			before?.finalize();
			drawn.set(figure, result);
			figure.dataset["live"] = theme;
		} catch (error) {
			// The picture stays.
			console.error("a chart could not be drawn:", error);
		}
	};

	const drawLater = (figure: HTMLElement): void => {
		queue = queue.then(() => draw(figure));
	};

	const figures = [...document.querySelectorAll<HTMLElement>("figure.chart")];
	const near = new IntersectionObserver(
		(entries) => {
			for (const { target, isIntersecting } of entries) {
				if (!isIntersecting || !(target instanceof HTMLElement)) continue;
				near.unobserve(target);
				drawLater(target);
			}
		},
		{ rootMargin: "600px" },
	);
	for (const figure of figures) near.observe(figure);
	document.addEventListener("themechange", () => {
		for (const figure of figures) if (drawn.has(figure)) drawLater(figure);
	});
}
