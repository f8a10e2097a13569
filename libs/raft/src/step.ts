import { campaign, stepCandidate } from './candidate';
import { isMember } from './configuration';
import { type Core } from './core';
import { stepFollower, stepFromLeader } from './follower';
import { stepLeader, tickLeader } from './leader';
import { type Message } from './message';
import { isPlausible } from './plausible';

type Vote = Extract<Message, { readonly type: 'pre-vote' | 'vote' }>;

/** One tick of the caller's clock. */
export function tick(core: Core): void {
  if (core.leadership !== undefined) {
    tickLeader(core, core.leadership);
    return;
  }
  core.electionElapsed++;
  if (core.electionElapsed < core.electionTimeout || !core.isPromotable()) return;
  core.electionElapsed = 0;
  campaign(core, 'pre-election');
}

export function step(core: Core, message: Message): void {
  if (message.to !== core.id || !isPlausible(message)) return;
  // Only members are asked. Who answers and is none any more was removed meanwhile, and its term, too, concerns nobody.
  if (isAnswer(message) && !isMember(core.configuration, message.from)) return;
  const isTermless = message.type === 'propose' || message.type === 'read-index';
  if (!isTermless && message.term < core.term) answerStale(core, message);
  else if (isTermless || message.term === core.term || enterTerm(core, message)) dispatch(core, message);
}

function isAnswer({ type }: Message): boolean {
  switch (type) {
    case 'append-response':
    case 'heartbeat-response':
    case 'pre-vote-response':
    case 'vote-response':
      return true;
    default:
      return false;
  }
}

/** @returns false if a message from a later term is to be ignored */
function enterTerm(core: Core, message: Message): boolean {
  switch (message.type) {
    case 'pre-vote':
    case 'vote':
      // Who hears a leader does not help to depose it: a member that was cut off, or removed, would do nothing else (section 6).
      if (core.isInLease() && !message.isTransfer) return false;
      if (message.type === 'vote') core.becomeFollower(message.term);
      return true;
    case 'pre-vote-response':
      // Granted: the term that was asked about, and nobody is in yet.
      if (message.reject) core.becomeFollower(message.term);
      return true;
    default:
      core.becomeFollower(message.term);
      return true;
  }
}

function answerStale(core: Core, message: Message): void {
  switch (message.type) {
    case 'append':
    case 'heartbeat':
    case 'snapshot':
      // A leader with a lower term steps down when it hears of a higher one, and then an election can bring this member back: with a term
      // above everyone's it would otherwise never be listened to again, nor listen.
      core.send({ type: 'append-response', to: message.from, index: 0, reject: false, hintIndex: 0, hintTerm: 0 });
      return;
    case 'pre-vote':
      core.answerVote('pre-vote-response', message.from, true);
      return;
  }
}

function dispatch(core: Core, message: Message): void {
  switch (message.type) {
    case 'pre-vote':
    case 'vote':
      answerVote(core, message);
      return;
    case 'append':
    case 'heartbeat':
    case 'snapshot':
      if (core.role !== 'leader') stepFromLeader(core, message);
      return;
    case 'pre-vote-response':
    case 'vote-response':
      stepCandidate(core, message);
      return;
    default:
      if (core.leadership !== undefined) stepLeader(core, core.leadership, message);
      else stepFollower(core, message);
  }
}

/**
 * A vote goes to one candidate a term, whose log has at least what this one has. A pre-vote promises nothing, so any number of candidates
 * for a term to come may have it. Learners vote too: they may have been promoted without knowing it yet.
 */
function answerVote(core: Core, message: Vote): void {
  const { type, from, term } = message;
  const isFree = core.vote === from || (core.vote === 0n && core.leader === 0n);
  const isGranted =
    (isFree || (type === 'pre-vote' && term > core.term)) && core.log.isUpToDate(message.index, message.logTerm);
  if (type === 'pre-vote') {
    core.answerVote('pre-vote-response', from, !isGranted, isGranted ? term : core.term);
    return;
  }
  if (isGranted) {
    core.vote = from;
    core.electionElapsed = 0;
  }
  core.answerVote('vote-response', from, !isGranted);
}
