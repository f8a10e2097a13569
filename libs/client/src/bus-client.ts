import { type Bus, BusError, apiSubject } from '#bus';
import { type Clock } from '#machinery';
import { type RawCall } from './object-client';
import { type ClosableObjectClient, createTransportClient } from './transport-client';
import { type Reply, type Transport, TransportError } from './transport';

export interface BusClientOptions {
  readonly bus: Bus;
  /** The identity: requests go to its subject, which only it may publish. */
  readonly user: string;
  /** For each attempt. Default 10 s. */
  readonly deadlineMs?: number;
  readonly clock: Clock;
  readonly random: () => number;
  /** Its first part becomes the field manager. */
  readonly userAgent: string;
}

/** What goes over `nestor.api.<base32(user)>`; the answer is `{status, body}`. */
export interface BusCall extends RawCall {
  readonly userAgent: string;
}

/** A client of the API over the bus. The bus belongs to the caller: `close` does nothing to it. */
export function createBusClient(options: BusClientOptions): ClosableObjectClient {
  const { bus, userAgent, deadlineMs = 10_000 } = options;
  const subject = apiSubject(options.user);
  const transport: Transport = {
    async call({ method, path, contentType, body }) {
      const call: BusCall = {
        method,
        path,
        userAgent,
        ...(contentType === undefined ? {} : { contentType }),
        ...(body === undefined ? {} : { body }),
      };
      try {
        return (await bus.request(subject, call, { deadlineMs })) as Reply;
      } catch (error) {
        throw toTransportError(error);
      }
    },
    close: () => Promise.resolve(),
  };
  return createTransportClient(transport, options);
}

function toTransportError(error: unknown): unknown {
  if (!(error instanceof BusError)) return error;
  if (error.code === 'too-large') return error;
  return new TransportError(error.message, error.code === 'no-responders' || error.code === 'disconnected');
}
