import { type KeyValueStore, type RangeResponse, StoreError } from '#store';
import { type Operation } from './history';
import { type Random } from '#testing';
import { type RegisterInput, type RegisterOutput } from './register';
import { type Answer } from './timeline';
import { decodeValue, encodeValue, wasNeverSent } from './values';

export type RegisterOperation = Operation<RegisterInput, RegisterOutput>;

/** A write that the store said it has carried out. */
export interface Acknowledged {
  readonly revision: number;
  readonly key: string;
  /** 0: removed. */
  readonly value: number;
}

/** How long a key is in use, and how many are at once: what is done to one must not be too long a history to search. */
const EPOCH_MS = 4_000;
const KEYS = 6;
export const REGISTERS = 'r/';

/** Clients that read, write, compare and swap, and remove: each one thing at a time, through whichever member comes up. */
export class Workload {
  readonly operations: RegisterOperation[] = [];
  readonly acknowledged: Acknowledged[] = [];
  /** Each with the revision that it named. */
  readonly answers: Answer[] = [];
  /** Answers, by what they were. */
  readonly counts = { ok: 0, refused: 0, unknown: 0 };
  private isOver = false;
  private readonly clients: Promise<void>[] = [];

  /**
   * @param now milliseconds, of one clock for all
   * @param nextValue one that nobody has used
   */
  constructor(
    private readonly now: () => number,
    private readonly nextValue: () => number,
  ) {}

  /** Starts a client. @param stores the same cluster, each through another of the members that there are now */
  add(stores: () => readonly KeyValueStore[], random: Random): void {
    const client = this.client(this.clients.length, stores, random);
    // Told by `finish`, if it comes to that: a run that has failed before does not ask any more.
    client.catch(() => undefined);
    this.clients.push(client);
  }

  /** Rejects if a client met with what no store should answer. */
  async finish(): Promise<void> {
    this.isOver = true;
    await Promise.all(this.clients);
  }

  private async client(client: number, stores: () => readonly KeyValueStore[], random: Random): Promise<void> {
    while (!this.isOver) {
      const input = this.invent(random);
      const call = this.now();
      try {
        const { output, revision, isChange } = await perform(random.one(stores()), input);
        const end = this.now();
        this.operations.push({ client, input, call, return: end, output });
        this.answers.push({ what: JSON.stringify({ ...input, ...output }), call, return: end, revision, isChange });
        this.counts.ok++;
        if (isChange) this.acknowledged.push({ revision, key: input.key, value: valueOf(input) });
      } catch (error) {
        if (!(error instanceof StoreError) || !['unavailable', 'closed', 'no-space'].includes(error.code)) throw error;
        // A read that failed has not happened; nor has a write that never left.
        if (input.type === 'read' || wasNeverSent(error)) this.counts.refused++;
        else {
          this.counts.unknown++;
          this.operations.push({ client, input, call, return: Infinity });
        }
        await new Promise((resolve) => setTimeout(resolve, random.between(10, 100)));
      }
    }
  }

  private invent(random: Random): RegisterInput {
    const key = `${REGISTERS}${Math.floor(this.now() / EPOCH_MS)}/${random.between(1, KEYS)}`;
    switch (random.between(0, 9)) {
      case 0:
        return { type: 'remove', key };
      case 1:
      case 2:
      case 3:
        return { type: 'write', key, value: this.nextValue() };
      case 4:
      case 5:
      case 6:
        return { type: 'swap', key, expected: this.guess(key, random), value: this.nextValue() };
      default:
        return { type: 'read', key };
    }
  }

  /** What the key has probably, so that about half of the swaps take place. */
  private guess(key: string, random: Random): number {
    if (random.between(0, 3) === 0) return 0;
    for (let at = this.acknowledged.length - 1; at >= 0 && at > this.acknowledged.length - 50; at--) {
      if (this.acknowledged[at]!.key === key) return this.acknowledged[at]!.value;
    }
    return 0;
  }
}

interface Performed {
  readonly output: RegisterOutput;
  /** Of the store, or of the change if there was one. */
  readonly revision: number;
  readonly isChange: boolean;
}

async function perform(store: KeyValueStore, input: RegisterInput): Promise<Performed> {
  const { key } = input;
  switch (input.type) {
    case 'read': {
      const answer = await store.range({ key });
      return { output: { value: valueIn(answer) }, revision: answer.revision, isChange: false };
    }
    case 'write': {
      const { revision } = await store.put({ key, value: encodeValue(input.value) });
      return { output: {}, revision, isChange: true };
    }
    case 'remove': {
      const { revision, deleted } = await store.deleteRange({ key });
      return { output: {}, revision, isChange: deleted > 0 };
    }
    case 'swap': {
      const { succeeded, revision } = await store.txn({
        compare: [
          input.expected === 0
            ? { key, target: 'version', result: 'equal', operand: 0 }
            : { key, target: 'value', result: 'equal', operand: encodeValue(input.expected) },
        ],
        success: [{ type: 'put', request: { key, value: encodeValue(input.value) } }],
      });
      return { output: { swapped: succeeded }, revision, isChange: succeeded };
    }
  }
}

function valueOf(input: RegisterInput): number {
  return input.type === 'write' || input.type === 'swap' ? input.value : 0;
}

function valueIn({ kvs }: RangeResponse): number {
  return kvs[0] === undefined ? 0 : decodeValue(kvs[0].value);
}
