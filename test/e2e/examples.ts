import { join } from 'node:path';
import { eventually } from '../tools/eventually';
import { type NestorCluster } from '../tools/nestor';

const examples = ['two-tier', 'probes', 'init-containers', 'api-reader'].map((name) =>
  join(__dirname, '../../examples', name),
);

/** Every example but `hello`, which is the main job's. They are there together, since most of what they take is waiting. */
export function describeExamples(cluster: NestorCluster): void {
  const files = examples.flatMap((example) => ['-f', example]);
  const phase = (pod: string): Promise<string> => cluster.kubectl('get', 'pod', pod, '-o', 'jsonpath={.status.phase}');

  it('are applied', async () => {
    await cluster.kubectl('apply', ...files);
  });

  it('api-reader: a pod uses the API with its own token, and only as far as it may', async () => {
    await eventually(async () => expect(await phase('api-reader')).toBe('Succeeded'), 60_000);
    const log = await cluster.kubectl('logs', 'api-reader');
    expect(log).toMatch(/^pods in default: .*api-reader/);
    expect(log).toContain('secrets: Forbidden');
  });

  it('probes: slow to start, then ready; restarted when it hangs', async () => {
    await cluster.kubectl('wait', '--for=condition=Ready', 'pod/probes', '--timeout=60s');
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
    await cluster.kubectl('wait', '--for=condition=Ready', 'pod/probes', '--timeout=60s');
  });

  it('init-containers: one after the other, beside a sidecar that ends with the pod', async () => {
    await eventually(async () => expect(await phase('init-containers')).toBe('Succeeded'), 60_000);
    expect(await cluster.kubectl('logs', 'init-containers', '-c', 'main')).toBe('sidecar\nfirst\nsecond\n');
  });

  it('two-tier: the front end finds its back end by name, on every pod of it', async () => {
    await cluster.kubectl('rollout', 'status', 'deployment/backend', '--timeout=60s');
    await cluster.kubectl('rollout', 'status', 'deployment/frontend', '--timeout=60s');
    const servers = new Set<string>();
    await eventually(async () => {
      const response = await fetch('http://127.0.0.1:30081', { headers: { connection: 'close' } });
      servers.add(((await response.json()) as { servedBy: string }).servedBy);
      expect(servers.size).toBe(2);
    });
  });

  it('go as they came', async () => {
    await cluster.kubectl('delete', ...files, '--timeout=60s');
  });
}
