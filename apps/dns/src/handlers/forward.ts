import { type Handler } from '../handler';
import { type Upstream } from '../upstream';

export interface ForwardOptions {
  /** In order of preference; asked for every query, since a laptop's servers change. */
  readonly upstreams: () => Promise<readonly Upstream[]>;
  /** How many queries may wait for other servers at a time. */
  readonly maxInFlight: number;
}

/**
 * Asks the servers that this host uses, one after the other. Equal questions that arrive meanwhile share the answer; this also
 * keeps a loop (a server that asks us in turn) from growing: it ends with the time limit.
 */
export function forward({ upstreams, maxInFlight }: ForwardOptions): Handler {
  const inFlight = new Map<string, Promise<Buffer>>();

  const ask = async (message: Buffer, transport: 'udp' | 'tcp'): Promise<Buffer> => {
    let failure: unknown = new Error('no name servers to forward to');
    for (const upstream of await upstreams()) {
      try {
        return await upstream.exchange(message, transport);
      } catch (error) {
        failure = error;
      }
    }
    throw failure;
  };

  return async ({ query, transport }) => {
    // All that makes a difference to the other server: the message without its id.
    const key = `${transport} ${query.message.toString('latin1', 2)}`;
    let pending = inFlight.get(key);
    if (pending === undefined) {
      if (inFlight.size >= maxInFlight) throw new Error('too many queries wait for other name servers');
      pending = ask(query.message, transport).finally(() => inFlight.delete(key));
      inFlight.set(key, pending);
    }
    const message = Buffer.from(await pending);
    message.writeUInt16BE(query.id, 0);
    return { by: 'forward', kind: 'message', message, rcode: message.readUInt16BE(2) & 15 };
  };
}
