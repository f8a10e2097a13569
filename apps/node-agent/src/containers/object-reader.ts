import { type Resource, resources, type ConfigMap, type Secret } from '#api';
import { type ObjectClient } from '#client';
import { type Clock, type DeepReadonly, type KubernetesObject, hasReason } from '#machinery';

interface Entry {
  readonly readAt: number;
  readonly value: Promise<DeepReadonly<KubernetesObject> | undefined>;
}

/**
 * ConfigMaps and Secrets that pods of this node refer to: read one by one, as the node authoriser demands, and kept for a short while so that many
 * pods cost one read. Concurrent readers share a call; failures are not kept.
 */
export class ObjectReader {
  private readonly entries = new Map<string, Entry>();

  constructor(
    private readonly client: ObjectClient,
    private readonly clock: Clock,
    private readonly maxAgeMs: number,
  ) {}

  /** Undefined if it does not exist. @param fresh do not answer from the cache */
  configMap(namespace: string, name: string, fresh = false): Promise<DeepReadonly<ConfigMap> | undefined> {
    return this.read(resources.configMaps, namespace, name, fresh);
  }

  secret(namespace: string, name: string, fresh = false): Promise<DeepReadonly<Secret> | undefined> {
    return this.read(resources.secrets, namespace, name, fresh);
  }

  private read<T extends KubernetesObject>(
    resource: Resource<T>,
    namespace: string,
    name: string,
    fresh: boolean,
  ): Promise<DeepReadonly<T> | undefined> {
    const key = `${resource.plural}/${namespace}/${name}`;
    const now = this.clock.monotonic();
    const known = this.entries.get(key);
    if (known !== undefined && !fresh && now - known.readAt < this.maxAgeMs) {
      return known.value as Promise<DeepReadonly<T> | undefined>;
    }
    const value = this.client.get(resource, { namespace, name }).catch((error: unknown) => {
      this.entries.delete(key);
      if (hasReason(error, 'NotFound')) return undefined;
      throw error;
    });
    this.entries.set(key, { readAt: now, value });
    this.prune(now);
    return value;
  }

  private prune(now: number): void {
    for (const [key, { readAt }] of this.entries) {
      if (now - readAt < this.maxAgeMs) return;
      this.entries.delete(key);
    }
  }
}
