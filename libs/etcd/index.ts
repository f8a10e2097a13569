/**
 * etcd v3's gRPC API: its messages and services, for our server and for clients of any etcd. 64-bit numbers are `bigint`, bytes are
 * `Uint8Array` (of a decoded message: views into what was received). See README.md.
 */
import {
  AuthDefinition,
  ClusterDefinition,
  KVDefinition,
  LeaseDefinition,
  MaintenanceDefinition,
  WatchDefinition,
} from './src/generated/etcdserverpb';
import { HealthDefinition } from './src/generated/health';
import { ElectionDefinition } from './src/generated/v3electionpb';
import { LockDefinition } from './src/generated/v3lockpb';
import { grpcService } from './src/service';

export * as authpb from './src/generated/authpb';
export * as etcdserverpb from './src/generated/etcdserverpb';
export * as health from './src/generated/health';
export * as mvccpb from './src/generated/mvccpb';
export * as v3electionpb from './src/generated/v3electionpb';
export { messageFields, methodTypes } from './src/generated/fields';
export { type Field, type MethodTypes } from './src/message-fields';

export const kvService = grpcService(KVDefinition);
export const watchService = grpcService(WatchDefinition);
export const leaseService = grpcService(LeaseDefinition);
export const clusterService = grpcService(ClusterDefinition);
export const authService = grpcService(AuthDefinition);
export const lockService = grpcService(LockDefinition);
export const electionService = grpcService(ElectionDefinition);
export const healthService = grpcService(HealthDefinition);
export const maintenanceService = grpcService(MaintenanceDefinition);
