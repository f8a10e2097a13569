import { type Resource } from '#api';
import { type KubernetesObject, keyOf } from '#machinery';
import { BusInformer, type BusInformerOptions } from './bus-informer';
import { type Informer, type InformerFactory } from './informer';
import { objectDigest } from './object-digest';

/** What one informer holds, to compare it with others and with the API. */
export interface InformerDump {
  /** Store revision that it has reached; 0 before the first list. */
  readonly revision: number;
  /** By `namespace/name`. */
  readonly objects: Readonly<Record<string, { readonly resourceVersion: string; readonly digest: string }>>;
}

export interface BusInformerFactory extends InformerFactory {
  /** Names of the informers without a first list. */
  unsynced(): readonly string[];
  /** What every informer holds, by `plural[.group][?selector]`. Takes time: for debugging. */
  dump(): Readonly<Record<string, InformerDump>>;
}

/** Informers over the bus, shared by everybody who asks this factory. */
export function createInformerFactory(options: BusInformerOptions): BusInformerFactory {
  const informers = new Map<string, BusInformer<KubernetesObject>>();
  let isStopped = false;
  return {
    informer<T extends KubernetesObject>(
      resource: Resource<T>,
      { fieldSelector = '' }: { readonly fieldSelector?: string } = {},
    ): Informer<T> {
      if (isStopped) throw new Error('the informer factory was stopped');
      const { group, plural } = resource;
      const key = `${plural}${group === '' ? '' : `.${group}`}${fieldSelector === '' ? '' : `?${fieldSelector}`}`;
      const existing = informers.get(key);
      if (existing !== undefined) return existing as unknown as Informer<T>;
      const informer = new BusInformer<T>(resource, fieldSelector, options);
      informers.set(key, informer as unknown as BusInformer<KubernetesObject>);
      return informer;
    },
    async synced(revision = 0) {
      await Promise.all([...informers.values()].map((informer) => informer.waitFor(revision)));
    },
    unsynced: () => [...informers].filter(([, informer]) => !informer.hasSynced()).map(([key]) => key),
    dump: () => Object.fromEntries([...informers].map(([key, informer]) => [key, dumpOf(informer)])),
    async stop() {
      isStopped = true;
      await Promise.all([...informers.values()].map((informer) => informer.stop()));
    },
  };
}

function dumpOf(informer: Informer<KubernetesObject>): InformerDump {
  const objects = informer.lister.list().map((object) => {
    const { resourceVersion = '' } = object.metadata ?? {};
    return [keyOf(object), { resourceVersion, digest: objectDigest(object) }] as const;
  });
  return { revision: informer.revision(), objects: Object.fromEntries(objects) };
}
