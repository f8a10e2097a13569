import { execFileSync } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bridgeName } from '#runtime';
import { containerProcesses } from '../tools/container-processes';
import { eventually } from '../tools/eventually';
import { NestorCluster } from '../tools/nestor';
import { linkPrograms } from '../tools/programs';
import { describeWith, type Requirement } from '../tools/requirements';
import { describeBadPods } from './bad-pods';
import { describeExamples } from './examples';
import { describeMainJob } from './main-job';

function output(program: string, ...args: string[]): string {
  return execFileSync(program, args, { encoding: 'utf8' });
}

describeWith(['docker', 'root'], 'the main job, on Docker', () => {
  const cluster = new NestorCluster();
  const labels = ['io.kubernetes.container.name=web', 'io.kubernetes.pod.namespace=default'];
  const ids = (...args: string[]): string[] =>
    output('docker', ...args)
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
    kill: (_, id) => void output('docker', 'kill', id),
    left: (name) => ids('network', 'ls', '-q', '--filter', `name=nestor-${name}`),
  });
});

/** What makes containers, on machines that have less and less. */
const machines: readonly { id: string; name: string; needs: readonly Requirement[]; missing: RegExp; made: RegExp }[] =
  [
    { id: 'crun', name: 'crun', needs: ['crun'], missing: /^docker/, made: /Runtime +native \(crun \d/ },
    { id: 'runc', name: 'runc', needs: ['runc'], missing: /^(docker.*|crun)$/, made: /Runtime +native \(runc \d/ },
    {
      id: 'own',
      name: 'our own launcher',
      needs: [],
      missing: /^(docker.*|crun|runc|conmon)$/,
      made: /Runtime +native \(launcher \d/,
    },
  ];

describe.each(machines)('by $name', ({ id, needs, missing, made }) => {
  describeWith(['root', 'ip', 'nft', ...needs], 'the main job, without an engine', () => {
    const programs = join(tmpdir(), `nestor-programs-${process.pid}-${id}`);
    const cluster = new NestorCluster({ runtime: 'native', env: { PATH: programs } }, 'v35');
    beforeAll(() => linkPrograms(programs, missing));

    it('says what runs containers', async () => {
      expect((await cluster.nestor('status')).stdout).toMatch(made);
      expect(await cluster.kubectl('get', 'nodes', '-o', 'wide')).toContain('native://');
    });

    describe('the examples', () => describeExamples(cluster));
    // What they say of runc is what the contract of runtimes says.
    if (id !== 'runc') describe('pods that cannot run', () => describeBadPods(cluster));

    describeMainJob({
      cluster,
      running: (name) => [...containerProcesses(name).keys()],
      kill: (name, id) => process.kill(Math.min(...(containerProcesses(name).get(id) ?? [])), 'SIGKILL'),
      left: (name) =>
        [
          readFileSync('/proc/self/mountinfo', 'utf8'),
          output('ps', '-eo', 'args'),
          output('ip', '-o', 'link'),
          output('nft', 'list', 'tables'),
        ]
          .join('\n')
          .split('\n')
          .filter(
            (line) => line.includes(join(cluster.home, 'native')) || line.includes(bridgeName({ cluster: name })),
          ),
    });
    afterAll(() => rmSync(programs, { recursive: true }));
  });
});
