import { type RaftConfig } from './config';
import { type Configuration, configurationOf, isVoter } from './configuration';
import { type Leadership } from './leadership';
import { RaftLog } from './log';
import { type Message } from './message';
import { type ReadState, type Role } from './ready';

type WithoutSender<M> = M extends Message ? Omit<M, 'from' | 'term'> & { readonly term?: number } : never;
/** A message as the core says it: the sender is known, and so is the term unless it is another than the current one. */
export type Outgoing = WithoutSender<Message>;

/** Promises that are worth nothing if a crash takes back what they are about. */
const AFTER_PERSIST: ReadonlySet<Message['type']> = new Set(['append-response', 'vote', 'vote-response']);

/** What a member knows, and what it is about to say. The rules are in the modules named for the roles. */
export class Core {
  readonly id: bigint;
  readonly log: RaftLog;

  /** The latest term seen. Grows only, durably: it is what tells old news from new. */
  term: number;
  /** Whom this member voted for in `term`; 0n: nobody yet. Given once a term, durably, or two leaders could share one. */
  vote: bigint;
  /** Who takes part, as of the last applied membership change. */
  configuration: Configuration;

  role: Role = 'follower';
  /** The leader of `term`, once heard of; 0n: not known. While it is heard, votes are not asked for or given (check-quorum's lease). */
  leader = 0n;
  /** What only a leader knows. Present while, and only while, `role` is `leader`; new with each election. */
  leadership: Leadership | undefined;
  /** As a candidate or pre-candidate: who answered what, in this election. */
  readonly votes = new Map<bigint, boolean>();

  /** Follower and candidate: ticks since a leader was heard or a vote given. Leader: since check-quorum last looked. */
  electionElapsed = 0;
  /** `electionTicks` to twice as many, drawn anew at each change of role so that elections that tie do not tie again. */
  electionTimeout = 0;

  /** To be sent at once, and after the next `Ready` is durable. */
  messages: Message[] = [];
  messagesAfterPersist: Message[] = [];
  readStates: ReadState[] = [];

  constructor(readonly config: RaftConfig) {
    const { hardState, confState } = config.storage.initialState();
    this.id = config.id;
    this.term = hardState.term;
    this.vote = hardState.vote;
    this.configuration = configurationOf(confState);
    this.log = new RaftLog(config.storage, hardState.commit, config.applied);
    this.drawElectionTimeout();
  }

  /** Whether this member may stand for election: it votes, and its log is not about to be replaced. */
  isPromotable(): boolean {
    return isVoter(this.configuration, this.id) && this.log.unstable.snapshot === undefined;
  }

  /** Whether a leader has been heard within the shortest election timeout: it may be alive, so no other is voted for. */
  isInLease(): boolean {
    return this.leader !== 0n && this.electionElapsed < this.config.electionTicks;
  }

  /** Of whom is not known before the leader says something. */
  becomeFollower(term: number): void {
    this.enter('follower', term);
  }

  /** Changes neither term nor vote: that is the point of asking first (dissertation, 9.6). */
  becomePreCandidate(): void {
    this.enter('pre-candidate', this.term);
  }

  becomeCandidate(): void {
    this.enter('candidate', this.term + 1);
    this.vote = this.id;
  }

  /** The role alone; the office is `leadership`. */
  becomeLeader(): void {
    this.enter('leader', this.term);
    this.leader = this.id;
  }

  send(message: Outgoing): void {
    const addressed = { ...message, from: this.id, term: message.term ?? this.term };
    (AFTER_PERSIST.has(message.type) ? this.messagesAfterPersist : this.messages).push(addressed);
  }

  answerVote(type: 'pre-vote-response' | 'vote-response', to: bigint, reject: boolean, term = this.term): void {
    const { commit } = this.log;
    this.send({ type, to, term, reject, commit, commitTerm: this.log.term(commit) ?? 0 });
  }

  private enter(role: Role, term: number): void {
    if (term !== this.term) {
      this.term = term;
      this.vote = 0n;
    }
    this.role = role;
    this.leader = 0n;
    this.leadership = undefined;
    this.votes.clear();
    this.electionElapsed = 0;
    this.drawElectionTimeout();
  }

  private drawElectionTimeout(): void {
    const { electionTicks, random } = this.config;
    this.electionTimeout = electionTicks + Math.floor(random() * electionTicks);
  }
}
