import { parseInitialCluster } from './initial-cluster';

const called = { list: 'STORE_INITIAL_CLUSTER', name: 'STORE_NAME' };

describe('STORE_INITIAL_CLUSTER', () => {
  it("is etcd's notation", () => {
    const entries = ['a=https://10.0.0.1:2380', 'b=http://[::1]:2380', 'b=http://b.example:1'];
    expect(parseInitialCluster(entries, 'b', called)).toEqual([
      { name: 'a', peerUrl: 'https://10.0.0.1:2380' },
      { name: 'b', peerUrl: 'http://[::1]:2380' },
      { name: 'b', peerUrl: 'http://b.example:1' },
    ]);
  });

  it.each(['a', '=https://10.0.0.1:2380', 'a=10.0.0.1:2380', 'a=', 'a=ftp://10.0.0.1'])('is not %s', (entry) => {
    expect(() => parseInitialCluster([entry], 'a', called)).toThrow(JSON.stringify(entry));
  });

  it('has this member', () => {
    expect(() => parseInitialCluster(['a=https://10.0.0.1:2380'], 'b', called)).toThrow('no member b');
  });
});
