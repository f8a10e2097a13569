import { type EndpointSlice, type Lease, resources } from '#api';
import { type ObjectClient } from '#client';
import { type Clock, delay, formatMicroTime, hasReason } from '#machinery';
import { type Logger, type RunningComponent } from '#telemetry';
import { MANAGED_BY, type PublishOptions, publishDnsService, sliceName } from './publish-dns-service';

export interface AnnouncerDependencies {
  readonly client: ObjectClient;
  readonly clock: Clock;
  /** 0 ≤ x < 1 */
  readonly random: () => number;
  readonly logger: Logger;
  /** With it, a start that fails is tried again until it aborts: then the promise rejects. Without, the first failure is the last. */
  readonly signal?: AbortSignal;
}

const NAMESPACE = 'kube-system';
const ROUND_MS = 10_000;
/** Between tries of the first announcement; clients have waited for an answer before, too. */
const RETRY_MS = 1_000;
/** A replica that has not renewed its lease for this long is taken off the service. Long enough for a pause or an API that is away. */
const GONE_MS = 40_000;

/**
 * Says where this replica serves names, for as long as it does. Each replica has an EndpointSlice of its own and renews a Lease
 * beside it; when one dies, the others take its slice away. Resolves when the service leads here.
 */
export async function announceDns(
  options: PublishOptions,
  dependencies: AnnouncerDependencies,
): Promise<RunningComponent> {
  const announcer = new Announcer(options, dependencies);
  await announcer.begin();
  const running = announcer.run();
  let stopped: Promise<void> | undefined;
  return { name: 'dns announcer', stop: () => (stopped ??= announcer.stop(running)) };
}

class Announcer {
  private readonly stopping = new AbortController();
  /** The last renewal seen of each other replica, and when it was first seen, on our own clock: clocks that differ do no harm. */
  private readonly seen = new Map<string, { readonly renewed: string; readonly at: number }>();

  constructor(
    private readonly options: PublishOptions,
    private readonly dependencies: AnnouncerDependencies,
  ) {}

  async begin(): Promise<void> {
    const { clock, random, logger, signal } = this.dependencies;
    for (;;) {
      try {
        return await this.announce();
      } catch (error) {
        if (signal === undefined) throw error;
        logger.warn({ err: error }, 'cannot announce the name server yet, trying again');
        await delay(clock, RETRY_MS * (0.5 + random()), signal);
      }
    }
  }

  async announce(): Promise<void> {
    await this.renew();
    await publishDnsService(this.dependencies.client, this.options);
  }

  async run(): Promise<void> {
    const { clock, random, logger } = this.dependencies;
    const { signal } = this.stopping;
    for (;;) {
      await delay(clock, ROUND_MS * (0.9 + random() * 0.2), signal).catch(() => undefined);
      if (signal.aborted) return;
      try {
        await this.announce();
        await this.removeTheGone();
      } catch (error) {
        logger.warn({ err: error }, 'cannot announce the name server now, trying again');
      }
    }
  }

  /** Takes this replica off the service. What fails here the others do later. */
  async stop(running: Promise<void>): Promise<void> {
    this.stopping.abort(new Error('stopped'));
    await running;
    try {
      await this.remove(sliceName(this.options.replica));
    } catch (error) {
      this.dependencies.logger.warn({ err: error }, 'the name server is still announced');
    }
  }

  private async renew(): Promise<void> {
    const { client, clock } = this.dependencies;
    const key = { namespace: NAMESPACE, name: sliceName(this.options.replica) };
    const spec = {
      holderIdentity: this.options.replica,
      leaseDurationSeconds: GONE_MS / 1000,
      renewTime: formatMicroTime(clock.now()),
    };
    try {
      await client.patch<Lease>(resources.leases, key, 'merge', { spec });
    } catch (error) {
      if (!hasReason(error, 'NotFound')) throw error;
      await client.create<Lease>(resources.leases, { metadata: key, spec });
    }
  }

  private async removeTheGone(): Promise<void> {
    const { client, clock } = this.dependencies;
    const { items: slices } = await client.list<EndpointSlice>(resources.endpointSlices, {
      namespace: NAMESPACE,
      labelSelector: `endpointslice.kubernetes.io/managed-by=${MANAGED_BY}`,
    });
    const { items: leases } = await client.list<Lease>(resources.leases, { namespace: NAMESPACE });
    const now = clock.monotonic();
    const names = slices.map(({ metadata }) => metadata?.name ?? '');
    for (const name of names) {
      const renewed = leases.find(({ metadata }) => metadata?.name === name)?.spec?.renewTime ?? '';
      const before = this.seen.get(name);
      if (before?.renewed !== renewed) this.seen.set(name, { renewed, at: now });
      else if (now - before.at >= GONE_MS && name !== sliceName(this.options.replica)) await this.remove(name);
    }
    for (const name of this.seen.keys()) if (!names.includes(name)) this.seen.delete(name);
  }

  private async remove(name: string): Promise<void> {
    for (const resource of [resources.endpointSlices, resources.leases]) {
      try {
        await this.dependencies.client.delete(resource, { namespace: NAMESPACE, name });
      } catch (error) {
        if (!hasReason(error, 'NotFound')) throw error;
      }
    }
  }
}
