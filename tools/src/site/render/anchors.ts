/** A heading as the contents list it. */
export interface Heading {
	readonly level: number;
	readonly text: string;
	/** Its id in the page. */
	readonly id: string;
}

/** What the ids of the site's own elements begin with, and no other's: its scripts find them by these. */
export const OWN_ID = "site-";

/**
 * The ids of one page's headings. They are made as JupyterLab and nbconvert make theirs, spaces as hyphens and
 * all else as it is, so that one link, `03-missed-events.ipynb#The-hypothesis`, is right in all of them.
 */
export class Anchors {
	readonly headings: Heading[] = [];
	private readonly taken = new Map<string, number>();

	/** Registers the page's next heading; a text that was there before gets a number. */
	add(level: number, text: string): Heading {
		const plain = text.replace(/\s+/g, " ").trim();
		const hyphened = plain.replaceAll(" ", "-");
		const id = hyphened.startsWith(OWN_ID) ? `-${hyphened}` : hyphened;
		const before = this.taken.get(id) ?? 0;
		this.taken.set(id, before + 1);
		const heading = { level, text: plain, id: before === 0 ? id : `${id}-${before + 1}` };
		this.headings.push(heading);
		return heading;
	}
}
