import { freePlanIndex, networkPlan } from './network-plan';

describe('network plans', () => {
  it('begin with the addresses that everybody knows', () => {
    expect(networkPlan(0)).toMatchObject({
      clusterCidr: '10.244.0.0/16',
      apiService: '10.96.0.1',
      dnsService: '10.96.0.10',
    });
  });

  it.each([
    ['a machine of its own', ['192.0.2.2'], 0],
    ['beside another cluster', ['10.244.0.1'], 1],
    ['beside two', ['10.244.0.1', '10.243.0.1'], 2],
    ['in a network that has the service range', ['10.96.3.4'], 1],
  ])('are chosen to be free: %s', (_, addresses, index) => {
    expect(freePlanIndex(addresses)).toBe(index);
  });

  it('say so when there is none left', () => {
    const all = Array.from({ length: 256 }, (_, i) => `10.${i}.0.1`);
    expect(() => freePlanIndex(all)).toThrow('every address range');
  });
});
