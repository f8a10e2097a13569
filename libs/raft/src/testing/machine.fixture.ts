import { decodeConfChange } from '../conf-change';
import { type RaftConfig } from '../config';
import { type Entry, type HardState, type SnapshotMetadata } from '../entry';
import { type Message } from '../message';
import { type RaftNode } from '../node';
import { type Ready } from '../ready';
import { type Laws } from './laws.fixture';
import { type MemoryStorage } from './memory-storage.fixture';
import { type Observed, type State } from './observed.fixture';

export interface Surroundings {
  readonly laws: Laws;
  readonly send: (message: Message) => void;
  readonly createNode: (id: bigint, storage: MemoryStorage, applied: number) => RaftNode;
}

/** A member with a disk, a state machine and a driver that can stop between any two of its acts. */
export class Machine implements Observed {
  node: RaftNode | undefined;
  /** Grows with each start: what was said before is another's. */
  incarnation = 0;
  unwritten: readonly Entry[] = [];
  /** What is durable of the hard state; the storage may know a later commit index. */
  private synced: HardState;
  private open: { readonly ready: Ready; stage: 'write' | 'promise' | 'apply' } | undefined;

  /** `isDurable`: the state machine keeps its state over a crash; else it begins again at the last snapshot. */
  constructor(
    readonly id: bigint,
    readonly storage: MemoryStorage,
    private state: State,
    private readonly isDurable: boolean,
    private readonly surroundings: Surroundings,
  ) {
    this.synced = storage.hardState;
    this.snapshots.set(state.index, state);
  }

  private readonly snapshots = new Map<number, State>();

  get applied(): State {
    return this.state;
  }

  start(): void {
    this.incarnation++;
    this.surroundings.laws.restarted(this.id);
    this.node = this.surroundings.createNode(this.id, this.storage, this.state.index);
    this.observe();
  }

  /** `losesCommit`: what was not synced is lost. */
  crash(losesCommit: boolean): void {
    this.node = undefined;
    this.open = undefined;
    this.unwritten = [];
    if (losesCommit) this.storage.hardState = this.synced;
    if (!this.isDurable) {
      const state = this.snapshots.get(this.storage.latest?.index ?? 0);
      if (state === undefined) throw new Error(`${this.id} has lost its snapshot`);
      this.state = state;
    }
    this.storage.confState = this.state.confState;
  }

  /** Whatever the node does, the laws are looked at after it. */
  act(what: (node: RaftNode) => void): void {
    if (this.node === undefined) return;
    what(this.node);
    this.observe();
  }

  hasWork(): boolean {
    return this.open !== undefined || this.node?.hasReady() === true;
  }

  /** The next act of the driver. */
  work(): void {
    const { node, open } = this;
    if (node === undefined) return;
    if (open === undefined) {
      if (node.hasReady()) this.begin(node.ready());
    } else if (open.stage === 'write') {
      this.write(open.ready);
      open.stage = 'promise';
    } else if (open.stage === 'promise') {
      this.say(open.ready.messagesAfterPersist);
      open.stage = 'apply';
    } else {
      this.open = undefined;
      this.apply(node, open.ready);
      node.advance();
    }
    this.observe();
  }

  takeSnapshot(keep: number): void {
    const { index, confState } = this.state;
    const term = this.storage.term(index);
    if (term === undefined || index <= (this.storage.latest?.index ?? 0)) return;
    const snapshot: SnapshotMetadata = { index, term, confState };
    this.storage.latest = snapshot;
    this.snapshots.set(index, this.state);
    const upTo = index - keep;
    if (upTo >= this.storage.firstIndex()) this.storage.compact(upTo);
  }

  private begin(ready: Ready): void {
    this.surroundings.laws.handedOut(this, ready);
    this.unwritten = ready.entries;
    this.open = { ready, stage: 'write' };
    this.say(ready.messages);
  }

  private write(ready: Ready): void {
    if (ready.snapshot !== undefined) {
      // Its data is on this machine, and is durable with it.
      this.snapshots.set(
        ready.snapshot.index,
        this.surroundings.laws.installed(this, ready.snapshot, this.state.index),
      );
    }
    this.storage.persist(ready);
    this.unwritten = [];
    if (ready.mustSync) this.synced = this.storage.hardState;
    this.surroundings.laws.written(this, ready);
    // A state machine behind the log would have to be given entries that are gone.
    if (ready.snapshot !== undefined) this.restore(ready.snapshot.index);
  }

  private restore(index: number): void {
    this.state = this.snapshots.get(index) ?? this.state;
  }

  private say(messages: readonly Message[]): void {
    for (const message of messages) {
      this.surroundings.laws.said(this, message);
      this.surroundings.send(message);
    }
  }

  private apply(node: RaftNode, ready: Ready): void {
    for (const entry of ready.committedEntries) {
      if (entry.index !== this.state.index + 1) throw new Error(`${this.id}: ${entry.index} after ${this.state.index}`);
      const isConfChange = entry.type === 'conf-change';
      const confState = isConfChange ? node.applyConfChange(decodeConfChange(entry.data)) : this.state.confState;
      this.state = { index: entry.index, hash: hash(this.state.hash, entry), confState };
      this.surroundings.laws.applied(this, entry, this.state);
    }
    for (const { context, index } of ready.readStates) this.surroundings.laws.readAnswered(this, context, index);
  }

  private observe(): void {
    if (this.node !== undefined) this.surroundings.laws.observe(this, this.node.status());
  }
}

function hash(before: number, { term, index, data }: Entry): number {
  let value = Math.imul(before ^ term, 0x01000193) ^ index;
  for (const byte of data) value = Math.imul(value ^ byte, 0x01000193);
  return value >>> 0;
}

export type NodeFactory = (config: RaftConfig) => RaftNode;
