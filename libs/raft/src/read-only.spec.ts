import { ReadOnly } from './read-only';

const MAX_READS = 10_000;

describe('reads that wait', () => {
  it.each(['before the first commit', 'for a round'])('are bounded, %s', (which) => {
    const reads = new ReadOnly();
    for (let context = 0; context <= MAX_READS; context++) {
      const read = { from: 1n, context: BigInt(context) };
      if (which === 'for a round') reads.add(read, 1);
      else reads.addEarly(read);
    }
    reads.admitEarly(1);
    expect(reads.confirm(reads.beginRound())).toHaveLength(MAX_READS);
  });
});
