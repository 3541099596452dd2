export { type Cluster, type Member, startCluster } from "./cluster";
export {
	type Direction,
	type FaultProxy,
	type ProxyFault,
	type ProxyFaultKind,
	type ProxyOptions,
	startProxy,
} from "./proxy";
