import { type Resource } from '#api';
import { type KubernetesObject } from '#machinery';
import { BusInformer, type BusInformerOptions } from './bus-informer';
import { type Informer, type InformerFactory } from './informer';

/** Informers over the bus, shared by everybody who asks this factory. */
export function createInformerFactory(options: BusInformerOptions): InformerFactory {
  const informers = new Map<string, BusInformer<KubernetesObject>>();
  let isStopped = false;
  return {
    informer<T extends KubernetesObject>(
      resource: Resource<T>,
      { fieldSelector = '' }: { readonly fieldSelector?: string } = {},
    ): Informer<T> {
      if (isStopped) throw new Error('the informer factory was stopped');
      const key = `${resource.group}/${resource.version}/${resource.plural}?${fieldSelector}`;
      const existing = informers.get(key);
      if (existing !== undefined) return existing as unknown as Informer<T>;
      const informer = new BusInformer<T>(resource, fieldSelector, options);
      informers.set(key, informer as unknown as BusInformer<KubernetesObject>);
      return informer;
    },
    async synced() {
      await Promise.all([...informers.values()].map((informer) => informer.waitFor(0)));
    },
    async stop() {
      isStopped = true;
      await Promise.all([...informers.values()].map((informer) => informer.stop()));
    },
  };
}
