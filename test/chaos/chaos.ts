import { setTimeout as wait } from 'node:timers/promises';
import { type KeyValueStore } from '#store';
import { Random } from '#testing';
import { eventually } from '../tools/eventually';
import { disagreement, disagreementAt } from './agreement';
import { ChaosCluster } from './chaos-cluster';
import { Compactor } from './compactor';
import { Follower } from './follower';
import { LeaseKeeper } from './lease-keeper';
import { Ledger, LEDGER } from './ledger';
import { type MemberKind } from './member-kind';
import { type Fault } from './nemesis';
import { Observers } from './observers';
import { checkLedger } from './serializability';
import { timeFaults } from './timeline';
import { gaps, historyOf, linearizabilityFaults, lostWrites, repeatedWrites } from './verdict';
import { REGISTERS, Workload } from './workload';

export interface ChaosOptions {
  readonly kind: MemberKind;
  readonly size: number;
  readonly clients: number;
  readonly durationMs: number;
  readonly seed: number;
  readonly faults: Readonly<Record<string, Fault>>;
  /** Hears what is being done. */
  readonly say: (line: string) => void;
}

export interface ChaosReport {
  /** What must not have happened. */
  readonly violations: readonly string[];
  readonly operations: Workload['counts'];
  readonly acknowledged: number;
  readonly changes: number;
  readonly leases: number;
  /** Of the ledger. */
  readonly moves: number;
  /** Watches that went on where a list had ended. */
  readonly followed: number;
  readonly compacted: number;
  /** States that members have taken over from another. */
  readonly installs: number;
}

/** Lets a cluster work while everything goes wrong, makes it good again, and looks at what everybody saw. */
export async function runChaos(options: ChaosOptions): Promise<ChaosReport> {
  const { kind, size, clients, durationMs, seed, faults, say } = options;
  const random = new Random(seed);
  const cluster = await ChaosCluster.start(kind, size);
  const parts: { finish(): Promise<void> }[] = [];
  try {
    const now = (): number => performance.now();
    const stores = (): KeyValueStore[] => cluster.members.map(({ store }) => store);
    const observers = new Observers();
    for (const member of cluster.members) observers.join(member, 1);
    const compactor = new Compactor(
      stores,
      random.fork(),
      () => observers.seen,
      async (revision) => {
        if (kind.hashesAnytime) cluster.violations.push(...(await disagreementAt(revision, cluster.running)));
      },
    );
    cluster.onJoin = (member) => observers.join(member, compactor.asked + 1);
    cluster.onLeave = (member) => observers.leave(member);

    let lastValue = 0;
    const nextValue = (): number => ++lastValue;
    const workload = new Workload(now, nextValue);
    const ledger = new Ledger(now, nextValue, compactor);
    for (let client = 0; client < clients; client++) {
      if (client % 2 === 0) workload.add(stores, random.fork());
      else ledger.add(stores, random.fork());
    }
    const keepers = ['a/', 'b/'].map((name) => new LeaseKeeper(stores, random.fork(), now, `lease/${name}`));
    const follower = new Follower(() => cluster.members, random.fork(), compactor);
    parts.push(workload, ledger, follower, ...keepers, compactor);

    await wrongs(cluster, faults, random, durationMs, say);
    cluster.network.heal();
    for (const part of parts) await part.finish();
    await cluster.settled();
    // Everybody sees this one, and whatever comes before it: also writes of which nobody heard that they had happened.
    const { revision } = await eventually(() => stores()[0]!.put({ key: `${REGISTERS}end`, value: Buffer.from('-1') }));
    await observers.finish(revision);
    const disagreements = await disagreement(cluster.members);

    say('looking for an order of what happened');
    const history = historyOf(observers.all);
    const ofLedger = history.batches.filter(({ changes }) => changes[0]!.key.startsWith(LEDGER));
    const { faults: ledgerFaults, answers } = checkLedger(ledger.operations, ofLedger);
    return {
      violations: [
        ...cluster.violations,
        ...disagreements,
        ...history.faults,
        ...follower.violations,
        ...follower.segments.flatMap((segment) => gaps(segment, ofLedger)),
        ...compactor.violations,
        ...lostWrites(workload.acknowledged, history.batches),
        ...repeatedWrites(history.batches),
        ...keepers.flatMap(({ violations }) => violations),
        ...ledger.violations,
        ...ledgerFaults,
        ...timeFaults([...workload.answers, ...answers]),
        ...linearizabilityFaults(workload.operations),
      ],
      operations: workload.counts,
      acknowledged: workload.acknowledged.length,
      changes: history.batches.length,
      leases: keepers.reduce((sum, { ended }) => sum + ended, 0),
      moves: ledger.operations.filter(({ input, output }) => input.type === 'move' && output?.succeeded === true)
        .length,
      followed: follower.segments.length,
      compacted: compactor.done,
      installs: cluster.countInstalls(),
    };
  } catch (error) {
    throw cluster.explained(error);
  } finally {
    // They have finished before, unless something has gone wrong, which is known then.
    const finished = Promise.allSettled(parts.map((part) => part.finish()));
    await cluster.stop();
    await finished;
  }
}

/** One fault after the other, each made good again. */
async function wrongs(
  cluster: ChaosCluster,
  faults: ChaosOptions['faults'],
  random: Random,
  durationMs: number,
  say: ChaosOptions['say'],
): Promise<void> {
  const end = performance.now() + durationMs;
  const names = Object.keys(faults);
  for (let round = 0; performance.now() < end; round++) {
    // Each once, in an order drawn by lot, then again.
    const order = round % names.length === 0 ? random.shuffled(names) : undefined;
    if (order !== undefined) names.splice(0, names.length, ...order);
    const name = names[round % names.length]!;
    say(`${Math.round((end - performance.now()) / 1000)} s left: ${name}`);
    const heal = await faults[name]!(cluster, random);
    await wait(random.between(1_000, 6_000));
    await heal();
    await wait(random.between(500, 4_000));
    // Nobody learns anything from a cluster that never gets up.
    if (/all|majority|power failure$/.test(name)) await cluster.led();
    // A second member must not go while the first one's successor is still learning.
    if (/replace|flip/.test(name)) await cluster.settled();
  }
}
