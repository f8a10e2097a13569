/** The cluster's state: etcd v3's data model on a log of our own. See README.md. */
export {
  type Compare,
  type DeleteRangeRequest,
  type DeleteRangeResponse,
  type Key,
  type KeyRange,
  type KeyValue,
  type KeyValueStore,
  type LeaseStatus,
  type PutRequest,
  type PutResponse,
  type RangeRequest,
  type RangeResponse,
  type RequestOp,
  type ResponseOp,
  StoreError,
  type StoreErrorCode,
  type StoreEvent,
  type StoreStatus,
  type TxnRequest,
  type TxnResponse,
  type Watch,
  type WatchBatch,
  type WatchHandler,
  type WatchRequest,
} from './src/key-value-store';
export {
  type AuthRequest,
  type AuthView,
  type KeysHash,
  type LocalStore,
  type Standing,
  type StoreAdministration,
} from './src/administration';
export { type Alarm, type AlarmType } from './src/alarms';
export { type Author, type Permission } from './src/auth/auth-change';
export { authErrors } from './src/auth/auth-errors';
export { type SnapshotDownload } from './src/snapshot/download';
export { type ConnectStoreOptions, type ConnectTls, connectStore } from './src/connect-store';
export {
  type ConnectOperatorOptions,
  connectOperator,
  type MemberStatus,
  type StoreOperator,
} from './src/connect-operator';
export { migrateStore, type MigrateOptions, type Migration } from './src/migrate-store';
export {
  DEFAULT_REVISION_BUMP,
  type RestoredMember,
  type RestoreOptions,
  restoreSnapshot,
} from './src/snapshot/restore-snapshot';
export { snapshotStatus, type SnapshotStatus } from './src/snapshot/snapshot-status';
export { type MemoryStoreOptions, createMemoryStore } from './src/memory-store';
export { type DiskStore, type DiskStoreOptions, openStore } from './src/open-store';
export { type FileSystem, type StoreFile } from './src/files';
export { type ClusterOptions } from './src/replication/bootstrap';
export { parseInitialCluster } from './src/replication/initial-cluster';
export { type ClusterAdministration } from './src/replication/cluster-administration';
export { type Member as StoreMember } from './src/replication/membership';
export { type PeerHandler, type PeerTransport, type SnapshotMessage } from './src/replication/peer-transport';
export { createPeerTransport, type PeerTransportOptions } from './src/create-peer-transport';
