/**
 * etcd v3's gRPC API: its messages and services, for our server and for clients of any etcd. 64-bit numbers are `bigint`, bytes are
 * `Uint8Array` (of a decoded message: views into what was received). See README.md.
 */
import {
  ClusterDefinition,
  KVDefinition,
  LeaseDefinition,
  MaintenanceDefinition,
  WatchDefinition,
} from './src/generated/etcdserverpb';
import { grpcService } from './src/service';

export * as etcdserverpb from './src/generated/etcdserverpb';
export * as mvccpb from './src/generated/mvccpb';

export const kvService = grpcService(KVDefinition);
export const watchService = grpcService(WatchDefinition);
export const leaseService = grpcService(LeaseDefinition);
export const clusterService = grpcService(ClusterDefinition);
export const maintenanceService = grpcService(MaintenanceDefinition);
