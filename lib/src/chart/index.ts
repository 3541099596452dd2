export { type Chart, type ChartOptions, chart, timelineChart } from "./chart";
export { chartSideBySide, type SideBySideOptions, sideBySideChart } from "./sidebyside";
