import { execFile, execFileSync } from 'node:child_process';
import fs from 'node:fs';
import http from 'node:http';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { type EndpointSlice, type Service } from '#api';
import { systemClock } from '#machinery';
import { nftTableName } from '#network';
import { Registry, silentLogger } from '#telemetry';
import { FakeCluster } from '#testing';
import {
  createHostNetwork,
  createServiceProxy,
  removeServiceRules,
  type ServiceProxy,
  whyNoHostNetwork,
} from '../../apps/node-agent/src/service-proxy';

const run = promisify(execFile);
const id = `nestor-nettest-${process.pid}`;
const clusterCidr = '10.203.0.0/16';
const clusterIp = '10.202.0.50';
const nodePort = 31_987;
const ips = { a: '10.203.1.2', b: '10.203.2.2' };

/** Docker, root and busybox (for the image); without them the tests are skipped loudly, but never in CI. */
function canRunContainers(): boolean {
  try {
    if (process.getuid?.() !== 0) throw new Error('not root');
    execFileSync('docker', ['version'], { stdio: 'ignore' });
    execFileSync('/bin/busybox', ['httpd', '--help'], { stdio: 'ignore' });
    return true;
  } catch (error) {
    if (process.env['CI'] !== undefined) throw error;
    // eslint-disable-next-line no-console
    console.warn(`SKIPPED: Docker network tests need root, Docker and a static busybox (${String(error)})`);
    return false;
  }
}

const describeReal = canRunContainers() ? describe : describe.skip;

describeReal('services on a Docker bridge', () => {
  let proxy: ServiceProxy;
  const host = { cluster: id, clusterCidr, logger: silentLogger() };

  beforeAll(async () => {
    const directory = fs.mkdtempSync(path.join(os.tmpdir(), id));
    fs.mkdirSync(path.join(directory, 'bin'));
    fs.copyFileSync('/bin/busybox', path.join(directory, 'bin/busybox'));
    fs.mkdirSync(path.join(directory, 'www'));
    execFileSync('sh', ['-c', `tar -C ${directory} -c . | docker import - ${id}`], { stdio: 'ignore' });
    fs.rmSync(directory, { recursive: true });
    await run('docker', ['network', 'create', '--subnet', clusterCidr, '--gateway', '10.203.0.1', id]);
    for (const [name, ip] of Object.entries(ips)) {
      const serve = `echo ${name} > /www/index.html; exec /bin/busybox httpd -f -p 8080 -h /www`;
      const options = ['--name', `${id}-${name}`, '--network', id, '--ip', ip];
      await run('docker', ['run', '-d', ...options, id, '/bin/busybox', 'sh', '-c', serve]);
    }
    const service: Service = {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { namespace: 'default', name: 'web' },
      spec: { type: 'NodePort', clusterIP: clusterIp, ports: [{ name: 'http', port: 80, nodePort, protocol: 'TCP' }] },
    };
    const slice: EndpointSlice = {
      apiVersion: 'discovery.k8s.io/v1',
      kind: 'EndpointSlice',
      metadata: { namespace: 'default', name: 'web-1', labels: { 'kubernetes.io/service-name': 'web' } },
      addressType: 'IPv4',
      ports: [{ name: 'http', port: 8080, protocol: 'TCP' }],
      endpoints: Object.values(ips).map((ip) => ({ addresses: [ip] })),
    };
    expect(await whyNoHostNetwork()).toBeUndefined();
    const network = createHostNetwork(host);
    proxy = await createServiceProxy(
      { cluster: id, nodeNames: [], clusterCidr },
      {
        informers: new FakeCluster().add(service, slice).informers,
        network,
        clock: systemClock,
        random: Math.random,
        logger: silentLogger(),
        metrics: new Registry(),
      },
    );
    const deadline = Date.now() + 10_000;
    while (!(await network.prepare()).hasTable) {
      if (Date.now() > deadline) throw new Error(`nothing applied: ${proxy.problem()}`);
    }
  });

  afterAll(async () => {
    await proxy?.stop();
    await removeServiceRules(host);
    for (const name of Object.keys(ips)) await run('docker', ['rm', '-f', `${id}-${name}`]).catch(() => undefined);
    await run('docker', ['network', 'rm', id]).catch(() => undefined);
    await run('docker', ['rmi', '-f', id]).catch(() => undefined);
    expect((await run('nft', ['list', 'tables'])).stdout).not.toContain(nftTableName(id));
    expect((await run('iptables', ['-w', '-S', 'DOCKER-USER'])).stdout).not.toContain('10.203.');
  });

  const fromHost = (address: string): Promise<string> =>
    new Promise((resolve, reject) => {
      const request = http.get(`http://${address}/`, { agent: false, timeout: 3000 }, (answer) => {
        let text = '';
        answer.setEncoding('utf8').on('data', (part: string) => (text += part));
        answer.on('end', () => resolve(text.trim()));
      });
      request.on('timeout', () => request.destroy(new Error('no answer')));
      request.on('error', reject);
    });

  const fromPod = async (name: string, ip: string, port: number): Promise<string> => {
    const ask = `printf 'GET / HTTP/1.0\\r\\n\\r\\n' | /bin/busybox nc -w 3 ${ip} ${port}`;
    const { stdout } = await run('docker', ['exec', `${id}-${name}`, '/bin/busybox', 'sh', '-c', ask]);
    return stdout.trim().split('\n').at(-1) ?? '';
  };

  const collect = async (times: number, question: () => Promise<string>): Promise<Set<string>> => {
    const answers = new Set<string>();
    for (let i = 0; i < times; i++) answers.add(await question());
    return answers;
  };

  const both = new Set(['a', 'b']);

  test('pod to pod, across the nodes’ parts of the network', async () => {
    expect(await fromPod('a', ips.b, 8080)).toBe('b');
  });

  test('pod to service and to itself', async () => {
    expect(await collect(15, () => fromPod('a', clusterIp, 80))).toEqual(both);
  });

  test('host to cluster IP', async () => {
    expect(await collect(20, () => fromHost(clusterIp))).toEqual(both);
  });

  test('host to node port, on the bridge’s address and on loopback', async () => {
    expect(await collect(20, () => fromHost(`10.203.0.1:${nodePort}`))).toEqual(both);
    expect(await collect(20, () => fromHost(`127.0.0.1:${nodePort}`))).toEqual(both);
    expect(await collect(20, () => fromHost(`localhost:${nodePort}`))).toEqual(both);
  });
});
