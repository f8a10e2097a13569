import { once } from 'node:events';
import { type EndpointSlice, resources, type Service, type ServiceSpec } from '#api';
import { systemClock } from '#machinery';
import { nftTableName } from '#network';
import { Registry, silentLogger } from '#telemetry';
import { FakeCluster } from '#testing';
import {
  createHostNetwork,
  createServiceProxy,
  type HostFiles,
  type HostNetwork,
  removeServiceRules,
  type ServiceProxy,
} from '../../apps/node-agent/src/service-proxy';
import { Lab } from './lab';
import { canMakeNamespaces } from './namespace-lab';

const ips = { a: '10.250.0.11', b: '10.250.0.12' } as const;
type PodName = keyof typeof ips;

/** A service on 10.96.0.50:80 (TCP and UDP), node port 30080. */
function service(change: Partial<ServiceSpec> = {}): Service {
  const ports = [
    { name: 'http', port: 80, nodePort: 30080, protocol: 'TCP' },
    { name: 'udp', port: 80, nodePort: 30080, protocol: 'UDP' },
  ];
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { namespace: 'default', name: 'web' },
    spec: { type: 'NodePort', clusterIP: '10.96.0.50', ports, ...change },
  };
}

function slice(...pods: PodName[]): EndpointSlice {
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { namespace: 'default', name: 'web-1', labels: { 'kubernetes.io/service-name': 'web' } },
    addressType: 'IPv4',
    ports: [
      { name: 'http', port: 8080, protocol: 'TCP' },
      { name: 'udp', port: 8080, protocol: 'UDP' },
    ],
    endpoints: pods.map((pod) => ({
      addresses: [ips[pod]],
      nodeName: pod === 'a' ? 'here' : 'there',
      targetRef: { uid: pod },
    })),
  };
}

const describeReal = canMakeNamespaces() ? describe : describe.skip;

describeReal('services on a real kernel', () => {
  let lab: Lab;
  let proxy: ServiceProxy | undefined;
  let clusterObjects: FakeCluster;

  beforeAll(async () => {
    lab = await Lab.create();
  });
  afterAll(() => lab.destroy());
  afterEach(async () => {
    await proxy?.stop();
    proxy = undefined;
    await removeServiceRules({ ...host(), run: lab.run('node') });
  });

  const host = (): { cluster: string; clusterCidr: string; logger: ReturnType<typeof silentLogger> } => ({
    cluster: 'lab',
    clusterCidr: Lab.clusterCidr,
    logger: silentLogger(),
  });

  const files: HostFiles = {
    read: async (path) => (await lab.must('node', `cat ${path}`)).trim(),
    write: async (path, value) => void (await lab.must('node', `echo ${value} > ${path}`)),
    list: async (path) => (await lab.must('node', `ls ${path}`)).split('\n').filter(Boolean),
    interfaces: async () => [{ name: 'br0', address: '10.250.0.1' }],
  };
  const filterBridges = (value: string): Promise<void> =>
    files.write('/proc/sys/net/bridge/bridge-nf-call-iptables', value);

  async function start(
    objects: (Service | EndpointSlice)[],
    network: HostNetwork = createHostNetwork({ ...host(), serviceCidr: '10.96.0.0/16', run: lab.run('node'), files }),
  ): Promise<ServiceProxy> {
    clusterObjects = new FakeCluster().add(...objects);
    proxy = await createServiceProxy(
      {
        cluster: 'lab',
        nodeNames: ['here'],
        clusterCidr: Lab.clusterCidr,
        serviceCidr: '10.96.0.0/16',
        gateway: '10.250.0.1',
        forwarderAddresses: [],
      },
      {
        informers: clusterObjects.informers,
        network,
        clock: systemClock,
        random: Math.random,
        logger: silentLogger(),
        metrics: new Registry(),
      },
    );
    await applied(proxy, network);
    return proxy;
  }

  /** Waits for the first pass. */
  async function applied(of: ServiceProxy, network: HostNetwork): Promise<void> {
    const deadline = Date.now() + 5000;
    while (!(await network.prepare()).hasTable) {
      if (Date.now() > deadline) throw new Error(`nothing applied: ${of.problem()}`);
    }
  }

  /** Sets the endpoints, and asks until the answer satisfies. */
  async function eventually(question: () => Promise<string>, wanted: RegExp): Promise<void> {
    const deadline = Date.now() + 5000;
    for (;;) {
      const answer = await question();
      if (wanted.test(answer)) return;
      if (Date.now() > deadline) throw new Error(`still ${JSON.stringify(answer)}`);
    }
  }

  const many = async (times: number, from: string, address: string): Promise<Set<string>> =>
    new Set(await lab.getMany(from, address, times));

  test('pod to pod', async () => {
    await start([]);
    expect(await lab.get('a', `${ips.b}:8080`)).toBe(`b ${ips.a}`);
  });

  test('pod to outside and to its own node: outside sees the node, the node sees the pod', async () => {
    await start([]);
    expect(await lab.get('a', `${Lab.outsideIp}:8080`)).toBe(`outside ${Lab.nodeIp}`);
    expect(await lab.getUdp('a', Lab.outsideIp, 8080)).toBe(`outside ${Lab.nodeIp}`);
    expect(await lab.get('a', `${Lab.nodeIp}:8080`)).toBe(`node ${ips.a}`);
  });

  test('pod to service, balanced, with the client’s address', async () => {
    await start([service(), slice('a', 'b')]);
    // From a: b sees a; a itself sees the bridge (hairpin).
    expect(await many(30, 'a', '10.96.0.50')).toEqual(new Set(['a 10.250.0.1', `b ${ips.a}`]));
  });

  test('hairpin: a pod reaches itself through its service', async () => {
    await start([service(), slice('a')]);
    expect(await lab.get('a', '10.96.0.50')).toBe('a 10.250.0.1');
    expect(await lab.getUdp('a', '10.96.0.50', 80)).toBe('a 10.250.0.1');
  });

  test('the same where bridges do not filter: answers come back through the node', async () => {
    await filterBridges('0');
    try {
      const kernel = createHostNetwork({ ...host(), serviceCidr: '10.96.0.0/16', run: lab.run('node'), files });
      await start([service(), slice('a', 'b')], {
        ...kernel,
        prepare: async () => {
          const { hasTable } = await kernel.prepare();
          await filterBridges('0');
          return { hasTable, filtersBridges: false };
        },
      });
      expect(await many(30, 'b', '10.96.0.50')).toEqual(new Set(['a 10.250.0.1', 'b 10.250.0.1']));
    } finally {
      await filterBridges('1');
    }
  });

  test('node to cluster IP', async () => {
    await start([service(), slice('b')]);
    expect(await lab.get('node', '10.96.0.50')).toBe('b 10.250.0.1');
    expect(await lab.getUdp('node', '10.96.0.50', 80)).toBe('b 10.250.0.1');
  });

  test('outside to node port, balanced; to the cluster IP, if routed', async () => {
    await start([service(), slice('a', 'b')]);
    expect(await many(30, 'outside', `${Lab.nodeIp}:30080`)).toEqual(new Set(['a 10.250.0.1', 'b 10.250.0.1']));
    expect(await lab.getUdp('outside', Lab.nodeIp, 30080)).toMatch(/^[ab] 10\.250\.0\.1$/);
    expect(await lab.get('outside', '10.96.0.50')).toMatch(/^[ab] 10\.250\.0\.1$/);
  });

  test('pod and node to node port, on every address of the node', async () => {
    await start([service(), slice('b')]);
    for (const address of [Lab.nodeIp, '10.250.0.1']) {
      expect(await lab.get('a', `${address}:30080`)).toMatch(/^b /);
      expect(await lab.get('node', `${address}:30080`)).toMatch(/^b /);
    }
  });

  test('policy Local keeps the client’s address and to endpoints of this node', async () => {
    await start([service({ externalTrafficPolicy: 'Local' }), slice('a', 'b')]);
    expect(await many(10, 'outside', `${Lab.nodeIp}:30080`)).toEqual(new Set([`a ${Lab.outsideIp}`]));
    // Pods may use all of them.
    expect(await many(30, 'a', `${Lab.nodeIp}:30080`)).toEqual(new Set(['a 10.250.0.1', `b ${ips.a}`]));
  });

  test('policy Local without endpoints here: silence outside, service inside', async () => {
    await start([service({ externalTrafficPolicy: 'Local' }), slice('b')]);
    expect(await lab.get('outside', `${Lab.nodeIp}:30080`)).toBe('no answer');
    expect(await lab.get('a', `${Lab.nodeIp}:30080`)).toBe(`b ${ips.a}`);
  });

  test('external addresses', async () => {
    await lab.must('outside', `ip route replace 198.51.100.7 via ${Lab.nodeIp}`);
    await start([service({ externalIPs: ['198.51.100.7'] }), slice('b')]);
    expect(await lab.get('outside', '198.51.100.7')).toBe('b 10.250.0.1');
    expect(await lab.get('a', '198.51.100.7')).toMatch(/^b /);
  });

  test('nobody there: refused at once, everywhere; a port that the service does not have, too', async () => {
    await start([service(), slice()]);
    const questions: [string, string][] = [
      ['a', '10.96.0.50'],
      ['node', '10.96.0.50'],
      ['outside', `${Lab.nodeIp}:30080`],
      ['a', '10.96.0.50:81'],
    ];
    for (const [from, address] of questions) expect(await lab.get(from, address)).toMatch(/ECONNREFUSED/);
    expect(await lab.getUdp('a', '10.96.0.50', 80)).toBe('ECONNREFUSED');
  });

  test('affinity keeps a client with its backend, also when another one goes', async () => {
    await start([service({ sessionAffinity: 'ClientIP' }), slice('a', 'b')]);
    const address = `${Lab.nodeIp}:30080`;
    const [first] = await lab.getMany('outside', address, 1);
    expect(await many(20, 'outside', address)).toEqual(new Set([first]));
    const stays = first?.startsWith('a') === true ? 'a' : 'b';
    clusterObjects.edit(
      resources.endpointSlices,
      'default/web-1',
      (object) => (object.endpoints = slice(stays).endpoints),
    );
    await eventually(
      async () => lab.must('node', `nft list chain ip ${nftTableName('lab')} service-default/web/tcp/http`),
      /mod 1 /,
    );
    clusterObjects.edit(
      resources.endpointSlices,
      'default/web-1',
      (object) => (object.endpoints = slice('a', 'b').endpoints),
    );
    await eventually(
      async () => lab.must('node', `nft list chain ip ${nftTableName('lab')} service-default/web/tcp/http`),
      /mod 2 /,
    );
    expect(await many(20, 'outside', address)).toEqual(new Set([first]));
  });

  test('connections outlive the removal of their endpoint', async () => {
    const running = await start([service(), slice('a')]);
    const stream = lab.stream('outside', `${Lab.nodeIp}:30080`);
    const say = async (text: string): Promise<string> => {
      stream.stdin?.write(text);
      const [answer] = (await once(stream.stdout!, 'data')) as [Buffer];
      return answer.toString();
    };
    expect(await say('1')).toBe('a:1');
    clusterObjects.edit(
      resources.endpointSlices,
      'default/web-1',
      (object) => (object.endpoints = slice('a', 'b').endpoints),
    );
    await running.beforeSigterm({ metadata: { uid: 'a' } });
    expect(await many(10, 'outside', `${Lab.nodeIp}:30080`)).toEqual(new Set(['b 10.250.0.1']));
    expect(await say('2')).toBe('a:2');
    clusterObjects.edit(resources.endpointSlices, 'default/web-1', (object) => (object.endpoints = []));
    await eventually(() => lab.get('outside', `${Lab.nodeIp}:30080`), /ECONNREFUSED/);
    expect(await say('3')).toBe('a:3');
    stream.stdin?.end();
  });

  test('a thousand services come and go in one table', async () => {
    const objects = Array.from({ length: 1000 }, (_, i): (Service | EndpointSlice)[] => {
      const name = `s${i}`;
      const ip = `10.96.${4 + (i >> 8)}.${i & 255}`;
      const ports = [{ name: 'http', port: 80, nodePort: 31000 + i, protocol: 'TCP' }];
      const one = slice('a', 'b');
      one.metadata = { namespace: 'many', name, labels: { 'kubernetes.io/service-name': name } };
      return [{ ...service({ clusterIP: ip, ports }), metadata: { namespace: 'many', name } }, one];
    }).flat();
    await start(objects);
    expect(await lab.get('a', '10.96.7.231')).toMatch(/^[ab] /);
    for (let i = 0; i < 1000; i++) clusterObjects.remove(resources.services, `many/s${i}`);
    await eventually(() => lab.get('node', '10.96.7.231'), /no answer|UNREACH/);
  });

  test('rules stay when the proxy stops, and go with removeServiceRules, alone', async () => {
    await lab.must('node', 'nft add table ip bystander');
    const before = await lab.must('node', 'iptables -w -S');
    const running = await start([service(), slice('b')]);
    await running.stop();
    expect(await lab.get('a', '10.96.0.50')).toBe(`b ${ips.a}`);
    await removeServiceRules({ ...host(), run: lab.run('node') });
    const tables = await lab.must('node', 'nft list tables');
    expect(tables).toContain('bystander');
    expect(tables).not.toContain(nftTableName('lab'));
    expect(await lab.must('node', 'iptables -w -S')).toBe(before);
    await lab.must('node', 'nft delete table ip bystander');
  });
});
