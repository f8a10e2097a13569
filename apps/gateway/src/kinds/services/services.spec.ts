import { type Service } from '#api';
import { defaulted, row, updated } from '../common/strategy.fixture';
import { endpointSlices } from './endpoint-slices';
import { endpoints } from './endpoints';
import { services } from './services';

const ports = [{ port: 80 }];

function specOf(spec: object): Service['spec'] {
  return defaulted(services, { spec }).spec;
}

describe('defaults of services', () => {
  it.each<[string, object, object]>([
    [
      'ClusterIP',
      { ports },
      {
        type: 'ClusterIP',
        sessionAffinity: 'None',
        internalTrafficPolicy: 'Cluster',
        ports: [{ port: 80, targetPort: 80, protocol: 'TCP' }],
      },
    ],
    [
      'NodePort',
      { type: 'NodePort', ports: [{ port: 80, targetPort: 'http', protocol: 'UDP' }] },
      {
        type: 'NodePort',
        sessionAffinity: 'None',
        internalTrafficPolicy: 'Cluster',
        externalTrafficPolicy: 'Cluster',
        ports: [{ port: 80, targetPort: 'http', protocol: 'UDP' }],
      },
    ],
    [
      'LoadBalancer',
      { type: 'LoadBalancer', externalTrafficPolicy: 'Local' },
      {
        type: 'LoadBalancer',
        sessionAffinity: 'None',
        internalTrafficPolicy: 'Cluster',
        externalTrafficPolicy: 'Local',
        allocateLoadBalancerNodePorts: true,
      },
    ],
    [
      'ExternalName',
      { type: 'ExternalName', externalName: 'example.com' },
      { type: 'ExternalName', externalName: 'example.com', sessionAffinity: 'None' },
    ],
  ])('%s', (_name, spec, expected) => {
    expect(specOf(spec)).toEqual(expected);
  });

  it('affinity lasts three hours', () => {
    expect(specOf({ sessionAffinity: 'ClientIP' })?.sessionAffinityConfig).toEqual({
      clientIP: { timeoutSeconds: 10_800 },
    });
  });

  it('addresses from outside make a ClusterIP service reachable', () => {
    expect(specOf({ externalIPs: ['192.0.2.1'] })?.externalTrafficPolicy).toBe('Cluster');
  });
});

describe('a service that changes its type', () => {
  const old = defaulted(services, { spec: { type: 'LoadBalancer', ports, loadBalancerClass: 'x' } });

  it('loses what the new type cannot have', () => {
    const { spec } = updated(services, old, (service) => (service.spec!.type = 'ClusterIP'));
    expect(spec).not.toHaveProperty('externalTrafficPolicy');
    expect(spec).not.toHaveProperty('allocateLoadBalancerNodePorts');
    expect(spec).not.toHaveProperty('loadBalancerClass');
  });

  it('loses its node ports, unless there is a new one', () => {
    const nodePort = { ...old, spec: { ...old.spec, type: 'NodePort', ports: [{ port: 80, nodePort: 30_000 }] } };
    const kept = updated(services, nodePort, ({ spec }) => Object.assign(spec!, { type: 'ClusterIP' }));
    expect(kept.spec?.ports).toEqual([{ port: 80 }]);
    const changed = updated(services, nodePort, ({ spec }) =>
      Object.assign(spec!, { type: 'ClusterIP', ports: [{ port: 80, nodePort: 30_001 }] }),
    );
    expect(changed.spec?.ports).toEqual([{ port: 80, nodePort: 30_001 }]);
  });

  it('loses its address to a name', () => {
    const address = {
      clusterIP: '10.0.0.1',
      clusterIPs: ['10.0.0.1'],
      ipFamilies: ['IPv4'],
      ipFamilyPolicy: 'SingleStack',
    };
    const addressed = { ...old, spec: { ...old.spec, ...address } };
    const { spec } = updated(services, addressed, (service) => (service.spec!.type = 'ExternalName'));
    for (const field of Object.keys(address)) expect(spec).not.toHaveProperty(field);
  });

  it('keeps its address when the client leaves it out', () => {
    const addressed = { ...old, spec: { ...old.spec, clusterIP: '10.0.0.1', clusterIPs: ['10.0.0.1'] } };
    const { spec } = updated(services, addressed, (service) => {
      delete service.spec!.clusterIP;
      delete service.spec!.clusterIPs;
    });
    expect(spec).toMatchObject({ clusterIP: '10.0.0.1', clusterIPs: ['10.0.0.1'] });
  });

  it('keeps what the client changed with it, to be refused', () => {
    const { spec } = updated(services, old, (service) => {
      service.spec!.type = 'ClusterIP';
      service.spec!.loadBalancerClass = 'y';
    });
    expect(spec?.loadBalancerClass).toBe('y');
  });
});

describe('tables of services', () => {
  it.each<[object, object]>([
    [
      {
        type: 'ClusterIP',
        clusterIPs: ['10.0.0.1'],
        ports: [{ port: 80, protocol: 'TCP' }],
        selector: { z: '1', a: '2' },
      },
      { 'Cluster-IP': '10.0.0.1', 'External-IP': '<none>', 'Port(s)': '80/TCP', Selector: 'a=2,z=1' },
    ],
    [
      { type: 'NodePort', clusterIPs: ['10.0.0.1'], ports: [{ port: 80, nodePort: 30_000, protocol: 'TCP' }] },
      { 'Port(s)': '80:30000/TCP' },
    ],
    [{ type: 'LoadBalancer' }, { 'External-IP': '<pending>', 'Port(s)': '<none>' }],
    [{ type: 'LoadBalancer', externalIPs: ['192.0.2.1'] }, { 'External-IP': '192.0.2.1' }],
    [
      { type: 'ExternalName', externalName: 'x.example.com' },
      { 'Cluster-IP': '<none>', 'External-IP': 'x.example.com' },
    ],
  ])('%j', (spec, expected) => {
    expect(row(services, { metadata: { name: 's' }, spec })).toMatchObject(expected);
  });

  it('show addresses of load balancers once, in order', () => {
    const status = {
      loadBalancer: { ingress: [{ ip: '192.0.2.2' }, { hostname: 'a.example.com' }, { ip: '192.0.2.2' }] },
    };
    const shown = row(services, { metadata: {}, spec: { type: 'LoadBalancer' }, status });
    expect(shown).toMatchObject({ 'External-IP': '192.0.2.2,a.example.com' });
  });
});

describe('endpoints', () => {
  it('have TCP ports unless they say otherwise', () => {
    const object = defaulted(endpoints, { subsets: [{ addresses: [{ ip: '10.0.0.1' }], ports: [{ port: 1 }] }] });
    expect(object.subsets?.[0]?.ports).toEqual([{ port: 1, protocol: 'TCP' }]);
  });

  it.each<[object[], string]>([
    [[], '<none>'],
    [[{ addresses: [{ ip: '10.0.0.1' }], ports: [{ port: 1 }, { port: 2 }] }], '10.0.0.1:1,10.0.0.1:2'],
    [[{ addresses: [{ ip: '10.0.0.1' }] }], '10.0.0.1'],
    [[{ addresses: ['1', '2', '3', '4', '5'].map((ip) => ({ ip })), ports: [{ port: 9 }] }], '1:9,2:9,3:9 + 2 more...'],
  ])('%j are shown as %s', (subsets, text) => {
    expect(row(endpoints, { metadata: {}, subsets })).toMatchObject({ Endpoints: text });
  });
});

describe('endpoint slices', () => {
  const slice = defaulted(endpointSlices, {
    metadata: { labels: { a: 'b' } },
    addressType: 'IPv4',
    endpoints: [{ addresses: ['10.0.0.1'] }],
    ports: [{ port: 80 }],
  });

  it('name their ports', () => {
    expect(slice.ports).toEqual([{ name: '', port: 80, protocol: 'TCP' }]);
  });

  it.each<[string, object, boolean]>([
    ['nothing', {}, false],
    ['annotations', { metadata: { labels: { a: 'b' }, annotations: { c: 'd' } } }, false],
    ['labels', { metadata: { labels: { a: 'c' } } }, true],
    ['endpoints', { endpoints: [] }, true],
    ['ports', { ports: [] }, true],
  ])('are a new generation with other %s: %#', (_name, change, isNew) => {
    const { generation } = endpointSlices;
    if (typeof generation !== 'function') throw new Error('no rule');
    expect(generation({ ...slice, ...change }, slice)).toBe(isNew);
  });
});
