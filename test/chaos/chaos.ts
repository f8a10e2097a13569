import { setTimeout as wait } from 'node:timers/promises';
import { type KeyValueStore } from '#store';
import { eventually } from '../tools/eventually';
import { ChaosCluster } from './chaos-cluster';
import { LeaseKeeper } from './lease-keeper';
import { type MemberKind } from './member-kind';
import { type Fault } from './nemesis';
import { Observer } from './observer';
import { Random } from '#testing';
import { linearizabilityFaults, lostWrites, watchFaults } from './verdict';
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
}

/** Lets a cluster work while everything goes wrong, makes it good again, and looks at what everybody saw. */
export async function runChaos(options: ChaosOptions): Promise<ChaosReport> {
  const { kind, size, clients, durationMs, seed, faults, say } = options;
  const random = new Random(seed);
  const cluster = await ChaosCluster.start(kind, size);
  try {
    const now = (): number => performance.now();
    const stores = (): KeyValueStore[] => cluster.members.map(({ store }) => store);
    const observers = new Map(
      cluster.members.map((member) => [member.name, new Observer(member.name, member.store)] as const),
    );
    const workload = new Workload(now);
    for (let client = 0; client < clients; client++) workload.add(stores, random.fork());
    const leases = new LeaseKeeper(stores, random.fork(), now);

    const end = now() + durationMs;
    const names = Object.keys(faults);
    for (let round = 0; now() < end; round++) {
      // Each once, in an order drawn by lot, then again.
      const order = round % names.length === 0 ? random.shuffled(names) : undefined;
      if (order !== undefined) names.splice(0, names.length, ...order);
      const name = names[round % names.length]!;
      say(`${Math.round((end - now()) / 1000)} s left: ${name}`);
      const heal = await faults[name]!(cluster, random);
      await wait(random.between(1_000, 6_000));
      await heal();
      await wait(random.between(500, 4_000));
      // A second member must not go while the first one's successor is still learning.
      if (/replace|flip/.test(name)) await cluster.settled();
    }
    cluster.network.heal();
    await workload.finish();
    await leases.finish();
    await cluster.settled();

    const missing = cluster.members.filter(({ name }) => !observers.has(name));
    for (const member of missing) observers.set(member.name, new Observer(member.name, member.store));
    for (const name of observers.keys()) if (cluster.member(name) === undefined) observers.delete(name);
    // Everybody sees this one, and whatever comes before it: also writes of which nobody heard that they had happened.
    const { revision } = await eventually(() => stores()[0]!.put({ key: `${REGISTERS}end`, value: Buffer.from('1') }));
    const watching = [...observers.values()];
    await eventually(() => {
      for (const observer of watching) {
        if (observer.faults.length === 0 && observer.revision < revision) {
          throw new Error(`${observer.name} has seen ${observer.revision} of ${revision}`);
        }
      }
    }, 60_000);
    watching.forEach((observer) => observer.stop());

    say('looking for an order of what happened');
    return {
      violations: [
        ...watchFaults(watching),
        ...lostWrites(workload.acknowledged, watching[0]!.changes),
        ...leases.violations,
        ...linearizabilityFaults(workload.operations),
      ],
      operations: workload.counts,
      acknowledged: workload.acknowledged.length,
      changes: watching[0]!.changes.length,
      leases: leases.ended,
    };
  } finally {
    await cluster.stop();
  }
}
