import { type Random } from '#testing';
import { type ConfChange, type ConfChangeStep } from '../conf-change';
import { type RaftConfig } from '../config';
import { ProposalDroppedError } from '../errors';
import { type Message } from '../message';
import { type RaftNode } from '../node';
import { Laws } from './laws.fixture';
import { Machine, type NodeFactory } from './machine.fixture';
import { MemoryStorage, NOBODY, votersOnly } from './memory-storage.fixture';

const HEARTBEAT_TICKS = 1;
/** More than these in flight, and the network loses some. */
const MAX_MESSAGES = 200;
const SPARE_MEMBERS = 2;
/** Part of the messages of which a copy arrives some other time. */
const REPEATED = 0.03;

interface Flight {
  readonly message: Message;
  /** The sender's, when it was sent. */
  readonly incarnation: number;
}

/** Machines, a network that does anything a network may do, and clients. What happens is up to a schedule. */
export class World {
  readonly machines = new Map<bigint, Machine>();
  readonly laws: Laws;
  readonly ids: readonly bigint[];
  private flights: Flight[] = [];
  private readonly echoes: Flight[] = [];
  private reports: { readonly flight: Flight; readonly status: 'finished' | 'failed' }[] = [];
  private readonly blocked = new Set<string>();
  private lastContext = 0n;
  private lastProposal = 0;

  constructor(
    readonly random: Random,
    createNode: NodeFactory,
  ) {
    const size = random.pick([1, 2, 3, 3, 3, 4, 5]) ?? 3;
    const voters = Array.from({ length: size }, (_, position) => BigInt(position + 1));
    this.ids = [...voters, ...Array.from({ length: SPARE_MEMBERS }, (_, position) => BigInt(size + position + 1))];
    const beginning = { index: 1, term: 1, confState: votersOnly(...voters) };
    const settings = chosenSettings(random);
    const laws = new Laws(this.machines, settings, beginning);
    this.laws = laws;
    const isDurable = random.chance(0.5);
    const surroundings = {
      laws,
      send: (message: Message) => this.send(message),
      createNode: (id: bigint, storage: MemoryStorage, applied: number) =>
        createNode({ ...settings, id, storage, applied, random: random.next }),
    };
    for (const id of this.ids) {
      const isFounder = voters.includes(id);
      const storage = isFounder ? MemoryStorage.of(beginning.confState) : new MemoryStorage();
      const state = isFounder ? { ...beginning, hash: 0 } : { index: 0, hash: 0, confState: NOBODY };
      this.machines.set(id, new Machine(id, storage, state, isDurable, surroundings));
    }
    for (const machine of this.machines.values()) machine.start();
  }

  any(): Machine {
    const machine = this.machines.get(this.random.pick(this.ids) ?? 1n);
    if (machine === undefined) throw new Error('an empty world');
    return machine;
  }

  /** One that has something to do. */
  busy(): Machine | undefined {
    return this.random.pick([...this.machines.values()].filter((machine) => machine.hasWork()));
  }

  /** Mostly a leader, if there is one: most of what one may ask of a member only a leader can do. */
  likelyLeader(): Machine {
    const leaders = [...this.machines.values()].filter(({ node }) => node?.status().role === 'leader');
    return (this.random.chance(0.8) ? this.random.pick(leaders) : undefined) ?? this.any();
  }

  deliver(): void {
    // Mostly in order: else hardly anything would ever be agreed.
    const position = this.random.chance(0.7) ? 0 : this.random.below(this.flights.length);
    const [flight] = this.flights.splice(position, 1);
    if (flight !== undefined) this.arrive(flight);
  }

  /** A copy of a message arrives some other time: soon, or when nobody thinks of it any more. */
  repeat(): void {
    const flight = this.random.pick(this.flights);
    if (flight !== undefined) this.echoes.push(flight);
  }

  echo(): void {
    const [flight] = this.echoes.splice(this.random.below(this.echoes.length), 1);
    if (flight !== undefined) this.arrive(flight);
  }

  lose(): void {
    const [flight] = this.flights.splice(this.random.below(this.flights.length), 1);
    if (flight !== undefined) this.lost(flight);
  }

  propose(): void {
    this.lastProposal++;
    const data = Buffer.from(`p${this.lastProposal}`.padEnd(this.random.pick([2, 8, 64]) ?? 2));
    attempt(this.likelyLeader(), (node) => node.propose(data));
  }

  proposeConfChange(): void {
    const count = this.random.pick([0, 1, 1, 1, 2, 3]) ?? 1;
    const steps = Array.from({ length: count }, (): ConfChangeStep => ({
      type: this.random.pick(['add-voter', 'add-voter', 'add-learner', 'remove'] as const) ?? 'remove',
      id: this.random.pick(this.ids) ?? 1n,
    }));
    const transition = this.random.chance(0.8) ? 'auto' : 'explicit';
    const change: ConfChange = { steps, transition, context: Buffer.alloc(0) };
    attempt(this.likelyLeader(), (node) => node.proposeConfChange(change));
  }

  read(): void {
    const machine = this.random.chance(0.5) ? this.any() : this.likelyLeader();
    const context = ++this.lastContext;
    this.laws.readAsked(context);
    machine.act((node) => node.readIndex(context));
  }

  transfer(): void {
    const to = this.random.pick(this.ids) ?? 1n;
    this.likelyLeader().act((node) => node.transferLeadership(to));
  }

  /** Time passes for everybody, messages arrive, disks get on: each at its own pace. */
  flow(rounds: number): void {
    const [ticks, repeats, pace, laggard] = [
      this.random.pick([0, 0.2, 1]) ?? 0,
      this.random.pick([0, 0.2, 1]) ?? 0,
      this.random.pick([1, 3, 10]) ?? 1,
      this.likelyLeader(),
    ];
    for (let round = 0; round < rounds; round++) {
      for (const machine of this.machines.values()) {
        if (machine !== laggard && this.random.chance(ticks)) machine.act((node) => node.tick());
        const acts = machine === laggard ? this.random.below(2) : pace;
        for (let act = 0; act < acts; act++) machine.work();
      }
      for (const flight of this.flights.splice(0)) this.arrive(flight);
      if (this.random.chance(repeats)) this.echo();
    }
  }

  /** A leader is cut off, and may take a while to notice. */
  isolateLeader(): void {
    this.cutOff([this.likelyLeader().id], true);
  }

  /** One side does not hear the other, or neither hears the other. */
  partition(): void {
    this.cutOff(this.random.subset(this.ids), this.random.chance(0.7));
  }

  private cutOff(here: readonly bigint[], isBothWays: boolean): void {
    for (const from of here) {
      for (const to of this.ids) {
        if (here.includes(to)) continue;
        this.blocked.add(`${from}>${to}`);
        if (isBothWays) this.blocked.add(`${to}>${from}`);
      }
    }
  }

  heal(): void {
    this.blocked.clear();
  }

  report(): void {
    const [report] = this.reports.splice(this.random.below(this.reports.length), 1);
    if (report === undefined) return;
    const { flight, status } = report;
    const sender = this.machines.get(flight.message.from);
    // A driver that has been started again knows nothing of what the one before has sent.
    if (sender?.incarnation === flight.incarnation)
      sender.act((node) => node.reportSnapshot(flight.message.to, status));
  }

  /** Everything that is on its way arrives, everything that can be done is done. */
  settle(): void {
    for (let round = 0; round < 1000; round++) {
      const flights = this.flights.splice(0);
      for (const flight of flights) this.arrive(flight);
      while (this.reports.length > 0) this.report();
      let isBusy = flights.length > 0;
      for (const machine of this.machines.values()) {
        while (machine.hasWork()) {
          machine.work();
          isBusy = true;
        }
      }
      if (!isBusy) return;
    }
    throw new Error('members talk without end');
  }

  private send(message: Message): void {
    const flight = { message, incarnation: this.machines.get(message.from)?.incarnation ?? 0 };
    this.flights.push(flight);
    // What may be seen again when it is long out of date; snapshots are rare.
    if (this.random.chance(message.type === 'snapshot' ? 0.5 : REPEATED)) this.echoes.push(flight);
    if (this.flights.length > MAX_MESSAGES) this.lose();
  }

  private arrive(flight: Flight): void {
    const { message } = flight;
    const machine = this.machines.get(message.to);
    if (machine?.node === undefined || this.blocked.has(`${message.from}>${message.to}`)) {
      this.lost(flight);
      return;
    }
    this.laws.heard(message);
    machine.act((node) => node.step(message));
    if (message.type === 'snapshot') this.reports.push({ flight, status: 'finished' });
  }

  private lost(flight: Flight): void {
    if (flight.message.type === 'snapshot') this.reports.push({ flight, status: 'failed' });
  }
}

function attempt(machine: Machine, what: (node: RaftNode) => void): void {
  machine.act((node) => {
    try {
      what(node);
    } catch (error) {
      if ((error as Error).name !== ProposalDroppedError.name) throw error;
    }
  });
}

/** Small windows and pages, so that a short run meets their ends. */
function chosenSettings(random: Random): Omit<RaftConfig, 'id' | 'storage' | 'applied' | 'random'> {
  return {
    electionTicks: random.pick([3, 5, 10]) ?? 3,
    heartbeatTicks: HEARTBEAT_TICKS,
    maxBytesPerMessage: random.pick([0, 10, 100, 10_000]) ?? 0,
    maxInflightMessages: random.pick([1, 2, 8]) ?? 1,
    maxInflightBytes: random.pick([20, 200, 20_000]) ?? 20,
    maxUncommittedBytes: random.pick([20, 200, 20_000]) ?? 20,
    maxBytesPerReady: random.pick([0, 10, 10_000]) ?? 0,
  };
}
