export { type Cluster, type ClusterOptions, startCluster } from "./cluster";
export { findEtcd, versionOf } from "./etcd";
export { StartError } from "./keeper";
export { type Lab, type LabOptions, lab, SharedServerError, startLab } from "./lab";
export { FaultError, type Member, type MemberState } from "./member";
