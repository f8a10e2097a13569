import {
  type ErrorCode,
  type Events,
  type Msg,
  type MsgHdrs,
  type NatsConnection,
  type NatsError,
  type TlsOptions,
} from 'nats';
import { deepFreeze } from '#machinery';
import { type Logger, silentLogger } from '#telemetry';
import { type Bus, BusError, type BusErrorCode, type Payload, type RequestOptions } from './bus';
import { type BusIdentity, inboxPrefix, isReplyToSender } from './identity';
import { SubscriptionQueue } from './subscription-queue';

/** PEM. The broker's certificate must be of this authority; with a certificate and key of one's own TLS is mutual. */
export interface BusTls {
  readonly caPem: string;
  readonly certificatePem?: string;
  readonly keyPem?: string;
}

export interface NatsBusOptions {
  /** `nats://127.0.0.1:4222` … */
  readonly servers: readonly string[];
  /** Shown by the broker. */
  readonly name: string;
  readonly logger?: Logger;
  /** Asked for at every connect: certificates are renewed. */
  readonly tls?: () => BusTls;
  /**
   * Who this is. Answers then come to the identity's own inbox, and a server answers into its caller's only. Absent: a broker
   * that lets everybody do everything.
   */
  readonly identity?: BusIdentity;
  /** Between attempts to reconnect, which never end; up to half as much again is added at random. Default 250 ms. */
  readonly reconnectWaitMs?: number;
}

/** As in bodies over HTTP: what those who walk a message are sure to survive. */
const maximumDepth = 1_000;

/** Header of an answer that is an error of the handler. */
const errorHeader = 'Nestor-Error';

/**
 * A bus over NATS. Resolves once it is connected, however long that takes; rejects only if the broker refuses us. While the
 * connection is down, what is published is dropped (at most once) and requests fail at once; every reconnect is a gap. With an
 * identity a reconnect happens also when its credentials are renewed; one that the broker refuses then is tried again.
 */
export async function createNatsBus(options: NatsBusOptions): Promise<Bus> {
  // Loaded when it is wanted: most processes talk to themselves.
  const { connect, headers, jwtAuthenticator } = await import('nats');
  const wait = options.reconnectWaitMs ?? 250;
  const { identity, tls } = options;
  const connection = await connect({
    servers: [...options.servers],
    name: options.name,
    waitOnFirstConnect: true,
    maxReconnectAttempts: -1,
    reconnectTimeWait: wait,
    reconnectJitter: wait / 2,
    reconnectJitterTLS: wait / 2,
    pingInterval: 10_000,
    maxPingOut: 2,
    ...(tls === undefined ? {} : { tls: tlsOptions(tls) }),
    ...(identity === undefined
      ? {}
      : {
          inboxPrefix: inboxPrefix(identity.user),
          authenticator: jwtAuthenticator(
            () => identity.credentials().token,
            () => Buffer.from(identity.credentials().seed),
          ),
          // What is refused today (a broker that does not know us yet, credentials that ran out) may be taken tomorrow.
          ignoreAuthErrorAbort: true,
        }),
  });
  return new NatsBus(connection, headers, identity, options.logger ?? silentLogger());
}

/** The client reads the properties at each connect. */
function tlsOptions(tls: () => BusTls): TlsOptions {
  return {
    get ca() {
      return tls().caPem;
    },
    get cert() {
      return tls().certificatePem;
    },
    get key() {
      return tls().keyPem;
    },
  };
}

class NatsBus implements Bus {
  private readonly queues = new Set<SubscriptionQueue>();
  private readonly forgetIdentity: (() => void) | undefined;
  private isConnected = true;

  constructor(
    private readonly connection: NatsConnection,
    private readonly headers: () => MsgHdrs,
    private readonly identity: BusIdentity | undefined,
    private readonly logger: Logger,
  ) {
    this.forgetIdentity = identity?.onRenewed(() => {
      connection.reconnect().catch((error: unknown) => logger.warn({ err: error }, 'cannot take up new credentials'));
    });
    void this.followStatus();
    void this.connection.closed().then((error) => {
      this.isConnected = false;
      if (error !== undefined) this.logger.error({ err: error }, 'the connection to NATS was closed');
    });
  }

  publish(subject: string, payload: Payload): void {
    const data = this.encode(subject, payload);
    if (!this.isConnected || this.connection.isClosed()) return;
    this.connection.publish(subject, data);
  }

  subscribe: Bus['subscribe'] = (subject, handler, options = {}) => {
    const queue = new SubscriptionQueue(handler, options, this.logger);
    if (this.connection.isClosed()) return { close: () => queue.close() };
    const subscription = this.connection.subscribe(subject, {
      callback: (error, message) => {
        if (error !== null) {
          this.logger.error({ err: error, subject }, 'subscription failed');
          return queue.gap();
        }
        const payload = this.decode(message);
        if (payload === undefined) queue.gap();
        else queue.push({ subject: message.subject, payload });
      },
    });
    this.queues.add(queue);
    return {
      close: () => {
        this.queues.delete(queue);
        queue.close();
        if (!this.connection.isClosed()) subscription.unsubscribe();
      },
    };
  };

  async request(subject: string, payload: Payload, { deadlineMs, signal }: RequestOptions): Promise<Payload> {
    const data = this.encode(subject, payload);
    if (this.connection.isClosed()) throw new BusError('closed', 'the bus is closed');
    if (!this.isConnected) throw new BusError('disconnected', 'not connected to NATS');
    const answer = this.connection.request(subject, data, { timeout: deadlineMs }).catch((error: unknown) => {
      throw toBusError(error, subject, deadlineMs);
    });
    const message = await untilAborted(answer, subject, signal);
    if (message.headers?.has(errorHeader) === true) {
      throw new BusError('remote', decodeURIComponent(message.headers.get(errorHeader)));
    }
    const decoded = this.decode(message);
    if (decoded === undefined) throw new BusError('remote', `the answer from ${subject} is not JSON`);
    return decoded;
  }

  serve: Bus['serve'] = (subject, queue, handler) => {
    if (this.connection.isClosed()) return { close: () => undefined };
    const reply = async (message: Msg): Promise<void> => {
      // A message without a reply subject is no request.
      if (message.reply === undefined || message.reply === '') return;
      if (this.identity !== undefined && !isReplyToSender(message.subject, message.reply)) {
        return this.logger.warn({ subject: message.subject }, 'a request wants its answer elsewhere: dropped');
      }
      try {
        const payload = this.decode(message);
        if (payload === undefined) throw new Error('the request is not JSON, or nested too deeply');
        const answer = await handler({ subject: message.subject, payload });
        message.respond(this.encode(message.subject, answer));
      } catch (error) {
        if (this.connection.isClosed()) return;
        const failure = this.headers();
        failure.set(
          errorHeader,
          encodeURIComponent(error instanceof Error ? error.message : String(error)).slice(0, 8192),
        );
        message.respond(undefined, { headers: failure });
      }
    };
    const subscription = this.connection.subscribe(subject, {
      queue,
      callback: (error, message) => {
        if (error !== null) return this.logger.error({ err: error, subject }, 'subscription failed');
        reply(message).catch((failure: unknown) => this.logger.error({ err: failure, subject }, 'answering failed'));
      },
    });
    return {
      close: () => {
        if (this.connection.isClosed()) return;
        // Requests that are on their way here are answered still: nobody else has them.
        subscription
          .drain()
          .catch((error: unknown) => this.logger.debug({ err: error, subject }, 'closed while it was drained'));
      },
    };
  };

  async flush(): Promise<void> {
    if (this.isConnected && !this.connection.isClosed()) await this.connection.flush();
  }

  async close(): Promise<void> {
    this.forgetIdentity?.();
    for (const queue of this.queues) queue.close();
    this.queues.clear();
    if (!this.connection.isClosed()) await this.connection.close();
  }

  private async followStatus(): Promise<void> {
    for await (const status of this.connection.status()) {
      const type: string = status.type;
      if (type === disconnect) {
        this.isConnected = false;
        this.logger.warn('disconnected from NATS');
      } else if (type === 'error') {
        this.logger.warn({ reason: status.data, detail: status.permissionContext }, 'refused by NATS');
      } else if (type === reconnect) {
        this.isConnected = true;
        this.logger.info('reconnected to NATS');
        for (const queue of this.queues) queue.gap();
      }
    }
  }

  private encode(subject: string, payload: Payload): Uint8Array {
    const data = Buffer.from(JSON.stringify(payload));
    const limit = this.connection.info?.max_payload;
    if (limit !== undefined && data.length > limit) {
      throw new BusError('too-large', `${data.length} bytes for ${subject}, the broker takes ${limit}`);
    }
    return data;
  }

  private decode(message: Msg): Payload | undefined {
    try {
      return deepFreeze(JSON.parse(Buffer.from(message.data).toString('utf8')) as object, maximumDepth);
    } catch (error) {
      this.logger.warn({ err: error, subject: message.subject }, 'not JSON, or nested too deeply');
      return undefined;
    }
  }
}

/** The values of nats' enums, by name: its code is loaded late, its types are not. */
const codes: Readonly<Record<string, BusErrorCode>> = {
  '503': 'no-responders',
  TIMEOUT: 'timeout',
  CONNECTION_CLOSED: 'closed',
  CONNECTION_DRAINING: 'closed',
  DISCONNECT: 'disconnected',
  MAX_PAYLOAD_EXCEEDED: 'too-large',
} satisfies Partial<Record<`${ErrorCode}`, BusErrorCode>>;
const disconnect: string = 'disconnect' satisfies `${Events}`;
const reconnect: string = 'reconnect' satisfies `${Events}`;

function toBusError(error: unknown, subject: string, deadlineMs: number): BusError {
  const { code = '', message = String(error) } = error as Partial<NatsError>;
  switch (codes[code]) {
    case undefined:
      return new BusError('remote', message);
    case 'no-responders':
      return new BusError('no-responders', `nobody serves ${subject}`);
    case 'timeout':
      return new BusError('timeout', `no answer from ${subject} within ${deadlineMs} ms`);
    default:
      return new BusError(codes[code], message);
  }
}

function untilAborted<T>(promise: Promise<T>, subject: string, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return promise;
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(new BusError('closed', `request to ${subject} aborted`));
    if (signal.aborted) onAbort();
    else signal.addEventListener('abort', onAbort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
  });
}
