import { nodes } from '../core/nodes';
import { problemsOf } from '../common/strategy.fixture';
import { serviceCidrs } from './address-ranges';

describe('ranges of addresses', () => {
  const families = 'may specify no more than one IP for each IP family, i.e 192.168.0.0/24 and 2001:db8::/64';

  it.each<[string[], string[]]>([
    [['10.0.0.0/24', 'fd00::/112'], []],
    [
      ['10.0.0.0/24', '10.1.0.0/24'],
      [`spec.cidrs: Invalid value: {"CIDRs":["10.0.0.0/24","10.1.0.0/24"]}: ${families}`],
    ],
    [['a', 'b', 'c'], ['spec.cidrs: Invalid value: {"CIDRs":["a","b","c"]}: may only hold up to 2 values']],
  ])('of services: %j', (cidrs, expected) => {
    expect(problemsOf(serviceCidrs, { metadata: { name: 'r' }, spec: { cidrs } })).toEqual(expected);
  });

  it('of nodes: one for each family', () => {
    const podCIDRs = ['10.0.0.0/24', '10.1.0.0/24'];
    expect(problemsOf(nodes, { metadata: { name: 'n' }, spec: { podCIDRs } })).toEqual([
      'spec.podCIDRs: Invalid value: ["10.0.0.0/24","10.1.0.0/24"]: may specify no more than one CIDR for each IP family',
    ]);
  });
});
