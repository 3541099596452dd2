import assert from "node:assert/strict";
import { contrast, DARK_GROUND, darkened, darkSpec, darkSvg } from "#tools/site/render/dark";
import { codeCells, formOf, pages, stringsOf } from "../notebooks/reading";

/** All colours that the committed charts use, as their specs write them. */
function coloursOfCharts(): string[] {
	const specs = pages()
		.flatMap(({ notebook }) => codeCells(notebook))
		.flatMap(({ outputs = [] }) => outputs)
		.map((output) => formOf(output, "application/vnd.vegalite.v5+json"))
		.filter((spec) => spec !== undefined);
	const strings = specs.flatMap((spec) => [...stringsOf(JSON.parse(spec))]);
	return [...new Set(strings.filter((text) => /^#[0-9a-f]{3,6}$/i.test(text)))];
}

describe("charts in the dark", () => {
	it("stand on the ground that the stylesheet gives them, where they stood on white", () => {
		assert.equal(darkened("#ffffff"), DARK_GROUND);
		assert.equal(darkened("#fff"), DARK_GROUND);
	});

	it("keep a hue that is clear enough, and lighten one that isn't", () => {
		assert.equal(darkened("#E69F00"), "#E69F00");
		assert.ok(contrast("#0072B2", DARK_GROUND) < contrast("#0072B2", "#ffffff"));
		assert.notEqual(darkened("#0072B2"), "#0072B2");
	});

	it("show every colour of the committed charts as clearly as on white", () => {
		const colours = coloursOfCharts();
		assert.ok(colours.length > 10, colours.join());
		for (const colour of colours) {
			const light = contrast(colour, "#ffffff");
			const dark = contrast(darkened(colour), DARK_GROUND);
			// To the rounding of a colour to 256 steps; beyond 14 it would only glare.
			assert.ok(dark >= Math.min(light, 14) * 0.96, `${colour} ${light} → ${darkened(colour)} ${dark}`);
		}
	});

	it("keep a tint a tint: text on it stays readable", () => {
		for (const tint of ["#cfe3f1", "#faf6c0", "#fadfcc", "#e4e4e4"]) {
			assert.ok(contrast(darkened(tint), DARK_GROUND) < 2, tint);
			assert.ok(contrast(darkened(tint), darkened("#1a1a1a")) > 7, tint);
		}
	});

	it("change a colour only where a colour is meant", () => {
		const others = { tip: { colour: "#ffffff" }, text: "#ffffff" };
		const spec = (ground: string) => ({ background: ground, mark: { fill: { value: ground } }, ...others });
		assert.deepEqual(darkSpec(spec("#ffffff")), spec(DARK_GROUND));
		assert.equal(
			darkSvg('<rect fill="#ffffff"/><text fill="none">fill="x" #ffffff</text>'),
			`<rect fill="${DARK_GROUND}"/><text fill="none">fill="x" #ffffff</text>`,
		);
	});
});
