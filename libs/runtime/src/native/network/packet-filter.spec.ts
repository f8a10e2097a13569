import { podRules } from './packet-filter';

const facts = { table: 't', bridge: 'br', clusterCidr: '10.1.0.0/16', isMasqueraded: false, ports: [] };

test('host ports lead to their pods, on one address or all', () => {
  const port = { containerPort: 80, hostPort: 8080, podIp: '10.1.0.2' };
  const rules = podRules({
    ...facts,
    ports: [
      { ...port, protocol: 'TCP' },
      { ...port, protocol: 'UDP', hostIp: '192.0.2.1' },
    ],
  });
  expect(rules).toContain('fib daddr type local tcp dport 8080 dnat to 10.1.0.2:80');
  expect(rules).toContain('ip daddr 192.0.2.1 udp dport 8080 dnat to 10.1.0.2:80');
});

test('what leaves the cluster is masqueraded only where nobody else does', () => {
  const rule = 'ip saddr 10.1.0.0/16 oifname != "br" masquerade';
  expect(podRules(facts)).not.toContain(rule);
  expect(podRules({ ...facts, isMasqueraded: true })).toContain(rule);
});
