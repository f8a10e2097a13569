import { type Endpoint, type EndpointConditions, type EndpointSlice, type Service, type ServiceSpec } from '#api';
import { computeServiceRules } from './compute-service-rules';
import { type ServicePortRule } from './service-rules';

const localNodes = new Set(['here']);

function web(spec: Partial<ServiceSpec> = {}, status?: Service['status']): Service {
  return {
    metadata: { namespace: 'default', name: 'web' },
    spec: { type: 'ClusterIP', clusterIP: '10.96.0.50', ports: [{ name: 'http', port: 80, protocol: 'TCP' }], ...spec },
    status,
  };
}

/** `1`: ready, here. `1~`: terminating and serving. `1!`: not ready. `1@there`: on another node. */
function endpoint(text: string): Endpoint {
  const [, number = '', state = '', node = 'here'] = /^(\d+)([~!x]?)(?:@(.*))?$/.exec(text) ?? [];
  const states: Record<string, EndpointConditions> = {
    '': { ready: true, serving: true, terminating: false },
    '~': { ready: false, serving: true, terminating: true },
    x: { ready: false, serving: false, terminating: true },
    '!': { ready: false, serving: false, terminating: false },
  };
  return { addresses: [`10.244.0.${number}`], conditions: states[state], nodeName: node };
}

function slice(endpoints: string, change: Partial<EndpointSlice> = {}): EndpointSlice {
  return {
    metadata: { namespace: 'default', name: 'web-abcde', labels: { 'kubernetes.io/service-name': 'web' } },
    addressType: 'IPv4',
    ports: [{ name: 'http', port: 8080, protocol: 'TCP' }],
    endpoints: endpoints.split(' ').filter(Boolean).map(endpoint),
    ...change,
  };
}

function ruleFor(service: Service, ...slices: EndpointSlice[]): ServicePortRule {
  const { rules } = computeServiceRules([service], slices, { localNodes });
  expect(rules).toHaveLength(1);
  return rules[0]!;
}

/** `1 2`, `reject` or `drop`. */
function show(decision: ServicePortRule['internal']): string {
  return decision.kind === 'balance'
    ? decision.backends.map(({ ip }) => ip.slice('10.244.0.'.length)).join(' ')
    : decision.kind;
}

describe('which endpoints serve', () => {
  test.each([
    // endpoints            policy Cluster  policy Local
    ['1 2@there', '1 2', '1'],
    ['', 'reject', 'reject'],
    ['1! 2!', 'reject', 'reject'],
    ['1 2!', '1', '1'],
    // KEP-1669: terminating ones only when nobody is ready
    ['1 2~', '1', '1'],
    ['1~ 2~', '1 2', '1 2'],
    ['1~ 2x', '1', '1'],
    ['1x', 'reject', 'reject'],
    ['1~ 2@there', '2', '1'],
    // here nobody, elsewhere somebody
    ['1@there', '1', 'drop'],
    ['1! 2@there', '2', 'drop'],
    ['1~@there', '1', 'drop'],
  ])('%p: cluster %p, local %p', (endpoints, cluster, local) => {
    const rule = ruleFor(web({ internalTrafficPolicy: 'Local' }), slice(endpoints));
    expect([show(rule.cluster), show(rule.internal), show(rule.external)]).toEqual([cluster, local, cluster]);
    const external = ruleFor(web({ type: 'NodePort', externalTrafficPolicy: 'Local' }), slice(endpoints));
    expect([show(external.cluster), show(external.internal), show(external.external)]).toEqual([
      cluster,
      cluster,
      local,
    ]);
    expect(external.keepsExternalSource).toBe(true);
  });

  test('an address in two slices counts once, in its better condition', () => {
    expect(show(ruleFor(web(), slice('1! 2'), slice('1')).cluster)).toBe('1 2');
  });

  test('a withdrawn endpoint serves only when there is no other', () => {
    const isWithdrawn = ({ addresses }: { readonly addresses: readonly string[] }): boolean =>
      addresses[0] === '10.244.0.1';
    const compute = (endpoints: string): string =>
      show(computeServiceRules([web()], [slice(endpoints)], { localNodes, isWithdrawn }).rules[0]!.cluster);
    expect(compute('1 2')).toBe('2');
    expect(compute('1')).toBe('1');
  });

  test('absent conditions mean ready', () => {
    expect(show(ruleFor(web(), slice('', { endpoints: [{ addresses: ['10.244.0.1'] }] })).cluster)).toBe('1');
  });

  test('only slices of the service, of its family, with its port', () => {
    const others = [
      slice('1', { addressType: 'IPv6' }),
      slice('2', { metadata: { namespace: 'other', name: 'x', labels: { 'kubernetes.io/service-name': 'web' } } }),
      slice('3', { metadata: { namespace: 'default', name: 'x', labels: {} } }),
      slice('4', { ports: [{ name: 'admin', port: 1, protocol: 'TCP' }] }),
      slice('5', { ports: [{ name: 'http', port: 1, protocol: 'UDP' }] }),
      slice('6', { ports: [{ name: 'http', protocol: 'TCP' }] }),
    ];
    expect(show(ruleFor(web(), ...others).cluster)).toBe('reject');
  });

  test('pods may have different numbers for a named port', () => {
    const other = slice('2', { ports: [{ name: 'http', port: 9090, protocol: 'TCP' }] });
    expect(ruleFor(web(), slice('1'), other).cluster).toEqual({
      kind: 'balance',
      backends: [
        { ip: '10.244.0.1', port: 8080 },
        { ip: '10.244.0.2', port: 9090 },
      ],
    });
  });
});

describe('which services have rules', () => {
  test.each<[string, Service]>([
    ['headless', web({ clusterIP: 'None' })],
    ['aliases', web({ type: 'ExternalName', clusterIP: '' })],
    ['without an address yet', web({ clusterIP: undefined })],
    ['IPv6', web({ clusterIP: 'fd00::1' })],
    [
      'of another proxy',
      {
        ...web(),
        metadata: { namespace: 'default', name: 'web', labels: { 'service.kubernetes.io/service-proxy-name': 'x' } },
      },
    ],
    ['with an unknown protocol', web({ ports: [{ port: 80, protocol: 'constructor' }] })],
    ['with an impossible port', web({ ports: [{ port: 70_000 }] })],
  ])('not those %s', (_, service) => {
    expect(computeServiceRules([service], [slice('1')], { localNodes }).rules).toEqual([]);
  });

  test('node ports only for types that have them', () => {
    const ports = [{ name: 'http', port: 80, nodePort: 30080, protocol: 'TCP' }];
    expect(ruleFor(web({ ports })).nodePort).toBeUndefined();
    expect(ruleFor(web({ ports, type: 'NodePort' })).nodePort).toBe(30080);
    expect(ruleFor(web({ ports, type: 'LoadBalancer' })).nodePort).toBe(30080);
  });

  test('external addresses come from the spec and from the load balancer', () => {
    const ingress = [{ ip: '192.0.2.7' }, { ip: '192.0.2.8', ipMode: 'Proxy' }, { hostname: 'lb.example' }];
    const rule = ruleFor(
      web(
        {
          type: 'LoadBalancer',
          externalIPs: ['192.0.2.1', 'fd00::1'],
          loadBalancerSourceRanges: [' 198.51.100.0/24', 'x'],
        },
        {
          loadBalancer: { ingress },
        },
      ),
    );
    expect(rule.externalIps).toEqual(['192.0.2.1', '192.0.2.7']);
    expect(rule.firewall).toEqual({ addresses: ['192.0.2.7'], sources: ['198.51.100.0/24'] });
  });

  test('the first by name has what two claim', () => {
    const ports = [{ name: 'http', port: 80, nodePort: 30080, protocol: 'TCP' }];
    const a = web({ ports, type: 'NodePort', externalIPs: ['192.0.2.1'] });
    const b = { ...a, metadata: { namespace: 'default', name: 'a' }, spec: { ...a.spec, clusterIP: '10.96.0.51' } };
    const { rules } = computeServiceRules([a, b], [], { localNodes });
    expect(rules.map(({ name, nodePort, externalIps }) => [name, nodePort, externalIps])).toEqual([
      ['default/a/tcp/http', 30080, ['192.0.2.1']],
      ['default/web/tcp/http', undefined, []],
    ]);
  });

  test('affinity has upstream’s default of three hours', () => {
    expect(ruleFor(web({ sessionAffinity: 'ClientIP' })).affinitySeconds).toBe(10_800);
    const sessionAffinityConfig = { clientIP: { timeoutSeconds: 7 } };
    expect(ruleFor(web({ sessionAffinity: 'ClientIP', sessionAffinityConfig })).affinitySeconds).toBe(7);
    expect(ruleFor(web()).affinitySeconds).toBeUndefined();
  });
});
