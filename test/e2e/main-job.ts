import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { eventually } from '../tools/eventually';
import { type NestorCluster } from '../tools/nestor';
import { Traffic } from '../tools/traffic';

const example = join(__dirname, '../../examples/hello');
const url = 'http://127.0.0.1:30080';

/** What runs the containers of a cluster, seen from outside. */
export interface Machine {
  readonly cluster: NestorCluster;
  /** Ids of the example's containers that run. `name` is the cluster's. */
  running(name: string): string[];
  /** SIGKILL for the first process of a container. */
  kill(name: string, id: string): void;
  /** What a cluster has left, in words. */
  left(name: string): string[];
}

/** The name of a cluster, which tells what is its on the machine. */
export function nameOf({ home }: NestorCluster): string {
  return (JSON.parse(readFileSync(join(home, 'cluster.json'), 'utf8')) as { name: string }).name;
}

/** What Nestor is for, with whatever runs containers: a deployment from apply to purge. */
export function describeMainJob({ cluster, running, kill, left }: Machine): void {
  const ours = (): string[] => running(nameOf(cluster)).sort();
  const ready = async (): Promise<string> =>
    cluster.kubectl('get', 'deployment', 'hello', '-o', 'jsonpath={.status.readyReplicas}/{.status.replicas}');
  const names = async (): Promise<string[]> =>
    (await cluster.kubectl('get', 'pods', '-l', 'app=hello', '-o', 'jsonpath={.items[*].metadata.name}'))
      .split(' ')
      .sort();

  beforeAll(async () => {
    await cluster.up();
  });
  afterAll(() => cluster.purge());

  it('starts a cluster whose node is ready', async () => {
    await cluster.kubectl('wait', '--for=condition=Ready', 'node', '--all', '--timeout=30s');
    expect(await cluster.kubectl('get', 'nodes')).toMatch(/ Ready +<none> .* v1\.36/);
    expect((await cluster.nestor('status')).stdout).toContain('Cluster     ready');
  });

  it('applies a deployment of three and reaches every pod of it through one port', async () => {
    await cluster.kubectl('apply', '-f', example);
    expect(await cluster.kubectl('rollout', 'status', 'deployment/hello', '--timeout=30s')).toContain(
      'successfully rolled out',
    );
    expect(ours()).toHaveLength(3);
    const pods = await names();
    const answered = new Set<string>();
    await eventually(async () => {
      answered.add(
        /this is (.*)/.exec(await (await fetch(url, { headers: { connection: 'close' } })).text())?.[1] ?? '',
      );
      expect([...answered].sort()).toEqual(pods);
    });
  });

  it('scales', async () => {
    await cluster.kubectl('scale', 'deployment/hello', '--replicas=5');
    await eventually(async () => expect(await ready()).toBe('5/5'), 30_000);
    await cluster.kubectl('scale', 'deployment/hello', '--replicas=3');
    await eventually(async () => expect(await names()).toHaveLength(3), 60_000);
  });

  it('rolls out a new version under traffic without a failed request, and back', async () => {
    const load = new Traffic(url);
    await cluster.kubectl('set', 'env', 'deployment/hello', 'GREETING=Good day');
    await cluster.kubectl('rollout', 'status', 'deployment/hello', '--timeout=60s');
    await eventually(async () => expect(await names()).toHaveLength(3), 60_000);
    const { answers, failures } = await load.stop();
    expect(failures).toEqual([]);
    expect(answers.at(-1)).toContain('Good day');
    await cluster.kubectl('rollout', 'undo', 'deployment/hello');
    await cluster.kubectl('rollout', 'status', 'deployment/hello', '--timeout=60s');
    await eventually(async () => expect(await (await fetch(url)).text()).toContain('Hello from Nestor'));
  });

  it('replaces a deleted pod', async () => {
    await eventually(async () => expect(await names()).toHaveLength(3), 60_000);
    const before = await names();
    await cluster.kubectl('delete', 'pod', before[0] ?? '');
    await eventually(async () => {
      expect(await ready()).toBe('3/3');
      expect(await names()).not.toContain(before[0]);
    }, 30_000);
  });

  it('restarts a killed container', async () => {
    const victim = ours()[0] ?? '';
    kill(nameOf(cluster), victim);
    await eventually(async () => {
      const restarts = await cluster.kubectl(
        'get',
        'pods',
        '-l',
        'app=hello',
        '-o',
        'jsonpath={.items[*].status.containerStatuses[0].restartCount}',
      );
      expect(restarts.split(' ').sort()).toEqual(['0', '0', '1']);
      expect(await ready()).toBe('3/3');
    }, 30_000);
  });

  it('shows logs, follows them, runs commands, and describes', async () => {
    const pod = (await names())[0] ?? '';
    expect(await cluster.kubectl('logs', pod)).toContain('listening on 8080');
    const follow = await cluster.kubectlStream('logs', '-f', pod);
    let seen = '';
    follow.stdout?.on('data', (chunk) => (seen += String(chunk)));
    await eventually(() => expect(seen).toContain('listening on 8080'));
    follow.kill();
    expect(await cluster.kubectl('exec', pod, '--', 'cat', '/etc/hostname')).toBe(`${pod}\n`);
    await expect(cluster.kubectl('exec', pod, '--', 'sh', '-c', 'exit 7')).rejects.toMatchObject({ code: 7 });
    expect(await cluster.kubectl('describe', 'pod', pod)).toMatch(/Started +.*Container started|Started container web/);
    expect(await cluster.kubectl('get', 'pods', '-o', 'wide')).toContain('10.');
    expect(await cluster.kubectl('get', 'deployment', 'hello', '-o', 'yaml')).toContain('image: nestor.local/node');
  });

  it('is still there after kill -9, with the same containers', async () => {
    const before = { containers: ours(), pods: await names() };
    process.kill(cluster.pid, 'SIGKILL');
    await cluster.up();
    await eventually(async () => expect(await ready()).toBe('3/3'), 30_000);
    expect({ containers: ours(), pods: await names() }).toEqual(before);
    expect(await (await fetch(url)).text()).toContain('Hello from Nestor');
  });

  it('tells that it runs when it is started again', async () => {
    expect((await cluster.up()).stdout).toContain('already running');
  });

  it('leaves containers running on down, and nothing on down --purge', async () => {
    const before = ours();
    await cluster.nestor('down');
    expect(ours()).toEqual(before);
    const name = nameOf(cluster);
    await cluster.purge();
    expect([running(name), left(name)]).toEqual([[], []]);
  });
}
