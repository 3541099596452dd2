export { findEtcd, versionOf } from "./binary";
export { type Cluster, type ClusterOptions, startCluster } from "./cluster";
export { StartError } from "./keeper";
export { type Lab, type LabOptions, lab, SharedServerError, startLab } from "./lab";
export { FaultError, type Member, type MemberState } from "./member";
export {
	type Direction,
	type FaultProxy,
	type ProxyFault,
	type ProxyFaultKind,
	type ProxyOptions,
	startProxy,
} from "./proxy";
