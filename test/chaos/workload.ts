import { type KeyValueStore, type RangeResponse, StoreError } from '#store';
import { type Operation } from './history';
import { type Random } from '#testing';
import { type RegisterInput, type RegisterOutput } from './register';

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
  /** Answers, by what they were. */
  readonly counts = { ok: 0, refused: 0, unknown: 0 };
  private lastValue = 0;
  private isOver = false;
  private readonly clients: Promise<void>[] = [];

  /** @param now milliseconds, of one clock for all */
  constructor(private readonly now: () => number) {}

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
        const { output, revision } = await perform(random.one(stores()), input);
        this.operations.push({ client, input, call, return: this.now(), output });
        this.counts.ok++;
        if (revision !== undefined) this.acknowledged.push({ revision, key: input.key, value: valueOf(input) });
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
        return { type: 'write', key, value: ++this.lastValue };
      case 4:
      case 5:
      case 6:
        return { type: 'swap', key, expected: this.guess(key, random), value: ++this.lastValue };
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

interface Answer {
  readonly output: RegisterOutput;
  /** Of the change, if there was one. */
  readonly revision?: number;
}

async function perform(store: KeyValueStore, input: RegisterInput): Promise<Answer> {
  const { key } = input;
  switch (input.type) {
    case 'read':
      return { output: { value: valueIn(await store.range({ key })) } };
    case 'write':
      return { output: {}, revision: (await store.put({ key, value: encode(input.value) })).revision };
    case 'remove': {
      const { revision, deleted } = await store.deleteRange({ key });
      return { output: {}, ...(deleted > 0 ? { revision } : {}) };
    }
    case 'swap': {
      const { succeeded, revision } = await store.txn({
        compare: [
          input.expected === 0
            ? { key, target: 'version', result: 'equal', operand: 0 }
            : { key, target: 'value', result: 'equal', operand: encode(input.expected) },
        ],
        success: [{ type: 'put', request: { key, value: encode(input.value) } }],
      });
      return { output: { swapped: succeeded }, ...(succeeded ? { revision } : {}) };
    }
  }
}

function wasNeverSent(error: StoreError): boolean {
  return error.message.startsWith('no connection to the store');
}

function valueOf(input: RegisterInput): number {
  return input.type === 'write' || input.type === 'swap' ? input.value : 0;
}

function encode(value: number): Buffer {
  return Buffer.from(String(value));
}

export function decodeValue(value: Uint8Array): number {
  return Number(Buffer.from(value).toString());
}

function valueIn({ kvs }: RangeResponse): number {
  return kvs[0] === undefined ? 0 : decodeValue(kvs[0].value);
}
