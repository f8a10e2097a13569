import { parseFacts } from './facts';

describe('parseFacts', () => {
  it.each([
    ['atomic', { listType: 'atomic' }],
    [
      'map(port protocol) merge(port)',
      { listType: 'map', mapKeys: ['port', 'protocol'], patchStrategy: ['merge'], patchMergeKey: 'port' },
    ],
    ['set merge', { listType: 'set', patchStrategy: ['merge'] }],
    ['merge,retainKeys(name)', { patchStrategy: ['merge', 'retainKeys'], patchMergeKey: 'name' }],
    ['default("/etc/ceph/keyring")', { default: '/etc/ceph/keyring' }],
    ['default(false)', { default: false }],
    ['atomic quantity', { listType: 'atomic', quantity: true }],
  ])('reads %s', (text, expected) => {
    expect(parseFacts(text)).toEqual(expected);
  });

  it('refuses a word it does not know', () => {
    expect(() => parseFacts('atomci')).toThrow('unknown fact atomci');
  });
});
