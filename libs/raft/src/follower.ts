import { campaign } from './candidate';
import { type Core } from './core';
import { type Message } from './message';

type Of<T extends Message['type']> = Extract<Message, { readonly type: T }>;

/** What the leader of the current term says. Also for candidates: that there is a leader ends their candidacy. */
export function stepFromLeader(core: Core, message: Of<'append' | 'heartbeat' | 'snapshot'>): void {
  if (core.role !== 'follower') core.becomeFollower(message.term);
  core.electionElapsed = 0;
  core.leader = message.from;
  if (message.type === 'append') handleAppend(core, message);
  else if (message.type === 'heartbeat') handleHeartbeat(core, message);
  else handleSnapshot(core, message);
}

export function stepFollower(core: Core, message: Message): void {
  switch (message.type) {
    case 'timeout-now':
      if (core.role === 'follower') campaign(core, 'transfer');
      return;
    case 'read-index-response':
      core.readStates.push({ context: message.context, index: message.index });
      return;
    case 'propose':
    case 'read-index':
    case 'transfer-leader':
      // Asked by this member's own client: a message that was forwarded once is not sent round in circles.
      if (message.from === core.id && core.leader !== 0n) core.send({ ...message, to: core.leader });
  }
}

function handleAppend(core: Core, message: Of<'append'>): void {
  const { log } = core;
  if (message.index < log.commit) {
    acknowledge(core, message.from, log.commit);
    return;
  }
  const last = log.maybeAppend(message.index, message.logTerm, message.entries);
  if (last !== undefined) {
    log.commitTo(Math.min(message.commit, last));
    acknowledge(core, message.from, last);
    return;
  }
  const hint = log.lastPlaceAtMost(message.index, message.logTerm);
  core.send({
    type: 'append-response',
    to: message.from,
    index: message.index,
    reject: true,
    hintIndex: hint.index,
    hintTerm: hint.term,
  });
}

function handleHeartbeat(core: Core, message: Of<'heartbeat'>): void {
  // The leader names nothing that this member has not acknowledged. If the log ends before, it was lost, and what it has is in doubt.
  if (message.commit <= core.log.lastIndex()) core.log.commitTo(message.commit);
  core.send({ type: 'heartbeat-response', to: message.from, context: message.context });
}

function handleSnapshot(core: Core, message: Of<'snapshot'>): void {
  const { log } = core;
  const { snapshot } = message;
  if (snapshot.index > log.commit) {
    // A log that has the snapshot's last entry has all that led to it.
    if (log.term(snapshot.index) === snapshot.term) log.commitTo(snapshot.index);
    else log.restore(snapshot);
  }
  acknowledge(core, message.from, log.commit);
}

function acknowledge(core: Core, to: bigint, index: number): void {
  core.send({ type: 'append-response', to, index, reject: false, hintIndex: 0, hintTerm: 0 });
}
