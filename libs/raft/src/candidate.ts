import { allVoters } from './configuration';
import { type Core } from './core';
import { becomeLeader } from './leader';
import { type Message } from './message';
import { voteResult } from './quorum';

/**
 * `pre-election` asks whether an election could be won, and disturbs nobody (dissertation, 9.6); `transfer` is an election that the leader
 * has asked for, which no lease holds up (3.10).
 */
export type Campaign = 'pre-election' | 'election' | 'transfer';

/** Does nothing if this member may not stand, or leads already. */
export function campaign(core: Core, kind: Campaign): void {
  if (core.role === 'leader' || !core.isPromotable()) return;
  // Votes would be counted by a configuration that is committed no more.
  if (core.log.hasUnappliedConfChange(core.config.maxBytesPerReady)) return;
  if (kind === 'pre-election') askBeforehand(core);
  else askForVotes(core, kind === 'transfer');
}

/** An answer to `pre-vote` or `vote`; anything else is no candidate's business. */
export function stepCandidate(core: Core, message: Message): void {
  if (message.type === 'pre-vote-response' && core.role === 'pre-candidate') {
    // A grant carries the term that was asked about; a refusal the refuser's own.
    if (!message.reject && message.term !== core.term + 1) return;
    if (!learnsCommit(core, message)) count(core, message.from, !message.reject);
  } else if (message.type === 'vote-response' && core.role === 'candidate') {
    if (!learnsCommit(core, message)) count(core, message.from, !message.reject);
  }
}

/**
 * A member may need the vote of one that was removed and, having the longer log, refuses; but then that one knows that the removal was
 * committed, which is true for ever, whoever says it. @returns whether the election is off, since it was about an old configuration
 */
function learnsCommit(core: Core, { commit, commitTerm }: { commit: number; commitTerm: number }): boolean {
  const { log } = core;
  if (commit <= log.commit || log.term(commit) !== commitTerm) return false;
  log.commitTo(commit);
  if (!log.hasUnappliedConfChange(core.config.maxBytesPerReady)) return false;
  core.becomeFollower(core.term);
  return true;
}

function askBeforehand(core: Core): void {
  core.becomePreCandidate();
  ask(core, 'pre-vote', core.term + 1, false);
  count(core, core.id, true);
}

function askForVotes(core: Core, isTransfer: boolean): void {
  core.becomeCandidate();
  ask(core, 'vote', core.term, isTransfer);
  // Its own vote counts when it is durable, like anyone's.
  core.answerVote('vote-response', core.id, false);
}

function ask(core: Core, type: 'pre-vote' | 'vote', term: number, isTransfer: boolean): void {
  const [index, logTerm] = [core.log.lastIndex(), core.log.lastTerm()];
  for (const to of allVoters(core.configuration)) {
    if (to !== core.id) core.send({ type, to, term, index, logTerm, isTransfer });
  }
}

function count(core: Core, voter: bigint, isGranted: boolean): void {
  // The first answer counts; a repeated message is no second vote.
  if (!core.votes.has(voter)) core.votes.set(voter, isGranted);
  const result = voteResult(core.configuration, core.votes);
  if (result === 'lost') core.becomeFollower(core.term);
  if (result !== 'won') return;
  if (core.role === 'pre-candidate') askForVotes(core, false);
  else becomeLeader(core);
}
