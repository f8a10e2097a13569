// Makes a checkout ready to run: dependencies, generated types, compiled JavaScript. Does only what is out of date.
//
//   node scripts/prepare.mjs                   everything
//   node scripts/prepare.mjs --generate-only   stop after the generated sources
import { spawnSync } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { createHash } from 'node:crypto';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const stampDir = join(root, 'node_modules', '.cache', 'nestor');

/** Runs one step with its output shown only on failure, and says how long it took. */
function run(what, command, args) {
  const start = process.hrtime.bigint();
  process.stderr.write(`nestor: ${what} …`);
  const result = spawnSync(command, args, { cwd: root, encoding: 'utf8', maxBuffer: 64 << 20 });
  const seconds = Number(process.hrtime.bigint() - start) / 1e9;
  if (result.status !== 0) {
    process.stderr.write(` failed\n${result.stdout ?? ''}${result.stderr ?? ''}\n`);
    if (result.error) process.stderr.write(`${result.error.message}\n`);
    process.exit(1);
  }
  process.stderr.write(` ${seconds.toFixed(1)} s\n`);
}

/** Every file below the folders, in a stable order. */
function* files(...folders) {
  for (const folder of folders) {
    if (!existsSync(folder)) continue;
    for (const entry of readdirSync(folder, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1))) {
      const path = join(folder, entry.name);
      if (entry.isDirectory()) yield* files(path);
      else yield path;
    }
  }
}

function digest(paths, byContent) {
  const hash = createHash('sha256');
  for (const path of paths) {
    const stat = statSync(path);
    hash.update(`${path}\0${byContent ? '' : `${stat.mtimeMs}:${stat.size}`}\0`);
    if (byContent) hash.update(readFileSync(path));
  }
  return hash.digest('hex');
}

/** Runs `action` unless the same inputs were already processed. */
function once(name, key, outputs, action) {
  const stamp = join(stampDir, name);
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === key && outputs.every((path) => existsSync(path))) return;
  action();
  mkdirSync(stampDir, { recursive: true });
  writeFileSync(stamp, key);
}

// `npm install` and not `npm ci`: the latter refuses a lock file that lacks optional packages of other platforms, which is what
// npm writes where a registry does not carry them. Versions come from the lock file all the same.
const lock = join(root, 'package-lock.json');
once('install', digest([lock], true), [join(root, 'node_modules', 'typescript')], () =>
  run('installing dependencies from npm', 'npm', [
    'install',
    '--no-save',
    '--no-audit',
    '--no-fund',
    '--loglevel=error',
  ]),
);

const apiGenerator = [...files(join(root, 'tools', 'generate-api'))];
once('generate', digest([...apiGenerator, lock], true), [join(root, 'libs/api/src/generated')], () =>
  run('generating API types', process.execPath, [join(root, 'tools/generate-api/main.mjs')]),
);
const grpcGenerator = [...files(join(root, 'tools', 'generate-grpc'), join(root, 'libs/etcd/proto'))];
once('generate-grpc', digest([...grpcGenerator, lock], true), [join(root, 'libs/etcd/src/generated')], () =>
  run('generating gRPC messages', process.execPath, [join(root, 'tools/generate-grpc/main.mjs')]),
);
if (process.argv.includes('--generate-only')) process.exit(0);

const sources = [...files(join(root, 'apps'), join(root, 'libs'))].filter(
  (path) => (path.endsWith('.ts') && !path.endsWith('.spec.ts')) || path.endsWith('.pl'),
);
once('build', digest([...sources, join(root, '.swcrc')], false), [join(root, 'dist')], () => {
  rmSync(join(root, 'dist'), { recursive: true, force: true });
  run('compiling', process.execPath, [
    join(root, 'node_modules/@swc/cli/bin/swc.js'),
    'apps',
    'libs',
    '-d',
    'dist',
    '--quiet',
  ]);
  // Programs in other languages stand where they stand among the sources.
  for (const path of sources.filter((source) => source.endsWith('.pl'))) {
    const copy = join(root, 'dist', relative(root, path));
    mkdirSync(dirname(copy), { recursive: true });
    copyFileSync(path, copy);
  }
});
