import { context, created, defaulted, row } from '../common/strategy.fixture';
import { resourceClaims, resourceSlices } from './dynamic-resources';

describe('dynamic resources', () => {
  it('claims ask for one device of each', () => {
    const requests = [
      { name: 'a', exactly: { deviceClassName: 'c', tolerations: [{ key: 'k' }] } },
      { name: 'b', firstAvailable: [{ name: 'x', deviceClassName: 'c', allocationMode: 'All' }] },
    ];
    expect(defaulted(resourceClaims, { spec: { devices: { requests } } }).spec.devices?.requests).toMatchObject([
      { exactly: { allocationMode: 'ExactCount', count: 1, tolerations: [{ operator: 'Equal' }] } },
      { firstAvailable: [{ allocationMode: 'All' }] },
    ]);
  });

  it.each<[object, string]>([
    [{}, 'pending'],
    [{ allocation: {} }, 'allocated'],
    [{ allocation: {}, reservedFor: [{ name: 'p' }] }, 'allocated,reserved'],
  ])('claims with %j are %s', (status, text) => {
    expect(row(resourceClaims, { metadata: {}, spec: {}, status })).toMatchObject({ State: text });
  });

  it('taints say since when', () => {
    const devices = [{ name: 'd', taints: [{ key: 'k', effect: 'NoSchedule' }] }];
    const slice = created(resourceSlices, { spec: { driver: 'd', pool: { name: 'p' }, devices } });
    expect(slice.spec.devices?.[0]?.taints).toMatchObject([{ timeAdded: context.now }]);
  });
});
