export type ProposalDrop = 'no-leader' | 'transferring' | 'too-much-uncommitted' | 'not-a-member';

const MESSAGES: Readonly<Record<ProposalDrop, string>> = {
  'no-leader': 'there is no leader',
  transferring: 'leadership is being transferred',
  'too-much-uncommitted': 'too much is proposed and not committed',
  'not-a-member': 'this member is not in the configuration',
};

/** The proposal is in no log: it may be made again. */
export class ProposalDroppedError extends Error {
  constructor(readonly reason: ProposalDrop) {
    super(`proposal dropped: ${MESSAGES[reason]}`);
    this.name = 'ProposalDroppedError';
  }
}
