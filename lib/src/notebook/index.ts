export { type Chart, type ChartOptions, chart, timelineChart } from "./chart";
export { type Bundle, inNotebook, type ShowOptions, show } from "./display";
