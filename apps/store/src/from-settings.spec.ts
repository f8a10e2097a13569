import { parseInitialCluster } from './from-settings';

describe('STORE_INITIAL_CLUSTER', () => {
  it("is etcd's notation", () => {
    const entries = ['a=https://10.0.0.1:2380', 'b=http://[::1]:2380', 'b=http://b.example:1'];
    expect(parseInitialCluster(entries, 'b')).toEqual([
      { name: 'a', peerUrl: 'https://10.0.0.1:2380' },
      { name: 'b', peerUrl: 'http://[::1]:2380' },
      { name: 'b', peerUrl: 'http://b.example:1' },
    ]);
  });

  it.each(['a', '=https://10.0.0.1:2380', 'a=10.0.0.1:2380', 'a=', 'a=ftp://10.0.0.1'])('is not %s', (entry) => {
    expect(() => parseInitialCluster([entry], 'a')).toThrow(JSON.stringify(entry));
  });

  it('has this member', () => {
    expect(() => parseInitialCluster(['a=https://10.0.0.1:2380'], 'b')).toThrow('no member b');
  });
});
