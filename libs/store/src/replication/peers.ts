import { type Message, type SnapshotMetadata } from '#raft';
import { type Clock, type Timer } from '#machinery';
import { type Logger } from '#telemetry';
import { type FileSystem } from '../files';
import { type Identity } from '../file-header';
import { StoreError } from '../key-value-store';
import { adoptSnapshot, discardSnapshot, type ReceivedSnapshot, receiveSnapshot } from '../snapshot/received-snapshot';
import { loadSnapshot } from '../snapshot/load-snapshot';
import { snapshotSections, takePicture } from '../snapshot/snapshot-sections';
import { type StateMachine } from '../state-machine';
import { clusterErrors } from './cluster-errors';
import { type ClusterDescription, decodeDescription, encodeDescription } from './member-codec';
import { type Member } from './membership';
import { type PeerHandler, type PeerTransport, type SnapshotMessage } from './peer-transport';
import { type Replicator } from './replicator';

/** A snapshot of which nothing has been taken for so long, and that was not acknowledged, is given up. */
const SNAPSHOT_STALL_MS = 60_000;
/** Without a leader for so many elections, a member asks whether it is still one. */
const ELECTIONS_WITHOUT_LEADER = 5;

export interface PeersOptions {
  readonly transport: PeerTransport;
  readonly clock: Clock;
  readonly logger?: Logger;
  readonly files: FileSystem;
  readonly snapshotDirectory: string;
  readonly identity: Identity;
  readonly machine: StateMachine;
  readonly replicator: () => Replicator;
  readonly tickMs: number;
  /** Until the log has said who the members are. */
  readonly discovered: readonly Member[];
  /** Keeps compaction off while a picture is in use; returns the release. */
  readonly hold: () => () => void;
  readonly answer: (body: Buffer) => Promise<Buffer>;
  /** Another member's snapshot has become the state. */
  readonly onAdopted: (snapshot: ReceivedSnapshot) => void;
}

/** This member among the others: their messages in, ours out, snapshots both ways, and the clock that Raft counts by. */
export class Peers implements PeerHandler {
  private timer: Timer | undefined;
  private isStopped = false;
  private isReceiving = false;
  private received: ReceivedSnapshot | undefined;
  private leaderlessSince: number | undefined;
  private isAsking = false;
  /** How to give up each snapshot that is being sent. */
  private readonly sending = new Set<() => void>();

  constructor(private readonly options: PeersOptions) {}

  async start(): Promise<void> {
    const { transport, identity } = this.options;
    await transport.start(identity, this);
    this.update();
    this.schedule();
  }

  async stop(): Promise<void> {
    this.isStopped = true;
    this.timer?.cancel();
    for (const giveUp of [...this.sending]) giveUp();
    await this.options.transport.close();
  }

  /** Members have come, gone or moved. */
  update(): void {
    const { machine, identity, discovered, transport } = this.options;
    const { members } = machine.membership;
    const isKnown = members.has(identity.memberId);
    const all = new Map((isKnown ? [] : discovered).map((member) => [member.id, member]));
    for (const member of members.values()) all.set(member.id, member);
    all.delete(identity.memberId);
    transport.setPeers([...all.values()].map(({ id, peerUrls }) => ({ id, urls: peerUrls })));
  }

  send(messages: readonly Message[]): void {
    const others: Message[] = [];
    for (const message of messages) {
      if (message.type === 'snapshot') void this.sendSnapshot(message);
      else others.push(message);
    }
    if (others.length > 0) this.options.transport.send(others);
  }

  receive(message: Message): void {
    const { identity, machine } = this.options;
    // A snapshot without its content is none.
    if (this.isStopped || message.to !== identity.memberId || message.type === 'snapshot') return;
    if (machine.membership.removed.has(message.from)) return;
    this.options.replicator().step(message);
  }

  async receiveSnapshot(message: SnapshotMessage, body: AsyncIterable<Buffer>): Promise<void> {
    const { files, snapshotDirectory, identity, machine } = this.options;
    const { index } = message.snapshot;
    if (this.isStopped || message.to !== identity.memberId) throw clusterErrors.memberNotFound();
    if (this.isReceiving) throw new StoreError('unavailable', 'another snapshot is being received');
    if (index <= machine.appliedIndex) throw new StoreError('unavailable', `entry ${index} has been applied already`);
    this.isReceiving = true;
    try {
      const received = await receiveSnapshot(files, snapshotDirectory, identity, index, body);
      this.received = received;
      const { confState } = received.membership;
      const replicator = this.options.replicator();
      replicator.step({ ...message, snapshot: { index, term: received.term, confState } });
      await replicator.nextRound();
      // Taken by `install`, unless Raft had no use for it any more.
      if (this.received === received) await discardSnapshot(files, snapshotDirectory, index);
    } catch (error) {
      // Who is sent snapshots writes nothing else that would tell that the disk has failed.
      if (error instanceof StoreError && error.code === 'closed') this.options.replicator().fail(error);
      throw error;
    } finally {
      this.received = undefined;
      this.isReceiving = false;
    }
  }

  /** The log says that what was received takes the place of the state. */
  async install(snapshot: SnapshotMetadata): Promise<void> {
    const { files, snapshotDirectory, machine, logger, onAdopted } = this.options;
    const { received } = this;
    if (received?.index !== snapshot.index) throw new Error(`the snapshot of entry ${snapshot.index} was not received`);
    this.received = undefined;
    const file = await adoptSnapshot(files, snapshotDirectory, snapshot.index);
    machine.letGo();
    machine.become((await loadSnapshot(files, file)).machine);
    logger?.info({ index: snapshot.index, bytes: received.bytes }, "became what another member's snapshot says");
    onAdopted(received);
  }

  answer(_from: bigint, body: Buffer): Promise<Buffer> {
    return this.options.answer(body);
  }

  describeCluster(): Buffer {
    const { identity, machine } = this.options;
    return encodeDescription({ clusterId: identity.clusterId, membership: machine.membership });
  }

  unreachable(id: bigint): void {
    if (!this.isStopped) this.options.replicator().reportUnreachable(id);
  }

  private async sendSnapshot(message: SnapshotMessage): Promise<void> {
    const { transport, machine, identity, hold, logger } = this.options;
    const release = hold();
    const { to } = message;
    try {
      const picture = takePicture(machine);
      const { confState } = machine.membership;
      const snapshot = { index: picture.index, term: picture.term, confState };
      // Under the name of who gets it: it becomes a file of theirs as it is.
      const sections = snapshotSections({ clusterId: identity.clusterId, memberId: to }, picture);
      logger?.info({ to: String(to), index: picture.index }, 'sending a snapshot');
      await this.unlessStalled((onProgress) =>
        transport.sendSnapshot({ ...message, snapshot }, slices(sections, onProgress)),
      );
      if (!this.isStopped) this.options.replicator().reportSnapshot(to, 'finished');
    } catch (err) {
      logger?.warn({ err, to: String(to) }, 'a snapshot was not taken');
      if (!this.isStopped) this.options.replicator().reportSnapshot(to, 'failed');
    } finally {
      release();
    }
  }

  /** A follower of whose snapshot nobody says what became of it would never hear anything else. */
  private async unlessStalled(send: (onProgress: () => void) => Promise<void>): Promise<void> {
    let timer: Timer | undefined;
    let giveUp = (): void => undefined;
    const stalled = new Promise<never>((_resolve, reject) => {
      giveUp = () => reject(new Error('nothing has come of it'));
    });
    const onProgress = (): void => {
      timer?.cancel();
      if (this.sending.has(giveUp)) timer = this.options.clock.setTimer(SNAPSHOT_STALL_MS, giveUp);
    };
    this.sending.add(giveUp);
    onProgress();
    try {
      await Promise.race([send(onProgress), stalled]);
    } finally {
      timer?.cancel();
      this.sending.delete(giveUp);
    }
  }

  private schedule(): void {
    this.timer = this.options.clock.setTimer(this.options.tickMs, () => {
      if (this.isStopped) return;
      this.options.replicator().tick();
      this.checkMembership();
      this.schedule();
    });
  }

  /** Whoever was removed while it was away hears nothing any more, least of all that. */
  private checkMembership(): void {
    const { clock, machine, discovered, identity } = this.options;
    const replicator = this.options.replicator();
    const now = clock.monotonic();
    if (replicator.leader !== 0n || replicator.failure !== undefined) this.leaderlessSince = undefined;
    else this.leaderlessSince ??= now;
    if (this.leaderlessSince === undefined || this.isAsking) return;
    if (now - this.leaderlessSince < ELECTIONS_WITHOUT_LEADER * replicator.electionMs) return;
    this.leaderlessSince = now;
    this.isAsking = true;
    const members = machine.membership.isEmpty ? discovered : machine.membership.list();
    const urls = members.filter(({ id }) => id !== identity.memberId).flatMap(({ peerUrls }) => peerUrls);
    void this.ask(urls).finally(() => {
      this.isAsking = false;
    });
  }

  private async ask(urls: readonly string[]): Promise<void> {
    const replicator = this.options.replicator();
    for (const url of urls) {
      const description = await this.describe(url, replicator.electionMs);
      if (this.isStopped) return;
      if (description?.clusterId !== this.options.identity.clusterId) continue;
      if (!description.membership.removed.has(this.options.identity.memberId)) continue;
      return replicator.onFailure(clusterErrors.removed());
    }
  }

  private async describe(url: string, timeoutMs: number): Promise<ClusterDescription | undefined> {
    try {
      return decodeDescription(await this.options.transport.discover(url, timeoutMs));
    } catch {
      // Not there, or not one of us: somebody else may know.
      return undefined;
    }
  }
}

/** Each in a turn of its own: memory that is used again for the next. */
async function* slices(sections: Iterable<Buffer>, onProgress: () => void): AsyncGenerator<Buffer> {
  for (const section of sections) {
    onProgress();
    yield Buffer.from(section);
    await new Promise((resolve) => setImmediate(resolve));
  }
}
