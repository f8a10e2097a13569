import { type ServiceSpec } from '#api';
import { setFamilies } from './service-families';

const headless = { clusterIP: 'None', clusterIPs: ['None'] };

describe('the IP families of a service', () => {
  it.each<[string, ServiceSpec, Partial<ServiceSpec>]>([
    ['with an address', {}, { ipFamilies: ['IPv4'], ipFamilyPolicy: 'SingleStack' }],
    [
      'without addresses, but with pods',
      { ...headless, selector: { app: 'web' } },
      { ipFamilies: ['IPv4'], ipFamilyPolicy: 'SingleStack' },
    ],
    ['with neither', headless, { ipFamilies: ['IPv4', 'IPv6'], ipFamilyPolicy: 'RequireDualStack' }],
    [
      'with neither, which begins with the other one',
      { ...headless, ipFamilies: ['IPv6'] },
      { ipFamilies: ['IPv6', 'IPv4'], ipFamilyPolicy: 'RequireDualStack' },
    ],
    [
      'with neither, which wants one',
      { ...headless, ipFamilyPolicy: 'SingleStack' },
      { ipFamilies: ['IPv4'], ipFamilyPolicy: 'SingleStack' },
    ],
    ['that would like two', { ipFamilyPolicy: 'PreferDualStack' }, { ipFamilies: ['IPv4'] }],
  ])('%s', (_, spec, expected) => {
    const own = structuredClone(spec);
    expect(setFamilies(own)).toEqual([]);
    expect(own).toMatchObject(expected);
  });

  it.each<[ServiceSpec, string]>([
    [{ ipFamilies: ['IPv6'] }, 'spec.ipFamilies[0]: Invalid value: "IPv6": not configured on this cluster'],
    [
      { ipFamilyPolicy: 'RequireDualStack' },
      'spec.ipFamilyPolicy: Invalid value: "RequireDualStack": this cluster is not configured for dual-stack services',
    ],
  ])('are refused if the cluster has them not: %j', (spec, expected) => {
    expect(setFamilies(spec).map(({ field, message }) => `${field}: ${message}`)).toEqual([expected]);
  });
});
