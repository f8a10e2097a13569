import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { type Client } from '@grpc/grpc-js';
import { systemClock } from '#machinery';
import { connectOperator, connectStore, type KeyValueStore, type StoreMember, type StoreOperator } from '#store';
import { silentLogger } from '#telemetry';
import { ManagedProcess } from '../cluster/managed-process';
import { eventually } from '../tools/eventually';
import { Disk } from './disk';
import { type MemberKind, type MemberPlace } from './member-kind';
import { ChaosNetwork } from './network';
import { rawClient } from './raw';
import { WallClock } from './wall-clock';

/** Enough for a run, and little enough to be filled at once. */
const DISK = '512m';
/** Processes start slowly on a machine that has a lot else to do. */
const START_MS = 240_000;
/** For who was removed to hear of it, and to end. */
const LEAVE_MS = 60_000;
/** For who joins to catch up. */
const CATCH_UP_MS = 120_000;

export interface ChaosMember extends MemberPlace {
  readonly process: ManagedProcess;
  /** Through this member only. */
  readonly store: KeyValueStore;
  readonly operator: StoreOperator;
  readonly raw: Client;
  /** Of a kind whose disk can be told what to do. */
  readonly disk: Disk;
}

/** Members of one store, each on a machine and a disk of its own, which is a namespace and a tmpfs. */
export class ChaosCluster {
  readonly members: ChaosMember[] = [];
  /** What members must not have done when they came, went, or were looked at. */
  readonly violations: string[] = [];
  onJoin: (member: ChaosMember) => void = () => undefined;
  onLeave: (member: ChaosMember) => void = () => undefined;
  private readonly directory = fs.mkdtempSync(path.join(os.tmpdir(), 'nestor-chaos-'));
  private made = 0;
  private installs = 0;

  private constructor(
    private readonly kind: MemberKind,
    readonly network: ChaosNetwork,
  ) {}

  /** Resolves when there is a leader that all know. */
  static async start(kind: MemberKind, size: number): Promise<ChaosCluster> {
    const cluster = new ChaosCluster(kind, await ChaosNetwork.create());
    try {
      const places = [];
      for (let count = 0; count < size; count++) places.push(await cluster.place());
      for (const place of places) await cluster.launch(place, places, 'new');
      await cluster.settled(START_MS);
      return cluster;
    } catch (error) {
      const explained = cluster.explained(error);
      await cluster.stop();
      throw explained;
    }
  }

  get running(): readonly ChaosMember[] {
    return this.members.filter(({ process }) => process.isRunning);
  }

  /** Undefined: none that anybody knows of, just now. */
  async leader(): Promise<ChaosMember | undefined> {
    const statuses = await Promise.all(
      this.running.map(async (member) => ({ member, status: await member.operator.status().catch(() => undefined) })),
    );
    return statuses.find(({ status }) => status !== undefined && status.leader === status.memberId)?.member;
  }

  /** Resolves when one of them leads. */
  async led(): Promise<void> {
    await eventually(async () => {
      if ((await this.leader()) === undefined) throw new Error('nobody leads');
    }, 60_000);
  }

  /** Resolves when all members run, agree on a leader, and have applied the same. Rejects with what each says. */
  async settled(timeoutMs = 120_000): Promise<void> {
    const isSettled = await eventually(() => this.agree(), timeoutMs);
    if (!isSettled) throw new Error('a member has ended');
  }

  /** An error with the ends of what the members said. */
  explained(error: unknown): Error {
    const ends = this.members.map(
      ({ name, process }) => `--- ${name}: ${process.ending ?? 'running'}\n${process.log.slice(-3_000)}`,
    );
    return new Error(`${(error as Error).message}\n${ends.join('\n')}`, { cause: error });
  }

  /** Rejects while they do not agree; false: they never will, since one has ended. */
  private async agree(): Promise<boolean> {
    if (this.running.length < this.members.length) return false;
    const said = await Promise.allSettled(this.members.map(({ operator }) => operator.status()));
    const states = said.map((each) => {
      if (each.status === 'rejected') return String(each.reason);
      return each.value.leader === 0n ? 'no leader' : `leader ${each.value.leader}, revision ${each.value.revision}`;
    });
    if (new Set(states).size === 1 && states[0]!.startsWith('leader')) return true;
    throw new Error(this.members.map(({ name }, index) => `${name}: ${states[index]}`).join('\n'));
  }

  /** One more member, on an empty disk; as a learner it gets its vote when it has caught up. */
  async grow(asLearner = false): Promise<ChaosMember> {
    const place = await this.place();
    const url = this.kind.peerUrl(place);
    await this.anyOperator(async (operator) => {
      // Looked up each time: an answer that was lost may have been yes.
      if ((await find(operator, url)) === undefined) await operator.memberAdd([url], asLearner);
    });
    const member = await this.launch(place, [...this.members, place], 'existing');
    this.onJoin(member);
    if (asLearner) await this.promote(url);
    return member;
  }

  /** Takes a member out of the cluster, running or not, and its machine away from it. One that runs has to end by itself, and for good. */
  async shrink(member: ChaosMember): Promise<void> {
    const url = this.kind.peerUrl(member);
    this.onLeave(member);
    await this.anyOperator(async (operator) => {
      const found = await find(operator, url);
      if (found !== undefined) await operator.memberRemove(found.id);
    }, member);
    this.members.splice(this.members.indexOf(member), 1);
    if (member.process.isRunning) {
      const { name, process } = member;
      if (!(await this.hasEnded(member))) this.violations.push(`${name} was removed, and goes on`);
      else {
        process.start();
        if (!(await this.hasEnded(member))) this.violations.push(`${name} was removed, and begins again`);
      }
    }
    await this.close(member);
  }

  /** How often one member has become what another's snapshot says. */
  countInstalls(): number {
    return this.members.reduce((sum, { process }) => sum + installsIn(process), this.installs);
  }

  async stop(): Promise<void> {
    for (const member of this.members.splice(0)) await this.close(member);
    await this.network.remove();
    for (const disk of fs.readdirSync(this.directory)) {
      if (disk.endsWith('-disk')) execFileSync('umount', [path.join(this.directory, disk)]);
    }
    fs.rmSync(this.directory, { recursive: true });
    WallClock.tidy();
  }

  private async promote(url: string): Promise<void> {
    await this.anyOperator(
      async (operator) => {
        const found = await find(operator, url);
        if (found?.isLearner === true) await operator.memberPromote(found.id);
      },
      undefined,
      CATCH_UP_MS,
    );
  }

  private async hasEnded({ process }: ChaosMember): Promise<boolean> {
    const ending = eventually(() => {
      if (process.isRunning) throw new Error('it runs');
    }, LEAVE_MS);
    return ending.then(
      () => true,
      () => false,
    );
  }

  private async close({ process, store, operator, raw }: ChaosMember): Promise<void> {
    await process.kill();
    this.installs += installsIn(process);
    operator.close();
    raw.close();
    await store.close();
  }

  private async place(): Promise<MemberPlace> {
    const name = `m${++this.made}`;
    this.network.add(name);
    const directory = path.join(this.directory, `${name}-disk`);
    const configDirectory = path.join(this.directory, name);
    fs.mkdirSync(directory, { mode: 0o700 });
    fs.mkdirSync(configDirectory, { mode: 0o700 });
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${DISK}`, 'tmpfs', directory]);
    const place = { name, address: this.network.address(name), directory, configDirectory };
    await this.kind.prepare(place);
    return place;
  }

  private async launch(
    place: MemberPlace,
    members: readonly MemberPlace[],
    state: 'new' | 'existing',
  ): Promise<ChaosMember> {
    const { command, env } = this.kind.launch(place, { members, state });
    const process = new ManagedProcess({
      name: place.name,
      command: this.network.command(place.name, command),
      env,
      logFile: path.join(place.configDirectory, 'log'),
    });
    process.start();
    const url = this.kind.clientUrl(place);
    const { tls } = this.kind;
    const store = await connectStore({
      endpoints: [url],
      ...(tls === undefined ? {} : { tls }),
      clock: systemClock,
      random: Math.random,
      logger: silentLogger(),
      requestTimeoutMs: 4_000,
      keepAliveMs: 5_000,
    });
    const operator = await connectOperator({
      endpoint: url,
      ...(tls === undefined ? {} : { tls }),
      clock: systemClock,
    });
    const member = {
      ...place,
      process,
      store,
      operator,
      raw: rawClient(url, tls),
      disk: new Disk(place.configDirectory),
    };
    this.members.push(member);
    return member;
  }

  /** Asks one member after the other until one has done it. */
  private async anyOperator<T>(
    ask: (operator: StoreOperator) => Promise<T>,
    except?: ChaosMember,
    timeoutMs = 30_000,
  ): Promise<T> {
    return eventually(async () => {
      let failure: unknown = new Error('no member runs');
      for (const member of this.running) {
        if (member === except) continue;
        try {
          return await ask(member.operator);
        } catch (error) {
          failure = error;
        }
      }
      throw failure;
    }, timeoutMs);
  }
}

function installsIn({ log }: ManagedProcess): number {
  return log.split("became what another member's snapshot says").length - 1;
}

async function find(operator: StoreOperator, peerUrl: string): Promise<StoreMember | undefined> {
  return (await operator.memberList()).find(({ peerUrls }) => peerUrls.includes(peerUrl));
}
