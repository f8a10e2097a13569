import { FakeClock } from '#testing';
import { type DiskStore, openStore } from '../open-store';
import { SimulatedFiles } from '../simulated-files.fixture';
import { MemoryNetwork } from './memory-network.fixture';

export interface ClusterMember {
  readonly name: string;
  readonly url: string;
  files: SimulatedFiles;
  store: DiskStore | undefined;
}

const TICK_MS = 100;
let clusters = 0;

/** Whole stores on simulated disks, in one process, on a clock that the test moves. */
export class StoreCluster {
  readonly network = new MemoryNetwork();
  readonly clock = new FakeClock();
  readonly members: ClusterMember[] = [];
  private readonly number = clusters++;
  private lives = 0;
  private readonly initialCluster: { name: string; peerUrl: string }[];

  constructor(
    count: number,
    private readonly random: () => number = Math.random,
    private readonly options: {
      readonly snapshotEveryBytes?: number;
      readonly segmentBytes?: number;
      readonly catchUpBytes?: number;
    } = {},
  ) {
    for (let n = 0; n < count; n++) this.add(`m${n}`);
    this.initialCluster = this.members.map(({ name, url }) => ({ name, peerUrl: url }));
  }

  /** One more, which is not started. */
  add(name: string): ClusterMember {
    const url = `http://${name}:2380`;
    const member: ClusterMember = { name, url, files: new SimulatedFiles(), store: undefined };
    this.members.push(member);
    return member;
  }

  /** All founders, and a leader among them. */
  async start(): Promise<this> {
    await Promise.all(this.members.map((member) => this.open(member)));
    await this.leader();
    await this.until(async () => {
      const lists = await Promise.all(this.members.map(({ store }) => store!.cluster.memberList(false)));
      return lists.flat().every(({ name }) => name !== '');
    });
    return this;
  }

  async open(member: ClusterMember, state: 'new' | 'existing' = 'new'): Promise<DiskStore> {
    const { name, url } = member;
    // Each life under another name to the lock, since machines that "stopped" never close theirs.
    const directory = `/${this.number}-${name}-${this.lives++}`;
    const store = await openStore({
      directory,
      clock: this.clock,
      files: member.files.under(directory, '/store'),
      random: this.random,
      segmentBytes: this.options.segmentBytes ?? 64 * 1024,
      snapshotEveryBytes: this.options.snapshotEveryBytes,
      cluster: {
        name,
        peerUrls: [url],
        clientUrls: [`http://${name}:2379`],
        initialCluster:
          state === 'new' ? this.initialCluster : this.members.map((each) => ({ name: each.name, peerUrl: each.url })),
        token: 'test',
        state,
        transport: this.network.transport(url),
        tickMs: TICK_MS,
        electionTicks: 10,
        catchUpBytes: this.options.catchUpBytes,
      },
    });
    member.store = store;
    return store;
  }

  /** Takes its power away: what was not synced may be lost. */
  crash(member: ClusterMember): void {
    const { files, store } = member;
    this.network.kill(member.url);
    files.operationsLeft = 0;
    member.files = files.afterPowerFailure(this.random);
    member.store = undefined;
    // What it still does nobody hears; its clock must not keep the test's.
    store?.close().catch(() => undefined);
  }

  /** Ends it in order; it can be opened again. */
  async stop(member: ClusterMember): Promise<void> {
    const { store } = member;
    member.store = undefined;
    await this.during(store!.close());
  }

  async close(): Promise<void> {
    await this.during(Promise.all(this.members.map(async ({ store }) => store?.close())));
  }

  /** Moves time on until `promise` settles. */
  async during<T>(promise: Promise<T>): Promise<T> {
    let isSettled = false;
    const done = (): void => void (isSettled = true);
    promise.then(done, done);
    for (let ticks = 0; !isSettled; ticks++) {
      if (ticks > 20_000) throw new Error('nothing has come of it');
      // Promises that need no time come first.
      for (let turn = 0; turn < 20 && !isSettled; turn++) await new Promise((resolve) => setImmediate(resolve));
      if (!isSettled) await this.clock.advance(TICK_MS);
    }
    return promise;
  }

  /** Moves time on until something is so. */
  async until(isSo: () => boolean | Promise<boolean>): Promise<void> {
    for (let ticks = 0; !(await isSo()); ticks++) {
      if (ticks > 2_000) throw new Error('it does not come true');
      for (let turn = 0; turn < 10; turn++) await new Promise((resolve) => setImmediate(resolve));
      await this.clock.advance(TICK_MS);
    }
  }

  /** The member that leads and is followed by a majority of all. @param among those that are looked at */
  async leader(among: readonly ClusterMember[] = this.members): Promise<ClusterMember> {
    let found: ClusterMember | undefined;
    await this.until(async () => {
      const running = among.filter(({ store }) => store !== undefined);
      const votes = new Map<bigint, number>();
      for (const { store } of running) {
        const { leader = 0n } = await store!.status();
        votes.set(leader, (votes.get(leader) ?? 0) + 1);
      }
      for (const member of running) {
        const { memberId, leader } = await member.store!.status();
        if (leader === memberId && (votes.get(memberId) ?? 0) > this.members.length / 2) found = member;
      }
      return found !== undefined;
    });
    return found!;
  }

  async followers(): Promise<ClusterMember[]> {
    const leader = await this.leader();
    return this.members.filter((member) => member !== leader && member.store !== undefined);
  }
}
