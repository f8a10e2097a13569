import { type Core } from './core';
import { type Leadership } from './leadership';
import { type Message } from './message';
import { type Progress } from './progress';
import { agreedValue } from './quorum';

/** Sends each follower what it is owed and may be sent now. */
export function replicate(core: Core, leadership: Leadership): void {
  leadership.isReplicationDue = false;
  for (const [id, progress] of leadership.progress) {
    if (id === core.id) continue;
    while (!progress.isBlocked() && isOwed(core, progress)) {
      if (!sendAppend(core, id, progress)) break;
    }
  }
}

function isOwed(core: Core, progress: Progress): boolean {
  const { log } = core;
  return progress.isAppendDue || progress.next <= log.lastIndex() || progress.sentCommit < log.commit;
}

/** @returns false if nothing can be sent for now */
function sendAppend(core: Core, to: bigint, progress: Progress): boolean {
  const { log, config } = core;
  const index = progress.next - 1;
  const logTerm = log.term(index);
  if (logTerm === undefined) return sendSnapshot(core, to, progress);
  // With a full window there is still an empty append, whose refusal shows that those in the window were lost.
  const isFull = progress.inflights.isFull();
  const entries = isFull ? [] : log.entries(progress.next, log.lastIndex() + 1, config.maxBytesPerMessage);
  core.send({ type: 'append', to, index, logTerm, entries, commit: log.commit });
  progress.sent(entries, log.commit);
  return true;
}

function sendSnapshot(core: Core, to: bigint, progress: Progress): boolean {
  // To somebody who is away it would be sent in vain.
  const snapshot = progress.isActive ? core.config.storage.snapshot() : undefined;
  if (snapshot === undefined) return false;
  progress.becomeSnapshot(snapshot.index);
  core.send({ type: 'snapshot', to, snapshot });
  return true;
}

export function handleAppendResponse(
  core: Core,
  leadership: Leadership,
  progress: Progress,
  message: Extract<Message, { readonly type: 'append-response' }>,
): void {
  const { log } = core;
  if (message.index > log.lastIndex()) return;
  leadership.isReplicationDue = true;
  if (message.reject) {
    // The follower names its last place with a term that can match; the leader's own log may rule out more.
    const { hintIndex, hintTerm } = message;
    const hint = hintTerm > 0 ? log.lastPlaceAtMost(hintIndex, hintTerm).index : hintIndex;
    progress.rejected(message.index, hint);
    return;
  }
  const isNews = progress.acknowledged(message.index);
  if (!isNews && !(progress.state === 'probe' && progress.match === message.index)) return;
  // From `snapshot` as soon as the log goes on from what has arrived, whatever way it came.
  if (progress.state === 'probe' || (progress.state === 'snapshot' && progress.match + 1 >= log.firstIndex())) {
    progress.becomeReplicate();
  }
  if (isNews) maybeCommit(core, leadership);
}

/**
 * A majority has the entry durably. Only an entry of the leader's own term is committed by counting; with it all before are, which cannot
 * be told of an older entry that is on a majority (section 5.4.2, figure 8).
 */
export function maybeCommit(core: Core, leadership: Leadership): void {
  const { log } = core;
  const index = agreedValue(core.configuration, (id) => leadership.progress.get(id)?.match ?? 0);
  if (index <= log.commit || log.term(index) !== core.term) return;
  log.commitTo(index);
  leadership.isReplicationDue = true;
  leadership.reads.admitEarly(log.commit);
}
