import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ServiceSpec } from '#api';
import { eventually } from '../tools/eventually';
import { KubernetesApi } from '../tools/kubernetes-api';
import { NestorCluster } from '../tools/nestor';
import { Probe, ProbePods } from '../tools/probe-pods';
import { describeWith } from '../tools/requirements';
import { StubResolver } from '../tools/stub-resolver';

const DOMAIN = 'default.svc.cluster.local';
const NXDOMAIN = 'ENOTFOUND';
const NO_DATA = 'ENODATA';
const many = Array.from({ length: 60 }, (_, i) => `203.0.113.${i + 1}`);

describeWith(['docker', 'root', 'nft'], 'names, on Docker', () => {
  const directory = mkdtempSync(join(tmpdir(), 'nestor-resolver-'));
  const resolvConf = join(directory, 'resolv.conf');
  const resolver = new StubResolver(`127.53.${process.pid % 250}.1`, {
    'www.outside.test': ['203.0.113.7'],
    'many.outside.test': many,
  });
  const cluster = new NestorCluster({ resolvConf });
  let api: KubernetesApi;
  let pods: ProbePods;
  let client: Probe;
  let webIp: string;
  let dnsIp: string;
  const ips: Record<'one' | 'two' | 'late', string> = { one: '', two: '', late: '' };

  const create = async (name: string, spec: ServiceSpec): Promise<string> =>
    (await pods.service(name, spec)).spec?.clusterIP ?? '';
  const sorted = (answer: unknown): unknown => (Array.isArray(answer) ? [...(answer as string[])].sort() : answer);

  beforeAll(async () => {
    writeFileSync(resolvConf, `nameserver ${resolver.address}\n`);
    await resolver.start();
    await cluster.up();
    api = await KubernetesApi.connect(cluster);
    pods = new ProbePods(api);
    await pods.install();
    const labels = { app: 'web' };
    await Promise.all([
      pods.pod('client'),
      pods.pod('one', { labels, spec: { hostname: 'first', subdomain: 'peers' } }),
      pods.pod('two', { labels }),
      pods.pod('late', { labels, isReady: false }),
    ]);
    webIp = await create('web', { selector: labels });
    dnsIp = webIp.split('.').slice(0, 2).join('.') + '.0.10';
    await create('peers', { clusterIP: 'None', selector: labels });
    await create('early', { clusterIP: 'None', selector: labels, publishNotReadyAddresses: true });
    await create('elsewhere', { type: 'ExternalName', externalName: 'www.outside.test', ports: [] });
    client = new Probe(await pods.address('client'));
    for (const name of ['one', 'two', 'late'] as const) ips[name] = await pods.address(name);
    await eventually(async () =>
      expect(sorted(await client.resolve('resolve4', `peers.${DOMAIN}`))).toEqual([ips.one, ips.two].sort()),
    );
  });
  afterAll(async () => {
    api?.close();
    await cluster.purge();
    await resolver.stop();
    rmSync(directory, { recursive: true });
  });

  it.each(['web', 'web.default', 'web.default.svc', `web.${DOMAIN}`, `WEB.${DOMAIN}.`])(
    '%s is the address of the service',
    async (name) => {
      expect(await client.lookup(name)).toBe(webIp);
    },
  );

  it('a service can be used by its name', async () => {
    expect((await client.get('http://web'))[0]).toMatch(/^(one|two) /);
  });

  it('a headless service has a record for each pod that is ready, or for all if it says so', async () => {
    expect(sorted(await client.resolve('resolve4', `early.${DOMAIN}`))).toEqual(Object.values(ips).sort());
    expect(await client.resolve('resolve4', `first.peers.${DOMAIN}`)).toEqual([ips.one]);
    expect(await client.resolve('resolve4', `${ips.two.replaceAll('.', '-')}.peers.${DOMAIN}`)).toEqual([ips.two]);
    expect(await client.resolve('resolve4', `${ips.late.replaceAll('.', '-')}.peers.${DOMAIN}`)).toBe(NXDOMAIN);
  });

  it('ports have SRV records', async () => {
    expect(await client.resolve('resolveSrv', `_http._tcp.web.${DOMAIN}`)).toEqual([
      { name: `web.${DOMAIN}`, port: 80, priority: 0, weight: 100 },
    ]);
    const peers = (await client.resolve('resolveSrv', `_http._tcp.peers.${DOMAIN}`)) as {
      name: string;
      port: number;
    }[];
    expect(peers.map(({ name, port }) => `${name}:${port}`).sort()).toEqual(
      [`first.peers.${DOMAIN}:8080`, `${ips.two.replaceAll('.', '-')}.peers.${DOMAIN}:8080`].sort(),
    );
    expect(await client.resolve('resolveSrv', `_ssh._tcp.web.${DOMAIN}`)).toBe(NXDOMAIN);
  });

  it('addresses have names', async () => {
    expect(await client.resolve('reverse', webIp)).toEqual([`web.${DOMAIN}`]);
    expect(await client.resolve('reverse', ips.one)).toContain(`first.peers.${DOMAIN}`);
    expect(await client.resolve('reverse', dnsIp)).toEqual(['kube-dns.kube-system.svc.cluster.local']);
  });

  it('pods have names made of their addresses', async () => {
    expect(await client.resolve('resolve4', `${ips.two.replaceAll('.', '-')}.default.pod.cluster.local`)).toEqual([
      ips.two,
    ]);
  });

  it('an external name is an alias, and followed', async () => {
    expect(await client.resolve('resolveCname', `elsewhere.${DOMAIN}`)).toEqual(['www.outside.test']);
    expect(await client.lookup('elsewhere')).toBe('203.0.113.7');
  });

  it.each([
    ['a service that is not there', 'resolve4', `nobody.${DOMAIN}`, NXDOMAIN],
    ['a namespace that is not there', 'resolve4', 'web.nowhere.svc.cluster.local', NXDOMAIN],
    ['addresses of another family', 'resolve6', `web.${DOMAIN}`, NO_DATA],
  ] as const)('there is no answer for %s', async (_, type, name, code) => {
    expect(await client.resolve(type, name)).toBe(code);
  });

  it('names outside are the host’s resolver’s, over UDP and TCP', async () => {
    expect(await client.lookup('www.outside.test')).toBe('203.0.113.7');
    expect(await client.resolve('resolve4', 'nobody.outside.test')).toBe(NXDOMAIN);
    // Too long for UDP: the client asks again over TCP, and so does the server.
    expect(sorted(await client.resolve('resolve4', 'many.outside.test'))).toEqual([...many].sort());
  });

  it('everything is answered over TCP, too', async () => {
    expect(await client.dnsOverTcp(`web.${DOMAIN}`, dnsIp)).toEqual({ rcode: 0, count: 1, last: webIp });
    expect(await client.dnsOverTcp(`nobody.${DOMAIN}`, dnsIp)).toMatchObject({ rcode: 3, count: 0 });
    expect(await client.dnsOverTcp('www.outside.test', dnsIp)).toEqual({ rcode: 0, count: 1, last: '203.0.113.7' });
  });

  it('follow what happens to services', async () => {
    expect(await client.resolve('resolve4', `new.${DOMAIN}`)).toBe(NXDOMAIN);
    const ip = await create('new', {});
    await eventually(async () => expect(await client.resolve('resolve4', `new.${DOMAIN}`)).toEqual([ip]));
    await api.must('DELETE', '/api/v1/namespaces/default/services/new');
    await eventually(async () => expect(await client.resolve('resolve4', `new.${DOMAIN}`)).toBe(NXDOMAIN));
  });

  it('are back after the cluster was killed', async () => {
    process.kill(cluster.pid, 'SIGKILL');
    await cluster.up();
    await eventually(async () => expect(await client.lookup('web')).toBe(webIp));
    expect(await client.lookup('www.outside.test')).toBe('203.0.113.7');
  });
});
