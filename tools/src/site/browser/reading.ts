/* What makes reading easier: where one is, what can be scrolled, code to take along. */
{
	/** Marks the heading that is being read in the contents. */
	const follow = (): void => {
		const links = new Map(
			[...document.querySelectorAll<HTMLAnchorElement>(".headings a")].map((link) => [
				decodeURIComponent(link.hash.slice(1)),
				link,
			]),
		);
		const headings = [...document.querySelectorAll<HTMLElement>("main :is(h2, h3)[id]")];
		let shown: HTMLAnchorElement | undefined;
		const update = (): void => {
			const line = innerHeight * 0.3;
			const current = headings.findLast(
				(heading) =>
					heading.getBoundingClientRect().top <= line && heading.closest("details:not([open])") === null,
			);
			const link = links.get(current?.id ?? "");
			if (link === shown) return;
			shown?.removeAttribute("aria-current");
			link?.setAttribute("aria-current", "location");
			shown = link;
		};
		let waiting = false;
		const soon = (): void => {
			if (waiting) return;
			waiting = true;
			requestAnimationFrame(() => {
				waiting = false;
				update();
			});
		};
		addEventListener("scroll", soon, { passive: true });
		addEventListener("resize", soon, { passive: true });
		update();
	};

	/** What is wider than its box can be reached and scrolled by the keyboard. */
	const reachable = (): void => {
		const update = (box: Element): void => {
			if (box.scrollWidth > box.clientWidth + 1) box.setAttribute("tabindex", "0");
			else box.removeAttribute("tabindex");
		};
		const sizes = new ResizeObserver((entries) => {
			for (const { target } of entries) update(target.closest(".scrolls") ?? target);
		});
		for (const box of document.querySelectorAll(".scrolls")) {
			sizes.observe(box);
			for (const child of box.children) sizes.observe(child);
		}
	};

	/** A button at each block of code. */
	const copying = (): void => {
		if (navigator.clipboard === undefined) return;
		for (const block of document.querySelectorAll<HTMLElement>("pre.code")) {
			const frame = document.createElement("div");
			frame.className = "code-frame";
			block.replaceWith(frame);
			const button = document.createElement("button");
			button.type = "button";
			button.className = "copy";
			button.textContent = "Copy";
			button.addEventListener("click", async () => {
				try {
					await navigator.clipboard.writeText(block.textContent ?? "");
					button.textContent = "Copied";
				} catch {
					button.textContent = "Not allowed";
				}
				setTimeout(() => {
					button.textContent = "Copy";
				}, 1500);
			});
			frame.append(block, button);
		}
	};

	follow();
	copying();
	reachable();
}
