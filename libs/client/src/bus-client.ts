import { type Bus, BusError, type BusErrorCode, apiSubject } from '#bus';
import { ApiError, type Clock, type Status } from '#machinery';
import { type Fence } from './fence';
import { type RawCall } from './object-client';
import { type ClosableObjectClient, createTransportClient } from './transport-client';
import { type Reply, type Transport, TransportError } from './transport';

export interface BusClientOptions {
  readonly bus: Bus;
  /** The identity: requests go to its subject, which only it may publish. */
  readonly user: string;
  /** Whom the connection belongs to, if not to the user itself. */
  readonly sender?: string;
  /** For each attempt. Default 10 s. */
  readonly deadlineMs?: number;
  readonly clock: Clock;
  readonly random: () => number;
  /** Its first part becomes the field manager. */
  readonly userAgent: string;
  /** The term in which a leader writes. */
  readonly fence?: () => Fence | undefined;
}

/** What goes over the user's `apiSubject`; the answer is `{status, body}`. */
export interface BusCall extends RawCall {
  readonly userAgent: string;
}

/** A client of the API over the bus. The bus belongs to the caller: `close` does nothing to it. */
export function createBusClient(options: BusClientOptions): ClosableObjectClient {
  const { bus, userAgent, deadlineMs = 10_000 } = options;
  const subject = apiSubject(options.user, options.sender);
  const transport: Transport = {
    async call({ method, path, contentType, body, fence }) {
      const call: BusCall = {
        method,
        path,
        userAgent,
        ...(contentType === undefined ? {} : { contentType }),
        ...(body === undefined ? {} : { body }),
        ...(fence === undefined ? {} : { fence }),
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

/** What repeating cannot cure is an answer already. */
const final: Partial<Record<BusErrorCode, Pick<Status, 'code' | 'reason'>>> = {
  'too-large': { code: 413, reason: 'RequestEntityTooLarge' },
  closed: { code: 503, reason: 'ServiceUnavailable' },
};

function toTransportError(error: unknown): Error {
  if (!(error instanceof BusError)) return error instanceof Error ? error : new Error(String(error));
  const { code, message } = error;
  const status = final[code];
  if (status === undefined) return new TransportError(message, code === 'no-responders' || code === 'disconnected');
  return new ApiError({ kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', message, ...status });
}
