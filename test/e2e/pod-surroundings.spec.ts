import { readFileSync } from 'node:fs';
import { eventually } from '../tools/eventually';
import { KubernetesApi } from '../tools/kubernetes-api';
import { NestorCluster } from '../tools/nestor';
import { container, idle, PodLab } from '../tools/pod-lab';
import { describeWith } from '../tools/requirements';

const never = { restartPolicy: 'Never' };
const HOST_PORT = 30_190;

describeWith(['docker', 'root'], 'what pods find around them, on Docker', () => {
  const cluster = new NestorCluster({}, 'v35');
  let api: KubernetesApi;
  let lab: PodLab;
  const lines = async (pod: string): Promise<string[]> => (await lab.output(pod)).trim().split('\n');
  const waiting = async (name: string): Promise<unknown> =>
    (await lab.status(name)).containerStatuses?.[0]?.state?.waiting;

  beforeAll(async () => {
    await cluster.up();
    api = await KubernetesApi.connect(cluster);
    lab = new PodLab(cluster, api);
    const mounts = (names: readonly string[]) => names.map((name) => ({ name, mountPath: `/v/${name}` }));
    const resources = { requests: { cpu: '100m', memory: '32Mi' }, limits: { cpu: '1500m', memory: '64Mi' } };
    const id = 'id -u; id -g; id -G';
    await lab.apply(
      configMap('settings', { colour: 'red', 'app.conf': 'a=1' }),
      { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'keys' }, stringData: { password: 'one' } },
      service('shop', { ports: [{ port: 80, name: 'web' }], selector: { app: 'shop' } }),
      labelled(lab.pod('env', [container('main', 'env', { env: environment, envFrom, resources })], never)),
      labelled(
        lab.pod(
          'volumes',
          [
            container('main', idle, {
              resources,
              volumeMounts: [
                ...mounts(['config', 'keys', 'about', 'all', 'scratch', 'memory', 'host']),
                { name: 'config', mountPath: '/v/fixed', subPath: 'colour' },
              ],
            }),
          ],
          { volumes, securityContext: { fsGroup: 4000 } },
        ),
      ),
      lab.pod('no-map', [container('main', idle, { envFrom: [{ configMapRef: { name: 'absent' } }] })]),
      lab.pod('no-key', [container('main', idle, { env: [fromMap('A', 'settings', 'absent')] })]),
      lab.pod('no-secret', [container('main', idle, { volumeMounts: mounts(['keys']) })], {
        volumes: [{ name: 'keys', secret: { secretName: 'absent' } }],
      }),
      lab.pod(
        'somebody',
        [container('main', `${id}; touch /x`, { securityContext: { runAsUser: 1000, runAsGroup: 2000 } })],
        {
          ...never,
          securityContext: { fsGroup: 3000, supplementalGroups: [5000] },
        },
      ),
      lab.pod(
        'bounded',
        [
          container('main', "grep -E 'CapEff|NoNewPrivs|Seccomp:' /proc/self/status; touch /x", {
            securityContext: {
              readOnlyRootFilesystem: true,
              allowPrivilegeEscalation: false,
              capabilities: { drop: ['ALL'], add: ['NET_BIND_SERVICE'] },
              seccompProfile: { type: 'RuntimeDefault' },
            },
          }),
        ],
        never,
      ),
      lab.pod('rootless', [container('main', idle)], { securityContext: { runAsNonRoot: true } }),
      lab.pod('names', [container('main', 'hostname; hostname -f; cat /etc/hosts')], {
        ...never,
        hostname: 'one',
        subdomain: 'team',
        hostAliases: [{ ip: '192.0.2.7', hostnames: ['seven', 'seven.example'] }],
      }),
      lab.pod('qualified', [container('main', 'hostname')], {
        ...never,
        hostname: 'one',
        subdomain: 'team',
        setHostnameAsFQDN: true,
      }),
      lab.pod('cluster-dns', [container('main', 'cat /etc/resolv.conf')], {
        ...never,
        dnsConfig: { searches: ['more.example'], options: [{ name: 'ndots', value: '2' }, { name: 'edns0' }] },
      }),
      lab.pod('own-dns', [container('main', 'cat /etc/resolv.conf')], {
        ...never,
        dnsPolicy: 'None',
        dnsConfig: { nameservers: ['192.0.2.53'], searches: ['own.example'] },
      }),
      lab.pod('together', [container('main', idle), container('other', ['sleep', '1234'])], {
        shareProcessNamespace: true,
      }),
      lab.pod('of-host', [container('main', 'cat /proc/sys/kernel/hostname; cat /etc/resolv.conf')], {
        ...never,
        hostNetwork: true,
      }),
      lab.pod('published', [
        container('main', ['node', '-e', "require('http').createServer((q, r) => r.end('here')).listen(80)"], {
          ports: [{ containerPort: 80, hostPort: HOST_PORT }],
        }),
      ]),
    );
  });
  afterAll(async () => {
    api?.close();
    await cluster.purge();
  });

  it('variables from every source', async () => {
    const env = Object.fromEntries((await lines('env')).map((line) => line.split(/=(.*)/s, 2) as [string, string]));
    const { spec, status, metadata } = await lab.get('env');
    expect(env).toMatchObject({
      PLAIN: 'a',
      COMBINED: 'a-$(PLAIN)-$(UNKNOWN)',
      COLOUR: 'red',
      PASSWORD: 'one',
      M_colour: 'red',
      password: 'one',
      POD: 'env',
      NAMESPACE: 'default',
      UID: metadata?.uid,
      NODE: spec?.nodeName,
      ACCOUNT: 'default',
      IP: status?.podIP,
      HOST_IP: status?.hostIP,
      TIER: 'front',
      CPU_LIMIT: '2',
      CPU_MILLIS: '1500',
      MEMORY: '32',
      SHOP_SERVICE_PORT: '80',
      SHOP_SERVICE_PORT_WEB: '80',
      KUBERNETES_SERVICE_PORT: '443',
    });
    expect(env).not.toHaveProperty('OPTIONAL');
    expect(env['SHOP_PORT_80_TCP']).toBe(`tcp://${env['SHOP_SERVICE_HOST']}:80`);
  });

  it('what is missing, said in upstream’s words', async () => {
    const reason = 'CreateContainerConfigError';
    await eventually(
      async () => expect(await waiting('no-map')).toEqual({ reason, message: 'configmap "absent" not found' }),
      40_000,
    );
    await eventually(async () =>
      expect(await waiting('no-key')).toEqual({
        reason,
        message: "couldn't find key absent in ConfigMap default/settings",
      }),
    );
    await lab.event('no-map', 'Warning Failed: Error: configmap "absent" not found');
    await lab.event(
      'no-secret',
      'Warning FailedMount: MountVolume.SetUp failed for volume "keys" : secret "absent" not found',
    );
    expect(await waiting('no-secret')).toEqual({ reason: 'ContainerCreating' });
    await eventually(async () => {
      const message = `container has runAsNonRoot and image will run as root (pod: "rootless_default(${(await lab.get('rootless')).metadata?.uid})", container: main)`;
      expect(await waiting('rootless')).toEqual({ reason, message });
    });
    // And goes on when it is there.
    await lab.apply(configMap('absent', { a: '1' }));
    await lab.ready('no-map');
  });

  it('volumes of every type, and their news', async () => {
    await lab.ready('volumes');
    const read = (...files: readonly string[]): Promise<string> =>
      lab.exec('volumes', 'cat', ...files.map((file) => `/v/${file}`));
    expect(await read('config/colour', 'fixed', 'keys/pass/word', 'about/labels', 'all/colour', 'all/cpu')).toBe(
      'redredonetier="front"red2',
    );
    expect((await read('all/token')).split('.')).toHaveLength(3);
    expect(await read('all/ca.crt')).toContain('BEGIN CERTIFICATE');
    const stat = (file: string): Promise<string> => lab.exec('volumes', 'stat', '-L', '-c', '%a %g', `/v/${file}`);
    expect(await stat('keys/pass/word')).toBe('440 4000\n');
    expect(await stat('config/colour')).toBe('644 4000\n');
    expect(await stat('scratch')).toMatch(/^2777 4000/);
    const mounted = await lab.exec('volumes', 'cat', '/proc/mounts');
    expect(mounted).toMatch(/tmpfs \/v\/memory tmpfs .*size=8192k/);
    expect(mounted).toMatch(/tmpfs \/v\/keys tmpfs ro/);
    expect(mounted).toMatch(/tmpfs \/v\/all tmpfs ro/);
    await expect(lab.exec('volumes', 'touch', '/v/config/x')).rejects.toThrow('Read-only file system');

    await lab.apply(configMap('settings', { colour: 'blue', 'app.conf': 'a=1' }));
    await cluster.kubectl('patch', 'secret', 'keys', '-p', '{"stringData":{"password":"two"}}');
    await cluster.kubectl('label', 'pod', 'volumes', 'tier=back', '--overwrite');
    await eventually(
      async () =>
        expect(await read('config/colour', 'keys/pass/word', 'about/labels', 'all/colour')).toBe(
          'bluetwotier="back"blue',
        ),
      60_000,
    );
    expect(await read('fixed')).toBe('red');
  });

  it('users, groups, capabilities', async () => {
    expect((await lines('somebody')).filter((line) => /^[\d ]+$/.test(line))).toEqual([
      '1000',
      '2000',
      expect.stringMatching(/^2000 (3000 5000|5000 3000)$/),
    ]);
    expect((await lab.status('somebody')).phase).toBe('Failed');
    const bounded = (await lab.output('bounded')).replace(/\s+/g, ' ');
    expect(bounded).toContain('CapEff: 0000000000000400 NoNewPrivs: 1 Seccomp: 2');
    expect(bounded).toContain('touch: /x: Read-only file system');
  });

  it('names', async () => {
    const { status } = await lab.get('names');
    const hosts = await lab.output('names');
    expect(hosts).toMatch(/^one\none\.team\.default\.svc\.cluster\.local\n# Kubernetes-managed hosts file\./);
    expect(hosts).toContain(`${status?.podIP}\tone.team.default.svc.cluster.local\tone\n`);
    expect(hosts).toContain('\n# Entries added by HostAliases.\n192.0.2.7\tseven\tseven.example\n');
    expect(await lab.output('qualified')).toBe('one.team.default.svc.cluster.local\n');
    expect(await lab.output('cluster-dns')).toMatch(
      /^search default\.svc\.cluster\.local svc\.cluster\.local cluster\.local .*more\.example\nnameserver 10\.\d+\.\d+\.\d+\noptions ndots:2 edns0\n$/,
    );
    expect(await lab.output('own-dns')).toBe('search own.example\nnameserver 192.0.2.53\n');
  });

  it('each other’s processes where they share them', async () => {
    await lab.ready('together');
    expect(await cluster.kubectl('exec', 'together', '-c', 'main', '--', 'ps', '-o', 'args')).toContain('sleep 1234');
  });

  it('the host’s network where it is asked for', async () => {
    const { status } = await lab.get('of-host');
    expect(status?.podIP).toBe(status?.hostIP);
    await lab.ready('published');
    await eventually(async () => expect(await (await fetch(`http://127.0.0.1:${HOST_PORT}`)).text()).toBe('here'));
  });

  it('memory for secrets, found again after kill -9, and given back', async () => {
    const mounts = (): string[] =>
      readFileSync('/proc/self/mountinfo', 'utf8')
        .split('\n')
        .map((line) => line.split(' ')[4] ?? '')
        .filter((point) => point.startsWith(cluster.home))
        .sort();
    const uid = (await lab.get('volumes')).metadata?.uid ?? '';
    const before = mounts();
    expect(before.filter((point) => point.includes(uid))).toHaveLength(5);
    process.kill(cluster.pid, 'SIGKILL');
    await cluster.up();
    expect(await cluster.kubectl('exec', 'volumes', '--', 'cat', '/v/keys/pass/word')).toBe('two');
    expect(mounts()).toEqual(before);
    await cluster.kubectl('delete', 'pod', 'volumes', '--timeout=30s');
    await eventually(() => expect(mounts().filter((point) => point.includes(uid))).toEqual([]));
    expect(mounts().length).toBe(before.length - 5);
  });
});

const fromMap = (name: string, map: string, key: string) => ({
  name,
  valueFrom: { configMapKeyRef: { name: map, key } },
});
const fromPod = (name: string, fieldPath: string) => ({ name, valueFrom: { fieldRef: { fieldPath } } });
const fromResource = (name: string, resource: string, divisor?: string) => ({
  name,
  valueFrom: { resourceFieldRef: { resource, ...(divisor === undefined ? {} : { divisor }) } },
});
const environment = [
  { name: 'PLAIN', value: 'a' },
  { name: 'COMBINED', value: '$(PLAIN)-$$(PLAIN)-$(UNKNOWN)' },
  fromMap('COLOUR', 'settings', 'colour'),
  { name: 'PASSWORD', valueFrom: { secretKeyRef: { name: 'keys', key: 'password' } } },
  { name: 'OPTIONAL', valueFrom: { configMapKeyRef: { name: 'absent-map', key: 'a', optional: true } } },
  fromPod('POD', 'metadata.name'),
  fromPod('NAMESPACE', 'metadata.namespace'),
  fromPod('UID', 'metadata.uid'),
  fromPod('NODE', 'spec.nodeName'),
  fromPod('ACCOUNT', 'spec.serviceAccountName'),
  fromPod('IP', 'status.podIP'),
  fromPod('HOST_IP', 'status.hostIP'),
  fromPod('TIER', "metadata.labels['tier']"),
  fromResource('CPU_LIMIT', 'limits.cpu'),
  fromResource('CPU_MILLIS', 'limits.cpu', '1m'),
  fromResource('MEMORY', 'requests.memory', '1Mi'),
];
const envFrom = [{ prefix: 'M_', configMapRef: { name: 'settings' } }, { secretRef: { name: 'keys' } }];

const labels = { path: 'labels', fieldRef: { fieldPath: 'metadata.labels' } };
const cpu = { path: 'cpu', resourceFieldRef: { containerName: 'main', resource: 'limits.cpu' } };
const volumes = [
  { name: 'config', configMap: { name: 'settings' } },
  { name: 'keys', secret: { secretName: 'keys', defaultMode: 0o400, items: [{ key: 'password', path: 'pass/word' }] } },
  { name: 'about', downwardAPI: { items: [labels] } },
  {
    name: 'all',
    projected: {
      sources: [
        { configMap: { name: 'settings' } },
        { secret: { name: 'keys' } },
        { downwardAPI: { items: [cpu] } },
        { serviceAccountToken: { path: 'token', expirationSeconds: 600 } },
        { configMap: { name: 'kube-root-ca.crt' } },
      ],
    },
  },
  { name: 'scratch', emptyDir: {} },
  { name: 'memory', emptyDir: { medium: 'Memory', sizeLimit: '8Mi' } },
  { name: 'host', hostPath: { path: '/usr', type: 'Directory' } },
];

function configMap(name: string, data: Readonly<Record<string, string>>): object {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, data };
}

function service(name: string, spec: object): object {
  return { apiVersion: 'v1', kind: 'Service', metadata: { name }, spec };
}

function labelled<T extends { metadata?: object }>(pod: T): T {
  return { ...pod, metadata: { ...pod.metadata, labels: { tier: 'front' } } };
}
