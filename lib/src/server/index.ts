export { findEtcd, versionOf } from "./binary";
export { StartError } from "./keeper";
export { type Lab, type LabOptions, lab, SharedServerError, startLab } from "./lab";
