import fc from 'fast-check';
import { credentialsFor } from '../images/pull-secrets';
import { defaultPullPolicy, normalizeImage } from '../images/image-name';
import { BackOff, goDuration } from '../pods/back-off';
import { PodAddressPool } from '../worker/pod-addresses';
import { fieldValue, resourceValue } from './downward';
import { expand } from './expansion';
import { hostPortsConflict } from './host-ports';
import { hostnameOf } from './hostname';
import { resolvConf } from './pod-files';
import { containerResources, oomScoreAdjust } from './resources';
import { serviceEnvironment } from './service-env';

const podWith = (spec: object, metadata: object = {}) =>
  ({ metadata: { name: 'web', namespace: 'shop', uid: 'u', ...metadata }, spec: { containers: [], ...spec } }) as never;
const host = { nameservers: ['1.1.1.1'], searches: ['corp'], options: ['ndots:2'] };
const dns = { clusterDns: '10.96.0.10', clusterDomain: 'cluster.local' };

describe('expand', () => {
  it.each([
    ['$(A)', '1'],
    ['$$(A)', '$(A)'],
    ['$(B)', '$(B)'],
    ['$(A)$(A)-$', '11-$'],
    ['$$$(A)', '$1'],
    ['$(A', '$(A'],
    ['$A', '$A'],
  ])('%s is %s', (input, output) => {
    expect(expand(input, (name) => (name === 'A' ? '1' : undefined))).toBe(output);
  });
});

describe('downward API', () => {
  const container = { name: 'main', resources: { limits: { cpu: '1500m', memory: '64Mi' } } };
  it.each([
    ['limits.cpu', undefined, '2'],
    ['limits.cpu', '1m', '1500'],
    ['limits.memory', '1Mi', '64'],
    ['limits.ephemeral-storage', '1Gi', '10'],
    ['requests.cpu', undefined, '0'],
  ])('%s by %s is %s', (resource, divisor, value) => {
    expect(resourceValue(container, resource, divisor, { 'ephemeral-storage': '10Gi' })).toBe(value);
  });

  it('knows labels one by one and all together', () => {
    const pod = podWith({}, { labels: { b: '2', a: 'x"y' } });
    const addresses = { hostIp: '1.2.3.4' };
    expect(fieldValue(pod, "metadata.labels['b']", addresses)).toBe('2');
    expect(fieldValue(pod, 'metadata.labels', addresses)).toBe('a="x\\"y"\nb="2"');
    expect(() => fieldValue(pod, 'spec.secrets', addresses)).toThrow('unsupported fieldPath');
  });
});

describe('resolvConf', () => {
  it.each<[string, object, string]>([
    [
      'the cluster’s',
      {},
      'search shop.svc.cluster.local svc.cluster.local cluster.local corp\nnameserver 10.96.0.10\noptions ndots:5\n',
    ],
    ['the node’s', { dnsPolicy: 'Default' }, 'search corp\nnameserver 1.1.1.1\noptions ndots:2\n'],
    [
      'the node’s with its network',
      { hostNetwork: true, dnsPolicy: 'ClusterFirst' },
      'search corp\nnameserver 1.1.1.1\noptions ndots:2\n',
    ],
    [
      'only what is given',
      {
        dnsPolicy: 'None',
        dnsConfig: { nameservers: ['9.9.9.9'], options: [{ name: 'ndots', value: '1' }, { name: 'edns0' }] },
      },
      'nameserver 9.9.9.9\noptions ndots:1 edns0\n',
    ],
  ])('%s', (_, spec, text) => {
    expect(resolvConf(podWith(spec), dns, host)).toBe(text);
  });
});

it('cuts host names to what the kernel takes', () => {
  expect(hostnameOf(podWith({}, { name: `${'a'.repeat(62)}-b` }), 'cluster.local').hostname).toBe('a'.repeat(62));
  expect(hostnameOf(podWith({ hostname: 'h', subdomain: 's', setHostnameAsFQDN: true }), 'cluster.local')).toEqual({
    hostname: 'h.s.shop.svc.cluster.local',
    domain: 's.shop.svc.cluster.local',
  });
});

it('describes services in variables', () => {
  const ports = [{ name: 'http', port: 80, protocol: 'TCP' }];
  const services = [
    { metadata: { name: 'my-db' }, spec: { clusterIP: '10.0.0.1', ports } },
    { metadata: { name: 'headless' }, spec: { clusterIP: 'None', ports } },
  ];
  expect(Object.fromEntries(serviceEnvironment(services))).toEqual({
    MY_DB_SERVICE_HOST: '10.0.0.1',
    MY_DB_SERVICE_PORT: '80',
    MY_DB_SERVICE_PORT_HTTP: '80',
    MY_DB_PORT: 'tcp://10.0.0.1:80',
    MY_DB_PORT_80_TCP: 'tcp://10.0.0.1:80',
    MY_DB_PORT_80_TCP_PROTO: 'tcp',
    MY_DB_PORT_80_TCP_PORT: '80',
    MY_DB_PORT_80_TCP_ADDR: '10.0.0.1',
  });
});

describe('cgroups', () => {
  const gib = 2 ** 30;
  it.each<[object, object]>([
    [{}, { cpuShares: 2, oomScoreAdj: 1000 }],
    [{ requests: { cpu: '250m', memory: '512Mi' } }, { cpuShares: 256, oomScoreAdj: 500 }],
    [{ limits: { cpu: '5m' } }, { cpuShares: 5, cpuPeriod: 100_000, cpuQuota: 1000, oomScoreAdj: 999 }],
    [
      { requests: { cpu: '1', memory: '1Gi' }, limits: { cpu: '1', memory: '1Gi' } },
      { cpuShares: 1024, cpuPeriod: 100_000, cpuQuota: 100_000, memoryLimitBytes: gib, oomScoreAdj: -997 },
    ],
  ])('%j', (resources, expected) => {
    const container = { name: 'main', resources };
    expect(containerResources(podWith({ containers: [container] }), container as never, gib)).toEqual(expected);
  });

  it('protects what the node cannot do without', () => {
    expect(oomScoreAdjust(podWith({ priority: 2_000_001_000 }), { name: 'main' }, gib)).toBe(-997);
  });
});

describe('images', () => {
  it.each([
    ['nginx', 'nginx:latest', 'Always'],
    ['nginx:1', 'nginx:1', 'IfNotPresent'],
    ['localhost:5000/a/b', 'localhost:5000/a/b:latest', 'Always'],
    [`a@sha256:${'0'.repeat(64)}`, `a@sha256:${'0'.repeat(64)}`, 'IfNotPresent'],
  ])('%s', (image, normalized, policy) => {
    expect([normalizeImage(image), defaultPullPolicy(image)]).toEqual([normalized, policy]);
  });

  it.each(['Upper', 'a b', '', 'a//b', ':x', 'a:'])('%j is not a reference', (image) => {
    expect(normalizeImage(image)).toBeUndefined();
  });

  it('finds the credentials with the longest matching path', () => {
    const secret = (auths: object) => ({
      data: { '.dockerconfigjson': Buffer.from(JSON.stringify({ auths })).toString('base64') },
    });
    const auth = Buffer.from('me:pa:ss').toString('base64');
    const secrets = [
      secret({ 'r.io': { username: 'any', password: 'x' }, 'r.io/team': { auth } }),
      { data: { '.dockercfg': '!' } },
    ];
    expect(credentialsFor('r.io/team/app:1', secrets)).toEqual({
      username: 'me',
      password: 'pa:ss',
      serverAddress: 'r.io/team',
    });
    expect(credentialsFor('r.io/teams/app', secrets)?.username).toBe('any');
    expect(credentialsFor('other.io/app', secrets)).toBeUndefined();
    expect(credentialsFor('nginx', [secret({ 'https://index.docker.io/v1/': { auth } })])?.username).toBe('me');
  });
});

describe('BackOff', () => {
  it('doubles up to its limit, and starts anew after a long quiet', () => {
    const backOff = new BackOff(10, 40);
    const delays: number[] = [];
    let now = 0;
    for (let failure = 0; failure < 4; failure++) {
      backOff.next('a', now, now);
      delays.push(backOff.delayOf('a'));
      now += 20;
    }
    expect(delays).toEqual([10, 20, 40, 40]);
    expect(backOff.blockedUntil('a', 70, 75)).toBe(110);
    expect(backOff.blockedUntil('a', 200, 201)).toBeUndefined();
    backOff.next('a', 200, 200);
    expect(backOff.delayOf('a')).toBe(10);
  });

  it.each([
    [10_000, '10s'],
    [80_000, '1m20s'],
    [300_000, '5m0s'],
    [1500, '1.5s'],
    [250, '250ms'],
  ])('%d ms is %s', (ms, text) => {
    expect(goDuration(ms)).toBe(text);
  });
});

it('sees conflicts of host ports', () => {
  const port = (hostPort: number, hostIp?: string, protocol: 'TCP' | 'UDP' = 'TCP') => [
    { containerPort: 1, hostPort, hostIp, protocol },
  ];
  expect(hostPortsConflict(port(80), port(80, '10.0.0.1'))).toBe(true);
  expect(hostPortsConflict(port(80, '10.0.0.2'), port(80, '10.0.0.1'))).toBe(false);
  expect(hostPortsConflict(port(80), port(80, undefined, 'UDP'))).toBe(false);
});

it('gives every pod an address of its own (property)', () => {
  const step = fc.tuple(fc.constantFrom('allocate', 'release'), fc.integer({ min: 0, max: 20 }).map(String));
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const pool = new PodAddressPool();
      pool.configure('10.1.2.0/28');
      pool.claim('claimed', '10.1.2.5');
      const held = new Map([['claimed', '10.1.2.5']]);
      for (const [act, uid] of steps) {
        if (act === 'release') {
          pool.release(uid);
          held.delete(uid);
          continue;
        }
        const ip = pool.allocate(uid);
        if (ip === undefined) {
          expect(held.size).toBe(13);
          continue;
        }
        expect([...held].some(([owner, other]) => owner !== uid && other === ip)).toBe(false);
        expect(['10.1.2.0', '10.1.2.1', '10.1.2.15']).not.toContain(ip);
        held.set(uid, ip);
      }
    }),
  );
});
