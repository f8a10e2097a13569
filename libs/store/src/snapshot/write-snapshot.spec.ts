import fc from 'fast-check';
import { type Command } from '../command';
import { type KeyValue, type RequestOp } from '../key-value-store';
import { SimulatedFiles } from '../simulated-files.fixture';
import { StateMachine } from '../state-machine';
import { loadSnapshot } from './load-snapshot';
import { takePicture } from './snapshot-sections';
import { writeSnapshot } from './write-snapshot';

const IDENTITY = { clusterId: 1n, memberId: 2n };
const FILE = '/snapshot/0000000000000000.snap';

function machineOf(commands: readonly Command[]): StateMachine {
  const machine = new StateMachine();
  machine.leases.grant(7n, 60);
  for (const command of commands) machine.apply(machine.appliedIndex + 1, 1, command);
  return machine;
}

/** All that can be read or watched: each key's versions, and each revision's changes. */
function contents({ keyspace, leases }: StateMachine): unknown {
  while (!keyspace.releaseSlice());
  const plain = (kv: KeyValue): unknown => ({ ...kv, value: Buffer.from(kv.value).toString('hex') });
  const keys = [...keyspace.picture().entries()].map(([key, head]) => {
    const versions: unknown[] = [];
    for (let version: typeof head | undefined = head; version !== undefined; version = version.previous)
      versions.push([plain(version.kv), version.sub, version.isTombstone]);
    return [key, versions];
  });
  const revisions: unknown[] = [];
  for (let at = Math.max(0, keyspace.compactRevision + 1); at <= keyspace.revision; at++)
    revisions.push(keyspace.history.at(at).map(({ kv, sub }) => [plain(kv), sub]));
  const { size, revision, compactRevision } = keyspace;
  return { keys, revisions, size, revision, compactRevision, leased: [...leases.get(7n)!.keys].sort() };
}

async function written(machine: StateMachine): Promise<StateMachine> {
  const files = new SimulatedFiles();
  const picture = { ...takePicture(machine), index: 0, term: 0 };
  await writeSnapshot(files, '/snapshot', IDENTITY, picture, () => false);
  return (await loadSnapshot(files, FILE)).machine;
}

const key = fc.constantFrom('a', 'b', 'b\0', 'c', 'ÿ');
const value = fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes));
const put = fc.record({ key, value, lease: fc.constantFrom(0n, 7n) });
const operation: fc.Arbitrary<RequestOp> = fc.oneof(
  put.map((request): RequestOp => ({ type: 'put', request })),
  key.map((from): RequestOp => ({ type: 'delete', request: { key: from, rangeEnd: '\0' } })),
);
const command: fc.Arbitrary<Command> = fc.oneof(
  { weight: 6, arbitrary: put.map((request): Command => ({ type: 'put', request })) },
  { weight: 2, arbitrary: key.map((from): Command => ({ type: 'delete', request: { key: from } })) },
  {
    weight: 3,
    arbitrary: fc
      .array(operation, { minLength: 2, maxLength: 6 })
      .map((success): Command => ({ type: 'txn', request: { compare: [], success } })),
  },
  { weight: 1, arbitrary: fc.integer({ min: 1, max: 30 }).map((revision): Command => ({ type: 'compact', revision })) },
);

describe('a snapshot', () => {
  it('changes nothing about what it is of, and loads as that', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(command, { maxLength: 40 }),
        fc.array(command, { maxLength: 10 }),
        async (before, after) => {
          const [machine, untouched] = [machineOf(before), machineOf(before)];
          const first = await written(machine);
          expect(contents(machine)).toEqual(contents(untouched));
          expect(contents(first)).toEqual(contents(untouched));
          // And what has been in one goes on, and into the next.
          for (const next of after)
            for (const each of [machine, untouched, first]) each.apply(each.appliedIndex + 1, 1, next);
          const second = await written(first);
          for (const each of [machine, first, second]) expect(contents(each)).toEqual(contents(untouched));
        },
      ),
      { numRuns: 60 },
    );
  });

  it('has room for a key with more versions than a section takes', async () => {
    const puts = (name: string, count: number): Command[] =>
      Array.from({ length: count }, (_, n) => ({ type: 'put', request: { key: name, value: Buffer.alloc(100, n) } }));
    const machine = machineOf([...puts('a', 3), ...puts('b', 7_000), ...puts('c', 2)]);
    const before = contents(machine);
    const loaded = await written(machine);
    expect(contents(loaded)).toEqual(before);
    expect(contents(await written(loaded))).toEqual(before);
  });
});
