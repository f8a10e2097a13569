import { type Clock } from '#machinery';
import { type ConnectTls } from './connect-store';
import { type StoreStatus } from './key-value-store';
import { type Member } from './replication/membership';

/** What one member says of itself. */
export interface MemberStatus extends StoreStatus {
  /** Of the API. */
  readonly version: string;
  readonly leader: bigint;
  readonly raftIndex: number;
  readonly isLearner: boolean;
  readonly errors: readonly string[];
}

/** What an operator asks of one member. Promises reject with `StoreError`; its text is the member's. */
export interface StoreOperator {
  readonly endpoint: string;
  status(): Promise<MemberStatus>;
  memberList(): Promise<readonly Member[]>;
  memberAdd(peerUrls: readonly string[], isLearner: boolean): Promise<Member>;
  memberRemove(id: bigint): Promise<void>;
  memberUpdate(id: bigint, peerUrls: readonly string[]): Promise<void>;
  memberPromote(id: bigint): Promise<void>;
  /** The leader has to be asked. */
  moveLeader(to: bigint): Promise<void>;
  /** A saved snapshot's bytes: what `snapshotStatus` and `restoreSnapshot` read. */
  snapshot(): AsyncIterable<Uint8Array>;
  close(): void;
}

export interface ConnectOperatorOptions {
  /** One member, of ours or of a real etcd: `https://host:port`, or `http://host:port`. */
  readonly endpoint: string;
  readonly tls?: ConnectTls;
  readonly clock: Clock;
  /** How long an answer may take, and how long a snapshot may pause. Default 5,000. */
  readonly requestTimeoutMs?: number;
}

/** A member's operator, by etcd v3's gRPC API. Resolves without waiting for it. Rejects if the options make no sense. */
export async function connectOperator(options: ConnectOperatorOptions): Promise<StoreOperator> {
  const { RemoteOperator } = await import('#store/remote');
  return new RemoteOperator(options);
}
