import { execFileSync } from 'node:child_process';
import { type Pod, type Service, type ServiceSpec, type Status } from '#api';
import { eventually } from '../tools/eventually';
import { KubernetesApi } from '../tools/kubernetes-api';
import { NestorCluster } from '../tools/nestor';
import { OutsideMachine } from '../tools/outside-machine';
import { Probe, ProbePods } from '../tools/probe-pods';
import { describeWith } from '../tools/requirements';

const SERVICES = '/api/v1/namespaces/default/services';
const WEB_PODS = '/api/v1/namespaces/default/pods?labelSelector=app=web';
const NODE_PORT = 30_100;
const UDP_NODE_PORT = 30_101;
const REFUSED = ['ECONNREFUSED'];

const range = (length: number): number[] => Array.from({ length }, (_, i) => i);
/** The pods that answered, each once. */
const who = (answers: readonly string[]): string[] =>
  [...new Set(answers.map((text) => text.split(' ')[0] ?? ''))].sort();
const addressesOf = ({ spec }: Service): (string | undefined)[] => [spec?.clusterIP];

describeWith(['docker', 'root', 'nft', 'ip'], 'services, on Docker', () => {
  const cluster = new NestorCluster();
  let outside: OutsideMachine;
  let api: KubernetesApi;
  let pods: ProbePods;
  let client: Probe;
  /** Names of the pods behind `web`, by address. */
  let web: Map<string, string>;
  let webIp: string;

  const create = async (name: string, spec: ServiceSpec): Promise<string> =>
    (await pods.service(name, spec)).spec?.clusterIP ?? '';
  const remove = (name: string): Promise<unknown> => api.must('DELETE', `${SERVICES}/${name}`);
  const patch = (name: string, spec: unknown): Promise<unknown> => api.must('PATCH', `${SERVICES}/${name}`, { spec });
  const webNames = (): string[] => [...web.keys()].sort();
  const fetched = async (url: string, times = 1): Promise<string[]> => {
    const answers: string[] = [];
    for (const _ of range(times)) {
      const response = await fetch(url, { headers: { connection: 'close' }, signal: AbortSignal.timeout(3000) });
      answers.push(await response.text());
    }
    return answers;
  };

  beforeAll(async () => {
    outside = new OutsideMachine();
    await cluster.up();
    api = await KubernetesApi.connect(cluster);
    pods = new ProbePods(api);
    await pods.install();
    await Promise.all([pods.deployment('web', 2), pods.pod('client')]);
    webIp = await create('web', {
      type: 'NodePort',
      selector: { app: 'web' },
      ports: [
        { name: 'http', port: 80, targetPort: 'http', nodePort: NODE_PORT },
        { name: 'udp', protocol: 'UDP', port: 80, targetPort: 8080, nodePort: UDP_NODE_PORT },
      ],
    });
    client = new Probe(await pods.address('client'));
    await eventually(async () => {
      web = await pods.ready('app=web');
      expect(web.size).toBe(2);
      expect(who(await client.get(`http://${webIp}`, 10))).toEqual(webNames());
    }, 30_000);
  });
  afterAll(async () => {
    api?.close();
    await cluster.purge();
    outside?.destroy();
  });

  it("are reached through the API server, by their pods' nodes, and so are pods and nodes", async () => {
    const raw = (path: string): Promise<string> => cluster.kubectl('get', '--raw', path);
    const answers: string[] = [];
    await eventually(async () => {
      answers.push(await raw(`${SERVICES}/web:http/proxy/`));
      expect(who(answers)).toEqual(webNames());
    });
    const pod = '/api/v1/namespaces/default/pods/client';
    expect(who([await raw(`${pod}/proxy/`)])).toEqual(['client']);
    const { spec } = await api.must<Pod>('GET', pod);
    expect(await raw(`/api/v1/nodes/${spec?.nodeName}/proxy/healthz`)).toBe('ok');
    await expect(raw(`${pod}:9/proxy/`)).rejects.toThrow('error trying to reach service');
  });

  describe('addresses and ports', () => {
    it('are each given once, however many ask at a time', async () => {
      const body = (i: number): Service => ({
        metadata: { name: `many-${i}` },
        spec: { type: 'NodePort', ports: [{ port: 80 }] },
      });
      const made = await Promise.all(range(200).map((i) => api.must<Service>('POST', SERVICES, body(i))));
      expect(new Set(made.flatMap(addressesOf)).size).toBe(200);
      expect(new Set(made.map(({ spec }) => spec?.ports?.[0]?.nodePort)).size).toBe(200);
      await Promise.all(range(200).map((i) => remove(`many-${i}`)));
    });

    it('are given to one of those who want the same', async () => {
      const clusterIP = webIp.replace(/\.\d+$/, '.77');
      const body = (i: number): unknown => ({
        metadata: { name: `same-${i}` },
        spec: { clusterIP, ports: [{ port: 80 }] },
      });
      const answers = await Promise.all(range(20).map((i) => api.request('POST', SERVICES, body(i))));
      expect(answers.map(({ code }) => code).sort()).toEqual([201, ...range(19).map(() => 422)]);
      await Promise.all(answers.flatMap(({ code }, i) => (code === 201 ? [remove(`same-${i}`)] : [])));
    });

    it.each<[string, () => ServiceSpec, () => string]>([
      [
        'an address that is taken',
        () => ({ clusterIP: webIp }),
        () =>
          `spec.clusterIPs: Invalid value: ["${webIp}"]: failed to allocate IP ${webIp}: provided IP is already allocated`,
      ],
      [
        'an address out of range',
        () => ({ clusterIP: '203.0.113.9' }),
        () =>
          'spec.clusterIPs: Invalid value: ["203.0.113.9"]: failed to allocate IP 203.0.113.9: the provided IP (203.0.113.9)' +
          ` is not in the valid range. The range of valid IPs is ${webIp.split('.').slice(0, 2).join('.')}.0.0/16`,
      ],
      [
        'a node port that is taken',
        () => ({ type: 'NodePort', ports: [{ port: 80, nodePort: NODE_PORT }] }),
        () => `spec.ports[0].nodePort: Invalid value: ${NODE_PORT}: provided port is already allocated`,
      ],
      [
        'a node port out of range',
        () => ({ type: 'NodePort', ports: [{ port: 80, nodePort: 80 }] }),
        () =>
          'spec.ports[0].nodePort: Invalid value: 80: provided port is not in the valid range. ' +
          'The range of valid ports is 30000-32767',
      ],
    ])('are refused: %s', async (_, spec, message) => {
      const body = { metadata: { name: 'refused' }, spec: { ports: [{ port: 80 }], ...spec() } };
      const { code, body: status } = await api.request<Status>('POST', SERVICES, body);
      expect({ code, message: status.message }).toEqual({
        code: 422,
        message: `Service "refused" is invalid: ${message()}`,
      });
    });

    it('are free again when their service is deleted, and nobody answers there', async () => {
      const spec: ServiceSpec = {
        type: 'NodePort',
        selector: { app: 'web' },
        ports: [{ port: 80, targetPort: 'http', nodePort: 30_102 }],
      };
      const clusterIP = await create('short', spec);
      await eventually(async () =>
        expect(who(await client.get(`http://${clusterIP}`))).toEqual([expect.stringMatching(/^web-/)]),
      );
      await eventually(async () => expect(who(await fetched('http://127.0.0.1:30102'))).toHaveLength(1));
      await remove('short');
      await eventually(async () => expect(await outside.get(`http://${outside.hostAddress}:30102`)).toEqual(REFUSED));
      await eventually(() => expect(fetched('http://127.0.0.1:30102')).rejects.toThrow());
      await eventually(async () =>
        expect(who(await client.get(`http://${clusterIP}`))).not.toEqual([expect.stringMatching(/^web-/)]),
      );
      expect(await create('short', { ...spec, clusterIP })).toBe(clusterIP);
      await remove('short');
    });
  });

  describe('ways to a pod', () => {
    it('from pod to pod, with its own address', async () => {
      const clientIp = await pods.address('client');
      for (const [name, ip] of web) {
        expect(await client.get(`http://${ip}:8080`)).toEqual([`${name} ${clientIp} end`]);
      }
    });

    it('from pod to service', async () => {
      expect(who(await client.get(`http://${webIp}`, 20))).toEqual(webNames());
    });

    it('from pod to itself through its service', async () => {
      const [, ip = ''] = [...web][0] ?? [];
      expect(who(await new Probe(ip).get(`http://${webIp}`, 20))).toEqual(webNames());
    });

    it('from the host to the cluster IP', async () => {
      expect(who(await fetched(`http://${webIp}`, 20))).toEqual(webNames());
    });

    it('from the host to the node port, on loopback, on its own address, and by name', async () => {
      for (const name of ['127.0.0.1', 'localhost', outside.hostAddress]) {
        expect(who(await fetched(`http://${name}:${NODE_PORT}`, 20))).toEqual(webNames());
      }
    });

    it('from a pod to the node port', async () => {
      expect(who(await client.get(`http://${outside.hostAddress}:${NODE_PORT}`, 20))).toEqual(webNames());
    });

    it('from another machine to the node port', async () => {
      expect(who(await outside.get(`http://${outside.hostAddress}:${NODE_PORT}`, 20))).toEqual(webNames());
    });

    it('from anywhere to an external address', async () => {
      const external = outside.address.replace(/\.2$/, '.200');
      await create('external', { selector: { app: 'web' }, externalIPs: [external] });
      const url = `http://${external}`;
      await eventually(async () => expect(who(await client.get(url, 20))).toEqual(webNames()));
      outside.route(external);
      expect(who(await outside.get(url, 20))).toEqual(webNames());
      expect(who(await fetched(url, 20))).toEqual(webNames());
      await remove('external');
    });

    it('over UDP', async () => {
      const answers = await Promise.all(range(20).map(() => client.udp(webIp, 80)));
      expect(who(answers)).toEqual(webNames());
      const onNodePort = await Promise.all(range(20).map(() => client.udp(outside.hostAddress, UDP_NODE_PORT)));
      expect(who(onNodePort)).toEqual(webNames());
    });

    it('with affinity always the same pod', async () => {
      const ip = await create('sticky', { selector: { app: 'web' }, sessionAffinity: 'ClientIP' });
      await eventually(async () => expect(webNames()).toContain(who(await client.get(`http://${ip}`))[0]));
      expect(who(await client.get(`http://${ip}`, 20))).toHaveLength(1);
      await remove('sticky');
    });

    it('not through a port that the service does not have: every client is told at once', async () => {
      const start = Date.now();
      expect(who(await client.get(`http://${webIp}:81`, 50))).toEqual(REFUSED);
      expect(Date.now() - start).toBeLessThan(2000);
    });

    it('not through an address that no service has, and not out of this host either', async () => {
      const nobodys = webIp.replace(/\.\d+\.\d+$/, '.255.254');
      expect(await client.get(`http://${nobodys}`)).toEqual(['no answer']);
      expect(execFileSync('ip', ['route', 'get', nobodys], { encoding: 'utf8' })).toContain(' dev lo ');
    });
  });

  describe('endpoints', () => {
    const isAnsweredBy = (ip: string, names: string[]): Promise<void> =>
      eventually(async () => expect(who(await client.get(`http://${ip}`, 10))).toEqual(names));
    beforeAll(async () => {
      await Promise.all([
        pods.pod('red', { labels: { colour: 'red', any: 'yes' } }),
        pods.pod('blue', { labels: { colour: 'blue', any: 'yes' }, port: 9090 }),
        pods.pod('late', { labels: { colour: 'late' }, isReady: false }),
      ]);
      await Promise.all(['red', 'blue', 'late'].map((name) => pods.address(name)));
    });

    it('have each its own number for a named port', async () => {
      const ip = await create('named', { selector: { any: 'yes' } });
      await isAnsweredBy(ip, ['blue', 'red']);
    });

    it('follow the selector', async () => {
      const ip = await create('painted', { selector: { colour: 'red' } });
      await isAnsweredBy(ip, ['red']);
      await patch('painted', { selector: { colour: 'blue' } });
      await isAnsweredBy(ip, ['blue']);
      await patch('painted', { selector: { colour: 'none' } });
      await isAnsweredBy(ip, REFUSED);
    });

    it('follow readiness, unless the service publishes pods that are not ready', async () => {
      const [ip, published] = await Promise.all([
        create('late', { selector: { colour: 'late' } }),
        create('early', { selector: { colour: 'late' }, publishNotReadyAddresses: true }),
      ]);
      const late = new Probe(await pods.address('late'));
      await isAnsweredBy(published, ['late']);
      expect(await client.get(`http://${ip}`)).toEqual(REFUSED);
      await late.setReady(true);
      await isAnsweredBy(ip, ['late']);
      await late.setReady(false);
      await isAnsweredBy(ip, REFUSED);
      expect(who(await client.get(`http://${published}`))).toEqual(['late']);
    });

    it('are none when the deployment has no pods, everywhere', async () => {
      const scale = (replicas: number): Promise<unknown> =>
        api.must('PATCH', '/apis/apps/v1/namespaces/default/deployments/web', { spec: { replicas } });
      await scale(0);
      // The last ones may be reached until they have ended: there is nobody else to serve.
      await eventually(async () => {
        const { items } = await api.must<{ items: Pod[] }>('GET', WEB_PODS);
        expect(items).toEqual([]);
      });
      await isAnsweredBy(webIp, REFUSED);
      expect(await outside.get(`http://${outside.hostAddress}:${NODE_PORT}`)).toEqual(REFUSED);
      await expect(fetched(`http://${webIp}`)).rejects.toThrow();
      await expect(fetched(`http://127.0.0.1:${NODE_PORT}`)).rejects.toThrow();
      expect(await client.udp(webIp, 80)).toBe('ECONNREFUSED');
      await scale(2);
      await eventually(async () => {
        web = await pods.ready('app=web');
        expect(web.size).toBe(2);
      });
      await isAnsweredBy(webIp, webNames());
    });
  });

  describe.each([
    ['a connection for each request', false],
    ['connections that are kept', true],
  ])('under load, with %s', (_, keepAlive) => {
    it('no request fails while the pods are replaced', async () => {
      const before = await pods.ready('app=web');
      // A connection that is kept stays with its pod: with few of them, a new pod may well get none.
      await client.startLoad(`http://${webIp}`, keepAlive ? 16 : 4, keepAlive);
      const annotations = { 'example.org/turn': String(keepAlive) };
      await api.must('PATCH', '/apis/apps/v1/namespaces/default/deployments/web', {
        spec: { template: { metadata: { annotations } } },
      });
      await eventually(async () => {
        const { items } = await api.must<{ items: Pod[] }>('GET', WEB_PODS);
        expect(items.map(({ metadata }) => metadata?.name).filter((name) => before.has(name ?? ''))).toEqual([]);
        web = await pods.ready('app=web');
        expect(web.size).toBe(2);
      }, 40_000);
      // Both new pods have had some of it.
      await eventually(async () =>
        expect(Object.keys((await client.loadSoFar()).by).sort()).toEqual(expect.arrayContaining(webNames())),
      );
      const { failures, answers } = await client.stopLoad();
      expect(failures).toEqual([]);
      expect(answers).toBeGreaterThan(100);
    });
  });

  it('two clusters on a machine do not disturb each other', async () => {
    const routes = (): string => execFileSync('ip', ['route'], { encoding: 'utf8' });
    let strangers = '';
    const other = new NestorCluster();
    try {
      await other.up();
      const otherApi = await KubernetesApi.connect(other);
      try {
        const otherPods = new ProbePods(otherApi);
        await otherPods.install();
        await otherPods.pod('stranger', { labels: { app: 'web' } });
        const { spec } = await otherPods.service('web', {
          type: 'NodePort',
          selector: { app: 'web' },
          ports: [{ name: 'http', port: 80, targetPort: 'http', nodePort: 30_103 }],
        });
        strangers = `${spec?.clusterIP?.split('.').slice(0, 2).join('.')}.0.0/16`;
        expect(routes()).toContain(strangers);
        const stranger = new Probe(await otherPods.address('stranger'));
        await eventually(async () =>
          expect(who(await stranger.get(`http://${spec?.clusterIP}`))).toEqual(['stranger']),
        );
        expect(await stranger.lookup('web')).toBe(spec?.clusterIP);
        await eventually(async () => expect(who(await fetched('http://127.0.0.1:30103'))).toEqual(['stranger']));
        expect(who(await outside.get(`http://${outside.hostAddress}:30103`))).toEqual(['stranger']);
        expect(who(await client.get(`http://${webIp}`, 20))).toEqual(webNames());
        expect(await client.lookup('web')).toBe(webIp);
      } finally {
        otherApi.close();
      }
    } finally {
      await other.purge();
    }
    expect(routes()).not.toContain(strangers);
    expect(who(await client.get(`http://${webIp}`, 20))).toEqual(webNames());
    expect(who(await fetched(`http://${webIp}`, 20))).toEqual(webNames());
    expect(who(await outside.get(`http://${outside.hostAddress}:${NODE_PORT}`, 20))).toEqual(webNames());
  });

  it('traffic goes on when the cluster is killed, and while it comes back', async () => {
    await client.startLoad(`http://${webIp}`, 2);
    api.close();
    process.kill(cluster.pid, 'SIGKILL');
    expect(who(await outside.get(`http://${outside.hostAddress}:${NODE_PORT}`, 20))).toEqual(webNames());
    expect(who(await client.get(`http://${webIp}`, 20))).toEqual(webNames());
    await cluster.up();
    api = await KubernetesApi.connect(cluster);
    await eventually(async () => expect(who(await fetched(`http://127.0.0.1:${NODE_PORT}`, 20))).toEqual(webNames()));
    const { failures, answers } = await client.stopLoad();
    expect(failures).toEqual([]);
    expect(answers).toBeGreaterThan(100);
  });
});
