import crypto from 'node:crypto';
import path from 'node:path';
import { Registry } from '#telemetry';
import { storeErrors } from '../errors';
import { type FileSystem } from '../files';
import { type Identity } from '../file-header';
import { measuredFiles } from '../measured-files';
import { createMemberMetrics } from '../member-metrics';
import { randomLeaseId } from '../memory-store';
import { type DiskStore, type DiskStoreOptions } from '../open-store';
import { ReplicatedStore } from '../replicated-store';
import { Snapshotter } from '../snapshot/snapshotter';
import { Wal } from '../wal/wal';
import { applyEntry } from './apply-entry';
import { type ClusterOptions, discoverCluster, foundingEntries, foundingIdentity, foundingMembers } from './bootstrap';
import { clusterErrors } from './cluster-errors';
import { ReplicatedClusterAdministration } from './cluster-administration';
import { decodeRequest, LeaderRequests } from './leader-requests';
import { type Member } from './membership';
import { Peers } from './peers';
import { publishMember } from './publish-member';
import { type RecoveredMember, recoverMember } from './recover-member';
import { Replicator } from './replicator';
import { DEFAULT_TICK_MS } from './replicator-options';

const DEFAULT_SEGMENT_BYTES = 16 * 1024 * 1024;
const DEFAULT_SNAPSHOT_BYTES = 32 * 1024 * 1024;

export interface MemberOptions extends DiskStoreOptions {
  readonly files: FileSystem;
  readonly random: () => number;
}

/** Puts a member together from what is on its disk. @param onClosed its directory can be used again */
export async function openMember(options: MemberOptions, onClosed: () => void): Promise<DiskStore> {
  const { files, clock, logger, random, cluster, directory, segmentBytes = DEFAULT_SEGMENT_BYTES } = options;
  const directories = { wal: path.join(directory, 'wal'), snapshot: path.join(directory, 'snapshot') };
  for (const each of [directory, directories.wal, directories.snapshot]) await files.makeDirectory(each);

  const member = await recoverMember(files, directories, logger, cluster?.catchUpBytes);
  const origin = await originOf(member, options);
  const { machine, window } = member;
  const { identity } = origin;
  const metrics = createMemberMetrics(options.metrics ?? new Registry());
  const measured = measuredFiles(files, () => clock.monotonic(), {
    wrote: (bytes) => metrics.walBytes.inc(bytes),
    synced: (ms) => metrics.walFsync.observe(ms / 1000),
  });
  const wal = await Wal.open(
    { files: measured, directory: directories.wal, identity, segmentBytes, logger },
    member.recovered,
  );
  try {
    await found(wal, member, origin.founders);
    // A member of several may be asked at once for what it has read: from now on damage there is no write cut short.
    if (cluster !== undefined) await wal.seal();
  } catch (error) {
    await wal.close().catch(() => undefined);
    throw error;
  }

  const replicator: Replicator = new Replicator({
    clock,
    logger,
    metrics,
    machine,
    log: window,
    journal: wal,
    memberId: identity.memberId,
    random,
    maxRequestBytes: options.maxRequestBytes,
    tickMs: cluster?.tickMs,
    electionTicks: cluster?.electionTicks,
    catchUpBytes: cluster?.catchUpBytes,
    send: cluster && ((messages) => peers?.send(messages)),
    install: cluster && (async (snapshot) => peers?.install(snapshot)),
  });
  const transport = cluster?.transport;
  const requests = new LeaderRequests(clock, replicator, transport);
  const { memberId } = identity;
  const administration = new ReplicatedClusterAdministration({
    machine,
    replicator,
    requests,
    memberId,
    hasTransport: cluster !== undefined,
  });
  const closing = new AbortController();
  const store = new ReplicatedStore({
    clock,
    metrics,
    replicator,
    requests,
    machine,
    identity: { clusterId: identity.clusterId, memberId },
    newLeaseId: randomLeaseId,
    logger,
    isAlone: cluster === undefined,
    quotaBytes: options.quotaBytes,
    onBatch: (bytes) => snapshotter.grew(bytes),
    onMembers: () => peers?.update(),
    onFailure: options.onFailure,
    onClose: async () => {
      closing.abort();
      await peers?.stop();
      await snapshotter.stop();
      await wal.close(machine.appliedIndex).finally(onClosed);
    },
  });
  const snapshotter = new Snapshotter(
    {
      files,
      directory: directories.snapshot,
      identity,
      machine,
      everyBytes: options.snapshotEveryBytes ?? DEFAULT_SNAPSHOT_BYTES,
      logger,
    },
    { logBytes: member.logBytes, snapshotBytes: member.snapshotBytes },
    () => store.holdCompaction(),
    async (mark) => {
      await wal.mark(mark);
      replicator.trim();
    },
  );
  const peers: Peers | undefined =
    cluster &&
    new Peers({
      transport: cluster.transport,
      clock,
      logger,
      files,
      snapshotDirectory: directories.snapshot,
      identity,
      machine,
      replicator: () => replicator,
      tickMs: cluster.tickMs ?? DEFAULT_TICK_MS,
      discovered: origin.discovered,
      hold: () => store.holdCompaction(),
      answer: (body) => {
        const request = decodeRequest(body);
        return request.type === 'administration' ? administration.answer(request.body) : store.answerLease(request);
      },
      onAdopted: (snapshot) => snapshotter.adopted(snapshot, (index) => wal.release(index)),
    });
  try {
    await peers?.start();
    await store.start();
    if (machine.membership.isEmpty && machine.membership.founder !== undefined) {
      await replicator.changeMember({ type: 'add', member: named(memberId, cluster) });
    }
  } catch (error) {
    await store.close().catch(() => undefined);
    throw error;
  }
  if (cluster !== undefined)
    publishMember({ administration, machine, clock, random, logger, cluster, memberId }, closing.signal);
  return Object.assign(store, { cluster: administration, snapshot: () => snapshotter.snapshot() });
}

interface Origin {
  readonly identity: Identity;
  /** Who begin a cluster with this member among them; empty: it has begun already. */
  readonly founders: readonly Member[];
  readonly discovered: readonly Member[];
}

/** Whether the member goes on, begins a cluster, or joins one. */
async function originOf({ machine, recovered, identity }: RecoveredMember, options: MemberOptions): Promise<Origin> {
  const { cluster } = options;
  const { membership } = machine;
  const { hardState, tail } = recovered;
  if (identity !== undefined) {
    if (membership.removed.has(identity.memberId)) throw clusterErrors.removed();
    const isOnlyMember = membership.isEmpty && hardState.vote === identity.memberId;
    // Written before there were members: who wrote it voted for nobody else.
    if (isOnlyMember) membership.founder = identity.memberId;
    if (cluster === undefined && membership.members.size > 1) throw clusterErrors.alone();
    if (isOnlyMember || !membership.isEmpty) return { identity, founders: [], discovered: [] };
  }
  const hasBegun = hardState.term > 0 || tail.length > 0;
  if (cluster !== undefined && (cluster.state === 'existing' || hasBegun)) {
    const { clusterId, membership: theirs, self } = await discoverCluster(cluster, options);
    const found = { clusterId, memberId: self.id };
    checkSame(identity, found);
    return { identity: found, founders: [], discovered: theirs.list() };
  }
  if (cluster === undefined) {
    if (hasBegun) throw clusterErrors.alone();
    const alone = identity ?? { clusterId: randomId(), memberId: randomId() };
    return { identity: alone, founders: [named(alone.memberId, undefined)], discovered: [] };
  }
  const founders = foundingMembers(cluster);
  const founding = foundingIdentity(cluster, founders);
  checkSame(identity, founding);
  return { identity: founding, founders, discovered: [] };
}

/** Writes the first entries of a new log. */
async function found(wal: Wal, { machine, window }: RecoveredMember, founders: readonly Member[]): Promise<void> {
  if (founders.length === 0) return;
  const entries = foundingEntries(founders);
  const hardState = { term: 1, vote: 0n, commit: entries.length };
  await wal.save({ entries, hardState });
  for (const entry of entries) applyEntry(machine, entry);
  window.append(entries);
  window.setHardState(hardState);
}

function checkSame(written: Identity | undefined, wanted: Identity): void {
  if (written === undefined) return;
  if (written.clusterId === wanted.clusterId && written.memberId === wanted.memberId) return;
  throw storeErrors.invalid('the directory was begun for another cluster or member');
}

function named(id: bigint, cluster: ClusterOptions | undefined): Member {
  const { name = '', peerUrls = [], clientUrls = [] } = cluster ?? {};
  return { id, name, peerUrls, clientUrls, isLearner: false };
}

function randomId(): bigint {
  return crypto.randomBytes(8).readBigUInt64LE() | 1n;
}
