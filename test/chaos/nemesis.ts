import fs from 'node:fs';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { maintenanceService } from '#etcd';
import { snapshotStatus, StoreError } from '#store';
import { eventually } from '../tools/eventually';
import { type ChaosCluster, type ChaosMember } from './chaos-cluster';
import { ask, hashOf } from './raw';
import { type Random } from '#testing';
import { WallClock } from './wall-clock';

/** What can go wrong. Done to the cluster, it resolves with how to make it good again. */
export type Fault = (cluster: ChaosCluster, random: Random) => Promise<() => Promise<void>>;

/** A minority that is chosen by lot: the smaller half, at least one. */
function minority(cluster: ChaosCluster, random: Random): ChaosMember[] {
  return random.shuffled(cluster.running).slice(0, Math.max(1, Math.floor((cluster.members.length - 1) / 2)));
}

function majority(cluster: ChaosCluster, random: Random): ChaosMember[] {
  return random.shuffled(cluster.running).slice(0, Math.floor(cluster.members.length / 2) + 1);
}

async function leaderOrAny(cluster: ChaosCluster, random: Random): Promise<ChaosMember> {
  return (await cluster.leader()) ?? random.one(cluster.running);
}

async function killed(members: readonly ChaosMember[]): Promise<() => Promise<void>> {
  await Promise.all(members.map(({ process }) => process.kill()));
  return async () => members.forEach(({ process }) => process.start());
}

async function paused(members: readonly ChaosMember[]): Promise<() => Promise<void>> {
  members.forEach(({ process }) => process.pause());
  return async () => members.forEach(({ process }) => process.cont());
}

/** No traffic between these and the others, one way or both. */
function apart({ members, network }: ChaosCluster, some: readonly ChaosMember[], ways: 'both' | 'out' | 'in'): void {
  const others = members.filter((member) => !some.includes(member));
  for (const one of some) {
    for (const other of others) {
      if (ways !== 'in') network.cut(one.name, other.name);
      if (ways !== 'out') network.cut(other.name, one.name);
    }
  }
}

function healing(cluster: ChaosCluster): () => Promise<void> {
  return async () => cluster.network.heal();
}

/** The newest segment of our log, or of etcd's. */
function newestLog(directory: string): string {
  const files = fs
    .readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.wal'))
    .map((entry) => path.join(entry.parentPath, entry.name))
    .sort();
  return files.at(-1)!;
}

export const faults: Readonly<Record<string, Fault>> = {
  'kill one': async (cluster, random) => killed([random.one(cluster.running)]),
  'kill the leader': async (cluster, random) => killed([await leaderOrAny(cluster, random)]),
  'kill a majority': async (cluster, random) => killed(majority(cluster, random)),
  'kill all': async (cluster) => killed(cluster.running),
  'pause one': async (cluster, random) => paused([random.one(cluster.running)]),
  'pause the leader': async (cluster, random) => paused([await leaderOrAny(cluster, random)]),
  'pause a majority': async (cluster, random) => paused(majority(cluster, random)),

  'cut a minority off': async (cluster, random) => {
    apart(cluster, minority(cluster, random), 'both');
    return healing(cluster);
  },
  'isolate the leader': async (cluster, random) => {
    apart(cluster, [await leaderOrAny(cluster, random)], 'both');
    return healing(cluster);
  },
  'silence the leader': async (cluster, random) => {
    apart(cluster, [await leaderOrAny(cluster, random)], 'out');
    return healing(cluster);
  },
  'deafen the leader': async (cluster, random) => {
    apart(cluster, [await leaderOrAny(cluster, random)], 'in');
    return healing(cluster);
  },
  'cut everybody from everybody': async (cluster) => {
    for (const member of cluster.members) apart(cluster, [member], 'in');
    return healing(cluster);
  },
  /** Each member still sees a majority, but no two see the same one. */
  'cut one cable': async (cluster, random) => {
    const [a, b] = random.shuffled(cluster.members);
    cluster.network.cut(a!.name, b!.name);
    cluster.network.cut(b!.name, a!.name);
    return healing(cluster);
  },
  'lose packets': async (cluster) => {
    for (const { name } of cluster.members) {
      for (const other of cluster.members) if (other.name !== name) cluster.network.lose(name, other.name, 20);
    }
    return healing(cluster);
  },

  'fill a disk': async (cluster, random) => {
    const { directory, process } = random.one(cluster.running);
    const ballast = path.join(directory, 'ballast');
    fillUp(ballast);
    return async () => {
      fs.rmSync(ballast);
      // A member may rather end than go on with a disk that is full.
      if (!process.isRunning) process.start();
    };
  },
  'replace a member': async (cluster, random) => {
    const member = random.one(cluster.running);
    await cluster.shrink(member);
    return async () => void (await cluster.grow(random.chance(0.5)));
  },
  /** Again and again, while it is sent what it has missed. */
  'kill who catches up': async (cluster, random) => {
    const member = random.one(cluster.running);
    apart(cluster, [member], 'both');
    await wait(random.between(2_000, 4_000));
    cluster.network.heal();
    for (let times = random.between(1, 3); times > 0; times--) {
      await wait(random.between(10, 500));
      await member.process.kill();
      member.process.start();
    }
    return async () => undefined;
  },
  'move the leader': async (cluster, random) => {
    for (let times = random.between(1, 4); times > 0; times--) {
      await unlessUnavailable(async () => {
        const leader = await leaderOrAny(cluster, random);
        const heirs = cluster.running.filter((member) => member !== leader);
        const { memberId } = await random.one(heirs).operator.status();
        await leader.operator.moveLeader(memberId);
      });
    }
    return async () => undefined;
  },
};

/** Some faults ask members for something, who may not be able to do it just then. */
async function unlessUnavailable(work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (!(error instanceof StoreError) || !['unavailable', 'failed-precondition'].includes(error.code)) throw error;
  }
}

/** Kills them while their disks are busy, and what was on its way there is lost. */
async function powerless(members: readonly ChaosMember[], random: Random): Promise<() => Promise<void>> {
  for (const { disk } of members) disk.slow(random.between(100, 1_500));
  await wait(random.between(1_000, 2_500));
  const restart = await killed(members);
  for (const { disk, directory } of members) {
    disk.heal();
    disk.losePower(directory, random);
  }
  return restart;
}

/** Of a wall clock that somebody has set wrong, either way. */
const MOST_WRONG_S = 20 * 3_600;

/** Who founds a cluster writes more than that, and goes on. */
const FIRST_BATCH_BYTES = 150;

/** For ours only: etcd 3.4 starts with neither damage, and a program in Go asks no library for the time, and loads none of Node's. */
export const nestorFaults: Readonly<Record<string, Fault>> = {
  'tear the last write': async (cluster, random) => {
    const member = random.one(cluster.running);
    const restart = await killed([member]);
    tear(newestLog(member.directory), random);
    return restart;
  },
  'power failure': async (cluster, random) => powerless(cluster.running, random),
  'power failure of one': async (cluster, random) => powerless([random.one(cluster.running)], random),
  'slow a disk': async (cluster, random) => {
    const { disk } = random.chance(0.5) ? await leaderOrAny(cluster, random) : random.one(cluster.running);
    disk.slow(random.between(50, 400));
    return async () => disk.heal();
  },
  /** Whoever cannot know what is durable must not go on; started again, it has to make sure. Then the power fails, too. */
  'break a disk': async (cluster, random) => {
    const { disk, directory, process, name } = random.one(cluster.running);
    disk.break();
    const hasEnded = await eventually(() => {
      if (process.isRunning) throw new Error('it runs');
    }, 60_000).then(
      () => true,
      () => false,
    );
    if (!hasEnded) cluster.violations.push(`${name} goes on, though its disk is broken`);
    await process.kill();
    disk.heal();
    process.start();
    return async () => {
      await process.kill();
      disk.losePower(directory, random);
      process.start();
    };
  },
  'save a snapshot': async (cluster, random) => {
    const member = random.one(cluster.running);
    await unlessUnavailable(() => saveSnapshot(cluster, member));
    await ask(member.raw, maintenanceService.defragment, {}).catch(() => undefined);
    return async () => undefined;
  },
  /** Each by another time, while they run: what they promise must not depend on it. */
  'set the clocks wrong': async ({ members }, random) => {
    const clocks = members.map(({ configDirectory }) => new WallClock(configDirectory));
    for (const clock of clocks) clock.set(random.between(-MOST_WRONG_S, MOST_WRONG_S));
    return async () => clocks.forEach((clock) => clock.set(0));
  },
  /** Whoever finds damage in what was acknowledged must not start, and is replaced. */
  'flip a byte': async (cluster, random) => {
    const member = random.one(cluster.running);
    await killed([member]);
    flip(member.directory, random);
    member.process.start();
    await eventually(() => {
      const { isRunning, log } = member.process;
      if (isRunning || !/corrupt/.test(log)) throw new Error(`it started nevertheless:\n${log.slice(-2_000)}`);
    }, 60_000);
    await cluster.shrink(member);
    return async () => void (await cluster.grow());
  },
};

function fillUp(file: string): void {
  const descriptor = fs.openSync(file, 'w');
  const chunk = Buffer.alloc(1024 * 1024, 1);
  try {
    for (;;) fs.writeSync(descriptor, chunk);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
  } finally {
    fs.closeSync(descriptor);
  }
}

/** What a power failure leaves of a write that nobody was told of: a part of it, behind all that was synced. */
function tear(file: string, random: Random): void {
  const end = writtenIn(file).length;
  const garbage = Buffer.from(Array.from({ length: random.between(1, 200) }, () => random.between(1, 255)));
  const descriptor = fs.openSync(file, 'r+');
  fs.writeSync(descriptor, garbage, 0, garbage.length, end);
  fs.closeSync(descriptor);
}

/** Where no damage is a write that was torn: in the newest snapshot (nobody reads older ones), in a segment of the log that another follows, or else where the log begins. */
function flip(directory: string, random: Random): void {
  const inside = (folder: string, ending: string): string[] =>
    fs
      .readdirSync(path.join(directory, 'store', folder))
      .filter((name) => name.endsWith(ending))
      .map((name) => path.join(directory, 'store', folder, name));
  const safe = [...inside('wal', '.wal').sort().slice(0, -1), ...inside('snapshot', '.snap').sort().slice(-1)];
  const file = random.pick(safe) ?? newestLog(directory);
  const { length } = writtenIn(file);
  const at = random.between(64, Math.max(64, Math.min(length - 1, safe.length === 0 ? FIRST_BATCH_BYTES : length)));
  const descriptor = fs.openSync(file, 'r+');
  const before = Buffer.alloc(1);
  fs.readSync(descriptor, before, 0, 1, at);
  fs.writeSync(descriptor, Buffer.of(before[0]! ^ (1 << random.between(0, 7))), 0, 1, at);
  fs.closeSync(descriptor);
}

function writtenIn(file: string): Buffer {
  const content = fs.readFileSync(file);
  let end = content.length;
  while (end > 0 && content[end - 1] === 0) end--;
  return content.subarray(0, end);
}

/** What is saved has to be whole, and what the member has. */
async function saveSnapshot({ violations }: ChaosCluster, member: ChaosMember): Promise<void> {
  const file = path.join(member.configDirectory, 'saved');
  fs.rmSync(file, { force: true });
  for await (const chunk of member.operator.snapshot()) fs.appendFileSync(file, chunk);
  const { hash, revision, compactRevision } = await snapshotStatus(file);
  const now = await hashOf(member.raw, revision).catch(() => undefined);
  if (now?.compactRevision === compactRevision && now.hash !== hash)
    violations.push(`${member.name} saved hash ${hash} of revision ${revision}, and has ${now.hash}`);
}
