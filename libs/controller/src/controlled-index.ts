import { type DeepReadonly, type KubernetesObject, controllerOf } from '#machinery';
import { type Informer, type Lister } from './informer';

const indexName = 'controller';
const orphanPrefix = 'orphan in ';

/** Objects by their controller, and orphans by namespace: what a controller of pods asks for in every pass. */
export interface ControlledIndex<T> {
  /** What has a controller reference to this UID. */
  controlledBy(uid: string): readonly DeepReadonly<T>[];
  /** What has no controller. */
  orphans(namespace: string): readonly DeepReadonly<T>[];
}

/** Adds the index to a shared informer; whoever comes first makes it for all. */
export function indexByController<T extends KubernetesObject>(informer: Informer<T>): ControlledIndex<T> {
  const lister: Lister<T> = informer.lister;
  informer.addIndex(indexName, (object) => [
    controllerOf(object)?.uid ?? `${orphanPrefix}${object.metadata?.namespace ?? ''}`,
  ]);
  return {
    controlledBy: (uid) => lister.byIndex(indexName, uid),
    orphans: (namespace) => lister.byIndex(indexName, `${orphanPrefix}${namespace}`),
  };
}
