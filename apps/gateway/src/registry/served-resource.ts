import { type ResourceDefinition, formatGroupVersion } from '#api';
import {
  type DeepReadonly,
  type GroupKind,
  type GroupResource,
  type KubernetesObject,
  type StructSchema,
  type VersionView,
} from '#machinery';
import { type ResourceCache } from '../cache/resource-cache';
import { type FieldSelectorGetter, type ResourceStrategy } from '../kinds/strategy';
import { objectKey } from '../storage/keys';
import { type VersionedObject, versioned } from '../storage/versioned-object';

/** A resource as one version of the API serves it: what it is, how it behaves, and where its objects are. */
export class ServedResource {
  readonly apiVersion: string;
  readonly groupResource: GroupResource;
  readonly groupKind: GroupKind;
  private readonly converted = new WeakMap<VersionedObject, VersionedObject>();

  constructor(
    readonly definition: ResourceDefinition,
    readonly strategy: ResourceStrategy,
    readonly schema: StructSchema,
    readonly cache: ResourceCache,
    /** All that serve the objects of `cache`, this one among them. */
    private readonly siblings: readonly ServedResource[] = [],
  ) {
    this.apiVersion = formatGroupVersion(definition.group, definition.version);
    this.groupResource = { group: definition.group, resource: strategy.nameInErrors ?? definition.plural };
    // Complaints name an object as it is stored.
    const { group, kind } = strategy.conversion?.storage ?? definition;
    this.groupKind = { group, kind };
  }

  /** @param namespace ignored where objects have none: requests for a Namespace carry its own name */
  key(namespace: string, name: string): string {
    return objectKey(this.cache.prefix, this.definition.namespaced ? namespace : '', name);
  }

  /** Keys of a list: all objects, or those of a namespace. */
  keyPrefix(namespace: string): string {
    return namespace === '' || !this.definition.namespaced ? this.cache.prefix : `${this.cache.prefix}${namespace}/`;
  }

  hasSubresource(name: string): boolean {
    return this.definition.subresources.some((subresource) => subresource.name === name);
  }

  /** An object of the store as this version shows it, without the bytes that `serve` adds. Shares parts with the argument. */
  show(stored: DeepReadonly<KubernetesObject>): DeepReadonly<KubernetesObject> {
    const { conversion } = this.strategy;
    return conversion === undefined || stored.apiVersion === this.apiVersion ? stored : conversion.fromStorage(stored);
  }

  /** An object of the store as this version shows it. */
  serve(stored: VersionedObject): VersionedObject {
    const { conversion } = this.strategy;
    if (conversion === undefined || stored.object.apiVersion === this.apiVersion) return stored;
    let served = this.converted.get(stored);
    if (served === undefined) {
      const object = conversion.fromStorage(stored.object);
      served = versioned(stored.key, object, stored.revision);
      this.converted.set(stored, served);
    }
    return served;
  }

  /** The inverse of `serve` for what is about to be written. */
  store(object: KubernetesObject): KubernetesObject {
    return this.strategy.conversion === undefined ? object : this.strategy.conversion.toStorage(object);
  }

  /** How this version's objects look in another one (ownership of fields is recorded by version). */
  viewIn(apiVersion: string): VersionView | undefined {
    const sibling = this.siblings.find((candidate) => candidate.apiVersion === apiVersion);
    if (sibling === undefined) return undefined;
    return {
      schema: sibling.schema,
      convert: (object) => {
        const stored = this.store(object as KubernetesObject);
        return (sibling.strategy.conversion?.fromStorage(stored) ?? stored) as typeof object;
      },
    };
  }

  fieldGetter(field: string): FieldSelectorGetter<KubernetesObject> | undefined {
    if (field === 'metadata.name') return (object) => object.metadata?.name ?? '';
    if (field === 'metadata.namespace' && this.definition.namespaced) {
      return (object) => object.metadata?.namespace ?? '';
    }
    return this.strategy.fieldSelectors?.[field];
  }

  fieldValue(field: string, object: DeepReadonly<KubernetesObject>): string {
    return this.fieldGetter(field)?.(object) ?? '';
  }
}
