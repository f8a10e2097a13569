import { allResources, findKind, parseGroupVersion, type ResourceDefinition } from '#api';
import { deepEqualSemantic, type Informer, type Watches } from '#controller';
import { type DeepReadonly, type KubernetesObject, type OwnerReference } from '#machinery';

type Seen = DeepReadonly<KubernetesObject>;

export interface ObjectNode {
  readonly resource: ResourceDefinition;
  readonly object: Seen;
}

const OWNER = 'gc/owner';
const UID = 'gc/uid';

/**
 * Who owns whom, over every kind that can be collected. Nothing is kept beside the informers' own indexes: dependents are found by
 * the UIDs in their ownerReferences, so that the graph is never out of step with the caches.
 */
export class ObjectGraph {
  private readonly informers = new Map<ResourceDefinition, Informer<KubernetesObject>>();

  /** Watches all kinds; changes lead to the object's own key and, when an owner goes, to its dependents' keys. */
  watch(watches: Watches): void {
    for (const resource of collectableResources()) {
      const informer = watches.mapped<KubernetesObject>(
        resource,
        (object) => this.affectedKeys(resource, object),
        changesRelations,
      );
      informer.addIndex(OWNER, (object) => object.metadata?.ownerReferences?.map((reference) => reference.uid) ?? []);
      informer.addIndex(UID, (object) => [object.metadata?.uid ?? '']);
      this.informers.set(resource, informer);
    }
  }

  find(key: string): ObjectNode | undefined {
    const [groupPlural = '', namespace = '', name = ''] = key.split('|');
    for (const [resource, informer] of this.informers) {
      if (groupPlural !== `${resource.plural}.${resource.group}`) continue;
      const object = informer.lister.get(namespace, name);
      return object === undefined ? undefined : { resource, object };
    }
    return undefined;
  }

  findByUid(uid: string): ObjectNode | undefined {
    for (const [resource, informer] of this.informers) {
      const object = informer.lister.byIndex(UID, uid)[0];
      if (object !== undefined) return { resource, object };
    }
    return undefined;
  }

  dependentsOf(uid: string): ObjectNode[] {
    const dependents: ObjectNode[] = [];
    for (const [resource, informer] of this.informers) {
      for (const object of informer.lister.byIndex(OWNER, uid)) dependents.push({ resource, object });
    }
    return dependents;
  }

  private affectedKeys(resource: ResourceDefinition, object: Seen): string[] {
    const { metadata } = object;
    const isGoing = metadata?.deletionTimestamp !== undefined;
    const keys: string[] = [];
    if (isGoing || (metadata?.ownerReferences ?? []).length > 0) keys.push(nodeKey({ resource, object }));
    // The owner may have been waiting for this one (foreground deletion) …
    for (const reference of metadata?.ownerReferences ?? []) {
      const owner = reference.blockOwnerDeletion === true ? this.findByUid(reference.uid) : undefined;
      if (owner?.object.metadata?.deletionTimestamp !== undefined) keys.push(nodeKey(owner));
    }
    // … and its own dependents may now be without an owner.
    const isGone =
      this.informers.get(resource)?.lister.get(metadata?.namespace ?? '', metadata?.name ?? '') === undefined;
    if (isGoing || isGone) keys.push(...this.dependentsOf(metadata?.uid ?? '').map(nodeKey));
    return keys;
  }
}

/** Most updates change neither owners nor life: they are not looked at. */
function changesRelations(object: Seen, old: Seen): boolean {
  const relations = ({ metadata }: Seen): unknown => [
    metadata?.uid,
    metadata?.deletionTimestamp,
    metadata?.ownerReferences ?? [],
    metadata?.finalizers ?? [],
  ];
  return !deepEqualSemantic(relations(object), relations(old));
}

export function nodeKey({ resource, object }: ObjectNode): string {
  return `${resource.plural}.${resource.group}|${object.metadata?.namespace ?? ''}|${object.metadata?.name ?? ''}`;
}

/** The resource that an owner reference speaks of, if this server has such a kind. */
export function ownerResource(reference: DeepReadonly<OwnerReference>): ResourceDefinition | undefined {
  const { group, version } = parseGroupVersion(reference.apiVersion);
  const exact = findKind(group, version, reference.kind);
  return exact ?? allResources.find((resource) => resource.group === group && resource.kind === reference.kind);
}

/** Stored kinds that can be listed, watched and deleted; one version of each. Events are left out, as upstream does. */
function collectableResources(): ResourceDefinition[] {
  const seen = new Set<string>();
  return allResources.filter((resource) => {
    const name = `${resource.group}/${resource.kind}`;
    const isCollectable = (['delete', 'list', 'watch'] as const).every((verb) => resource.verbs.includes(verb));
    if (!isCollectable || resource.kind === 'Event' || seen.has(name)) return false;
    seen.add(name);
    return true;
  });
}
