import { curveChart } from "#lib/pages";
import type { Api } from "../clients/protocol";
import type { CatchUpResult } from "./catch-up";
import type { Measured } from "./verdicts";

/** The pictures of a whole run, as SVG by their names. */
export function charts(results: Readonly<Partial<Record<Api, Measured>>>): Readonly<Record<string, string>> {
	const drawn: Record<string, string> = {};
	const { v2 = {}, v3 = {} } = results;
	if (v2.catchUp) {
		const subtitle = "medians of one run; a bare socket: one connection with all requests sent at once";
		drawn["follow-catch-up"] = catchUpChart("Reading 990 past events on v2", subtitle, v2.catchUp);
	}
	if (v3.catchUp) {
		const subtitle = "medians of one run; one watch gets 1,000 revisions every 100 ms at most";
		drawn["follow-catch-up-v3"] = catchUpChart("Reading past events on v3", subtitle, v3.catchUp);
	}
	const { latency, live } = v2;
	if (latency) {
		drawn["follow-latency"] = curveChart({
			title: "From a write's acknowledgement to its event",
			subtitle: "below 0: the event was there before the writer had its answer",
			kind: "bar",
			x: { label: "who watches" },
			y: { label: "microseconds" },
			series: (["calm", "busy"] as const).flatMap((pace) =>
				(["p50", "p99"] as const).map((share) => ({
					name: `${share}, ${pace} writers`,
					points: latency.filter((row) => row.pace === pace).map((row) => [row.party, row[share]] as const),
				})),
			),
		}).svg;
	}
	if (live) {
		drawn["follow-live"] = curveChart({
			title: "How far behind a writer at full speed",
			subtitle: "acknowledged events not yet heard, at worst; from 1,000 on they are lost",
			x: { label: "seconds" },
			y: { label: "events behind, and one", log: true },
			series: live.map(({ party, curve }) => ({
				name: party,
				points: curve.map(([seconds, lag]) => [seconds, lag + 1]),
			})),
		}).svg;
	}
	return drawn;
}

function catchUpChart(title: string, subtitle: string, rows: readonly CatchUpResult[]): string {
	const sizeOf = ({ events, valueBytes }: CatchUpResult) =>
		`${events} events${valueBytes === undefined ? "" : ` of ${valueBytes / 1_000} kB`}`;
	return curveChart({
		title,
		subtitle,
		kind: "bar",
		x: { label: "who reads" },
		y: { label: "events a second" },
		series: [...new Set(rows.map(sizeOf))].map((name) => ({
			name,
			points: rows
				.filter((row) => sizeOf(row) === name)
				.map(({ party, eventsPerSecond = 0 }) => [party, eventsPerSecond] as const),
		})),
	}).svg;
}
