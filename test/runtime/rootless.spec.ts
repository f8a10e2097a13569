import { execFile } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { OrdinaryUser } from '../tools/ordinary-user';
import { describeWith } from '../tools/requirements';

const run = promisify(execFile);
const root = join(__dirname, '../..');
/** Makes, or ends, the namespace of a directory; run by whose it is to be. */
const script = `
  const [root, action, directory] = process.argv.slice(1);
  const { NodeNamespace } = require(root + '/dist/libs/runtime');
  const { systemClock } = require(root + '/dist/libs/machinery');
  NodeNamespace[action](directory, systemClock).then((made) => console.log(JSON.stringify(made?.command() ?? [])));
`;
/** What takes control groups, or other users than root. */
const impossible = ['have statistics', 'is OOMKilled', 'user, groups, read-only root', 'a container is confined'];
/** What takes long, and is the same for root. */
const indifferent = ['can be rotated'];

interface Report {
  readonly numPassedTests: number;
  readonly testResults: readonly {
    readonly assertionResults: readonly { readonly status: string; readonly fullName: string }[];
  }[];
}

describeWith(['root', 'ip', 'nft'], 'the native runtime of somebody who is not root', () => {
  const user = new OrdinaryUser();
  const directory = join(user.home, 'namespace');
  const [program = '', ...asUser] = user.command;
  const env = { ...process.env, HOME: user.home, TMPDIR: user.home };
  const namespace = async (action: 'ensure' | 'end'): Promise<string[]> => {
    const args = [...asUser, process.execPath, '-e', script, root, action, directory];
    return JSON.parse((await run(program, args, { env })).stdout) as string[];
  };
  afterAll(async () => {
    await namespace('end');
    rmSync(user.home, { recursive: true });
  });

  test('keeps the contract, but for what takes control groups and other users', async () => {
    const report = join(user.home, 'report.json');
    const pattern = `our launcher and supervisor(?!.*(${[...impossible, ...indifferent].join('|')}))`;
    const jest = [
      ...[process.execPath, join(root, 'node_modules/jest/bin/jest.js'), '--selectProjects', 'e2e', '--runInBand'],
      ...['--testPathPatterns', 'test/runtime/native.spec', '-t', pattern, '--json', `--outputFile=${report}`],
      ...['--cacheDirectory', join(user.home, 'jest'), '--forceExit'],
    ];
    const inside = await namespace('ensure');
    await run(program, [...asUser, ...inside, 'ip', 'link', 'set', 'lo', 'up'], { env });
    // Its exit code says no more than the report.
    await run(program, [...asUser, ...inside, ...jest], { env, cwd: root, maxBuffer: 64 << 20 }).catch(() => undefined);
    const { numPassedTests, testResults } = JSON.parse(readFileSync(report, 'utf8')) as Report;
    const failed = testResults.flatMap(({ assertionResults }) =>
      assertionResults.filter(({ status }) => status === 'failed').map(({ fullName }) => fullName),
    );
    expect(failed).toEqual([]);
    expect(numPassedTests).toBeGreaterThan(25);
  });
});
