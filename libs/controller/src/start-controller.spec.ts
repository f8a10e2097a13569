import { Module } from '@nestjs/common';
import { type ConfigMap, resources } from '#api';
import { parseKey } from '#machinery';
import { FakeCluster, apiError, settle } from '#testing';
import {
  type InformerFactory,
  type ControllerDependencies,
  InjectDependencies,
  type Lister,
  Reconciler,
  type Watches,
  startController,
} from '../index';

/** The example of README.md. */
@Reconciler({ name: 'copy', workers: 4 })
class CopyReconciler implements Reconciler {
  private configMaps!: Lister<ConfigMap>;

  constructor(@InjectDependencies() private readonly deps: ControllerDependencies) {}

  watch(watches: Watches): void {
    this.configMaps = watches.primary(resources.configMaps).lister;
    watches.mapped(resources.namespaces, (namespace) => [`${namespace.metadata?.name}/shared`]);
  }

  async reconcile(key: string): Promise<void> {
    const { namespace, name } = parseKey(key);
    if (name !== 'shared' || this.configMaps.get(namespace, name) !== undefined) return;
    await this.deps.client.create(resources.configMaps, { metadata: { namespace, name } });
  }
}

@Module({ providers: [CopyReconciler] })
class CopyControllerModule {}

const namespace = (name: string) => ({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } });

describe('startController', () => {
  it('reconciles what is there, what comes, and what goes', async () => {
    const cluster = new FakeCluster().add(namespace('a'));
    const dependencies = cluster.dependencies();
    const component = await startController({ name: 'copy-controller', module: CopyControllerModule, dependencies });
    await settle();
    expect(cluster.takeWrites()).toEqual(['create configmaps a/shared']);
    cluster.add(namespace('b'));
    await settle();
    expect(cluster.takeWrites()).toEqual(['create configmaps b/shared']);
    await cluster.client.delete(resources.configMaps, { namespace: 'a', name: 'shared' });
    await settle();
    expect(cluster.takeWrites()).toEqual(['delete configmaps a/shared', 'create configmaps a/shared']);

    await component.stop();
    cluster.add(namespace('c'));
    await settle();
    expect(cluster.takeWrites()).toEqual([]);
    expect(cluster.clock.pending).toBe(0);
  });

  it('retries failures with back-off and counts', async () => {
    const cluster = new FakeCluster().add(namespace('a'));
    cluster.failNext('create', resources.configMaps, apiError(500, 'InternalError'));
    cluster.failNext('create', resources.configMaps, apiError(409, 'Conflict'));
    const dependencies = cluster.dependencies();
    const component = await startController({ name: 'copy-controller', module: CopyControllerModule, dependencies });
    await settle();
    expect(cluster.takeWrites()).toEqual([]);
    await cluster.clock.advance(20);
    expect(cluster.takeWrites()).toEqual(['create configmaps a/shared']);
    expect(await dependencies.metrics.metrics()).toContain('workqueue_retries_total{name="copy"} 2');
    await component.stop();
  });

  it('does not wait for ever for a pass that does not end', async () => {
    const cluster = new FakeCluster().add(namespace('a'));
    const dependencies = cluster.dependencies();
    jest.spyOn(cluster.client, 'create').mockReturnValue(new Promise(() => undefined));
    const component = await startController({ name: 'copy-controller', module: CopyControllerModule, dependencies });
    await settle();
    let isStopped = false;
    const stopping = component.stop().then(() => (isStopped = true));
    await cluster.clock.advance(4999);
    expect(isStopped).toBe(false);
    await cluster.clock.advance(1);
    await stopping;
  });

  it('works only while it leads', async () => {
    const cluster = new FakeCluster().add(namespace('a'));
    let lead: ((signal: AbortSignal, since: number) => Promise<void>) | undefined;
    const elector = {
      run: (given: typeof lead) => {
        lead = given;
        return Promise.resolve();
      },
      stop: () => Promise.resolve(),
    };
    const dependencies = { ...cluster.dependencies(), elector };
    const component = await startController({ name: 'copy-controller', module: CopyControllerModule, dependencies });
    await settle();
    expect(cluster.takeWrites()).toEqual([]);
    const first = new AbortController();
    const leading = lead!(first.signal, 0);
    await settle();
    expect(cluster.takeWrites()).toEqual(['create configmaps a/shared']);
    first.abort(new Error('lost'));
    await leading;
    cluster.add(namespace('b'));
    await settle();
    expect(cluster.takeWrites()).toEqual([]);
    const second = new AbortController();
    const again = lead!(second.signal, 0);
    await settle();
    expect(cluster.takeWrites()).toEqual(['create configmaps b/shared']);
    second.abort(new Error('lost'));
    await again;
    await component.stop();
  });

  it('acts only once its caches show what the leader before it did', async () => {
    const cluster = new FakeCluster().add(namespace('a'));
    const dependencies = cluster.dependencies();
    let lead: ((signal: AbortSignal, since: number) => Promise<void>) | undefined;
    const elector = {
      run: (given: NonNullable<typeof lead>) => {
        lead = given;
        return Promise.resolve();
      },
      stop: () => Promise.resolve(),
    };
    const waited: number[] = [];
    let arrive: () => void = () => undefined;
    const arrived = new Promise<void>((resolve) => (arrive = resolve));
    const informers: InformerFactory = {
      synced: () => Promise.resolve(),
      stop: () => Promise.resolve(),
      informer: (resource) => {
        const informer = cluster.informers.informer(resource);
        return new Proxy(informer, {
          get: (target, property, receiver) =>
            property === 'waitFor'
              ? (revision: number) => {
                  waited.push(revision);
                  return arrived;
                }
              : (Reflect.get(target, property, receiver) as unknown),
        });
      },
    };
    const component = await startController({
      name: 'copy-controller',
      module: CopyControllerModule,
      dependencies: { ...dependencies, informers, elector },
    });
    const term = new AbortController();
    const leading = lead!(term.signal, 1234);
    await settle();
    expect(waited).toContain(1234);
    expect(cluster.takeWrites()).toEqual([]);
    arrive();
    await settle();
    expect(cluster.takeWrites()).toEqual(['create configmaps a/shared']);
    term.abort(new Error('over'));
    await leading;
    await component.stop();
  });
});
