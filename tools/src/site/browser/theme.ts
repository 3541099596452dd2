/// <reference path="./globals.d.ts" />

/*
 * Light or dark: the system's choice, until the reader makes another. In the page's head, so that nothing is
 * painted in the wrong one first.
 */
{
	const KEY = "etcd-watch-lab-theme";
	const root = document.documentElement;
	const system = matchMedia("(prefers-color-scheme: dark)");
	const ofSystem = (): Theme => (system.matches ? "dark" : "light");

	/** The reader's own choice, where a browser keeps one for files. */
	const stored = (): Theme | undefined => {
		try {
			const value = localStorage.getItem(KEY);
			return value === "light" || value === "dark" ? value : undefined;
		} catch {
			return undefined;
		}
	};

	const store = (theme: Theme): void => {
		try {
			// The system's own is not kept: the page then goes with the system from day to night.
			if (theme === ofSystem()) localStorage.removeItem(KEY);
			else localStorage.setItem(KEY, theme);
		} catch {
			// It holds for this page, then.
		}
	};

	const show = (theme: Theme): void => {
		if (root.dataset["theme"] === theme) return;
		root.dataset["theme"] = theme;
		label();
		document.dispatchEvent(new CustomEvent("themechange"));
	};

	const label = (): void => {
		for (const button of document.querySelectorAll("[data-switches-theme]")) {
			const other = root.dataset["theme"] === "dark" ? "Light" : "Dark";
			button.removeAttribute("hidden");
			button.setAttribute("aria-label", `${other} colours`);
			const words = button.querySelector(".label");
			if (words !== null) words.textContent = other;
		}
	};

	show(stored() ?? ofSystem());
	system.addEventListener("change", () => show(stored() ?? ofSystem()));
	// Another page of the site in another tab.
	addEventListener("storage", () => show(stored() ?? ofSystem()));
	document.addEventListener("DOMContentLoaded", () => {
		label();
		for (const button of document.querySelectorAll("[data-switches-theme]")) {
			button.addEventListener("click", () => {
				const theme = root.dataset["theme"] === "dark" ? "light" : "dark";
				store(theme);
				show(theme);
			});
		}
	});
}
