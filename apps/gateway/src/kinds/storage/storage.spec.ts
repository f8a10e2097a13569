import { context, created, defaulted, row, updated } from '../common/strategy.fixture';
import { csiDrivers, csiNodes } from './csi';
import { persistentVolumeClaims } from './persistent-volume-claims';
import { persistentVolumes } from './persistent-volumes';
import { storageClasses } from './storage-classes';

describe('claims', () => {
  const source = { apiGroup: 'snapshot.storage.k8s.io', kind: 'VolumeSnapshot', name: 's' };

  it('wait, protected', () => {
    const claim = created(persistentVolumeClaims, { spec: {}, status: { phase: 'Bound' } });
    expect(claim).toMatchObject({
      metadata: { finalizers: ['kubernetes.io/pvc-protection'] },
      spec: { volumeMode: 'Filesystem' },
      status: { phase: 'Pending' },
    });
  });

  it.each<[string, object, object]>([
    ['the old field', { dataSource: source }, { dataSource: source, dataSourceRef: source }],
    ['the new field', { dataSourceRef: source }, { dataSource: source, dataSourceRef: source }],
  ])('say where their data comes from in both fields: %s', (_name, spec, expected) => {
    expect(created(persistentVolumeClaims, { spec }).spec).toMatchObject(expected);
  });

  it('cannot say in the old field that their data comes from elsewhere', () => {
    const { spec } = created(persistentVolumeClaims, { spec: { dataSourceRef: { ...source, namespace: 'other' } } });
    expect(spec).not.toHaveProperty('dataSource');
  });

  it.each<[object, object, object]>([
    [
      {},
      { phase: 'Pending' },
      { Status: 'Pending', Capacity: '', 'Access Modes': '', VolumeAttributesClass: '<unset>' },
    ],
    [
      { volumeName: 'pv', storageClassName: 'fast' },
      { phase: 'Bound', capacity: { storage: '1Gi' }, accessModes: ['ReadWriteMany', 'ReadWriteOnce'] },
      { Status: 'Bound', Volume: 'pv', Capacity: '1Gi', 'Access Modes': 'RWO,RWX', StorageClass: 'fast' },
    ],
  ])('%j %j', (spec, status, expected) => {
    expect(row(persistentVolumeClaims, { metadata: {}, spec, status })).toMatchObject(expected);
  });
});

describe('volumes', () => {
  const volume = created(persistentVolumes, { spec: { hostPath: { path: '/x' }, capacity: { storage: '0.5' } } });

  it('are kept, pending and protected', () => {
    expect(volume).toMatchObject({
      metadata: { finalizers: ['kubernetes.io/pv-protection'] },
      spec: { persistentVolumeReclaimPolicy: 'Retain', volumeMode: 'Filesystem', hostPath: { path: '/x', type: '' } },
      status: { phase: 'Pending', lastPhaseTransitionTime: context.now },
    });
  });

  it('say when their phase changed', () => {
    const old = { ...volume, status: { phase: 'Pending', lastPhaseTransitionTime: '2025-01-01T00:00:00Z' } };
    const moved = updated(persistentVolumes, old, (object) => (object.status!.phase = 'Bound'), 'status');
    expect(moved.status?.lastPhaseTransitionTime).toBe(context.now);
    const same = updated(persistentVolumes, old, (object) => (object.status!.message = 'x'), 'status');
    expect(same.status?.lastPhaseTransitionTime).toBe('2025-01-01T00:00:00Z');
  });
});

describe('storage classes', () => {
  it('delete at once and bind at once', () => {
    expect(defaulted(storageClasses, { provisioner: 'p' })).toMatchObject({
      reclaimPolicy: 'Delete',
      volumeBindingMode: 'Immediate',
    });
  });

  it('say which one is the default', () => {
    const annotations = { 'storageclass.kubernetes.io/is-default-class': 'true' };
    expect(row(storageClasses, { metadata: { name: 's', annotations }, provisioner: 'p' })).toMatchObject({
      Name: 's (default)',
      AllowVolumeExpansion: false,
    });
  });
});

describe('CSI', () => {
  it('drivers count their changes from none', () => {
    const driver = created(csiDrivers, { metadata: { name: 'd' }, spec: {} });
    const same = updated(csiDrivers, driver, () => undefined);
    const changed = updated(csiDrivers, driver, (object) => (object.spec.requiresRepublish = true));
    expect([driver, same, changed].map(({ metadata }) => metadata?.generation)).toEqual([undefined, undefined, 1]);
  });

  it('nodes without drivers hold null', () => {
    const node = created(csiNodes, { spec: { drivers: [] } });
    expect(node.spec.drivers).toBeNull();
    expect(row(csiNodes, node)).toMatchObject({ Drivers: 0 });
  });
});
