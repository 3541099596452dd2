export { type ChartOptions, type SideBySideOptions, sideBySideChart, timelineChart } from "./chart";
export type { Chart, Titles } from "./frame";
