import { defaulted, row } from '../common/strategy.fixture';
import { ipAddresses } from './address-ranges';
import { ingressClasses, ingresses } from './ingresses';
import { networkPolicies } from './network-policies';

describe('network policies', () => {
  it.each<[string, object, string[]]>([
    ['nothing', {}, ['Ingress']],
    ['rules for what enters', { ingress: [{}] }, ['Ingress']],
    ['rules for what leaves', { egress: [{}] }, ['Ingress', 'Egress']],
    ['types', { policyTypes: ['Egress'], egress: [{}] }, ['Egress']],
  ])('with %s are about %j', (_name, spec, policyTypes) => {
    expect(defaulted(networkPolicies, { spec }).spec?.policyTypes).toEqual(policyTypes);
  });

  it('mean TCP', () => {
    const { spec } = defaulted(networkPolicies, { spec: { egress: [{ ports: [{ port: 53 }, { protocol: 'UDP' }] }] } });
    expect(spec?.egress?.[0]?.ports).toEqual([{ port: 53, protocol: 'TCP' }, { protocol: 'UDP' }]);
  });
});

describe('ingresses', () => {
  it.each<[object, object, object]>([
    [{}, {}, { Class: '<none>', Hosts: '*', Address: '', Ports: '80' }],
    [
      { ingressClassName: 'c', tls: [{}], rules: ['a', 'b', 'c', 'd'].map((host) => ({ host })) },
      { loadBalancer: { ingress: [{ ip: '192.0.2.1' }] } },
      { Class: 'c', Hosts: 'a,b,c + 1 more...', Address: '192.0.2.1', Ports: '80, 443' },
    ],
  ])('%j %j', (spec, status, expected) => {
    expect(row(ingresses, { metadata: {}, spec, status })).toMatchObject(expected);
  });

  it('classes have parameters of the cluster', () => {
    const ingressClass = defaulted(ingressClasses, {
      spec: { parameters: { apiGroup: 'x.io', kind: 'P', name: 'p' } },
    });
    expect(ingressClass.spec?.parameters?.scope).toBe('Cluster');
    expect(row(ingressClasses, ingressClass)).toMatchObject({ Parameters: 'P.x.io/p' });
  });
});

describe('IP addresses', () => {
  it.each([
    ['10.0.0.1', true],
    ['2001:db8::1', true],
    ['10.0.0', false],
    ['web', false],
  ])('are named by an address: %s %s', (name, isValid) => {
    expect(ipAddresses.nameRule?.(name, false)).toHaveLength(isValid ? 0 : 1);
  });

  it('name what has them', () => {
    const parentRef = { group: '', resource: 'services', namespace: 'n', name: 's' };
    expect(row(ipAddresses, { metadata: {}, spec: { parentRef } })).toMatchObject({ ParentRef: 'services/n/s' });
  });
});
