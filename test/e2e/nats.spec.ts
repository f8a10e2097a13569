import { spawn, type ChildProcess } from 'node:child_process';
import { eventually } from '../tools/eventually';
import { NestorCluster } from '../tools/nestor';
import { describeWith } from '../tools/requirements';
import { freePort } from '../tools/free-ports';

describeWith(['nats'], 'a cluster whose components talk over NATS', () => {
  let broker: ChildProcess;
  let port: number;
  let cluster: NestorCluster;

  const startBroker = (): void => {
    broker = spawn('nats-server', ['-a', '127.0.0.1', '-p', String(port)], { stdio: 'ignore' });
  };
  const readyReplicas = (name: string): Promise<string> =>
    cluster.kubectl('get', 'deployment', name, '-o', 'jsonpath={.status.readyReplicas}');

  beforeAll(async () => {
    port = await freePort();
    startBroker();
    cluster = new NestorCluster({ runtime: 'fake', nodes: 3, bus: `nats://127.0.0.1:${port}` });
    await cluster.up();
  });
  afterAll(async () => {
    await cluster.purge();
    broker.kill();
  });

  it('runs a deployment', async () => {
    await cluster.kubectl('create', 'deployment', 'web', '--image=web:1', '--replicas=9');
    await eventually(async () => expect(await readyReplicas('web')).toBe('9'), 30_000);
  });

  it('goes on when the broker was away', async () => {
    broker.kill('SIGKILL');
    await cluster.kubectl('scale', 'deployment/web', '--replicas=12');
    startBroker();
    await eventually(async () => expect(await readyReplicas('web')).toBe('12'), 60_000);
  });
});
