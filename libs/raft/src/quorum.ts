/** What a majority agrees on. In a joint configuration both halves have to (dissertation, 4.3); an empty half has no say. */
export interface Electorate {
  readonly voters: ReadonlySet<bigint>;
  readonly votersOutgoing: ReadonlySet<bigint>;
}

export type VoteResult = 'won' | 'lost' | 'pending';

/** The highest value that a majority has reached, where `valueOf` gives what each voter has reached. */
export function agreedValue(electorate: Electorate, valueOf: (id: bigint) => number): number {
  return Math.min(majorityValue(electorate.voters, valueOf), majorityValue(electorate.votersOutgoing, valueOf));
}

/** `votes`: true for, false against, absent: not heard of yet. */
export function voteResult(electorate: Electorate, votes: ReadonlyMap<bigint, boolean>): VoteResult {
  const halves = [majorityVote(electorate.voters, votes), majorityVote(electorate.votersOutgoing, votes)];
  if (halves.includes('lost')) return 'lost';
  return halves.includes('pending') ? 'pending' : 'won';
}

function majorityValue(voters: ReadonlySet<bigint>, valueOf: (id: bigint) => number): number {
  if (voters.size === 0) return Infinity;
  const values: number[] = [];
  for (const id of voters) values.push(valueOf(id));
  values.sort((a, b) => b - a);
  return values[Math.floor(values.length / 2)] ?? 0;
}

function majorityVote(voters: ReadonlySet<bigint>, votes: ReadonlyMap<bigint, boolean>): VoteResult {
  if (voters.size === 0) return 'won';
  let granted = 0;
  let open = 0;
  for (const id of voters) {
    const vote = votes.get(id);
    if (vote === undefined) open++;
    else if (vote) granted++;
  }
  const needed = Math.floor(voters.size / 2) + 1;
  if (granted >= needed) return 'won';
  return granted + open >= needed ? 'pending' : 'lost';
}
