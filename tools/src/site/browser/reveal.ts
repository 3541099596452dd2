/* What came of a prediction stays folded until the reader has predicted, or wants to see it. */
{
	const KEY = "etcd-watch-lab-answers";
	const answers = [...document.querySelectorAll<HTMLDetailsElement>("details.reveal")];

	/** What the reader ticked or chose, in the words of the committed table. */
	const saidOf = (field: HTMLInputElement | HTMLSelectElement): string =>
		field instanceof HTMLInputElement ? (field.checked ? "yes" : "no") : field.value;

	/** Whether it is what came; undefined where nobody knows, or nothing was chosen. */
	const isRight = (field: HTMLInputElement | HTMLSelectElement): boolean | undefined => {
		const came = field.dataset["came"] ?? "";
		const said = saidOf(field);
		if (came === "not known" || said === "") return undefined;
		// An event that came twice did come.
		return field instanceof HTMLInputElement ? (said === "no") === (came === "no") : said === came;
	};

	const compare = (form: HTMLFormElement): void => {
		let right = 0;
		let wrong = 0;
		for (const field of form.querySelectorAll<HTMLInputElement | HTMLSelectElement>("[data-came]")) {
			const judged = isRight(field);
			if (judged === true) right++;
			if (judged === false) wrong++;
			const sign = field.parentElement?.querySelector(".sign");
			if (!sign) continue;
			const came = field.dataset["came"] ?? "";
			const more = /^(?:yes|no)$/.test(came) ? "" : `: ${came}`;
			sign.textContent = judged === undefined ? `? ${came}` : judged ? `✓${more}` : `✗${more}`;
			sign.className = judged === undefined ? "sign" : judged ? "sign right" : "sign wrong";
		}
		const told = form.querySelector(".told");
		if (told !== null) told.textContent = `${right} of ${right + wrong} right. What came, and why, is below.`;
	};

	for (const form of document.querySelectorAll<HTMLFormElement>("form.predict")) {
		form.hidden = false;
		form.addEventListener("submit", (event) => {
			event.preventDefault();
			compare(form);
			const answer = form.nextElementSibling;
			if (answer instanceof HTMLDetailsElement) answer.open = true;
		});
	}

	/** A link to a heading that is folded away opens what it is in. */
	const follow = (): void => {
		const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
		const answer = target?.closest<HTMLDetailsElement>("details.reveal:not([open])");
		if (!answer) return;
		answer.open = true;
		target?.scrollIntoView();
	};
	addEventListener("hashchange", follow);
	document.addEventListener("click", ({ target }) => {
		// To the heading that is in the address already, which is no change of it.
		if (target instanceof Element && target.closest('a[href^="#"]') !== null) setTimeout(follow);
	});

	let folded: HTMLDetailsElement[] = [];
	addEventListener("beforeprint", () => {
		folded = answers.filter(({ open }) => !open);
		for (const answer of folded) answer.open = true;
	});
	addEventListener("afterprint", () => {
		for (const answer of folded) answer.open = false;
	});

	/** Who only wants to read says so once, where a browser keeps it. */
	const wantsAll = (): boolean => {
		try {
			return localStorage.getItem(KEY) === "all";
		} catch {
			return false;
		}
	};
	const keep = (all: boolean): void => {
		try {
			if (all) localStorage.setItem(KEY, "all");
			else localStorage.removeItem(KEY);
		} catch {
			// It holds for this page, then.
		}
	};
	const button = document.querySelector("[data-shows-answers]");
	const show = (all: boolean): void => {
		for (const answer of answers) answer.open = all;
		button?.setAttribute("aria-pressed", String(all));
	};
	button?.parentElement?.removeAttribute("hidden");
	button?.addEventListener("click", () => {
		const all = button.getAttribute("aria-pressed") !== "true";
		keep(all);
		show(all);
	});
	if (wantsAll()) show(true);
	follow();
}
