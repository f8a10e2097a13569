import { type Entry, type LedgerInput, type LedgerOperation, type LedgerOutput } from './ledger';
import { type Batch, type Change } from './observer';
import { checkLedger } from './serializability';
import { timeFaults } from './timeline';

const [a, b] = ['s/a', 's/b'];

function change(revision: number, key: string, value: number, createRevision = revision, version = 1): Change {
  return { revision, key, value, createRevision, version };
}

function entry(key: string, value: number, modRevision: number, createRevision = modRevision, version = 1): Entry {
  return { key, value, createRevision, modRevision, version };
}

function operation(input: LedgerInput, output?: Partial<LedgerOutput>, call = 0, end = 1): LedgerOperation {
  if (output === undefined) return { client: 1, input, call, return: Infinity };
  return { client: 1, input, call, return: end, output: { revision: 0, succeeded: true, entries: [], ...output } };
}

/** Two keys are written at once; then one is changed and the other removed. */
const history: readonly Batch[] = [
  { revision: 2, changes: [change(2, a, 1), change(2, b, 2)] },
  { revision: 4, changes: [change(4, a, 3, 2, 2), change(4, b, 0, 0, 0)] },
];
const first: LedgerInput = {
  type: 'move',
  expected: [[a, 0]],
  writes: [
    [a, 1],
    [b, 2],
  ],
};
const second: LedgerInput = {
  type: 'move',
  expected: [
    [a, 2],
    [b, 2],
  ],
  writes: [
    [a, 3],
    [b, 0],
  ],
};
const afterFirst = [entry(a, 1, 2), entry(b, 2, 2)];
const afterSecond = [entry(a, 3, 4, 2, 2)];
const done = [
  operation(first, { revision: 2, entries: afterFirst }),
  operation(second, { revision: 4, entries: afterSecond }),
];

describe('the ledger of several keys', () => {
  it.each<[string, LedgerOperation[]]>([
    ['whatever happened as it was told', done],
    ['a change whose answer was lost', [done[0]!, operation(second)]],
    ['one whose answer was lost, and that never happened', [...done, operation({ ...first, writes: [[a, 7]] })]],
    ['a list as it is', [...done, operation({ type: 'list' }, { revision: 3, entries: afterFirst })]],
    ['a list as it was', [...done, operation({ type: 'list', revision: 2 }, { revision: 5, entries: afterFirst })]],
    [
      'a refusal',
      [...done, operation({ ...second, writes: [[a, 8]] }, { revision: 5, succeeded: false, entries: afterSecond })],
    ],
  ])('has nothing against %s', (_, operations) => {
    expect(checkLedger(operations, history).faults).toEqual([]);
  });

  it.each<[string, LedgerOperation[], readonly Batch[], string]>([
    ['a change that nobody asked for', [done[0]!], history, 'nobody has asked'],
    ['one that was told and did not happen', done, history.slice(0, 1), 'happened in no revision'],
    [
      'one that happened elsewhere',
      [done[0]!, operation(second, { revision: 3, entries: afterFirst })],
      history,
      'happened in 4',
    ],
    [
      'one that happened though it was refused',
      [done[0]!, operation(second, { revision: 4, succeeded: false, entries: afterSecond })],
      history,
      'happened in 4',
    ],
    [
      'one that happened twice',
      done,
      [...history, { revision: 5, changes: [change(5, a, 3, 2, 3)] }],
      'happened in 4 and again in 5',
    ],
    [
      'one that happened though something had changed',
      [done[0]!, operation({ ...second, expected: [[b, 1]] })],
      history,
      'though it must not',
    ],
    [
      'one that was refused though nothing had changed',
      [
        ...done,
        operation(
          { type: 'move', expected: [[a, 4]], writes: [[a, 9]] },
          { revision: 4, succeeded: false, entries: afterSecond },
        ),
      ],
      history,
      'refused though',
    ],
    ['half of one', done, [history[0]!, { revision: 4, changes: [change(4, a, 3, 2, 2)] }], 'only'],
    [
      'versions that are counted wrong',
      done,
      [history[0]!, { revision: 4, changes: [change(4, a, 3, 2, 5), change(4, b, 0, 0, 0)] }],
      'has to be',
    ],
    [
      'a list that mixes two states',
      [...done, operation({ type: 'list' }, { revision: 4, entries: [...afterSecond, afterFirst[1]!] })],
      history,
      'at 4 there was',
    ],
    [
      'a list of the past that is not',
      [...done, operation({ type: 'list', revision: 2 }, { revision: 4, entries: afterSecond })],
      history,
      'at 2 there was',
    ],
  ])('sees %s', (_, operations, seen, fault) => {
    expect(checkLedger(operations, seen).faults.join('\n')).toContain(fault);
  });
});

describe('revisions and time', () => {
  const answer = (
    revision: number,
    call: number,
    end: number,
    isChange = false,
  ): Parameters<typeof timeFaults>[0][number] => ({
    what: `${revision}`,
    call,
    return: end,
    revision,
    isChange,
  });

  it.each([
    ['one after the other', [answer(2, 0, 1, true), answer(2, 2, 3), answer(3, 4, 5, true)]],
    ['at once', [answer(3, 0, 9, true), answer(2, 1, 2, true), answer(2, 1, 8)]],
    ['an answer that was lost', [answer(5, 0, Infinity, true), answer(2, 1, 2)]],
  ])('agree: %s', (_, answers) => expect(timeFaults(answers)).toEqual([]));

  it.each([
    ['a read of what was before', [answer(3, 0, 1, true), answer(2, 2, 3)]],
    ['two reads that go back', [answer(3, 0, 1), answer(2, 2, 3)]],
    ['a change in the past', [answer(3, 0, 1), answer(3, 2, 3, true)]],
    ['a change in the past whose answer was lost', [answer(3, 0, 1), answer(2, 2, Infinity, true)]],
  ])('do not: %s', (_, answers) => expect(timeFaults(answers)).toHaveLength(1));
});
