/** A mistake that somebody could make: the text in a module of the algorithm that is right, and what it is replaced by. */
export interface Mutant {
  readonly mistake: string;
  readonly module: string;
  readonly search: string;
  readonly replace: string;
}

const mutant = (module: string, mistake: string, search: string, replace: string): Mutant => ({
  mistake,
  module,
  search,
  replace,
});

export const MUTANTS: readonly Mutant[] = [
  // Elections (section 5.2, 5.4.1; dissertation 9.6)
  mutant('step', 'votes twice in a term', `core.vote === from || (core.vote === 0n && core.leader === 0n)`, `true`),
  mutant(
    'step',
    'ignores how far the log of the candidate goes',
    `core.log.isUpToDate(message.index, message.logTerm)`,
    `true`,
  ),
  mutant(
    'log',
    'compares logs by their length alone',
    `term > lastTerm || (term === lastTerm && index >= this.lastIndex())`,
    `index >= this.lastIndex()`,
  ),
  mutant('core', 'forgets its vote when it restarts', `this.vote = hardState.vote`, `this.vote = 0n`),
  mutant(
    'core',
    'forgets its term when it restarts',
    `this.term = hardState.term`,
    `this.term = Math.max(1, hardState.term - 1)`,
  ),
  mutant(
    'core',
    'votes before the vote is durable',
    `'append-response', 'vote', 'vote-response'`,
    `'append-response', 'vote'`,
  ),
  mutant(
    'core',
    'asks for votes before its term is durable',
    `'append-response', 'vote', 'vote-response'`,
    `'append-response', 'vote-response'`,
  ),
  mutant(
    'candidate',
    'counts its own vote before it is durable',
    `core.answerVote('vote-response', core.id, false)`,
    `count(core, core.id, true)`,
  ),
  mutant('outlet', 'does not save a vote', `term === known.term && vote === known.vote &&`, `term === known.term &&`),
  mutant('outlet', 'does not sync a vote', `hardState.vote !== this.hardState.vote`, `false`),
  mutant('step', 'raises its term for a pre-vote', `if (message.type === 'vote') core`, `core`),
  mutant('core', 'lets anybody stand for election', `return isVoter(this.configuration, this.id) &&`, `return`),
  mutant(
    'quorum',
    'takes half of the votes for a majority',
    `Math.floor(voters.size / 2) + 1`,
    `Math.ceil(voters.size / 2)`,
  ),
  mutant('step', 'listens to leaders of terms that are over', `!isTermless && message.term < core.term`, `false`),
  mutant(
    'step',
    'does not tell a leader that its term is over',
    `case 'heartbeat':
    case 'snapshot':
      // A leader with a lower term`,
    `case 'heartbeat':
    case 'snapshot':
      return;
      // A leader with a lower term`,
  ),

  // The log (section 5.3)
  mutant(
    'log',
    'takes an append without looking at what is before',
    `if (this.term(index) !== logTerm) return undefined;`,
    ``,
  ),
  mutant(
    'log',
    'keeps entries that the leader contradicts',
    `if (conflict >= 0) this`,
    `if (conflict >= 0 && index + conflict >= this.lastIndex()) this`,
  ),
  mutant(
    'log',
    'drops what follows an append that comes again',
    `if (conflict >= 0) this.append(conflict === 0 ? entries : entries.slice(conflict));`,
    `this.append(entries);`,
  ),
  mutant(
    'unstable',
    'believes durable what was overwritten meanwhile',
    `this.term(index) !== term`,
    `index < this.offset || index > this.lastIndex()`,
  ),
  mutant(
    'core',
    'acknowledges before it is durable',
    `'append-response', 'vote', 'vote-response'`,
    `'vote', 'vote-response'`,
  ),
  mutant(
    'progress',
    'believes a new follower to have everything',
    `this.next = lastIndex + 1;`,
    `this.next = lastIndex + 1;
    this.match = lastIndex;`,
  ),
  mutant('progress', 'lets an old acknowledgement take back a new one', `if (index <= this.match) return false;`, ``),
  mutant('progress', 'never makes room in the window', `this.inflights.freeTo(index);`, ``),
  mutant('follower', 'refuses what it knows to be committed', `if (message.index < log.commit)`, `if (false)`),
  mutant('replication', 'sends on after a refusal', `progress.rejected(message.index, hint);`, ``),
  mutant('leader', 'never probes again after a loss', `progress.isPaused = false;`, ``),

  // Commitment (section 5.4.2)
  mutant('replication', 'commits entries of older terms by counting', ` || log.term(index) !== core.term`, ``),
  mutant('leader', 'counts its own entries before they are durable', `core.log.stableIndex()`, `core.log.lastIndex()`),
  mutant(
    'quorum',
    'takes half of the voters for a majority',
    `Math.floor(values.length / 2)`,
    `Math.floor((values.length - 1) / 2)`,
  ),
  mutant('leader', 'lets a heartbeat commit beyond the match', `Math.min(match, core.log.commit)`, `core.log.commit`),
  mutant(
    'log',
    'applies what is not committed',
    `this.entries(this.applied + 1, this.commit + 1, maxBytes)`,
    `this.entries(this.applied + 1, this.lastIndex() + 1, maxBytes)`,
  ),

  // Membership (dissertation, chapter 4)
  mutant(
    'replication',
    'counts learners',
    `agreedValue(core.configuration,`,
    `agreedValue({ ...core.configuration, voters: new Set([...core.configuration.voters, ...core.configuration.learners]) },`,
  ),
  mutant(
    'quorum',
    'commits without the outgoing majority',
    `Math.min(majorityValue(electorate.voters, valueOf), majorityValue(electorate.votersOutgoing, valueOf))`,
    `majorityValue(electorate.voters, valueOf)`,
  ),
  mutant('quorum', 'elects without the outgoing majority', `, majorityVote(electorate.votersOutgoing, votes)]`, `]`),
  mutant(
    'quorum',
    'elects without the incoming majority',
    `[majorityVote(electorate.voters, votes), majority`,
    `[majority`,
  ),
  mutant(
    'leader',
    'changes the membership while a change is pending',
    `core.log.applied < leadership.pendingConfIndex || !isPossible`,
    `!isPossible`,
  ),
  mutant(
    'candidate',
    'stands with a configuration that is committed no more',
    `if (core.log.hasUnappliedConfChange(core.config.maxBytesPerReady)) return;`,
    ``,
  ),
  mutant(
    'candidate',
    'stands on when it learns that its configuration is committed no more',
    `core.becomeFollower(core.term);
  return true;`,
    `return false;`,
  ),
  mutant(
    'log',
    'overlooks a membership change that is committed and not durable yet',
    `page.some(({ type }) => type === 'conf-change')`,
    `page.some(({ type, index }) => type === 'conf-change' && index <= this.stableIndex())`,
  ),
  mutant('leader', 'leads on after it was removed', `if (!isVoter(core.configuration, core.id))`, `if (false)`),
  mutant(
    'leadership',
    'deals with a member that was removed',
    `if (!members.has(id)) this.progress.delete(id);`,
    `if (false) this.progress.delete(id);`,
  ),
  mutant('leader', 'never leaves a joint configuration', `if (!core.configuration.autoLeave ||`, `if (true ||`),

  // Reads (dissertation, 6.4)
  mutant(
    'leader',
    'answers reads without a majority',
    `agreedValue(core.configuration, (id) =>
    id === core.id ? reads.round : (progress.get(id)?.readRound ?? 0),
  )`,
    `reads.round`,
  ),
  mutant(
    'leader',
    'answers reads before it has committed in its term',
    `if (log.term(log.commit) === core.term)`,
    `if (true)`,
  ),
  mutant('read-only', 'confirms a read by a round begun before', `round: this.round + 1`, `round: this.round`),

  // Snapshots (section 7)
  mutant(
    'node',
    'does not take the configuration from a snapshot',
    `if (ready.snapshot !== undefined) core.configuration`,
    `if (false) core.configuration`,
  ),
  mutant('outlet', 'applies entries that are in the snapshot already', `log.applied = snapshot.index;`, ``),
];
