import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SocketProxy } from '../runtime/socket-proxy';
import { eventually } from '../tools/eventually';
import { NestorCluster } from '../tools/nestor';
import { describeWith } from '../tools/requirements';

const nowhere = { DOCKER_HOST: 'unix:///nonexistent/docker.sock' };
const deployment = {
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'sleeper' },
  spec: {
    replicas: 2,
    selector: { matchLabels: { app: 'sleeper' } },
    template: {
      metadata: { labels: { app: 'sleeper' } },
      spec: {
        terminationGracePeriodSeconds: 0,
        containers: [
          { name: 'main', image: 'nestor.local/node', imagePullPolicy: 'IfNotPresent', command: ['sleep', '3600'] },
        ],
      },
    },
  },
};

/** Status, reason and message of the only node's condition Ready. */
async function readiness(cluster: NestorCluster): Promise<string> {
  const condition = '{.items[0].status.conditions[?(@.type=="Ready")]';
  const path = `${condition}.status} ${condition}.reason}: ${condition}.message}`;
  return cluster.kubectl('get', 'nodes', '-o', `jsonpath=${path}`);
}

describeWith(['docker', 'root'], 'Docker that goes away', () => {
  let proxy: SocketProxy;
  let cluster: NestorCluster;

  /** Name, container and restarts of each pod that is ready and was never restarted, as the API tells it. */
  const readyPods = async (): Promise<string[]> => {
    const row =
      '{.metadata.name} {.status.containerStatuses[0].containerID} {.status.containerStatuses[0].restartCount} {.status.containerStatuses[0].ready}';
    const text = await cluster.kubectl('get', 'pods', '-o', `jsonpath={range .items[*]}${row}{"\\n"}{end}`);
    return text
      .trim()
      .split('\n')
      .filter((line) => line.endsWith(' 0 true'))
      .sort();
  };
  const isRunning = (id: string): boolean =>
    execFileSync('docker', ['inspect', '-f', '{{.State.Running}}', id], { encoding: 'utf8' }).trim() === 'true';

  beforeAll(async () => {
    proxy = await SocketProxy.listen();
    cluster = new NestorCluster({ runtime: 'docker', env: { DOCKER_HOST: `unix://${proxy.path}` } });
    await cluster.up();
  });
  afterAll(async () => {
    proxy.mend();
    await cluster.purge();
    await proxy.close();
    rmSync(cluster.home, { recursive: true, force: true });
  });

  it('leaves pods alone, and the node says that it is not ready', async () => {
    await cluster.kubectlWith(JSON.stringify(deployment), 'apply', '-f', '-');
    const before = await eventually(async () => {
      const ready = await readyPods();
      expect(ready).toHaveLength(2);
      return ready;
    });
    const containers = before.map((line) => /docker:\/\/(\w+)/.exec(line)?.[1] ?? '');
    const { pid } = cluster;

    proxy.cut();
    await eventually(async () => {
      expect(await readiness(cluster)).toMatch(/^False KubeletNotReady: .*container runtime is down/);
    });
    expect(containers.map(isRunning)).toEqual([true, true]);
    expect(await cluster.kubectl('get', 'deployment', 'sleeper', '-o', 'name')).toBe('deployment.apps/sleeper\n');
    // What is wanted meanwhile waits.
    await cluster.kubectl('scale', 'deployment/sleeper', '--replicas=3');

    proxy.mend();
    await eventually(async () => expect(await readiness(cluster)).toMatch(/^True KubeletReady: /));
    await eventually(async () => expect(await readyPods()).toHaveLength(3));
    expect(await readyPods()).toEqual(expect.arrayContaining(before));
    expect(containers.map(isRunning)).toEqual([true, true]);
    expect(cluster.pid).toBe(pid);
    expect(readFileSync(join(cluster.home, 'nestor.log'), 'utf8')).not.toMatch(/unhandled rejection|internal error/);
  });
});

describe('no Docker at all', () => {
  /** Everything that Nestor runs but runc. */
  const programs = mkdtempSync(join(tmpdir(), 'nestor-programs-'));

  beforeAll(() => {
    for (const name of ['ip', 'nft', 'iptables', 'umount']) {
      const [found] = ['/usr/sbin', '/usr/bin'].map((directory) => join(directory, name)).filter(existsSync);
      if (found !== undefined) symlinkSync(found, join(programs, name));
    }
  });
  afterAll(() => rmSync(programs, { recursive: true }));

  it('leaves a control plane that works, and says what to install', async () => {
    const cluster = new NestorCluster({ runtime: 'auto', env: { ...nowhere, PATH: programs } });
    try {
      const advice = /Note: no container runtime was found, so no pod can run: .*apt-get install docker\.io/;
      expect((await cluster.up()).stdout).toMatch(advice);
      expect((await cluster.nestor('status')).stdout).toMatch(advice);
      expect(await cluster.kubectl('create', 'namespace', 'works')).toBe('namespace/works created\n');
      await eventually(async () => {
        expect(await readiness(cluster)).toMatch(/^False KubeletNotReady: .*container runtime is down/);
      });
      expect(await cluster.kubectl('get', 'nodes')).toContain(' NotReady ');
    } finally {
      await cluster.purge();
    }
    expect(existsSync(cluster.home)).toBe(false);
  });

  it('is an error for who asks for Docker', async () => {
    const cluster = new NestorCluster({ runtime: 'docker', env: nowhere });
    const refused = cluster.nestor('up', '--runtime', 'docker', '--port', '0');
    await expect(refused).rejects.toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/^nestor: Docker does not answer \(.*\)\. .*apt-get install docker\.io/) as string,
    });
    for (const name of ['nestor.pid', 'nestor.lock', 'nestor.sock']) {
      expect([name, existsSync(join(cluster.home, name))]).toEqual([name, false]);
    }
    await cluster.purge();
  });
});
