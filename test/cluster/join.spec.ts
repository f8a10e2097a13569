import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { eventually } from '../tools/eventually';
import { describeWith } from '../tools/requirements';
import { ManagedProcess } from './managed-process';
import { ProcessCluster } from './process-cluster';

const run = promisify(execFile);
const nestor = join(__dirname, '../../bin/nestor');

describeWith(['nats'], 'a machine that joins a cluster of processes', () => {
  let cluster: ProcessCluster;
  let machine: ManagedProcess;
  let words: string[];

  const phaseOf = (pod: string): Promise<string> =>
    cluster.kubectl('get', 'pod', pod, '-o', 'jsonpath={.status.phase} {.spec.nodeName}');
  const isReady = (node: string): Promise<string> =>
    cluster.kubectl('get', 'node', node, '-o', 'jsonpath={.status.conditions[?(@.type=="Ready")].status}');

  beforeAll(async () => {
    const one = { gateway: 1, scheduler: 1, 'deployment-controller': 1, 'replicaset-controller': 1, dns: 0 };
    const rest = { 'resource-controller': 1, 'node-controller': 1, 'service-controller': 1 };
    cluster = await ProcessCluster.start({ agents: 0, replicas: { ...one, ...rest } });
    const kubeconfig = join(cluster.directory, 'kubeconfig-0');
    const { stdout } = await run(process.execPath, [nestor, 'token', 'create', '--kubeconfig', kubeconfig]);
    words = stdout.trim().split(' ').slice(1);
    machine = new ManagedProcess({
      name: 'machine',
      command: [
        process.execPath,
        nestor,
        ...words,
        '--node-name',
        'joined',
        '--data-dir',
        join(cluster.directory, 'joined'),
      ],
      // All that it is told besides the command: where NATS is, the gateway says.
      env: { RUNTIME: 'fake', LISTEN_ADDRESS: '0.0.0.0:0', HOME: cluster.directory },
      logFile: join(cluster.directory, 'machine.log'),
    });
    machine.start();
  });
  afterAll(async () => {
    await machine?.stop();
    await cluster?.stop();
  });

  it('becomes a node by the command that `token create` printed, and runs pods', async () => {
    await eventually(async () => expect(await isReady('joined')).toBe('True'), 60_000);
    await cluster.kubectl('run', 'web', '--image=web:1');
    await eventually(async () => expect(await phaseOf('web')).toBe('Running joined'), 30_000);
  });

  it('has two certificates that the cluster has signed for it', async () => {
    const columns = '{range .items[*]}{.spec.signerName} {.status.conditions[0].type} {.spec.username}{"\\n"}{end}';
    await eventually(async () => {
      const requests = await cluster.kubectl('get', 'csr', '-o', `jsonpath=${columns}`);
      expect(requests).toMatch(/^kubernetes.io\/kube-apiserver-client-kubelet Approved system:bootstrap:/m);
      expect(requests).toMatch(/^kubernetes.io\/kubelet-serving Approved system:node:joined$/m);
    }, 30_000);
  });

  it('is itself again after kill -9, without a token', async () => {
    await cluster.kubectl(
      'delete',
      'secret',
      '-n',
      'kube-system',
      '--field-selector=type=bootstrap.kubernetes.io/token',
    );
    await machine.kill();
    // The agent ends with its command; until it has, another would find its place taken.
    await eventually(() => expect(machine.log).toContain('"stopped"'), 20_000);
    machine.start();
    await cluster.kubectl('run', 'again', '--image=web:1');
    await eventually(async () => expect(await phaseOf('again')).toBe('Running joined'), 60_000);
  });

  it('cannot join with a token that is no longer there', async () => {
    const other = ['--node-name', 'late', '--data-dir', join(cluster.directory, 'late'), '--identity-only'];
    await expect(run(process.execPath, [nestor, ...words, ...other])).rejects.toMatchObject({ code: 1 });
    await expect(cluster.kubectl('get', 'node', 'late')).rejects.toThrow('NotFound');
  });

  it('leaves when it is told to', async () => {
    expect(await machine.stop()).toBe(0);
  });
});
