export { type Cluster, type ClusterOptions, type Member, startCluster } from "./cluster";
export { findEtcd, versionOf } from "./etcd";
export { StartError } from "./keeper";
export { type Lab, type LabOptions, lab, SharedServerError, startLab } from "./lab";
export type { MemberState } from "./member";
export { FaultError } from "./member-api";
