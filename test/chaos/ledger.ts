import {
  type KeyValue,
  type KeyValueStore,
  type RangeResponse,
  type RequestOp,
  StoreError,
  type TxnResponse,
} from '#store';
import { type Random } from '#testing';
import { type Floor } from './compactor';
import { type Operation } from './history';
import { decodeValue, encodeValue, wasNeverSent } from './values';

/** A key as it is at one revision. */
export interface Entry {
  readonly key: string;
  readonly value: number;
  readonly createRevision: number;
  readonly modRevision: number;
  readonly version: number;
}

export type LedgerInput =
  /** All keys. */
  | { readonly type: 'list'; readonly revision?: number; readonly isSerializable?: boolean }
  /** Writes (0: removes), if all keys are still of these revisions (0: is not there). Values are used once; one at least is written. */
  | {
      readonly type: 'move';
      readonly expected: readonly (readonly [key: string, modRevision: number])[];
      readonly writes: readonly (readonly [key: string, value: number])[];
    };

export interface LedgerOutput {
  readonly revision: number;
  /** Of a move: it took place. */
  readonly succeeded: boolean;
  /** What is there, after that. */
  readonly entries: readonly Entry[];
}

export type LedgerOperation = Operation<LedgerInput, LedgerOutput>;

export const LEDGER = 's/';
export const LEDGER_END = 's0';
const KEYS = 10;
/** A multiple of a sector: so that there is something to be snapshotted, to be sent, and to be torn. */
const MOST_BYTES = 4_096;
/** How far before and behind what has been compacted somebody reads. */
const [BEFORE_FLOOR, BEYOND_FLOOR] = [3, 60];

/** Clients that change several keys at once, and look at all of them: now, as a member has it, and as it was. */
export class Ledger {
  readonly operations: LedgerOperation[] = [];
  readonly violations: string[] = [];
  private isOver = false;
  private readonly clients: Promise<void>[] = [];

  /** @param nextValue one that nobody has used */
  constructor(
    private readonly now: () => number,
    private readonly nextValue: () => number,
    private readonly floor: Floor,
  ) {}

  add(stores: () => readonly KeyValueStore[], random: Random): void {
    const client = this.client(1_000 + this.clients.length, stores, random);
    // Told by `finish`.
    client.catch(() => undefined);
    this.clients.push(client);
  }

  async finish(): Promise<void> {
    this.isOver = true;
    await Promise.all(this.clients);
  }

  private async client(client: number, stores: () => readonly KeyValueStore[], random: Random): Promise<void> {
    let known: readonly Entry[] = [];
    while (!this.isOver) {
      const input = this.invent(known, random);
      const call = this.now();
      const gone = this.floor.done;
      try {
        const output = await perform(random.one(stores()), input, random);
        this.operations.push({ client, input, call, return: this.now(), output });
        known = output.entries;
        if (isForgotten(input, gone)) this.violations.push(`read at ${input.revision}, though ${gone} was compacted`);
      } catch (error) {
        if (!(error instanceof StoreError)) throw error;
        this.refused(input, error);
        if (input.type === 'move' && !wasNeverSent(error))
          this.operations.push({ client, input, call, return: Infinity });
        await new Promise((resolve) => setTimeout(resolve, random.between(10, 100)));
      }
    }
  }

  private refused(input: LedgerInput, error: StoreError): void {
    if (['unavailable', 'closed', 'no-space'].includes(error.code)) return;
    if (input.type === 'list' && input.revision !== undefined) {
      if (error.code === 'compacted' && input.revision < this.floor.asked) return;
      // A member that is behind says what it knows.
      if (error.code === 'future-revision' && input.isSerializable === true) return;
    }
    this.violations.push(`${JSON.stringify(input)} is answered ${error.code}: ${error.message}`);
  }

  private invent(known: readonly Entry[], random: Random): LedgerInput {
    if (random.chance(0.4)) {
      const isSerializable = random.chance(0.5);
      const isGone = random.chance(0.3);
      const revision = this.floor.asked + (isGone ? -random.between(1, BEFORE_FLOOR) : random.between(0, BEYOND_FLOOR));
      const isThere = revision > 0 && revision <= Math.max(0, ...known.map(({ modRevision }) => modRevision));
      return { type: 'list', isSerializable, ...(isThere && random.chance(0.5) ? { revision } : {}) };
    }
    const keys = random.shuffled(Array.from({ length: KEYS }, (_, number) => `${LEDGER}${number}`));
    const expected = keys
      .slice(0, random.between(0, 3))
      .map((key) => [key, known.find((entry) => entry.key === key)?.modRevision ?? 0] as const);
    // Some of what is compared, and others.
    const writes = random
      .shuffled(keys.slice(0, 5))
      .slice(0, random.between(1, 4))
      .map((key, at) => [key, at > 0 && random.chance(0.4) ? 0 : this.nextValue()] as const);
    return { type: 'move', expected, writes };
  }
}

/** A member that answers by itself may not have heard of the compaction yet. */
function isForgotten(input: LedgerInput, gone: number): input is LedgerInput & { readonly revision: number } {
  return (
    input.type === 'list' && input.isSerializable !== true && input.revision !== undefined && input.revision < gone
  );
}

async function perform(store: KeyValueStore, input: LedgerInput, random: Random): Promise<LedgerOutput> {
  const everything = { key: LEDGER, rangeEnd: LEDGER_END };
  if (input.type === 'list') {
    const { revision, isSerializable = false } = input;
    const request = { ...everything, ...(revision && { revision }), serializable: isSerializable };
    if (random.chance(0.7)) {
      const answer = await store.range(request);
      return { revision: answer.revision, succeeded: true, entries: entriesOf(answer) };
    }
    const answer = await store.txn({ compare: [], success: [{ type: 'range', request }] });
    return { revision: answer.revision, succeeded: true, entries: entriesIn(answer) };
  }
  const look: RequestOp = { type: 'range', request: everything };
  const answer = await store.txn({
    compare: input.expected.map(([key, operand]) => ({ key, target: 'mod', result: 'equal', operand })),
    success: [
      ...input.writes.map(([key, value]): RequestOp => {
        if (value === 0) return { type: 'delete', request: { key } };
        return { type: 'put', request: { key, value: encodeValue(value, random.between(0, MOST_BYTES)) } };
      }),
      look,
    ],
    failure: [look],
  });
  return { revision: answer.revision, succeeded: answer.succeeded, entries: entriesIn(answer) };
}

function entriesIn({ responses }: TxnResponse): Entry[] {
  const last = responses.at(-1);
  if (last?.type !== 'range') throw new Error('a transaction without the answer to its last request');
  return entriesOf(last.response);
}

function entriesOf({ kvs }: RangeResponse): Entry[] {
  return kvs.map(entryOf);
}

function entryOf({ key, value, createRevision, modRevision, version }: KeyValue): Entry {
  return { key, value: decodeValue(value), createRevision, modRevision, version };
}
