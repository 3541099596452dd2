/// <reference path="./globals.d.ts" />

/* The search over all pages. Its library and index are loaded when it is opened for the first time. */
{
	const MOST = 20;
	const AROUND = 90;
	const element = <T extends HTMLElement>(id: string): T => {
		const found = document.getElementById(id);
		if (found === null) throw new Error(`the page has no #${id}`);
		return found as T;
	};
	const dialog = element<HTMLDialogElement>("site-search");
	const input = element<HTMLInputElement>("site-search-words");
	const state = element("site-search-state");
	const list = element("site-search-results");
	const top = document.body.dataset["top"] ?? "";

	type Index = ReturnType<typeof MiniSearch.loadJS>;
	let loading: Promise<Index> | undefined;

	const script = (name: string): Promise<void> =>
		new Promise((resolve, reject) => {
			const tag = document.createElement("script");
			tag.src = `${top}assets/${name}`;
			tag.onload = () => resolve();
			tag.onerror = () => reject(new Error(`${name} is missing`));
			document.head.append(tag);
		});

	const index = (): Promise<Index> => {
		loading ??= (async () => {
			await Promise.all([script("minisearch.js"), script("search-index.js")]);
			const { searchIndex } = window;
			if (searchIndex === undefined) throw new Error("search-index.js holds no index");
			return MiniSearch.loadJS(searchIndex.index, searchIndex.options);
		})();
		return loading;
	};

	/** All of the words if a section has them, else any of them; the last one may be unfinished. */
	const find = (all: Index, words: string): readonly Found[] => {
		const options = {
			prefix: true,
			fuzzy: (term: string) => (term.length > 5 ? 0.2 : false),
			boost: { heading: 4, page: 2 },
		};
		const found = all.search(words, { ...options, combineWith: "AND" });
		return found.length > 0 ? found : all.search(words, options);
	};

	/** The text around the first word that matched, with the matches marked. */
	const excerpt = ({ text, terms }: Found): HTMLElement => {
		const paragraph = document.createElement("p");
		const pattern = new RegExp(
			terms.map((term) => term.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")).join("|") || "$^",
			"gi",
		);
		const first = Math.max(0, text.search(pattern));
		const from = first <= AROUND ? 0 : text.lastIndexOf(" ", first - AROUND) + 1;
		const part = text.slice(from, first + 2 * AROUND);
		let end = 0;
		paragraph.append(from > 0 ? "… " : "");
		for (const match of part.matchAll(pattern)) {
			const mark = document.createElement("mark");
			mark.textContent = match[0];
			paragraph.append(part.slice(end, match.index), mark);
			end = match.index + match[0].length;
		}
		paragraph.append(part.slice(end), from + part.length < text.length ? " …" : "");
		return paragraph;
	};

	const row = (found: Found): HTMLElement => {
		const item = document.createElement("li");
		const link = document.createElement("a");
		link.href = `${top}${found.href}`;
		const heading = document.createElement("strong");
		heading.textContent = found.heading;
		const page = document.createElement("small");
		page.textContent = found.page;
		link.append(heading, page, excerpt(found));
		item.append(link);
		return item;
	};

	const say = (found: readonly Found[], words: string): string => {
		if (found.length === 0) return `Nothing on these pages matches “${words}”. Try fewer or shorter words.`;
		if (found.length === 1) return "1 place";
		return found.length > MOST
			? `${found.length} places, the best ${MOST} of them:`
			: `${found.length} places`;
	};

	const search = async (): Promise<void> => {
		const words = input.value.trim();
		if (words === "") {
			list.replaceChildren();
			state.textContent = "";
			return;
		}
		try {
			const all = await index();
			// Typed on meanwhile: that one's search is under way.
			if (words !== input.value.trim()) return;
			const found = find(all, words);
			list.replaceChildren(...found.slice(0, MOST).map(row));
			state.textContent = say(found, words);
		} catch (error) {
			state.textContent = "The search index could not be loaded: build the site again with npm run site.";
			console.error(error);
		}
	};

	const open = (): void => {
		if (dialog.open) return;
		dialog.showModal();
		input.select();
		void search();
	};

	/** Moves among the input and the results, as if they were one list. */
	const move = (by: number): void => {
		const stops: HTMLElement[] = [input, ...list.querySelectorAll<HTMLElement>("a")];
		const at = stops.indexOf(document.activeElement as HTMLElement);
		stops[Math.min(stops.length - 1, Math.max(0, at + by))]?.focus();
	};

	input.addEventListener("input", () => void search());
	dialog.addEventListener("keydown", (event) => {
		if (event.key === "ArrowDown" || event.key === "ArrowUp") {
			event.preventDefault();
			move(event.key === "ArrowDown" ? 1 : -1);
		} else if (event.key === "Escape") {
			// A search field would take it to empty itself.
			event.preventDefault();
			dialog.close();
		} else if (event.key === "Enter" && document.activeElement === input) {
			event.preventDefault();
			list.querySelector("a")?.click();
		}
	});
	dialog.addEventListener("click", (event) => {
		// The dialog itself is what is left of the window around its content.
		const { target } = event;
		if (target === dialog || (target instanceof Element && list.contains(target.closest("a"))))
			dialog.close();
	});
	document.addEventListener("keydown", (event) => {
		const typing =
			event.target instanceof Element && event.target.matches("input:not([type=range]), textarea");
		const asked = event.key === "/" || (event.key === "k" && (event.ctrlKey || event.metaKey));
		if (!asked || typing || event.altKey) return;
		event.preventDefault();
		open();
	});
	for (const button of document.querySelectorAll<HTMLElement>("[data-opens-search]")) {
		button.hidden = false;
		button.addEventListener("click", open);
	}
}
