import { type AddressOnPort, repackSubsets, truncateSubsets } from './repack-subsets';

const on = (ip: string, port: number | undefined, isReady = true): AddressOnPort => ({
  address: { ip },
  isReady,
  ...(port === undefined ? {} : { port: { port, protocol: 'TCP' } }),
});
const port = (number: number) => ({ port: number, protocol: 'TCP' });

test.each<[string, AddressOnPort[], unknown]>([
  ['nothing', [], []],
  ['one', [on('1', 80)], [{ addresses: [{ ip: '1' }], ports: [port(80)] }]],
  [
    'ports with the same addresses share a subset, sorted',
    [on('2', 443), on('1', 80), on('2', 80), on('1', 443)],
    [{ addresses: [{ ip: '1' }, { ip: '2' }], ports: [port(80), port(443)] }],
  ],
  [
    'other addresses, another subset',
    [on('1', 80), on('2', 81)],
    [
      { addresses: [{ ip: '1' }], ports: [port(80)] },
      { addresses: [{ ip: '2' }], ports: [port(81)] },
    ],
  ],
  [
    'not ready on one port only',
    [on('1', 80), on('1', 81, false)],
    [
      { addresses: [{ ip: '1' }], ports: [port(80)] },
      { notReadyAddresses: [{ ip: '1' }], ports: [port(81)] },
    ],
  ],
  ['given twice', [on('1', 80, false), on('1', 80)], [{ addresses: [{ ip: '1' }], ports: [port(80)] }]],
  ['no ports', [on('1', undefined)], [{ addresses: [{ ip: '1' }] }]],
])('%s', (_, addresses, expected) => expect(repackSubsets(addresses)).toEqual(expected));

test('over the limit, ready addresses stay', () => {
  const addresses = Array.from({ length: 900 }, (_, i) => ({ ip: `r${i}` }));
  const notReadyAddresses = Array.from({ length: 200 }, (_, i) => ({ ip: `n${i}` }));
  const { subsets, isTruncated } = truncateSubsets([{ addresses, notReadyAddresses }]);
  expect(isTruncated).toBe(true);
  expect(subsets[0]?.addresses).toHaveLength(900);
  expect(subsets[0]?.notReadyAddresses).toHaveLength(100);
});
