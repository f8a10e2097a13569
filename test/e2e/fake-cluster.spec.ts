import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type EndpointSlice } from '#api';
import { type DeepReadonly } from '#machinery';
import { eventually } from '../tools/eventually';
import { helmPath, kubectlPath } from '../tools/kubernetes-clients';
import { NestorCluster } from '../tools/nestor';

const run = promisify(execFile);

/** What a person does with real clients, where nothing needs a container: pods are simulated. */
describe('a cluster of simulated nodes', () => {
  const cluster = new NestorCluster({ runtime: 'fake', nodes: 2 });
  /** Words of a command, then arguments that hold spaces. */
  const kubectl = (command: string, ...more: string[]): Promise<string> =>
    cluster.kubectl(...command.split(' '), ...more);
  const kubectlWith = (object: object, command: string): Promise<string> =>
    cluster.kubectlWith(JSON.stringify(object), ...command.split(' '));
  const jsonpath = (command: string, path: string): Promise<string> => kubectl(`${command} -o`, `jsonpath=${path}`);
  /** Addresses of a service's endpoints that are ready, from its slices. */
  const readyAddresses = async (service: string): Promise<string[]> => {
    const text = await kubectl(`get endpointslices -o json -l kubernetes.io/service-name=${service}`);
    const { items } = JSON.parse(text) as { items: DeepReadonly<EndpointSlice>[] };
    // A slice without endpoints has null, as upstream's.
    const endpoints = items.flatMap((slice) => slice.endpoints ?? []);
    return endpoints.flatMap(({ addresses, conditions }) => (conditions?.ready === true ? addresses.slice(0, 1) : []));
  };
  const podAddresses = async (selector: string): Promise<string[]> =>
    (await jsonpath(`get pods -l ${selector}`, '{.items[*].status.podIP}')).split(' ');

  beforeAll(async () => {
    await cluster.up();
  });
  afterAll(async () => {
    await cluster.purge();
    rmSync(cluster.home, { recursive: true, force: true });
  });

  it('has ready nodes and says of what version it is', async () => {
    const waited = await kubectl('wait --for=condition=Ready node --all --timeout=20s');
    expect(waited.match(/condition met/g)).toHaveLength(2);
    expect(await kubectl('get nodes -o wide')).toMatch(/ Ready +<none> .* v1\.36\.\d .* fake:/);
    expect(await kubectl('version')).toContain('Server Version: v1.36');
  });

  it('runs a deployment behind a service', async () => {
    expect(await kubectl('create deployment web --image=web:1 --replicas=3 --port=8080')).toBe(
      'deployment.apps/web created\n',
    );
    expect(await kubectl('expose deployment web --port=80 --target-port=8080 --type=NodePort')).toBe(
      'service/web exposed\n',
    );
    expect(await kubectl('rollout status deployment/web --timeout=20s')).toContain('successfully rolled out');
    expect(await kubectl('get deployment web')).toMatch(/web +3\/3 +3 +3/);
    expect(await kubectl('get service web')).toMatch(/web +NodePort +10\.\S+ +<none> +80:3\d{4}\/TCP/);
    const pods = (await podAddresses('app=web')).sort();
    expect(pods).toHaveLength(3);
    await eventually(async () => expect((await readyAddresses('web')).sort()).toEqual(pods));
    expect(await kubectl('describe service web')).toMatch(/Endpoints: +(10\.[\d.]+:8080,?){3}\n/);
    expect(await jsonpath('get endpoints web', '{.subsets[0].ports[0].port}')).toBe('8080');
  });

  it('scales, and the service follows', async () => {
    await kubectl('scale deployment/web --replicas=5');
    await eventually(async () => expect(await readyAddresses('web')).toHaveLength(5));
    await kubectl('scale deployment/web --replicas=2');
    await eventually(async () =>
      expect((await readyAddresses('web')).sort()).toEqual((await podAddresses('app=web')).sort()),
    );
    expect(await readyAddresses('web')).toHaveLength(2);
  });

  it('rolls out, keeps the history, and goes back', async () => {
    await kubectl('set image deployment/web web=web:2');
    await kubectl('rollout status deployment/web --timeout=20s');
    expect(await kubectl('rollout history deployment/web')).toMatch(/\n1 .*\n2 /);
    await kubectl('rollout undo deployment/web');
    await kubectl('rollout status deployment/web --timeout=20s');
    expect(await jsonpath('get pods -l app=web', '{.items[0].spec.containers[0].image}')).toBe('web:1');
    expect(await kubectl('get replicasets -l app=web -o wide')).toMatch(/web-\w+ +0 +0 +0 .* web:2/);
  });

  it('tells what happened', async () => {
    const pod = await jsonpath('get pods -l app=web', '{.items[0].metadata.name}');
    const described = await kubectl(`describe pod ${pod}`);
    for (const event of ['Scheduled', 'Pulled', 'Created', 'Started'])
      expect(described).toMatch(new RegExp(`Normal +${event} `));
    expect(described).toMatch(/Controlled By: +ReplicaSet\/web-/);
    await eventually(async () =>
      expect(await kubectl('describe deployment web')).toMatch(/Normal +ScalingReplicaSet /),
    );
    expect(await kubectl('get events --field-selector reason=SuccessfulCreate')).toContain('Created pod: web-');
  });

  it('runs a pod, and changes it in every way there is', async () => {
    await kubectl('run one --image=busybox --restart=Never --labels=a=b -- sleep 1000');
    await kubectl('wait --for=condition=Ready pod/one --timeout=20s');
    await kubectl('label pod one tier=front');
    await kubectl('annotate pod one note=hello');
    await kubectl('patch pod one -p', '{"metadata":{"labels":{"strategic":"1"}}}');
    await kubectl('patch pod one --type=merge -p', '{"metadata":{"labels":{"merge":"1","a":null}}}');
    await kubectl('patch pod one --type=json -p', '[{"op":"add","path":"/metadata/labels/json","value":"1"}]');
    expect(JSON.parse(await jsonpath('get pod one', '{.metadata.labels}'))).toEqual({
      tier: 'front',
      strategic: '1',
      merge: '1',
      json: '1',
    });
    expect(await kubectl('get pod one -o custom-columns=NOTE:.metadata.annotations.note')).toBe('NOTE\nhello\n');
    expect(await kubectl('delete pod one --timeout=20s')).toContain('pod "one" deleted');
    await expect(kubectl('get pod one')).rejects.toThrow('(NotFound): pods "one" not found');
  });

  it('applies: creates, changes what was applied, takes away what is no longer in the manifest', async () => {
    const settings = (data: object) => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'settings' }, data });
    expect(await kubectlWith(settings({ a: '1', b: '1' }), 'apply -f -')).toBe('configmap/settings created\n');
    expect(await kubectlWith(settings({ a: '2' }), 'apply -f -')).toBe('configmap/settings configured\n');
    expect(await kubectlWith(settings({ a: '2' }), 'apply -f -')).toBe('configmap/settings unchanged\n');
    expect(await jsonpath('get configmap settings', '{.data}')).toBe('{"a":"2"}');
    expect(await kubectlWith(settings({ a: '3' }), 'apply --server-side -f -')).toBe(
      'configmap/settings serverside-applied\n',
    );
    await expect(kubectlWith({ ...settings({}), data: 'text' }, 'apply -f -')).rejects.toThrow(/BadRequest|cannot/);
  });

  it('knows its kinds and explains them', async () => {
    expect(await kubectl('api-resources')).toMatch(/deployments +deploy +apps\/v1 +true +Deployment/);
    expect(await kubectl('api-versions')).toContain('discovery.k8s.io/v1\n');
    const explained = await kubectl('explain deployment.spec.strategy.type');
    expect(explained).toMatch(/KIND: +Deployment/);
    expect(explained).toContain('Recreate');
  });

  it('knows who may do what', async () => {
    expect(await kubectl('auth can-i create pods')).toBe('yes\n');
    await kubectl('create serviceaccount bob');
    await kubectl('create role readers --verb=get --resource=pods');
    await kubectl('create rolebinding bob --role=readers --serviceaccount=default:bob');
    const bob = '--as=system:serviceaccount:default:bob';
    expect(await kubectl(`auth can-i get pods ${bob}`)).toBe('yes\n');
    await expect(kubectl(`get pods ${bob}`)).rejects.toThrow('cannot list resource "pods"');
    const token = (await kubectl('create token bob')).trim();
    const server = await jsonpath('config view', '{.clusters[0].cluster.server}');
    const asBob = `--kubeconfig=/dev/null --server=${server} --insecure-skip-tls-verify --token=${token}`;
    expect(await kubectl(`auth whoami ${asBob} -o jsonpath={.status.userInfo.username}`)).toBe(
      'system:serviceaccount:default:bob',
    );
  });

  it('shows the newest kubectl the same', async () => {
    const env = { ...process.env, KUBECONFIG: cluster.kubeconfig, HOME: cluster.home };
    const newest = await kubectlPath('v35');
    for (const command of [
      'get pods -o wide',
      'get services',
      'describe service web',
      'get nodes',
      'auth can-i --list',
    ]) {
      // Ages go on while we look.
      const [ours, theirs] = await Promise.all([kubectl(command), run(newest, command.split(' '), { env })]);
      expect(theirs.stdout.replace(/\b\d+m?\d*s\b/g, '')).toBe(ours.replace(/\b\d+m?\d*s\b/g, ''));
    }
  });

  it('drains a node: its pods go elsewhere', async () => {
    const [node = ''] = (await jsonpath('get pods -l app=web', '{.items[*].spec.nodeName}')).split(' ');
    expect(await kubectl(`drain ${node} --ignore-daemonsets --timeout=20s`)).toContain(`node/${node} drained`);
    expect(await kubectl(`get node ${node}`)).toContain('Ready,SchedulingDisabled');
    await kubectl('wait --for=condition=Available deployment/web --timeout=20s');
    await eventually(async () => {
      expect(await jsonpath('get pods -l app=web', '{.items[*].spec.nodeName}')).not.toContain(`${node} `);
      expect(await readyAddresses('web')).toHaveLength(2);
    });
    await kubectl(`uncordon ${node}`);
  });

  it('mirrors hand-made endpoints for a service without a selector', async () => {
    await kubectlWith(
      { apiVersion: 'v1', kind: 'Service', metadata: { name: 'db' }, spec: { ports: [{ port: 5432 }] } },
      'apply -f -',
    );
    const endpoints = {
      apiVersion: 'v1',
      kind: 'Endpoints',
      metadata: { name: 'db' },
      subsets: [{ addresses: [{ ip: '192.0.2.10' }], ports: [{ port: 5432 }] }],
    };
    await kubectlWith(endpoints, 'apply -f -');
    await eventually(async () => expect(await readyAddresses('db')).toEqual(['192.0.2.10']));
    await kubectl('delete service db');
    await eventually(async () => {
      await expect(kubectl('get endpoints db')).rejects.toThrow('NotFound');
      expect(await readyAddresses('db')).toEqual([]);
    });
  });

  it('installs, upgrades, rolls back and removes a chart', async () => {
    const chart = mkdtempSync(join(tmpdir(), 'nestor-chart-'));
    mkdirSync(join(chart, 'templates'));
    writeFileSync(join(chart, 'Chart.yaml'), 'apiVersion: v2\nname: tiny\nversion: 0.1.0\n');
    writeFileSync(join(chart, 'values.yaml'), 'replicas: 1\n');
    writeFileSync(
      join(chart, 'templates/all.yaml'),
      [
        'apiVersion: apps/v1',
        'kind: Deployment',
        'metadata: {name: "{{ .Release.Name }}"}',
        'spec:',
        '  replicas: {{ .Values.replicas }}',
        '  selector: {matchLabels: {app: "{{ .Release.Name }}"}}',
        '  template:',
        '    metadata: {labels: {app: "{{ .Release.Name }}"}}',
        '    spec: {containers: [{name: main, image: main}]}',
      ].join('\n'),
    );
    const env = { ...process.env, KUBECONFIG: cluster.kubeconfig, HOME: cluster.home };
    const helm = async (command: string): Promise<string> =>
      (await run(await helmPath(), command.split(' '), { env })).stdout;
    try {
      expect(await helm(`install tiny ${chart} --wait --timeout 20s`)).toContain('STATUS: deployed');
      await helm(`upgrade tiny ${chart} --set replicas=2 --wait --timeout 20s`);
      expect(await jsonpath('get deployment tiny', '{.status.readyReplicas}')).toBe('2');
      await helm('rollback tiny 1 --wait --timeout 20s');
      expect(await helm('history tiny')).toMatch(/3\s.*deployed\s.*Rollback to 1/);
      await helm('uninstall tiny --wait --timeout 20s');
      expect(await helm('list -q')).toBe('');
      await expect(kubectl('get deployment tiny')).rejects.toThrow('NotFound');
    } finally {
      rmSync(chart, { recursive: true, force: true });
    }
  });

  it('removes a namespace with everything in it', async () => {
    await kubectl('create namespace shop');
    for (const what of [
      'deployment d --image=x --replicas=3',
      'configmap prices --from-literal=tea=3',
      'secret generic s --from-literal=k=v',
      'service clusterip d --tcp=80',
      'quota q --hard=pods=10',
    ])
      await kubectl(`-n shop create ${what}`);
    await kubectl('-n shop rollout status deployment/d --timeout=20s');
    await kubectl('delete namespace shop --timeout=20s');
    await expect(kubectl('get namespace shop')).rejects.toThrow('NotFound');
    expect(await kubectl('get pods,services,endpointslices -A')).not.toContain('shop');
  });

  it('collects what loses its owner', async () => {
    await kubectl('delete deployment web --cascade=foreground --timeout=20s');
    expect(await kubectl('get replicasets,pods -l app=web')).toBe('');
    await eventually(async () => expect(await readyAddresses('web')).toEqual([]));
    await kubectl('delete service web');
    await eventually(async () => expect(await kubectl('get endpointslices,endpoints -l app=web')).toBe(''));
  });
});
