import { execFile } from 'node:child_process';
import { access, cp, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const root = join(__dirname, '../..');
const own = (program: string): string => join(root, 'node_modules/.bin', program);
const VITEST = 'vitest@4.1.12';

/** An empty project somewhere else, with the packed Nestor installed. */
let project: string;
let tarball: string;

jest.setTimeout(300_000);

const inProject = (program: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<string> =>
  run(program, [...args], { cwd: project, env: { ...clean(process.env), ...env }, timeout: 200_000 }).then(
    ({ stdout, stderr }) => stdout + stderr,
    (error: Error & { stdout?: string; stderr?: string }) => {
      throw new Error(`${program} ${args.join(' ')}: ${error.message}\n${error.stdout}\n${error.stderr}`);
    },
  );

/** What this jest and this npm tell their children is not meant for those of the project. */
function clean(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries(env).filter(([name]) => !/^(NODE_|JEST_|npm_(package|lifecycle|config_local))/.test(name)),
  );
}

beforeAll(async () => {
  project = await mkdtemp(join(tmpdir(), 'nestor-package-'));
  const { stdout } = await run('npm', ['pack', '--json', '--pack-destination', project], {
    cwd: root,
    maxBuffer: 64 << 20,
  });
  // Scripts of the package may write before it.
  const [packed] = JSON.parse(stdout.slice(stdout.search(/^\[/m))) as { filename: string }[];
  tarball = join(project, packed?.filename ?? '');
  await writeFile(join(project, 'package.json'), JSON.stringify({ name: 'consumer', private: true }));
  await cp(join(__dirname, 'consumer'), project, { recursive: true });
  const quiet = ['--no-audit', '--no-fund', '--prefer-offline', '--loglevel=error'];
  await inProject('npm', ['install', ...quiet, tarball, VITEST]);
});

afterAll(() => rm(project, { recursive: true, force: true }));

test('the package holds what runs, and nothing else', async () => {
  const { stdout } = await run('tar', ['tzf', tarball]);
  const files = stdout.trim().split('\n');
  expect(files).toEqual(
    expect.arrayContaining(['package/bin/nestor', 'package/dist/apps/nestor/main.js', 'package/LICENSE']),
  );
  expect(files).toContain('package/dist/apps/nestor/testing/index.d.ts');
  expect(
    files.filter((file) => /\.(spec|contract|fixture)\.|\.map$|\.ts$/.test(file) && !file.endsWith('.d.ts')),
  ).toEqual([]);
  for (const app of await readdir(join(root, 'apps'))) expect(files).toContain(`package/dist/apps/${app}/main.js`);
});

test('nestor up, status and down', async () => {
  const env = { NESTOR_HOME: join(project, 'home') };
  const up = await inProject('npx', ['nestor', 'up', '--runtime', 'fake', '--detach', '--port', '0'], env);
  try {
    expect(up).toContain('Cluster     ready');
    expect(await inProject('npx', ['nestor', 'status'], env)).toContain('Runtime     fake, 1 node');
  } finally {
    await inProject('npx', ['nestor', 'down', '--purge'], env);
  }
  await expect(access(env.NESTOR_HOME)).rejects.toThrow('ENOENT');
});

test.each([
  ['commonjs', {}],
  ['module', { NODE_OPTIONS: '--experimental-vm-modules' }],
])('jest, %s', async (name, env) => {
  const config = { testMatch: [`**/${name}.jest.*`], transform: {}, testTimeout: 60_000 };
  const output = await inProject(
    own('jest'),
    ['--rootDir', project, '--config', JSON.stringify(config), '--detectOpenHandles'],
    env,
  );
  expect(output).toMatch(/Tests: .* passed/);
  expect(output).not.toMatch(/open handle|did not exit/i);
});

test('vitest', async () => {
  const test = { include: ['*.vitest.mts'], testTimeout: 60_000, hookTimeout: 60_000 };
  await writeFile(join(project, 'vitest.config.mjs'), `export default ${JSON.stringify({ test })};`);
  const output = await inProject('npx', ['vitest', 'run'], { NO_COLOR: '1' });
  expect(output).toMatch(/Tests .*1 passed/);
});

test.each(['commonjs.node.cjs', 'module.node.mjs'])('node:test, %s, ends by itself', async (file) => {
  // No --test: the file's own process has to end, and nobody ends it.
  const output = await inProject(process.execPath, [file]);
  expect(output).toMatch(/fail 0/);
});

test.each([
  ['types.mts', 'nodenext', 'nodenext'],
  ['types.cts', 'nodenext', 'nodenext'],
  ['types.mts', 'esnext', 'bundler'],
  ['types.cts', 'commonjs', 'node10'],
])('types: %s, module %s, moduleResolution %s', async (file, module, resolution) => {
  const compilerOptions = { noEmit: true, strict: true, skipLibCheck: false, target: 'es2022', types: [], module };
  const config = join(project, `tsconfig.${resolution}.${file}.json`);
  const content = { compilerOptions: { ...compilerOptions, moduleResolution: resolution }, files: [file] };
  await writeFile(config, JSON.stringify(content));
  await inProject(own('tsc'), ['--project', config]);
});
