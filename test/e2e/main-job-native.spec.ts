import { execFileSync } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bridgeName } from '#runtime';
import { containerProcesses } from '../tools/container-processes';
import { NestorCluster } from '../tools/nestor';
import { linkPrograms } from '../tools/programs';
import { describeWith, type Requirement } from '../tools/requirements';
import { describeBadPods } from './bad-pods';
import { describeExamples } from './examples';
import { describeMainJob } from './main-job';

function output(program: string, ...args: string[]): string {
  return execFileSync(program, args, { encoding: 'utf8' });
}

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
