import { type Message } from '#raft';

export type SnapshotMessage = Extract<Message, { type: 'snapshot' }>;

/** How members of one store reach each other. Who implements it authenticates both ends. Sends never block and may lose. */
export interface PeerTransport {
  /** Called once, before anything else but `discover`: what arrives from peers is handed to `handler`. */
  start(self: { readonly clusterId: bigint; readonly memberId: bigint }, handler: PeerHandler): Promise<void>;
  /** Which peers there are now, without this member: addresses may change, members come and go. */
  setPeers(peers: readonly { readonly id: bigint; readonly urls: readonly string[] }[]): void;
  /**
   * Best effort, at most once, in order per peer, bounded: what finds no room is dropped and reported by `PeerHandler.unreachable`. Whatever
   * arrives late or twice is harmless but for a proposal, which belongs to no term and would be carried out again, as in etcd.
   */
  send(messages: readonly Message[]): void;
  /**
   * Streams a snapshot. Resolves when the peer has stored it durably and accepted the message; rejects otherwise, also when
   * `body` fails or the connection breaks. Ends `body` (its `return`) in any case.
   */
  sendSnapshot(message: SnapshotMessage, body: AsyncIterable<Buffer>): Promise<void>;
  /** A question to one member (lease keep-alive, time-to-live, …): opaque bytes both ways. Rejects if no answer comes in time. */
  request(to: bigint, body: Buffer, timeoutMs: number): Promise<Buffer>;
  /** Before membership is known: what `describeCluster` of the member at this URL says. */
  discover(url: string, timeoutMs: number): Promise<Buffer>;
  /** Ends everything under way; what is under way rejects. */
  close(): Promise<void>;
}

/** The member's side: what a transport calls. Whose message it is has been authenticated. */
export interface PeerHandler {
  receive(message: Message): void;
  /**
   * `body` is consumed in order; it has to fail when the connection breaks or stands still, since no other snapshot is received before.
   * Rejects if the snapshot cannot be stored or is not wanted.
   */
  receiveSnapshot(message: SnapshotMessage, body: AsyncIterable<Buffer>): Promise<void>;
  /** Answers `PeerTransport.request`. A rejection is a failure of the request, not an answer. */
  answer(from: bigint, body: Buffer): Promise<Buffer>;
  /** Answers `PeerTransport.discover`. */
  describeCluster(): Buffer;
  /** A message to this member was lost for certain. */
  unreachable(id: bigint): void;
}
