import fc from 'fast-check';
import { seededRandom } from '#testing';
import { type KeyValueStore } from '../key-value-store';
import { type ClusterMember, StoreCluster } from './store-cluster.fixture';

const KEY = 'register';

/** A read or a write as its caller saw it, on a clock of its own: what ended before another began, came before it. */
interface Operation {
  readonly kind: 'write' | 'read';
  readonly value: number;
  readonly begin: number;
  /** Infinity: nobody knows whether it was carried out, or ever will be. */
  readonly end: number;
}

type Step =
  | { readonly kind: 'write' | 'read' | 'crash' | 'restart' | 'isolate' | 'snapshot'; readonly member: number }
  | { readonly kind: 'heal' | 'lossy' | 'time' };

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('write' as const), member: fc.nat(2) }) },
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('read' as const), member: fc.nat(2) }) },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constantFrom('crash' as const, 'restart' as const, 'isolate' as const, 'snapshot' as const),
      member: fc.nat(2),
    }),
  },
  { weight: 6, arbitrary: fc.record({ kind: fc.constantFrom('heal' as const, 'lossy' as const, 'time' as const) }) },
);

/**
 * Wing and Gong's search for an order of a register's operations that respects time (linearizability). Histories are short; what has been
 * tried is remembered.
 */
function isLinearizable(operations: readonly Operation[]): boolean {
  const tried = new Set<string>();
  const search = (left: readonly Operation[], value: number): boolean => {
    if (left.every(({ end }) => end === Infinity)) return true;
    const name = `${value}:${left.map(({ begin }) => begin).join()}`;
    if (tried.has(name)) return false;
    tried.add(name);
    const earliestEnd = Math.min(...left.map(({ end }) => end));
    return left.some((operation) => {
      if (operation.begin > earliestEnd) return false;
      if (operation.kind === 'read' && operation.value !== value) return false;
      return search(
        left.filter((other) => other !== operation),
        operation.kind === 'write' ? operation.value : value,
      );
    });
  };
  return search(operations, 0);
}

class Run {
  readonly operations: Operation[] = [];
  readonly underway: Promise<void>[] = [];
  private time = 0;
  private written = 0;

  constructor(
    readonly cluster: StoreCluster,
    private readonly random: () => number,
  ) {}

  async carryOut(step: Step): Promise<void> {
    const { cluster } = this;
    const { network, members } = cluster;
    const member = 'member' in step ? members[step.member]! : members[0]!;
    const { store } = member;
    if (step.kind === 'heal') {
      network.heal();
      network.fate = () => [1];
    } else if (step.kind === 'lossy') {
      network.fate = () =>
        this.random() < 0.2 ? [] : this.random() < 0.2 ? [1, 5] : [1 + Math.floor(this.random() * 4)];
    } else if (step.kind === 'isolate') {
      network.partition(members.filter((other) => other !== member).map(({ url }) => url));
    } else if (step.kind === 'restart' && store === undefined) {
      await cluster.during(cluster.open(member));
    } else if (step.kind === 'crash' && store !== undefined) {
      cluster.crash(member);
    } else if (step.kind === 'snapshot' && store !== undefined) {
      await cluster.during(store.snapshot());
    } else if (step.kind === 'write' && store !== undefined) this.write(store);
    else if (step.kind === 'read' && store !== undefined) this.read(store);
    for (let ticks = step.kind === 'time' ? 12 : 1; ticks > 0; ticks--) {
      for (let turn = 0; turn < 4; turn++) await new Promise((resolve) => setImmediate(resolve));
      await cluster.clock.advance(100);
    }
  }

  write(store: KeyValueStore): void {
    const value = ++this.written;
    const begin = this.time++;
    const position = this.operations.push({ kind: 'write', value, begin, end: Infinity }) - 1;
    this.follow(store.put({ key: KEY, value: Buffer.from(String(value)) }), () => {
      this.operations[position] = { kind: 'write', value, begin, end: this.time++ };
    });
  }

  read(store: KeyValueStore): void {
    const begin = this.time++;
    this.follow(store.range({ key: KEY }), ({ kvs }) => {
      const value = kvs[0] === undefined ? 0 : Number(Buffer.from(kvs[0].value).toString());
      this.operations.push({ kind: 'read', value, begin, end: this.time++ });
    });
  }

  /** Refusals leave a write's end open, and a read untold. */
  private follow<T>(attempt: Promise<T>, onDone: (result: T) => void): void {
    this.underway.push(attempt.then(onDone, () => undefined));
  }
}

async function recover(run: Run): Promise<void> {
  const { cluster } = run;
  cluster.network.heal();
  cluster.network.fate = () => [1];
  for (const member of cluster.members) if (member.store === undefined) await cluster.during(cluster.open(member));
  await cluster.leader();
}

async function contents(cluster: StoreCluster, member: ClusterMember): Promise<unknown> {
  return cluster.during(member.store!.range({ key: '\0', rangeEnd: '\0' }));
}

describe('whatever fails', () => {
  it('no acknowledged write is lost, and reads see them in an order that all agree on', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 40 }), fc.integer(), async (steps, seed) => {
        const random = seededRandom(seed);
        const options = { catchUpBytes: 1, segmentBytes: 2048 };
        const run = new Run(await new StoreCluster(3, random, options).start(), random);
        for (const each of steps) await run.carryOut(each);
        await recover(run);
        const { cluster, operations } = run;
        const [first, second, third] = cluster.members;
        for (const { store } of cluster.members) run.read(store!);
        // Of those that a crash took along nobody hears again.
        const expected = operations.length + 3;
        await cluster.until(() => operations.length >= expected);
        expect({ operations, isLinearizable: isLinearizable(operations) }).toMatchObject({ isLinearizable: true });
        const state = await contents(cluster, first!);
        expect(await contents(cluster, second!)).toEqual(state);
        expect(await contents(cluster, third!)).toEqual(state);
        await cluster.close();
      }),
      { numRuns: Number(process.env.FAULT_RUNS ?? 25), endOnFailure: true },
    );
  }, 120_000);
});
