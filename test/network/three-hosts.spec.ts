import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Node, type Pod, type PodSpec, type Service } from '#api';
import { isInCidr, nthAddress, overlayDeviceName } from '#network';
import { eventually } from '../tools/eventually';
import { describeWith } from '../tools/requirements';
import { AddressWatch } from './address-watch';
import { MachinesLab } from './machines-lab';

interface Question {
  readonly url?: string;
  readonly times?: number;
  readonly post?: number;
  readonly udp?: string;
  readonly size?: number;
}

const NODE_PORT = 30_080;
const LOCAL_NODE_PORT = 30_081;
const MEGABYTES = 8 << 20;

function podSpec(more: Partial<PodSpec> = {}): PodSpec {
  return {
    terminationGracePeriodSeconds: 1,
    containers: [
      {
        name: 'app',
        image: 'nestor.local/node',
        imagePullPolicy: 'IfNotPresent',
        command: ['node', '/app/app.js'],
        env: [{ name: 'POD_NAME', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } }],
        readinessProbe: { httpGet: { path: '/', port: 8080 }, periodSeconds: 1 },
        volumeMounts: [{ name: 'app', mountPath: '/app' }],
      },
    ],
    volumes: [{ name: 'app', configMap: { name: 'app' } }],
    ...more,
  };
}

function service(name: string, app: string, nodePort: number, externalTrafficPolicy: 'Cluster' | 'Local'): Service {
  const ports = [{ name: 'http', port: 80, targetPort: 8080, nodePort }];
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name },
    spec: { type: 'NodePort', selector: { app }, ports, externalTrafficPolicy },
  };
}

describeWith(['docker', 'nats', 'root', 'nft', 'ip'], 'three machines, each with its own Docker', () => {
  let lab: MachinesLab;
  /** Addresses of the pods `on-host1` …, by host. */
  const ips = new Map<string, string>();
  const addresses = new AddressWatch();
  const device = overlayDeviceName(MachinesLab.cluster);

  beforeAll(async () => {
    lab = await MachinesLab.create('vxlan');
    try {
      await isReady(3);
      const data = { 'app.js': readFileSync(join(__dirname, 'three-hosts-app.js'), 'utf8') };
      await eventually(() => lab.kubectl('get', 'serviceaccount', 'default'), 30_000);
      await addresses.start(lab);
      await lab.apply([
        { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'app' }, data },
        ...lab.hosts.map((host) => ({
          apiVersion: 'v1',
          kind: 'Pod',
          metadata: { name: `on-${host}`, labels: { app: 'fixed', only: host } },
          // It stays, however long its host is away.
          spec: podSpec({
            nodeSelector: { 'kubernetes.io/hostname': host },
            tolerations: [{ operator: 'Exists', effect: 'NoExecute' }],
          }),
        })),
        service('web', 'fixed', NODE_PORT, 'Cluster'),
        service('local', 'fixed', LOCAL_NODE_PORT, 'Local'),
      ]);
      await lab.kubectl('wait', '--for=condition=Ready', 'pod', '--all', '--timeout=90s');
      for (const pod of await pods()) ips.set(pod.spec?.nodeName ?? '', pod.status?.podIP ?? '');
    } catch (error) {
      process.stderr.write(`${lab.logs()}\n`);
      throw error;
    }
  });
  afterAll(async () => {
    await lab?.destroy();
    expect(lab?.leftovers()).toEqual([]);
  });

  const pods = async (...selector: string[]): Promise<readonly Pod[]> =>
    (await lab.json<{ items: Pod[] }>('get', 'pods', ...selector)).items;
  const readyNodes = async (): Promise<string[]> => {
    const { items } = await lab.json<{ items: Node[] }>('get', 'nodes');
    const isNodeReady = ({ status }: Node): boolean =>
      status?.conditions?.some(({ type, status: is }) => type === 'Ready' && is === 'True') === true;
    return items.filter(isNodeReady).map(({ metadata }) => metadata?.name ?? '');
  };
  const isReady = (count: number): Promise<void> =>
    eventually(async () => expect(await readyNodes()).toHaveLength(count), 90_000);
  const ask = async (host: string, questions: readonly Question[]): Promise<string[]> =>
    JSON.parse(
      await lab.kubectl('exec', `on-${host}`, '--', 'node', '/app/app.js', JSON.stringify(questions)),
    ) as string[];
  const names = (answers: readonly string[]): Set<string> =>
    new Set(answers.map((answer) => answer.split(' ')[0] ?? ''));
  const all = new Set(['on-host1', 'on-host2', 'on-host3']);

  const reachesEachOther = async (): Promise<void> => {
    for (const from of lab.hosts) {
      const others = lab.hosts.filter((host) => host !== from);
      const seen = await ask(
        from,
        others.map((host) => ({ url: `http://${ips.get(host)}:8080/` })),
      );
      expect(seen).toEqual(others.map((host) => `on-${host} ${ips.get(from)}`));
    }
  };
  const carriesEverySize = async (): Promise<void> => {
    const [from, to] = ['host1', 'host3'] as const;
    const [got, sent, ...datagrams] = await ask(from, [
      { url: `http://${ips.get(to)}:8080/bytes/${MEGABYTES}` },
      { url: 'http://web/', post: MEGABYTES, times: 1 },
      ...[100, 1400, 1472, 8000].map((size) => ({ udp: ips.get(to) ?? '', size })),
    ]);
    expect([got, sent]).toEqual([String(MEGABYTES), String(MEGABYTES)]);
    expect(datagrams).toEqual([100, 1400, 1472, 8000].map((size) => `${size} ${ips.get(from)}`));
  };

  it('runs a pod on each, with an address of its node', async () => {
    const { items } = await lab.json<{ items: Node[] }>('get', 'nodes');
    for (const { metadata, spec } of items) {
      expect(isInCidr(ips.get(metadata?.name ?? '') ?? '', spec?.podCIDR ?? '')).toBe(true);
    }
    expect(await lab.kubectl('exec', 'on-host2', '--', 'cat', '/sys/class/net/eth0/mtu')).toBe('1450\n');
  });

  it('lets pods reach each other by address, each with its own', () => reachesEachOther());

  it('balances a Service over all of them, by name, from every pod and every machine', async () => {
    for (const host of lab.hosts) {
      const answers = await ask(host, [{ url: 'http://web.default.svc.cluster.local/', times: 30 }]);
      expect(names(answers)).toEqual(all);
      // To itself by way of the bridge, to others as what it is.
      for (const answer of answers) {
        expect(answer.split(' ')[1]).toBe(answer.startsWith(`on-${host} `) ? '10.244.0.1' : ips.get(host));
      }
    }
    const { spec } = await lab.json<Service>('get', 'service', 'web');
    for (const host of lab.hosts) expect(names(await lab.getMany(host, spec?.clusterIP ?? '', 20))).toEqual(all);
  });

  it('lets a machine reach pods of others, under an address of its own', async () => {
    const { spec } = await lab.json<Node>('get', 'node', 'host1');
    const own = nthAddress(spec?.podCIDR ?? '', 0);
    expect(await lab.get('host1', `${ips.get('host2')}:8080`)).toBe(`on-host2 ${own}`);
    const { spec: web } = await lab.json<Service>('get', 'service', 'web');
    for (const answer of await lab.getMany('host1', web?.clusterIP ?? '', 20)) {
      expect(answer.split(' ')[1]).toBe(answer.startsWith('on-host1 ') ? '10.244.0.1' : own);
    }
  });

  it('serves node ports on every machine, whichever has the pod', async () => {
    for (const host of lab.hosts) {
      const ip = MachinesLab.ipOf(host);
      expect(names(await lab.getMany('outside', `${ip}:${NODE_PORT}`, 20))).toEqual(all);
      const local = await lab.getMany('outside', `${ip}:${LOCAL_NODE_PORT}`, 5);
      expect(new Set(local)).toEqual(new Set([`on-${host} ${MachinesLab.outsideIp}`]));
    }
  });

  it('shows pods to outside as their machine', async () => {
    const [seen] = await ask('host2', [{ url: `http://${MachinesLab.outsideIp}:8080/` }]);
    expect(seen).toBe(`outside ${MachinesLab.ipOf('host2')}`);
  });

  it('carries packets of every size', () => carriesEverySize());

  it('gets over a machine that is cut off, and over its return', async () => {
    const labels = { app: 'moving' };
    const tolerations = ['node.kubernetes.io/not-ready', 'node.kubernetes.io/unreachable'].map((key) => ({
      ...{ key, operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 2 },
    }));
    const replicas = 4;
    await lab.apply([
      {
        apiVersion: 'apps/v1',
        kind: 'Deployment',
        metadata: { name: 'moving' },
        spec: {
          replicas,
          selector: { matchLabels: labels },
          template: { metadata: { labels }, spec: podSpec({ tolerations }) },
        },
      },
    ]);
    await lab.kubectl('rollout', 'status', 'deployment/moving', '--timeout=60s');
    const before = await pods('-l', 'app=moving');
    const lost = before.filter(({ spec }) => spec?.nodeName === 'host3').map(({ metadata }) => metadata?.uid);
    expect(lost.length).toBeGreaterThan(0);

    await lab.setCable('host3', 'down');
    await eventually(async () => expect(await readyNodes()).toEqual(['host1', 'host2']), 60_000);
    await eventually(async () => {
      const ready = (await pods('-l', 'app=moving')).filter(
        ({ spec, metadata, status }) =>
          spec?.nodeName !== 'host3' &&
          metadata?.deletionTimestamp === undefined &&
          status?.conditions?.some(({ type, status: is }) => type === 'Ready' && is === 'True') === true,
      );
      expect(ready).toHaveLength(replicas);
    }, 60_000);
    await eventually(async () => {
      const answers = await ask('host1', [{ url: 'http://web/', times: 20 }]);
      expect(names(answers)).toEqual(new Set(['on-host1', 'on-host2']));
    });
    // It runs on, and serves who reaches it: its pods are not the worse for being alone.
    expect(await lab.get('host3', `${ips.get('host3')}:8080`)).toBe('on-host3 10.244.0.1');

    await lab.setCable('host3', 'up');
    await isReady(3);
    await eventually(async () => {
      const now = await pods('-l', 'app=moving');
      expect(now.filter(({ metadata }) => lost.includes(metadata?.uid))).toEqual([]);
      expect(now).toHaveLength(replicas);
      const containers = await lab.on('host3', 'docker', 'ps', '--format', '{{.Names}}');
      const here = now.filter(({ spec }) => spec?.nodeName === 'host3').length;
      expect(containers.split('\n').filter((name) => name.startsWith('k8s_app_moving'))).toHaveLength(here);
    }, 60_000);
    // Who stayed has stayed: the same container.
    const [kept] = await pods('-l', 'only=host3');
    expect([kept?.status?.podIP, kept?.status?.containerStatuses?.[0]?.restartCount]).toEqual([ips.get('host3'), 0]);
    await eventually(async () => expect(names(await ask('host1', [{ url: 'http://web/', times: 20 }]))).toEqual(all));
    await reachesEachOther();
  });

  it('changes over to routes, without touching pods', async () => {
    for (const host of lab.hosts) await lab.restartAgent(host, 'host-gw');
    await eventually(async () => {
      for (const host of lab.hosts) {
        expect(await lab.on(host, 'ip', '-o', 'link')).not.toContain(device);
        expect((await lab.on(host, 'ip', 'route')).match(/via 192\.0\.2\.1\d dev eth0 proto 78/g)).toHaveLength(2);
      }
    }, 60_000);
    await reachesEachOther();
    await carriesEverySize();
    expect(await lab.get('host1', `${ips.get('host2')}:8080`)).toBe(`on-host2 ${MachinesLab.ipOf('host1')}`);
    expect(names(await lab.getMany('outside', `${MachinesLab.ipOf('host2')}:${NODE_PORT}`, 20))).toEqual(all);
  });

  it('has never given an address to two pods at once', () => {
    expect(addresses.seen).toBeGreaterThan(6);
    expect(addresses.clashes).toEqual([]);
  });
});
