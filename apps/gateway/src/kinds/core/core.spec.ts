import { created, defaulted, row, updated } from '../common/strategy.fixture';
import { limitRanges } from './limit-ranges';
import { namespaces } from './namespaces';
import { nodes } from './nodes';
import { resourceQuotas } from './resource-quotas';
import { secrets } from './secrets';
import { serviceAccounts } from './service-accounts';

describe('namespaces', () => {
  const namespace = created(namespaces, { metadata: { name: 'a' }, spec: { finalizers: ['example.com/hold'] } });

  it('are labelled with their name and held by the controller', () => {
    expect(namespace).toMatchObject({
      metadata: { labels: { 'kubernetes.io/metadata.name': 'a' } },
      spec: { finalizers: ['example.com/hold', 'kubernetes'] },
      status: { phase: 'Active' },
    });
  });

  it('keep their finalizers through updates', () => {
    const next = updated(namespaces, namespace, (object) => (object.spec = {}));
    expect(next.spec?.finalizers).toEqual(['example.com/hold', 'kubernetes']);
  });

  it('terminate until nobody holds them', () => {
    const { heldDeletion } = namespaces;
    const going = structuredClone(namespace);
    heldDeletion?.begin(going);
    expect(going.status?.phase).toBe('Terminating');
    expect(heldDeletion?.isHeld(going)).toBe(true);
    expect(heldDeletion?.isHeld({ ...going, spec: {} })).toBe(false);
  });
});

describe('secrets', () => {
  it('turn strings into data, which they win over', () => {
    const secret = defaulted(secrets, { data: { a: 'b2xk', b: 'eA==' }, stringData: { a: 'new ü' } });
    expect(secret).toMatchObject({ type: 'Opaque', data: { a: Buffer.from('new ü').toString('base64'), b: 'eA==' } });
    expect(secret).not.toHaveProperty('stringData');
  });
});

describe('service accounts', () => {
  it('name their secrets and nothing more of them', () => {
    const account = created(serviceAccounts, { secrets: [{ name: 's', namespace: 'other', uid: 'u' }] });
    expect(account.secrets).toEqual([{ name: 's' }]);
  });
});

describe('limit ranges', () => {
  it.each<[string, object, object]>([
    [
      'a maximum is a limit and a request',
      { max: { cpu: '2' } },
      { default: { cpu: '2' }, defaultRequest: { cpu: '2' } },
    ],
    ['a minimum is a request', { min: { cpu: '1' } }, { defaultRequest: { cpu: '1' } }],
    [
      'a limit is a request, whatever the minimum',
      { min: { cpu: '1' }, default: { cpu: '2' }, max: { cpu: '3' } },
      { default: { cpu: '2' }, defaultRequest: { cpu: '2' } },
    ],
  ])('of containers: %s', (_name, item, expected) => {
    const range = defaulted(limitRanges, { spec: { limits: [{ type: 'Container', ...item }] } });
    expect(range.spec?.limits[0]).toEqual({ type: 'Container', ...item, ...expected });
  });

  it('of claims default to nothing', () => {
    const item = { type: 'PersistentVolumeClaim', max: { storage: '1Gi' } };
    expect(defaulted(limitRanges, { spec: { limits: [item] } }).spec?.limits).toEqual([item]);
  });

  it('hold an empty list as null', () => {
    expect(created(limitRanges, { spec: { limits: [] } }).spec?.limits).toBeNull();
  });
});

describe('nodes', () => {
  it('may come with what they are', () => {
    expect(nodes.keepsStatusOnCreate).toBe(true);
    expect(created(nodes, { status: { capacity: { cpu: '4' } } }).status).toMatchObject({
      capacity: { cpu: '4' },
      allocatable: { cpu: '4' },
    });
  });

  it.each([{ podCIDR: '10.0.0.0/24' }, { podCIDRs: ['10.0.0.0/24'] }])(
    'have their range in both fields: %j',
    (spec) => {
      expect(defaulted(nodes, { spec }).spec).toEqual({ podCIDR: '10.0.0.0/24', podCIDRs: ['10.0.0.0/24'] });
    },
  );

  it.each<[object, object]>([
    [{}, { Status: 'Unknown', Roles: '<none>', 'Internal-IP': '<none>', 'OS-Image': '<unknown>' }],
    [
      {
        metadata: { labels: { 'node-role.kubernetes.io/worker': '', 'node-role.kubernetes.io/control-plane': '' } },
        spec: { unschedulable: true },
        status: {
          conditions: [{ type: 'Ready', status: 'True' }],
          addresses: [{ type: 'InternalIP', address: '10.0.0.1' }],
          nodeInfo: { kubeletVersion: 'v1.36.0' },
        },
      },
      {
        Status: 'Ready,SchedulingDisabled',
        Roles: 'control-plane,worker',
        Version: 'v1.36.0',
        'Internal-IP': '10.0.0.1',
        'External-IP': '<none>',
      },
    ],
    [{ status: { conditions: [{ type: 'Ready', status: 'Unknown' }] } }, { Status: 'NotReady' }],
  ])('%j', (node, expected) => {
    expect(row(nodes, node)).toMatchObject(expected);
  });
});

describe('resource quotas', () => {
  it('show requests and limits apart', () => {
    const status = { hard: { 'limits.cpu': '2', pods: '10', 'count/jobs.batch': '5' }, used: { pods: '3' } };
    expect(row(resourceQuotas, { metadata: {}, status })).toMatchObject({
      Request: 'count/jobs.batch: 0/5, pods: 3/10',
      Limit: 'limits.cpu: 0/2',
    });
  });
});
