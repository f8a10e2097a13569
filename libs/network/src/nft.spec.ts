import { compileNft, nftTableName, type NftOptions } from './compile-nft';
import { type NftTable, renderNft, renderNftChange, renderNftRemoval } from './nft-table';
import { type Decision, type ServicePortRule } from './service-rules';

const options: NftOptions = {
  table: 'nestor-t',
  clusterCidr: '10.244.0.0/16',
  masqueradeMark: 0x4000,
  masqueradesPods: false,
};

function balance(...numbers: number[]): Decision {
  return { kind: 'balance', backends: numbers.map((n) => ({ ip: `10.244.0.${n}`, port: 8080 })) };
}

function rule(change: Partial<ServicePortRule> = {}): ServicePortRule {
  const all = change.cluster ?? balance(1, 2);
  return {
    name: 'default/web/tcp/http',
    protocol: 'tcp',
    port: 80,
    clusterIp: '10.96.0.50',
    externalIps: [],
    internal: all,
    external: all,
    cluster: all,
    keepsExternalSource: false,
    ...change,
  };
}

function compile(...rules: ServicePortRule[]): NftTable {
  return compileNft({ rules }, options);
}

function rulesOf(table: NftTable, chain: string): readonly string[] | undefined {
  return table.chains.get(chain)?.rules;
}

function elementsOf(table: NftTable, set: string): Record<string, string> {
  return Object.fromEntries(table.sets.get(set)?.elements ?? []);
}

describe('the table', () => {
  test('a cluster IP leads to one of the backends', () => {
    const table = compile(rule());
    expect(elementsOf(table, 'service-ips')).toEqual({ '10.96.0.50 . tcp . 80': 'goto service-default/web/tcp/http' });
    expect(rulesOf(table, 'service-default/web/tcp/http')).toEqual([
      'ip daddr 10.96.0.50 ip saddr != 10.244.0.0/16 jump mark-masquerade',
      'meta l4proto tcp dnat ip addr . port to numgen random mod 2 map { 0 : 10.244.0.1 . 8080, 1 : 10.244.0.2 . 8080 }',
    ]);
    expect(Object.keys(elementsOf(table, 'hairpins'))).toEqual(['10.244.0.1 . 10.244.0.1', '10.244.0.2 . 10.244.0.2']);
  });

  test('what leaves the cluster is masqueraded only where the engine does not do it', () => {
    const postrouting = (gateway: object): string =>
      rulesOf(compileNft({ rules: [] }, { ...options, ...gateway }), 'nat-postrouting')?.join('\n') ?? '';
    expect(postrouting({})).not.toContain('ip daddr != 10.244.0.0/16');
    expect(postrouting({ gateway: '10.244.0.1' })).toContain(
      'ip saddr 10.244.0.0/16 ip daddr != 10.244.0.0/16 fib daddr type unicast masquerade',
    );
  });

  test('nobody there: refused, not translated', () => {
    const table = compile(rule({ cluster: { kind: 'reject' }, nodePort: 30080, externalIps: ['192.0.2.1'] }));
    expect(elementsOf(table, 'service-ips')).toEqual({});
    expect(elementsOf(table, 'service-nodeports')).toEqual({});
    expect(elementsOf(table, 'no-endpoint-services')).toEqual({
      '10.96.0.50 . tcp . 80': 'goto refuse',
      '192.0.2.1 . tcp . 80': 'goto refuse',
    });
    expect(elementsOf(table, 'no-endpoint-nodeports')).toEqual({ 'tcp . 30080': 'goto refuse' });
  });

  test('traffic from outside is masqueraded, unless the policy is Local', () => {
    const cluster = rulesOf(compile(rule({ nodePort: 30080 })), 'external-default/web/tcp/http');
    expect(cluster).toEqual(['jump mark-masquerade', 'goto service-default/web/tcp/http']);
    const local = compile(rule({ nodePort: 30080, external: balance(1), keepsExternalSource: true }));
    expect(rulesOf(local, 'external-default/web/tcp/http')).toEqual([
      'ip saddr 10.244.0.0/16 goto service-default/web/tcp/http',
      'fib saddr type local jump mark-masquerade',
      'fib saddr type local goto service-default/web/tcp/http',
      'meta l4proto tcp dnat ip to 10.244.0.1:8080',
    ]);
  });

  test('policy Local without a local endpoint drops what comes from outside only', () => {
    const table = compile(rule({ nodePort: 30080, external: { kind: 'drop' }, keepsExternalSource: true }));
    expect(elementsOf(table, 'no-endpoint-nodeports')).toEqual({ 'tcp . 30080': 'drop' });
    expect(elementsOf(table, 'service-nodeports')).toEqual({ 'tcp . 30080': 'goto external-default/web/tcp/http' });
    expect(rulesOf(table, 'external-default/web/tcp/http')).toHaveLength(3);
  });

  test('an internal policy Local does not bind external traffic', () => {
    const table = compile(rule({ nodePort: 30080, internal: { kind: 'drop' } }));
    expect(elementsOf(table, 'no-endpoint-services')).toEqual({ '10.96.0.50 . tcp . 80': 'drop' });
    expect(rulesOf(table, 'external-default/web/tcp/http')?.at(-1)).toBe('goto cluster-default/web/tcp/http');
    expect(rulesOf(table, 'cluster-default/web/tcp/http')).toHaveLength(1);
  });

  test('affinity remembers a client per backend', () => {
    const table = compile(rule({ affinitySeconds: 60 }));
    const sets = [...table.sets.keys()].filter((name) => name.startsWith('affinity-'));
    expect(sets).toHaveLength(2);
    expect(table.sets.get(sets[0]!)?.declaration).toBe('type ipv4_addr; flags dynamic,timeout; timeout 60s;');
    expect(rulesOf(table, 'service-default/web/tcp/http')).toHaveLength(4);
    // The set of a backend that stays keeps its name, hence its clients.
    const fewer = compile(rule({ affinitySeconds: 60, cluster: balance(2) }));
    expect([...fewer.sets.keys()].filter((name) => name.startsWith('affinity-'))).toEqual([sets[1]]);
  });

  test('long and strange names become identifiers, distinct ones', () => {
    const names = [
      `a/${'x'.repeat(63)}/tcp/${'y'.repeat(63)}1`,
      `a/${'x'.repeat(63)}/tcp/${'y'.repeat(63)}2`,
      'a/b c;/tcp/',
    ];
    const table = compile(...names.map((name, i) => rule({ name, port: i + 1 })));
    const chains = [...table.chains.keys()].filter((chain) => chain.startsWith('service-'));
    expect(new Set(chains).size).toBe(3);
    for (const chain of chains) expect(chain).toMatch(/^[a-z0-9./_-]{1,110}$/);
    expect(nftTableName('my cluster!')).toBe('nestor-my_cluster_');
  });
});

describe('scripts', () => {
  const lines = (script: string): string[] => script.split('\n').filter(Boolean);

  test('a whole table replaces whatever was there', () => {
    const script = lines(renderNft(compile(rule())));
    expect(script.slice(0, 3)).toEqual(['add table ip nestor-t', 'delete table ip nestor-t', 'add table ip nestor-t']);
    expect(script.every((line) => / ip nestor-t( |$)/.test(line))).toBe(true);
  });

  test('nothing to change, nothing to do', () => {
    expect(renderNftChange(compile(rule()), compile(rule()))).toBe('');
  });

  test('one backend more touches one chain', () => {
    expect(lines(renderNftChange(compile(rule()), compile(rule({ cluster: balance(1, 2, 3) }))))).toEqual([
      'flush chain ip nestor-t service-default/web/tcp/http',
      'add rule ip nestor-t service-default/web/tcp/http ip daddr 10.96.0.50 ip saddr != 10.244.0.0/16 jump mark-masquerade',
      'add rule ip nestor-t service-default/web/tcp/http meta l4proto tcp dnat ip addr . port to numgen random mod 3 map ' +
        '{ 0 : 10.244.0.1 . 8080, 1 : 10.244.0.2 . 8080, 2 : 10.244.0.3 . 8080 }',
      'add element ip nestor-t hairpins { 10.244.0.3 . 10.244.0.3 }',
    ]);
  });

  test('what is referred to goes after what refers to it', () => {
    const script = lines(renderNftChange(compile(rule()), compile()));
    const at = (text: string): number => script.findIndex((line) => line.startsWith(text));
    const element = at('delete element ip nestor-t service-ips { 10.96.0.50 . tcp . 80 }');
    const chain = at('delete chain ip nestor-t service-default/web/tcp/http');
    expect(element).toBeGreaterThanOrEqual(0);
    expect(chain).toBeGreaterThan(element);
  });

  test('many elements are split over several commands', () => {
    const many = Array.from({ length: 1200 }, (_, i) => rule({ name: `a/s${i}/tcp/`, port: i + 1 }));
    const adds = lines(renderNft(compile(...many))).filter((line) =>
      line.startsWith('add element ip nestor-t service-ips'),
    );
    expect(adds).toHaveLength(3);
  });

  test('removal works whether the table is there or not', () => {
    expect(lines(renderNftRemoval('nestor-t'))).toEqual(['add table ip nestor-t', 'delete table ip nestor-t']);
  });
});
