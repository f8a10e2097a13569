import fs from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { resources, type ConfigMap } from '#api';
import { removeTree } from '../volumes/mounts';
import { AgentHarness } from '../testing/agent-harness';

/** The agent on a real directory, with containers that only say what they would have seen. */
describe('what containers see of the host', () => {
  let harness: AgentHarness;
  let dataDir: string;
  beforeEach(async () => {
    dataDir = await fs.realpath(await fs.mkdtemp(path.join(os.tmpdir(), 'agent-')));
    harness = new AgentHarness();
    await harness.start({ dataDir, usesHostFilesystem: true, clusterDns: '10.96.0.10' });
  });
  afterEach(async () => {
    await harness.stop();
    await removeTree(dataDir);
  });

  const settings = (data: Record<string, string>): ConfigMap => ({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { namespace: 'default', name: 'settings' },
    data,
  });
  /** Real files take real time, in which the clock of the agent goes on by `stepMs` a round. */
  const until = async (condition: () => boolean | Promise<boolean>, stepMs = 10): Promise<void> => {
    const deadline = performance.now() + 30_000;
    while (!(await condition()) && performance.now() < deadline) {
      await harness.run(stepMs);
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    expect(await condition()).toBe(true);
  };
  const mountsOf = () => {
    const { mounts } = harness.runtime.configs.get(harness.runtime.running('main')!.id)!;
    return new Map(mounts.map((mount) => [mount.containerPath, mount]));
  };
  const read = (containerPath: string, file = ''): Promise<string> =>
    fs.readFile(path.join(mountsOf().get(containerPath)!.hostPath, file), 'utf8');

  it('makes volumes, /etc files and the termination log', async () => {
    harness.cluster.add(settings({ color: 'blue' }));
    harness.cluster.add(
      harness.pod('web', (pod) => {
        pod.spec!.volumes = [
          { name: 'settings', configMap: { name: 'settings' } },
          { name: 'scratch', emptyDir: {} },
          { name: 'about', downwardAPI: { items: [{ path: 'labels', fieldRef: { fieldPath: 'metadata.labels' } }] } },
        ];
        pod.metadata!.labels = { app: 'web' };
        pod.spec!.hostAliases = [{ ip: '1.2.3.4', hostnames: ['a', 'b'] }];
        pod.spec!.containers[0]!.volumeMounts = [
          { name: 'settings', mountPath: '/settings' },
          { name: 'scratch', mountPath: '/scratch' },
          { name: 'scratch', mountPath: '/part', subPath: 'some/part' },
          { name: 'about', mountPath: '/about', readOnly: true },
        ];
      }),
    );
    await until(() => harness.status('web').phase === 'Running');
    expect(await read('/settings', 'color')).toBe('blue');
    expect(await read('/about', 'labels')).toBe('app="web"');
    expect(mountsOf().get('/settings')?.readOnly).toBe(true);
    expect(mountsOf().get('/scratch')?.readOnly).toBe(false);
    expect((await fs.stat(mountsOf().get('/part')!.hostPath)).isDirectory()).toBe(true);
    expect(await read('/etc/hostname')).toBe('web\n');
    expect(await read('/etc/resolv.conf')).toMatch(
      /^search default\.svc\.cluster\.local svc\.cluster\.local cluster\.local.*\nnameserver 10\.96\.0\.10\noptions ndots:5\n$/,
    );
    const hosts = await read('/etc/hosts');
    expect(hosts).toMatch(/^# Kubernetes-managed hosts file\.\n127\.0\.0\.1\tlocalhost\n/);
    expect(hosts).toContain('10.0.1.2\tweb\n');
    expect(hosts).toContain('# Entries added by HostAliases.\n1.2.3.4\ta\tb\n');
  });

  it('follows changes of a ConfigMap', async () => {
    harness.cluster.add(settings({ color: 'blue' }));
    harness.cluster.add(
      harness.pod('web', (pod) => {
        pod.spec!.volumes = [{ name: 'settings', configMap: { name: 'settings' } }];
        pod.spec!.containers[0]!.volumeMounts = [{ name: 'settings', mountPath: '/settings' }];
      }),
    );
    await until(() => harness.status('web').phase === 'Running');
    harness.cluster.edit(resources.configMaps, 'default/settings', (map) => (map.data = { color: 'red' }));
    await until(async () => (await read('/settings', 'color')) === 'red', 1000);
  });

  it('says which volume is missing, and waits for it', async () => {
    harness.cluster.add(
      harness.pod('web', (pod) => (pod.spec!.volumes = [{ name: 'settings', configMap: { name: 'settings' } }])),
    );
    await until(() => harness.cluster.events.length > 0);
    expect(harness.cluster.events[0]).toBe(
      'Warning FailedMount Pod/web: MountVolume.SetUp failed for volume "settings" : configmap "settings" not found',
    );
    expect(harness.status('web').containerStatuses?.[0]?.state?.waiting).toEqual({ reason: 'ContainerCreating' });
    harness.cluster.add(settings({}));
    await until(() => harness.status('web').phase === 'Running', 1000);
  });

  it('reads what a container wrote when it ended', async () => {
    harness.cluster.add(harness.pod('job', (pod) => (pod.spec!.restartPolicy = 'Never')));
    await until(() => harness.status('job').phase === 'Running');
    await fs.writeFile(mountsOf().get('/dev/termination-log')!.hostPath, 'out of cheese');
    harness.runtime.exit('main', 2);
    await until(() => harness.status('job').phase === 'Failed');
    expect(harness.status('job').containerStatuses?.[0]?.state?.terminated).toMatchObject({
      exitCode: 2,
      reason: 'Error',
      message: 'out of cheese',
    });
  });

  it('removes everything with the pod', async () => {
    harness.cluster.add(
      harness.pod('web', (pod) => (pod.spec!.volumes = [{ name: 'scratch', emptyDir: { medium: '' } }])),
    );
    await until(() => harness.status('web').phase === 'Running');
    const pods = path.join(dataDir, 'nodes/n1/pods');
    expect(await fs.readdir(pods)).toEqual(['uid-web']);
    await harness.cluster.client.delete(resources.pods, { namespace: 'default', name: 'web' });
    await until(async () => (await fs.readdir(pods)).length === 0);
    expect(harness.runtime.sandboxes.size).toBe(0);
  });
});
