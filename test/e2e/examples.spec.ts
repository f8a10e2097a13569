import { join } from 'node:path';
import { eventually } from '../tools/eventually';
import { NestorCluster } from '../tools/nestor';
import { describeWith } from '../tools/requirements';

const example = (name: string): string => join(__dirname, '../../examples', name);

describeWith(['docker', 'root'], 'the examples, on Docker', () => describeExamples('docker'));
describeWith(['root', 'ip', 'nft'], 'the examples, without an engine', () => describeExamples('native'));

function describeExamples(runtime: 'docker' | 'native'): void {
  const cluster = new NestorCluster({ runtime }, 'v35');
  const phase = (pod: string): Promise<string> => cluster.kubectl('get', 'pod', pod, '-o', 'jsonpath={.status.phase}');

  beforeAll(async () => {
    await cluster.up();
  });
  afterAll(() => cluster.purge());

  it('two-tier: the front end finds its back end by name, on every pod of it', async () => {
    await cluster.kubectl('apply', '-f', example('two-tier'));
    await cluster.kubectl('rollout', 'status', 'deployment/backend', '--timeout=60s');
    await cluster.kubectl('rollout', 'status', 'deployment/frontend', '--timeout=60s');
    const servers = new Set<string>();
    await eventually(async () => {
      const response = await fetch('http://127.0.0.1:30081', { headers: { connection: 'close' } });
      servers.add(((await response.json()) as { servedBy: string }).servedBy);
      expect(servers.size).toBe(2);
    });
    await cluster.kubectl('delete', '-f', example('two-tier'), '--wait=false');
  });

  it('probes: slow to start, then ready; restarted when it hangs', async () => {
    await cluster.kubectl('apply', '-f', example('probes'));
    await cluster.kubectl('wait', '--for=condition=Ready', 'pod/probes', '--timeout=30s');
    // The container may be stopped before the command has ended.
    await cluster
      .kubectl('exec', 'probes', '--', 'node', '-e', "fetch('http://127.0.0.1:8080/hang')")
      .catch(() => undefined);
    await eventually(async () => {
      const restarts = await cluster.kubectl(
        'get',
        'pod',
        'probes',
        '-o',
        'jsonpath={.status.containerStatuses[0].restartCount}',
      );
      expect(restarts).toBe('1');
    }, 30_000);
    expect(await cluster.kubectl('describe', 'pod', 'probes')).toContain(
      'Liveness probe failed: HTTP probe failed with statuscode: 500',
    );
    await cluster.kubectl('wait', '--for=condition=Ready', 'pod/probes', '--timeout=30s');
    await cluster.kubectl('delete', '-f', example('probes'), '--wait=false');
  });

  it('init-containers: one after the other, beside a sidecar that ends with the pod', async () => {
    await cluster.kubectl('apply', '-f', example('init-containers'));
    await eventually(async () => expect(await phase('init-containers')).toBe('Succeeded'), 60_000);
    expect(await cluster.kubectl('logs', 'init-containers', '-c', 'main')).toBe('sidecar\nfirst\nsecond\n');
    await cluster.kubectl('delete', '-f', example('init-containers'), '--wait=false');
  });

  it('api-reader: a pod uses the API with its own token, and only as far as it may', async () => {
    await cluster.kubectl('apply', '-f', example('api-reader'));
    await eventually(async () => expect(await phase('api-reader')).toBe('Succeeded'), 60_000);
    const log = await cluster.kubectl('logs', 'api-reader');
    expect(log).toMatch(/^pods in default: .*api-reader/);
    expect(log).toContain('secrets: Forbidden');
  });
}
