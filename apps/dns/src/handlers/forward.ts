import { type Clock } from '#machinery';
import { type DnsAnswer, type Handler } from '../handler';
import { type Upstream } from '../upstream';
import { type Query } from '../wire/query';

export interface ForwardOptions {
  /** In order of preference; asked for every query, since a laptop's servers change. */
  readonly upstreams: () => Promise<readonly Upstream[]>;
  readonly clock: Clock;
  /** How many exchanges with other servers there may be at a time: each has a socket. */
  readonly maxExchanges: number;
  /** How many queries may wait for them, and how many of one client. */
  readonly maxWaiting: number;
  readonly maxWaitingPerSource: number;
}

/** How long a server that did not answer is asked after the others. */
const AVOIDED_MS = 5_000;
/** There are three servers at most at a time; more than these are of the past. */
const MAX_REMEMBERED = 16;

/**
 * Asks the servers that this host uses, one after the other. Equal questions that arrive meanwhile share the answer; this also
 * keeps a loop (a server that asks us in turn) from growing: it ends with the time limit. Who asks too much is refused
 * (CoreDNS: `max_concurrent`); names of the cluster never wait here.
 */
export function forward(options: ForwardOptions): Handler {
  const { upstreams, clock, maxExchanges } = options;
  const exchanges = new Map<string, Promise<Buffer>>();
  const waiting = new Waiting(options);
  /** Until when a server is avoided, by name. */
  const avoided = new Map<string, number>();

  const avoid = (name: string): void => {
    avoided.delete(name);
    avoided.set(name, clock.monotonic() + AVOIDED_MS);
    const [oldest] = avoided.keys();
    if (avoided.size > MAX_REMEMBERED && oldest !== undefined) avoided.delete(oldest);
  };
  const inOrder = (all: readonly Upstream[]): Upstream[] => {
    const now = clock.monotonic();
    const isAvoided = ({ name }: Upstream): boolean => (avoided.get(name) ?? -Infinity) > now;
    return [...all.filter((one) => !isAvoided(one)), ...all.filter(isAvoided)];
  };
  const ask = async (message: Buffer, transport: 'udp' | 'tcp'): Promise<Buffer> => {
    let failure: unknown = new Error('no name servers to forward to');
    for (const upstream of inOrder(await upstreams())) {
      try {
        return await upstream.exchange(message, transport);
      } catch (error) {
        avoid(upstream.name);
        failure = error;
      }
    }
    throw failure;
  };

  return async ({ query, transport, source }) => {
    const key = `${transport} ${keyOf(query)}`;
    const isShared = exchanges.has(key);
    if ((!isShared && exchanges.size >= maxExchanges) || !waiting.enter(source)) return refused;
    try {
      const pending = exchanges.get(key) ?? ask(query.message, transport).finally(() => exchanges.delete(key));
      exchanges.set(key, pending);
      const message = Buffer.from(await pending);
      message.writeUInt16BE(query.id, 0);
      query.question.copy(message, 12);
      return { by: 'forward', kind: 'message', message, rcode: message.readUInt16BE(2) & 15 };
    } finally {
      waiting.leave(source);
    }
  };
}

/** Counts who waits. */
class Waiting {
  private readonly bySource = new Map<string, number>();
  private total = 0;

  constructor(private readonly limits: Pick<ForwardOptions, 'maxWaiting' | 'maxWaitingPerSource'>) {}

  /** @returns false if there are too many */
  enter(source: string): boolean {
    const own = this.bySource.get(source) ?? 0;
    if (this.total >= this.limits.maxWaiting || own >= this.limits.maxWaitingPerSource) return false;
    this.total++;
    this.bySource.set(source, own + 1);
    return true;
  }

  leave(source: string): void {
    const left = (this.bySource.get(source) ?? 1) - 1;
    this.total--;
    if (left > 0) this.bySource.set(source, left);
    else this.bySource.delete(source);
  }
}

/** All that makes a difference to the other server: not the id, and not the case of the name, which changes on the way. */
function keyOf({ message, name, question }: Query): string {
  const typeClassAndRest = message.toString('latin1', 12 + question.length - 4);
  return `${message.toString('latin1', 2, 12)}${name} ${typeClassAndRest}`;
}

const refused: DnsAnswer = {
  by: 'forward',
  kind: 'records',
  answer: { rcode: 'REFUSED', isAuthoritative: false, answers: [] },
};
