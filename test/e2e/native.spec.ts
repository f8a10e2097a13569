import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { eventually } from '../tools/eventually';
import { NestorCluster } from '../tools/nestor';
import { describeWith } from '../tools/requirements';

const example = join(__dirname, '../../examples/hello');
const url = 'http://127.0.0.1:30080';

describeWith(['root', 'ip', 'nft'], 'the main job, without an engine', () => {
  jest.setTimeout(120_000);
  const cluster = new NestorCluster({ runtime: 'native' });
  const ready = async (): Promise<string> =>
    cluster.kubectl('get', 'deployment', 'hello', '-o', 'jsonpath={.status.readyReplicas}/{.status.replicas}');
  const names = async (): Promise<string[]> =>
    (await cluster.kubectl('get', 'pods', '-l', 'app=hello', '-o', 'jsonpath={.items[*].metadata.name}')).split(' ');
  const answer = async (): Promise<string> =>
    (await fetch(url, { headers: { connection: 'close' }, signal: AbortSignal.timeout(2000) })).text();

  beforeAll(async () => {
    await cluster.up();
  });
  afterAll(() => cluster.purge());

  it('says what runs containers', async () => {
    expect((await cluster.nestor('status')).stdout).toMatch(/Runtime +native \((crun|runc|launcher) \d/);
    expect(await cluster.kubectl('get', 'nodes', '-o', 'wide')).toContain('native://');
  });

  it('applies a deployment of three and reaches every pod of it through one port', async () => {
    await cluster.kubectl('apply', '-f', example);
    await cluster.kubectl('rollout', 'status', 'deployment/hello', '--timeout=60s');
    const pods = (await names()).sort();
    expect(pods).toHaveLength(3);
    const answered = new Set<string>();
    await eventually(async () => {
      answered.add(/this is (.*)/.exec(await answer())?.[1] ?? '');
      expect([...answered].sort()).toEqual(pods);
    });
  });

  it('pods run on while the control plane is killed, and are the same when it is back', async () => {
    const before = (await names()).sort();
    process.kill(cluster.pid, 'SIGKILL');
    await cluster.up();
    await eventually(async () => expect(await ready()).toBe('3/3'), 60_000);
    expect((await names()).sort()).toEqual(before);
    const restarts = await cluster.kubectl(
      'get',
      'pods',
      '-o',
      'jsonpath={.items[*].status.containerStatuses[*].restartCount}',
    );
    expect(restarts).toBe('0 0 0');
    await eventually(async () => expect(await answer()).toContain('Hello from Nestor'));
  });

  it('logs and commands', async () => {
    const [pod = ''] = await names();
    expect(await cluster.kubectl('logs', pod)).toBe('listening on 8080\n');
    expect((await cluster.kubectl('exec', pod, '--', 'hostname')).trim()).toBe(pod);
  });

  it('leaves nothing', async () => {
    await cluster.purge();
    expect(readFileSync('/proc/self/mountinfo', 'utf8')).not.toContain(cluster.home);
    expect(execFileSync('ps', ['-eo', 'args'], { encoding: 'utf8' })).not.toContain(join(cluster.home, 'native'));
  });
});
