import { created, defaulted, row, updated } from '../common/strategy.fixture';
import { controllerRevisions } from './controller-revisions';
import { daemonSets } from './daemon-sets';
import { deployments } from './deployments';
import { replicaSets } from './replica-sets';
import { replicationControllers } from './replication-controllers';
import { statefulSets } from './stateful-sets';

const template = { metadata: { labels: { app: 'web' } }, spec: { containers: [{ name: 'main', image: 'app:1' }] } };
const selector = { matchLabels: { app: 'web' } };

describe('defaults of workloads', () => {
  it('Deployments roll a quarter at a time', () => {
    expect(defaulted(deployments, { spec: { selector, template } }).spec).toMatchObject({
      replicas: 1,
      revisionHistoryLimit: 10,
      progressDeadlineSeconds: 600,
      strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: '25%', maxUnavailable: '25%' } },
      template: { spec: { restartPolicy: 'Always', containers: [{ imagePullPolicy: 'IfNotPresent' }] } },
    });
  });

  it('Deployments that recreate have nothing to roll', () => {
    const { spec } = defaulted(deployments, { spec: { selector, template, strategy: { type: 'Recreate' } } });
    expect(spec?.strategy).toEqual({ type: 'Recreate' });
  });

  it('templates do not get what only pods get', () => {
    const hostNetwork = {
      ...template.spec,
      hostNetwork: true,
      containers: [{ name: 'c', ports: [{ containerPort: 80 }] }],
    };
    const { spec } = defaulted(replicaSets, { spec: { selector, template: { ...template, spec: hostNetwork } } });
    expect(spec?.template?.spec).not.toHaveProperty('enableServiceLinks');
    expect(spec?.template?.spec?.containers[0]?.ports).toEqual([{ containerPort: 80, protocol: 'TCP' }]);
  });

  it.each<[string, object | undefined, object]>([
    ['without a strategy', undefined, { type: 'RollingUpdate', rollingUpdate: { partition: 0 } }],
    ['with a type', { type: 'RollingUpdate' }, { type: 'RollingUpdate' }],
    ['with a strategy', { rollingUpdate: {} }, { type: 'RollingUpdate', rollingUpdate: { partition: 0 } }],
    ['on delete', { type: 'OnDelete' }, { type: 'OnDelete' }],
  ])('StatefulSets %s', (_name, updateStrategy, expected) => {
    const { spec } = defaulted(statefulSets, { spec: { selector, template, updateStrategy } });
    expect(spec?.updateStrategy).toEqual(expected);
  });

  it('StatefulSets keep their claims, which are whole objects', () => {
    const volumeClaimTemplates = [{ metadata: { name: 'data' }, spec: { accessModes: ['ReadWriteOnce'] } }];
    expect(defaulted(statefulSets, { spec: { selector, template, volumeClaimTemplates } }).spec).toMatchObject({
      podManagementPolicy: 'OrderedReady',
      persistentVolumeClaimRetentionPolicy: { whenDeleted: 'Retain', whenScaled: 'Retain' },
      volumeClaimTemplates: [
        {
          apiVersion: 'v1',
          kind: 'PersistentVolumeClaim',
          spec: { volumeMode: 'Filesystem' },
          status: { phase: 'Pending' },
        },
      ],
    });
  });

  it('ReplicationControllers are labelled and select like their template', () => {
    const controller = defaulted(replicationControllers, { spec: { template } });
    expect(controller.metadata?.labels).toEqual({ app: 'web' });
    expect(controller.spec).toMatchObject({ replicas: 1, selector: { app: 'web' } });
  });
});

describe('DaemonSets', () => {
  const annotation = 'deprecated.daemonset.template.generation';

  it('count the changes of their template in an annotation', () => {
    const first = created(daemonSets, { spec: { selector, template } });
    const second = updated(daemonSets, first, (set) => (set.spec!.template.metadata = { labels: { app: 'other' } }));
    const third = updated(daemonSets, second, (set) => (set.spec!.minReadySeconds = 5));
    const of = (set: typeof first): string | undefined => set.metadata?.annotations?.[annotation];
    expect([first, second, third].map(of)).toEqual(['1', '2', '2']);
  });
});

describe('Deployments', () => {
  const old = defaulted(deployments, { metadata: { labels: { a: 'b' } }, spec: { selector, template } });

  it('count changes of annotations as changes', () => {
    const { generation } = deployments;
    if (typeof generation !== 'function') throw new Error('no rule');
    expect(generation({ ...old, metadata: { annotations: { a: 'b' } } }, old)).toBe(true);
    expect(generation({ ...old, metadata: { labels: { c: 'd' } } }, old)).toBe(false);
    expect(generation({ ...old, spec: { ...old.spec!, paused: true } }, old)).toBe(true);
  });

  it('do not change their labels with their status', () => {
    const next = updated(deployments, old, (object) => (object.metadata = { labels: { c: 'd' } }), 'status');
    expect(next.metadata?.labels).toEqual({ a: 'b' });
  });
});

describe('tables of workloads', () => {
  it('Deployments show what is ready of what is wanted', () => {
    const object = { metadata: { name: 'd' }, spec: { replicas: 3, selector, template }, status: { readyReplicas: 2 } };
    expect(row(deployments, object)).toEqual({
      Name: 'd',
      Ready: '2/3',
      'Up-to-date': 0,
      Available: 0,
      Age: '<unknown>',
      Containers: 'main',
      Images: 'app:1',
      Selector: 'app=web',
    });
  });

  it.each<[string | undefined, string]>([
    ['apps/v1', 'statefulset.apps/web'],
    ['v1', 'statefulset/web'],
  ])('ControllerRevisions of an owner in %s show %s', (apiVersion, text) => {
    const ownerReferences = [{ apiVersion, kind: 'StatefulSet', name: 'web', uid: 'u', controller: true }];
    expect(row(controllerRevisions, { metadata: { name: 'r', ownerReferences }, revision: 3 })).toMatchObject({
      Controller: text,
      Revision: 3,
    });
  });
});
