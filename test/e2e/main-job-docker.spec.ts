import { execFileSync } from 'node:child_process';
import { eventually } from '../tools/eventually';
import { NestorCluster } from '../tools/nestor';
import { describeWith } from '../tools/requirements';
import { describeExamples } from './examples';
import { describeMainJob } from './main-job';

function docker(...args: string[]): string {
  return execFileSync('docker', args, { encoding: 'utf8' });
}

describeWith(['docker', 'root'], 'the main job, on Docker', () => {
  const cluster = new NestorCluster();
  const labels = ['io.kubernetes.container.name=web', 'io.kubernetes.pod.namespace=default'];
  const ids = (...args: string[]): string[] =>
    docker(...args)
      .split('\n')
      .filter((id) => id !== '');

  describe('the examples', () => describeExamples(cluster));

  it('knows its kinds and rights', async () => {
    expect(await cluster.kubectl('api-resources')).toMatch(/deployments +deploy +apps\/v1 +true +Deployment/);
    expect(await cluster.kubectl('auth', 'can-i', 'create', 'pods')).toBe('yes\n');
    await expect(cluster.kubectl('auth', 'can-i', 'create', 'pods', '--as', 'nobody')).rejects.toThrow();
    await expect(cluster.kubectl('get', 'pods', '--as', 'nobody')).rejects.toThrow(
      'User "nobody" cannot list resource "pods"',
    );
  });

  it('creates and removes a namespace with everything in it', async () => {
    await cluster.kubectl('create', 'namespace', 'shop');
    await cluster.kubectl('-n', 'shop', 'create', 'configmap', 'prices', '--from-literal=tea=3');
    await eventually(async () =>
      expect(await cluster.kubectl('-n', 'shop', 'get', 'serviceaccounts')).toContain('default'),
    );
    await cluster.kubectl('delete', 'namespace', 'shop', '--timeout=30s');
    await expect(cluster.kubectl('get', 'namespace', 'shop')).rejects.toThrow('NotFound');
  });

  describeMainJob({
    cluster,
    running: (name) =>
      ids(
        'ps',
        '-q',
        '--no-trunc',
        ...[...labels, `nestor.dev/cluster=${name}`].flatMap((label) => ['--filter', `label=${label}`]),
      ),
    kill: (_, id) => void docker('kill', id),
    left: (name) => ids('network', 'ls', '-q', '--filter', `name=nestor-${name}`),
  });
});
