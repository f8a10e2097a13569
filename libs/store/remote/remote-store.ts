import { setMaxListeners } from 'node:events';
import { type MethodDefinition } from '@grpc/grpc-js';
import { type etcdserverpb, kvService, leaseService, maintenanceService } from '#etcd';
import { delay } from '#machinery';
import { type ConnectStoreOptions } from '../src/connect-store';
import { storeErrors } from '../src/errors';
import {
  type DeleteRangeRequest,
  type DeleteRangeResponse,
  type KeyValueStore,
  type LeaseStatus,
  type PutRequest,
  type PutResponse,
  type RangeRequest,
  type RangeResponse,
  StoreError,
  type StoreStatus,
  type TxnRequest,
  type TxnResponse,
  type Watch,
  type WatchHandler,
  type WatchRequest,
} from '../src/key-value-store';
import { checkKeyRange, checkLeaseTtl, checkPut, checkRange, checkTxn, checkWhole, isReadOnly } from '../src/validate';
import { backoffMs } from './backoff';
import { type Connection, isServiceError } from './connection';
import { Connections } from './connections';
import { keepAlive } from './keep-alive';
import { RemoteWatch } from './remote-watch';
import { toDeleteRange, toPut, toRange, toTxn } from './requests';
import { fromDeleteRange, fromPut, fromRange, fromTxn, keyOf } from './responses';
import { type Failure, failureOf } from './status';

const DEFAULT_REQUEST_TIMEOUT_MS = 5_000;
const DEFAULT_KEEP_ALIVE_MS = 10_000;

/** May a call be repeated when nobody knows whether it was carried out? */
type Safety = 'repeatable' | 'once';

type Attempt<Response> = (connection: Connection, timeoutMs: number, signal: AbortSignal) => Promise<Response>;

/** Every answer of etcd names the cluster it comes from. */
interface Answer {
  readonly header?: etcdserverpb.ResponseHeader;
}

/** `KeyValueStore` over etcd v3's gRPC API. What it promises stands at `connectStore`. */
export class RemoteStore implements KeyValueStore {
  private readonly connections: Connections;
  private readonly timeoutMs: number;
  private readonly keepAliveMs: number;
  private readonly watches = new Set<RemoteWatch>();
  /** Watches "from the next change on" of which the server may not know yet. */
  private readonly opening = new Set<Promise<void>>();
  private readonly closed = new AbortController();
  private clusterId: bigint | undefined;
  /** The newest revision that any answer has named. */
  private revision = 0;

  constructor(private readonly options: ConnectStoreOptions) {
    this.timeoutMs = options.requestTimeoutMs ?? DEFAULT_REQUEST_TIMEOUT_MS;
    this.keepAliveMs = options.keepAliveMs ?? DEFAULT_KEEP_ALIVE_MS;
    this.connections = new Connections(options, this.keepAliveMs);
    // One listener a call in flight.
    setMaxListeners(0, this.closed.signal);
  }

  async range(request: RangeRequest): Promise<RangeResponse> {
    checkRange(request);
    return fromRange(await this.unary('repeatable', kvService.range, toRange(request)));
  }

  async put(request: PutRequest): Promise<PutResponse> {
    checkPut(request);
    return fromPut(await this.unary('once', kvService.put, toPut(request)));
  }

  async deleteRange(request: DeleteRangeRequest): Promise<DeleteRangeResponse> {
    checkKeyRange(request);
    return fromDeleteRange(await this.unary('once', kvService.deleteRange, toDeleteRange(request)));
  }

  async txn(request: TxnRequest): Promise<TxnResponse> {
    checkTxn(request);
    return fromTxn(await this.unary(isReadOnly(request) ? 'repeatable' : 'once', kvService.txn, toTxn(request)));
  }

  async compact(revision: number): Promise<void> {
    checkWhole('revision', revision);
    await this.unary('once', kvService.compact, { revision: BigInt(revision), physical: false });
  }

  watch(request: WatchRequest, handler: WatchHandler): Watch {
    checkKeyRange(request);
    const { clock, random, logger } = this.options;
    const watch = new RemoteWatch(
      request,
      handler,
      {
        connections: this.connections,
        clock,
        random,
        logger,
        keepAliveMs: this.keepAliveMs,
        past: this.revision,
        hear: (connection, header) => this.hear(connection, { header }),
      },
      (over) => this.watches.delete(over),
    );
    this.watches.add(watch);
    if (this.closed.signal.aborted) {
      setImmediate(() => watch.end(storeErrors.clientClosed()));
    } else if (!request.startRevision) {
      this.opening.add(watch.opened);
      void watch.opened.then(() => this.opening.delete(watch.opened));
    }
    return watch;
  }

  async leaseGrant(ttl: number, id = 0n): Promise<{ id: bigint; ttl: number }> {
    const request = { TTL: BigInt(checkLeaseTtl(ttl)), ID: id };
    const { ID, TTL } = await this.unary('once', leaseService.leaseGrant, request);
    return { id: ID, ttl: Number(TTL) };
  }

  async leaseRevoke(id: bigint): Promise<void> {
    await this.unary('once', leaseService.leaseRevoke, { ID: id });
  }

  async leaseKeepAlive(id: bigint): Promise<number> {
    const { TTL } = await this.call('repeatable', (connection, timeoutMs, signal) =>
      keepAlive(connection, this.options.clock, id, timeoutMs, signal),
    );
    if (TTL <= 0n) throw storeErrors.leaseNotFound();
    return Number(TTL);
  }

  async leaseStatus(id: bigint): Promise<LeaseStatus> {
    const response = await this.unary('repeatable', leaseService.leaseTimeToLive, { ID: id, keys: true });
    const ttl = Number(response.TTL);
    return ttl < 0
      ? { id, ttl: -1, grantedTtl: 0, keys: [] }
      : { id, ttl, grantedTtl: Number(response.grantedTTL), keys: response.keys.map(keyOf).sort() };
  }

  async leases(): Promise<readonly bigint[]> {
    const { leases } = await this.unary('repeatable', leaseService.leaseLeases, {});
    return leases.map(({ ID }) => ID);
  }

  async status(): Promise<StoreStatus> {
    const response = await this.unary('repeatable', maintenanceService.status, {});
    return {
      revision: Number(response.header?.revision ?? 0n),
      term: Number(response.raftTerm),
      appliedIndex: Number(response.raftAppliedIndex),
      size: Number(response.dbSizeInUse),
      clusterId: response.header?.clusterId ?? 0n,
      memberId: response.header?.memberId ?? 0n,
    };
  }

  async close(): Promise<void> {
    const error = storeErrors.clientClosed();
    this.closed.abort(error);
    for (const watch of [...this.watches]) watch.end(error);
    this.connections.close();
  }

  private unary<Request, Response extends Answer>(
    safety: Safety,
    method: MethodDefinition<Request, Response>,
    request: Request,
  ): Promise<Response> {
    return this.call(safety, (connection, timeoutMs, signal) => connection.unary(method, request, timeoutMs, signal));
  }

  private async call<Response extends Answer>(safety: Safety, attempt: Attempt<Response>): Promise<Response> {
    const { clock, random } = this.options;
    const { signal } = this.closed;
    const deadline = clock.monotonic() + this.timeoutMs;
    signal.throwIfAborted();
    if (safety === 'once' && this.opening.size > 0) await this.watchesOpened(deadline);
    for (let count = 0; ; count++) {
      const connection = await this.connections.ready(Math.max(0, deadline - clock.monotonic()), signal);
      const left = deadline - clock.monotonic();
      // With somewhere else to go, a server that does not answer must not use up all the time there is.
      const allowed = safety === 'repeatable' && this.connections.size > 1 ? Math.min(left, this.timeoutMs / 2) : left;
      let failure: Failure;
      try {
        const response = await attempt(connection, allowed, signal);
        this.hear(connection, response);
        return response;
      } catch (error) {
        if (signal.aborted) throw signal.reason;
        if (!isServiceError(error)) throw error;
        failure = failureOf(error);
      }
      if (!failure.isTransient) throw failure.error;
      this.connections.failed(connection);
      if (safety === 'once' && !failure.isRefusal) throw storeErrors.unknownOutcome(failure.error.message);
      const pause = backoffMs(count, random);
      if (clock.monotonic() + pause >= deadline) throw failure.error;
      await delay(clock, pause, signal);
    }
  }

  /** Program order: what is written after `watch()` was called is seen by that watch. */
  private async watchesOpened(deadline: number): Promise<void> {
    const late = new AbortController();
    const end = (): void => late.abort();
    this.closed.signal.addEventListener('abort', end, { once: true });
    const { clock } = this.options;
    try {
      await Promise.race([
        Promise.all(this.opening),
        delay(clock, Math.max(0, deadline - clock.monotonic()), late.signal).then(() => {
          throw new StoreError('unavailable', 'a watch that was begun before the write could not be opened');
        }),
      ]);
      this.closed.signal.throwIfAborted();
    } finally {
      this.closed.signal.removeEventListener('abort', end);
      late.abort();
    }
  }

  /** Revisions of another cluster, or of the same one wiped and begun anew, mean something else. */
  private hear(connection: Connection, { header }: Answer): void {
    const id = header?.clusterId ?? 0n;
    if (header === undefined || id === 0n) return;
    this.clusterId ??= id;
    if (id !== this.clusterId) {
      this.connections.failed(connection);
      throw storeErrors.otherCluster(connection.endpoint);
    }
    this.revision = Math.max(this.revision, Number(header.revision));
  }
}
