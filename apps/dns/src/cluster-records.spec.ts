import { type Endpoint, type EndpointSlice, type Service } from '#api';
import { FakeCluster } from '#testing';
import { lookup, type RecordsOptions } from './cluster-records';
import { informerView } from './cluster-view';
import { types } from './wire/constants';
import { type DnsRecord } from './wire/records';

const options: RecordsOptions = { zone: 'cluster.local', ttl: 5, nameServerAddresses: ['10.244.0.1'] };
const ports = [
  { name: 'http', port: 80, protocol: 'TCP' },
  { name: 'dns', port: 53, protocol: 'UDP' },
];

function service(name: string, spec: Service['spec']): Service {
  return { apiVersion: 'v1', kind: 'Service', metadata: { namespace: 'default', name }, spec };
}

function slice(name: string, endpoints: Endpoint[], change: Partial<EndpointSlice> = {}): EndpointSlice {
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { namespace: 'default', name: `${name}-1`, labels: { 'kubernetes.io/service-name': name } },
    addressType: 'IPv4',
    endpoints,
    ports: [
      { name: 'http', port: 8080, protocol: 'TCP' },
      { name: 'dns', port: 5353, protocol: 'UDP' },
    ],
    ...change,
  };
}

const cluster = new FakeCluster().add(
  { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'default' } },
  service('web', { clusterIP: '10.96.0.50', clusterIPs: ['10.96.0.50'], ports }),
  slice('web', [{ addresses: ['10.244.0.9'] }]),
  service('db', { clusterIP: 'None', clusterIPs: ['None'], ports }),
  slice('db', [
    { addresses: ['10.244.0.1'], hostname: 'db-0' },
    { addresses: ['10.244.0.2'], conditions: { ready: true } },
    { addresses: ['10.244.0.3'], conditions: { ready: false } },
  ]),
  service('both', { clusterIP: '10.96.0.60', clusterIPs: ['10.96.0.60', 'fd00:96::60'], ports: ports.slice(0, 1) }),
  slice('both', [{ addresses: ['fd00:244::9'] }, { addresses: ['fd00:244::'] }], { addressType: 'IPv6' }),
  service('six', { clusterIP: 'None', ports: ports.slice(0, 1) }),
  slice('six', [{ addresses: ['fd00:244:0:0:0:0:0:7'], hostname: 'six-0' }], {
    metadata: { namespace: 'default', name: 'six-6', labels: { 'kubernetes.io/service-name': 'six' } },
    addressType: 'IPv6',
    ports: [{ name: 'http', port: 8080, protocol: 'TCP' }],
  }),
  slice('six', [{ addresses: ['10.244.0.77'], hostname: 'six-0' }], {
    ports: [{ name: 'http', port: 8080, protocol: 'TCP' }],
  }),
  slice('six', [{ addresses: ['six.example'] }], {
    metadata: { namespace: 'default', name: 'six-fqdn', labels: { 'kubernetes.io/service-name': 'six' } },
    addressType: 'FQDN',
  }),
  service('number6', { type: 'ExternalName', externalName: '2001:db8::1' }),
  service('nobody', { clusterIP: 'None', ports }),
  service('portless', { clusterIP: 'None' }),
  slice('portless', [{ addresses: ['10.244.0.4'] }], { ports: [] }),
  service('far', { type: 'ExternalName', externalName: 'Example.com.' }),
  service('number', { type: 'ExternalName', externalName: '192.0.2.1' }),
  service('pending', { ports }),
);
const view = informerView(cluster.informers);

/** One line per record, additional ones after `+`. */
function ask(name: string, type: keyof typeof types = 'A'): string | string[] {
  const result = lookup(view, options, name, types[type]);
  if (result.kind === 'alias') return [show(result.record)];
  if (result.kind !== 'found') return result.kind;
  return [...result.answers.map(show), ...result.additionals.map((record) => `+ ${show(record)}`)];
}

function show(record: DnsRecord): string {
  const name = record.name.replace('.svc.cluster.local', '');
  switch (record.type) {
    case 'A':
    case 'AAAA':
      return `${name} ${record.type} ${record.address}`;
    case 'SRV':
      return `${name} SRV ${record.priority} ${record.weight} ${record.port} ${record.target.replace('.svc.cluster.local', '')}`;
    case 'TXT':
      return `${name} TXT ${record.text} ${record.ttl}`;
    case 'SOA':
      return `${name} SOA ${record.primary} ${record.mailbox}`;
    default:
      return `${name} ${record.type} ${record.target}`;
  }
}

describe('services with a cluster IP', () => {
  test.each<[string, keyof typeof types, string | string[]]>([
    ['web.default.svc.cluster.local', 'A', ['web.default A 10.96.0.50']],
    ['web.default.svc.cluster.local', 'AAAA', []],
    ['web.default.svc.cluster.local', 'TXT', []],
    [
      '_http._tcp.web.default.svc.cluster.local',
      'SRV',
      ['_http._tcp.web.default SRV 0 100 80 web.default', '+ web.default A 10.96.0.50'],
    ],
    [
      '_dns._udp.web.default.svc.cluster.local',
      'SRV',
      ['_dns._udp.web.default SRV 0 100 53 web.default', '+ web.default A 10.96.0.50'],
    ],
    ['_dns._tcp.web.default.svc.cluster.local', 'SRV', 'missing'],
    ['http.tcp.web.default.svc.cluster.local', 'SRV', 'missing'],
    [
      'web.default.svc.cluster.local',
      'SRV',
      ['web.default SRV 0 50 80 web.default', 'web.default SRV 0 50 53 web.default', '+ web.default A 10.96.0.50'],
    ],
    ['10-244-0-9.web.default.svc.cluster.local', 'A', ['10-244-0-9.web.default A 10.244.0.9']],
    ['other.default.svc.cluster.local', 'A', 'missing'],
    ['web.other.svc.cluster.local', 'A', 'missing'],
    ['a.b.c.web.default.svc.cluster.local', 'A', 'missing'],
    ['pending.default.svc.cluster.local', 'A', 'missing'],
  ])('%s %s', (name, type, expected) => expect(ask(name, type)).toEqual(expected));
});

describe('headless services', () => {
  test.each<[string, keyof typeof types, string | string[]]>([
    ['db.default.svc.cluster.local', 'A', ['db.default A 10.244.0.1', 'db.default A 10.244.0.2']],
    ['db-0.db.default.svc.cluster.local', 'A', ['db-0.db.default A 10.244.0.1']],
    ['10-244-0-2.db.default.svc.cluster.local', 'A', ['10-244-0-2.db.default A 10.244.0.2']],
    ['10-244-0-3.db.default.svc.cluster.local', 'A', 'missing'],
    [
      '_http._tcp.db.default.svc.cluster.local',
      'SRV',
      [
        '_http._tcp.db.default SRV 0 50 8080 db-0.db.default',
        '_http._tcp.db.default SRV 0 50 8080 10-244-0-2.db.default',
        '+ db-0.db.default A 10.244.0.1',
        '+ 10-244-0-2.db.default A 10.244.0.2',
      ],
    ],
    ['nobody.default.svc.cluster.local', 'A', 'missing'],
    ['portless.default.svc.cluster.local', 'A', ['portless.default A 10.244.0.4']],
    ['portless.default.svc.cluster.local', 'SRV', []],
  ])('%s %s', (name, type, expected) => expect(ask(name, type)).toEqual(expected));
});

describe('both families', () => {
  test.each<[string, keyof typeof types, string | string[]]>([
    ['both.default.svc.cluster.local', 'A', ['both.default A 10.96.0.60']],
    ['both.default.svc.cluster.local', 'AAAA', ['both.default AAAA fd00:96::60']],
    [
      'both.default.svc.cluster.local',
      'SRV',
      ['both.default SRV 0 100 80 both.default', '+ both.default A 10.96.0.60', '+ both.default AAAA fd00:96::60'],
    ],
    ['fd00-244--9.both.default.svc.cluster.local', 'AAAA', ['fd00-244--9.both.default AAAA fd00:244::9']],
    ['fd00-244--0.both.default.svc.cluster.local', 'AAAA', ['fd00-244--0.both.default AAAA fd00:244::']],
    ['fd00-244--9.both.default.svc.cluster.local', 'A', []],
    ['six.default.svc.cluster.local', 'AAAA', ['six.default AAAA fd00:244:0:0:0:0:0:7']],
    ['six.default.svc.cluster.local', 'A', ['six.default A 10.244.0.77']],
    [
      '_http._tcp.six.default.svc.cluster.local',
      'SRV',
      [
        '_http._tcp.six.default SRV 0 100 8080 six-0.six.default',
        '+ six-0.six.default AAAA fd00:244:0:0:0:0:0:7',
        '+ six-0.six.default A 10.244.0.77',
      ],
    ],
    ['db.default.svc.cluster.local', 'AAAA', []],
    ['number6.default.svc.cluster.local', 'AAAA', 'missing'],
    ['fd00--7.default.pod.cluster.local', 'AAAA', ['fd00--7.default.pod.cluster.local AAAA fd00::7']],
    ['fd00--7.default.pod.cluster.local', 'A', []],
    ['fd00-7.default.pod.cluster.local', 'AAAA', 'missing'],
    [
      '0.6.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.6.9.0.0.0.0.d.f.ip6.arpa',
      'PTR',
      ['0.6.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.6.9.0.0.0.0.d.f.ip6.arpa PTR both.default.svc.cluster.local'],
    ],
    [
      '7.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.4.4.2.0.0.0.d.f.ip6.arpa',
      'PTR',
      [
        '7.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.4.4.2.0.0.0.d.f.ip6.arpa PTR six-0.six.default.svc.cluster.local',
      ],
    ],
  ])('%s %s', (name, type, expected) => expect(ask(name, type)).toEqual(expected));
});

describe('everything else', () => {
  test.each<[string, keyof typeof types, string | string[]]>([
    ['far.default.svc.cluster.local', 'A', ['far.default CNAME Example.com']],
    ['_http._tcp.far.default.svc.cluster.local', 'SRV', 'missing'],
    ['number.default.svc.cluster.local', 'A', 'missing'],
    ['10-1-2-3.default.pod.cluster.local', 'A', ['10-1-2-3.default.pod.cluster.local A 10.1.2.3']],
    ['10-1-2-3.default.pod.cluster.local', 'AAAA', []],
    ['10-1-2-3.other.pod.cluster.local', 'A', 'missing'],
    ['x.default.pod.cluster.local', 'A', 'missing'],
    ['cluster.local', 'SOA', ['cluster.local SOA ns.dns.cluster.local hostmaster.cluster.local']],
    ['cluster.local', 'NS', ['cluster.local NS ns.dns.cluster.local', '+ ns.dns.cluster.local A 10.244.0.1']],
    ['cluster.local', 'A', []],
    ['ns.dns.cluster.local', 'A', ['ns.dns.cluster.local A 10.244.0.1']],
    ['svc.cluster.local', 'A', []],
    ['default.svc.cluster.local', 'A', []],
    ['other.svc.cluster.local', 'A', 'missing'],
    ['default.xyz.cluster.local', 'A', 'missing'],
    ['example.com.cluster.local', 'A', 'missing'],
    ['dns-version.cluster.local', 'TXT', ['dns-version.cluster.local TXT 1.1.0 28800']],
    ['dns-version.cluster.local', 'A', []],
    ['example.com', 'A', 'outside'],
    ['notcluster.local', 'A', 'outside'],
    ['50.0.96.10.in-addr.arpa', 'PTR', ['50.0.96.10.in-addr.arpa PTR web.default.svc.cluster.local']],
    ['1.0.244.10.in-addr.arpa', 'PTR', ['1.0.244.10.in-addr.arpa PTR db-0.db.default.svc.cluster.local']],
    ['3.0.244.10.in-addr.arpa', 'PTR', 'outside'],
    ['8.8.8.8.in-addr.arpa', 'PTR', 'outside'],
    ['50.0.96.10.in-addr.arpa', 'A', 'outside'],
    ['', 'NS', 'outside'],
  ])('%p %s', (name, type, expected) => expect(ask(name, type)).toEqual(expected));
});
