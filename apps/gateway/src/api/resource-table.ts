import { type ResourceDefinition, allResources, schemaFor } from '#api';
import { type CacheFeed } from '../cache/cache-feed';
import { strategyFor } from '../kinds/registry';
import { ServedResource } from '../registry/served-resource';
import { resourceKeyPrefix } from '../storage/keys';

/** Everything that this server serves, by group, version and plural. */
export class ResourceTable {
  private readonly served = new Map<string, ServedResource>();
  private readonly groupVersions = new Set<string>();

  constructor(feed: CacheFeed, definitions: readonly ResourceDefinition[] = allResources) {
    const siblings = new Map<string, ServedResource[]>();
    for (const definition of definitions) {
      const { group, version, kind, plural } = definition;
      const strategy = strategyFor(definition);
      const stored = strategy.conversion?.storage ?? definition;
      const cache = feed.cache(resourceKeyPrefix(stored.group, stored.plural));
      const family = siblings.get(cache.prefix) ?? [];
      siblings.set(cache.prefix, family);
      const resource = new ServedResource(definition, strategy, schemaFor(group, version, kind), cache, family);
      family.push(resource);
      this.served.set(`${group}/${version}/${plural}`, resource);
      this.groupVersions.add(`${group}/${version}`);
    }
  }

  find(group: string, version: string, plural: string): ServedResource | undefined {
    return this.served.get(`${group}/${version}/${plural}`);
  }

  /** A built-in resource that is certainly there. */
  require(definition: ResourceDefinition): ServedResource {
    const found = this.find(definition.group, definition.version, definition.plural);
    if (found === undefined) throw new TypeError(`${definition.plural} is not served`);
    return found;
  }

  hasGroupVersion(group: string, version: string): boolean {
    return this.groupVersions.has(`${group}/${version}`);
  }

  hasGroup(group: string): boolean {
    return [...this.groupVersions].some((groupVersion) => groupVersion.startsWith(`${group}/`));
  }

  get all(): readonly ServedResource[] {
    return [...this.served.values()];
  }

  get definitions(): readonly ResourceDefinition[] {
    return this.all.map(({ definition }) => definition);
  }
}
