import { type EndpointSlice, resources } from '#api';
import { type CacheView, type Informer, type Watches } from '#controller';
import { type DeepReadonly, formatKey, parseKey } from '#machinery';
import { labels } from '../well-known';

const BY_SERVICE = 'slices by service';

/** The slices of one manager. */
export class SliceIndex {
  private readonly informer: Informer<EndpointSlice>;

  /** Whatever happens to a slice of this manager leads to its Service: somebody else may have changed it. */
  constructor(
    watches: Watches,
    private readonly manager: string,
  ) {
    this.informer = watches.mapped(resources.endpointSlices, (slice, old) =>
      [slice, old].flatMap((state) => (state !== undefined && this.isOurs(state) ? serviceOf(state) : [])),
    );
    this.informer.addIndex(BY_SERVICE, serviceOf);
  }

  /** Those that are not being deleted. @param key of the Service */
  of(key: string): DeepReadonly<EndpointSlice>[] {
    return this.all(key).filter(({ metadata }) => metadata?.deletionTimestamp === undefined);
  }

  /** For expectations. */
  view(key: string): CacheView {
    return {
      revision: this.informer.revision(),
      isGone: (uid) => !this.of(key).some(({ metadata }) => metadata?.uid === uid),
    };
  }

  private all(key: string): DeepReadonly<EndpointSlice>[] {
    const { namespace, name } = parseKey(key);
    return this.informer.lister.byIndex(BY_SERVICE, formatKey(namespace, name)).filter((slice) => this.isOurs(slice));
  }

  private isOurs({ metadata }: DeepReadonly<EndpointSlice>): boolean {
    return metadata?.labels?.[labels.sliceManagedBy] === this.manager;
  }
}

function serviceOf({ metadata }: DeepReadonly<EndpointSlice>): string[] {
  const service = metadata?.labels?.[labels.serviceName];
  return service === undefined || service === '' ? [] : [formatKey(metadata?.namespace ?? '', service)];
}
