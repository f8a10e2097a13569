import { type ConfChange, decodeConfChange, encodeConfChange } from './conf-change';
import { changed, isVoter } from './configuration';
import { type Core } from './core';
import { type Entry } from './entry';
import { type ProposalDrop } from './errors';
import { Leadership } from './leadership';
import { bytesOf } from './log';
import { type Message, type ProposedEntry } from './message';
import { agreedValue, voteResult } from './quorum';
import { handleAppendResponse, maybeCommit, replicate } from './replication';

const EMPTY: ProposedEntry = { type: 'normal', data: Buffer.alloc(0) };
const LEAVE_JOINT: ConfChange = { steps: [], transition: 'auto', context: Buffer.alloc(0) };

export function becomeLeader(core: Core): void {
  core.becomeLeader();
  const leadership = new Leadership(core.config, core.configuration, core.log.lastIndex());
  core.leadership = leadership;
  acknowledgeOwn(core, leadership);
  // Commits what the terms before have left (section 5.4.2), and tells the leader what is committed at all (section 8).
  appendEntries(core, leadership, [EMPTY]);
}

/** What is durable here counts like what a follower acknowledges. */
export function acknowledgeOwn(core: Core, leadership: Leadership): void {
  if (leadership.progress.get(core.id)?.acknowledged(core.log.stableIndex()) === true) maybeCommit(core, leadership);
}

export function stepLeader(core: Core, leadership: Leadership, message: Message): void {
  switch (message.type) {
    case 'propose':
      propose(core, leadership, message.entries);
      return;
    case 'read-index':
      addRead(core, leadership, message.from, message.context);
      return;
    case 'transfer-leader':
      transfer(core, leadership, message.transferee);
      return;
  }
  const progress = leadership.progress.get(message.from);
  if (progress === undefined) return;
  if (message.type === 'append-response') {
    progress.isActive = true;
    handleAppendResponse(core, leadership, progress, message);
    if (message.from === leadership.transferee) hurryTransferee(core, leadership);
  } else if (message.type === 'heartbeat-response') {
    // Nobody can confirm a round that has not begun.
    if (message.context > BigInt(leadership.reads.round)) return;
    progress.isActive = true;
    progress.isPaused = false;
    // Shows whether an append was lost.
    if (progress.match < core.log.lastIndex() || progress.state === 'probe') progress.isAppendDue = true;
    leadership.isReplicationDue = true;
    progress.readRound = Math.max(progress.readRound, Number(message.context));
    confirmReads(core, leadership);
  }
}

export function tickLeader(core: Core, leadership: Leadership): void {
  core.electionElapsed++;
  leadership.heartbeatElapsed++;
  if (core.electionElapsed >= core.config.electionTicks) {
    core.electionElapsed = 0;
    leadership.transferee = 0n;
    if (!hasQuorum(core, leadership)) {
      core.becomeFollower(core.term);
      return;
    }
  }
  if (leadership.heartbeatElapsed >= core.config.heartbeatTicks) heartbeat(core, leadership);
  leaveJointIfDue(core, leadership);
}

/** What has gathered since the last `Ready` goes out together. */
export function flush(core: Core, leadership: Leadership): void {
  if (leadership.reads.isRoundDue) heartbeat(core, leadership);
  if (leadership.isReplicationDue) replicate(core, leadership);
}

export function isFlushDue(leadership: Leadership): boolean {
  return leadership.isReplicationDue || leadership.reads.isRoundDue;
}

/** @returns why the entries are not in the log, if they are not */
export function propose(
  core: Core,
  leadership: Leadership,
  entries: readonly ProposedEntry[],
): ProposalDrop | undefined {
  if (leadership.transferee !== 0n) return 'transferring';
  const bytes = bytesOf(entries);
  const room = core.config.maxUncommittedBytes - leadership.uncommittedBytes;
  if (bytes > 0 && bytes > room && leadership.uncommittedBytes > 0) return 'too-much-uncommitted';
  appendEntries(core, leadership, entries);
  return undefined;
}

/** The configuration has changed under this leader: another majority may have agreed already, or it leads no more. */
export function followConfiguration(core: Core, leadership: Leadership): void {
  if (!isVoter(core.configuration, core.id)) {
    core.becomeFollower(core.term);
    return;
  }
  leadership.follow(core.configuration, core.log.lastIndex());
  leadership.isReplicationDue = true;
  maybeCommit(core, leadership);
  confirmReads(core, leadership);
}

/** Entries have been applied. Those of this term are this leader's own. */
export function handleApplied(core: Core, leadership: Leadership, entries: readonly Entry[]): void {
  for (const { term, data } of entries) if (term === core.term) leadership.uncommittedBytes -= data.length;
  leaveJointIfDue(core, leadership);
}

function appendEntries(core: Core, leadership: Leadership, proposed: readonly ProposedEntry[]): void {
  const { log } = core;
  let index = log.lastIndex();
  const entries = proposed.map((entry) => {
    index++;
    const { type, data } = entry.type === 'conf-change' ? admitConfChange(core, leadership, entry, index) : entry;
    return { term: core.term, index, type, data };
  });
  log.append(entries);
  leadership.uncommittedBytes += bytesOf(entries);
  leadership.isReplicationDue = true;
}

/** A change that may not be made now takes its place in the log as an entry that does nothing. */
function admitConfChange(core: Core, leadership: Leadership, entry: ProposedEntry, index: number): ProposedEntry {
  if (core.log.applied < leadership.pendingConfIndex || !isPossible(core, entry.data)) return EMPTY;
  leadership.pendingConfIndex = index;
  return entry;
}

function isPossible(core: Core, data: Buffer): boolean {
  try {
    return changed(core.configuration, decodeConfChange(data)) !== undefined;
  } catch (error) {
    if (error instanceof RangeError) return false;
    throw error;
  }
}

/** A joint configuration that is to end by itself ends as soon as its beginning has been applied. */
function leaveJointIfDue(core: Core, leadership: Leadership): void {
  if (!core.configuration.autoLeave || core.log.applied < leadership.pendingConfIndex) return;
  if (leadership.transferee !== 0n) return;
  appendEntries(core, leadership, [{ type: 'conf-change', data: encodeConfChange(LEAVE_JOINT) }]);
}

function heartbeat(core: Core, leadership: Leadership): void {
  leadership.heartbeatElapsed = 0;
  const context = BigInt(leadership.reads.beginRound());
  for (const [to, { match }] of leadership.progress) {
    // A follower may not have, or have wrongly, what lies beyond its match.
    if (to !== core.id) core.send({ type: 'heartbeat', to, commit: Math.min(match, core.log.commit), context });
  }
  // A single voter is a majority.
  confirmReads(core, leadership);
}

function hasQuorum(core: Core, leadership: Leadership): boolean {
  const heard = new Map<bigint, boolean>();
  for (const [id, progress] of leadership.progress) heard.set(id, progress.look() || id === core.id);
  return voteResult(core.configuration, heard) === 'won';
}

function addRead(core: Core, leadership: Leadership, from: bigint, context: bigint): void {
  const { log } = core;
  if (log.term(log.commit) === core.term) leadership.reads.add({ from, context }, log.commit);
  else leadership.reads.addEarly({ from, context });
}

function confirmReads(core: Core, leadership: Leadership): void {
  const { reads, progress } = leadership;
  const round = agreedValue(core.configuration, (id) =>
    id === core.id ? reads.round : (progress.get(id)?.readRound ?? 0),
  );
  for (const { from, context, index } of reads.confirm(round)) {
    if (from === core.id) core.readStates.push({ context, index });
    else core.send({ type: 'read-index-response', to: from, index, context });
  }
}

function transfer(core: Core, leadership: Leadership, transferee: bigint): void {
  if (transferee === leadership.transferee || !isVoter(core.configuration, transferee)) return;
  if (transferee === core.id) {
    leadership.transferee = 0n;
    return;
  }
  // It has an election timeout to take over.
  core.electionElapsed = 0;
  leadership.transferee = transferee;
  leadership.isReplicationDue = true;
  hurryTransferee(core, leadership);
}

/** Lets the transferee stand once it has everything: before, it could not win (dissertation, 3.10). */
function hurryTransferee(core: Core, leadership: Leadership): void {
  const { transferee, progress } = leadership;
  if (progress.get(transferee)?.match === core.log.lastIndex()) core.send({ type: 'timeout-now', to: transferee });
}
