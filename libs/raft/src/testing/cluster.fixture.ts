import { decodeConfChange } from '../conf-change';
import { type RaftConfig } from '../config';
import { type ConfState, type Entry } from '../entry';
import { type Message } from '../message';
import { RaftNode } from '../node';
import { type ReadState, type Ready } from '../ready';
import { MemoryStorage, votersOnly } from './memory-storage.fixture';

export const ELECTION_TICKS = 10;

export function configFor(id: bigint, storage: MemoryStorage, overrides: Partial<RaftConfig> = {}): RaftConfig {
  return {
    id,
    storage,
    applied: storage.firstIndex() - 1,
    electionTicks: ELECTION_TICKS,
    heartbeatTicks: 1,
    maxBytesPerMessage: 1 << 20,
    maxInflightMessages: 64,
    maxInflightBytes: 1 << 24,
    maxUncommittedBytes: 1 << 24,
    maxBytesPerReady: 1 << 20,
    random: () => 0,
    ...overrides,
  };
}

/** A member with the simplest driver there is. */
export class Member {
  readonly node: RaftNode;
  /** What the state machine was given, as text; empty entries are left out. */
  readonly applied: string[] = [];
  readonly reads: ReadState[] = [];

  constructor(
    readonly id: bigint,
    readonly storage: MemoryStorage,
    overrides: Partial<RaftConfig> = {},
  ) {
    this.node = new RaftNode(configFor(id, storage, overrides));
  }

  /** Does what is ready until nothing is. @returns what it says */
  work(): Message[] {
    const said: Message[] = [];
    while (this.node.hasReady()) said.push(...this.finish(this.node.ready()));
    return said;
  }

  /** Does what one `Ready` asks for. */
  finish(ready: Ready): Message[] {
    this.storage.persist(ready);
    for (const entry of ready.committedEntries) this.apply(entry);
    this.reads.push(...ready.readStates);
    this.node.advance();
    return [...ready.messages, ...ready.messagesAfterPersist];
  }

  private apply(entry: Entry): void {
    if (entry.type === 'conf-change') {
      this.storage.confState = this.node.applyConfChange(decodeConfChange(entry.data));
    } else if (entry.data.length > 0) this.applied.push(entry.data.toString());
  }
}

/** Several members and a network that does as it is told. */
export class Cluster {
  readonly members = new Map<bigint, Member>();
  /** Every message delivered, as text, since `transcript` was emptied. */
  transcript: string[] = [];
  /** What the network loses. */
  drops: (message: Message) => boolean = () => false;

  static of(size: number, overrides: Partial<RaftConfig> = {}): Cluster {
    const ids = Array.from({ length: size }, (_, position) => BigInt(position + 1));
    const cluster = new Cluster();
    for (const id of ids) cluster.start(id, MemoryStorage.of(votersOnly(...ids)), overrides);
    return cluster;
  }

  static withConfState(confState: ConfState, ids: readonly bigint[]): Cluster {
    const cluster = new Cluster();
    for (const id of ids) cluster.start(id, MemoryStorage.of(confState));
    return cluster;
  }

  start(id: bigint, storage: MemoryStorage, overrides: Partial<RaftConfig> = {}): Member {
    const member = new Member(id, storage, overrides);
    this.members.set(id, member);
    return member;
  }

  get(id: bigint): Member {
    const member = this.members.get(id);
    if (member === undefined) throw new Error(`there is no member ${id}`);
    return member;
  }

  /** Lets everybody say and hear everything. */
  settle(): void {
    for (let isBusy = true; isBusy;) {
      isBusy = false;
      for (const member of this.members.values()) {
        for (const message of member.work()) {
          isBusy = true;
          this.deliver(message);
        }
      }
    }
  }

  deliver(message: Message): void {
    if (this.drops(message)) return;
    this.transcript.push(describeMessage(message));
    this.members.get(message.to)?.node.step(message);
  }

  tick(count: number, ...ids: readonly bigint[]): void {
    for (let tick = 0; tick < count; tick++) {
      for (const id of ids.length > 0 ? ids : this.members.keys()) this.get(id).node.tick();
      this.settle();
    }
  }

  elect(id: bigint): Member {
    const member = this.get(id);
    member.node.campaign();
    this.settle();
    return member;
  }

  isolate(...ids: readonly bigint[]): void {
    this.drops = ({ from, to }) => ids.includes(from) !== ids.includes(to);
  }

  heal(): void {
    this.drops = () => false;
  }

  /** Roles in order of members: `leader follower follower`. */
  roles(): string {
    return [...this.members.values()].map(({ node }) => node.status().role).join(' ');
  }
}

/** `1>2 append t2 @1/1 [2/2] c1`: from, to, type, term, and what matters. */
export function describeMessage(message: Message): string {
  const head = `${message.from}>${message.to} ${message.type} t${message.term}`;
  switch (message.type) {
    case 'append': {
      const entries = message.entries.map(({ index, term }) => `${index}/${term}`).join(' ');
      return `${head} @${message.index}/${message.logTerm} [${entries}] c${message.commit}`;
    }
    case 'append-response':
      return message.reject
        ? `${head} no @${message.index} hint ${message.hintIndex}/${message.hintTerm}`
        : `${head} yes @${message.index}`;
    case 'pre-vote':
    case 'vote':
      return `${head} @${message.index}/${message.logTerm}${message.isTransfer ? ' transfer' : ''}`;
    case 'pre-vote-response':
    case 'vote-response':
      return `${head} ${message.reject ? 'no' : 'yes'}`;
    case 'heartbeat':
      return `${head} c${message.commit} r${message.context}`;
    case 'heartbeat-response':
      return `${head} r${message.context}`;
    case 'snapshot':
      return `${head} ${message.snapshot.index}/${message.snapshot.term}`;
    case 'read-index':
      return `${head} #${message.context}`;
    case 'read-index-response':
      return `${head} #${message.context} @${message.index}`;
    default:
      return head;
  }
}
