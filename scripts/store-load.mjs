// `npm run store:load`: etcdctl's own checks, of a store begun for them: a minute of writes a second at a time, then a level of data.
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const { load } = parseArgs({ options: { load: { type: 'string', default: 's' } } }).values;

/** Longest that the store may take to answer for the first time. */
const START_SECONDS = 60;

const port = await new Promise((resolve, reject) => {
  const server = createServer().once('error', reject);
  server.listen(0, '127.0.0.1', () => {
    const { port } = server.address();
    server.close(() => resolve(port));
  });
});
const directory = mkdtempSync(join(tmpdir(), 'nestor-load-'));
const endpoint = `127.0.0.1:${port}`;
const store = spawn(process.execPath, [join(root, 'dist/apps/store/main.js')], {
  env: { ...process.env, STORE_DATA_DIR: directory, LISTEN_ADDRESS: endpoint, LOG_LEVEL: 'warn' },
  stdio: 'inherit',
});

function etcdctl(...args) {
  const env = { ...process.env, ETCDCTL_API: '3' };
  const { status, error } = spawnSync('etcdctl', [`--endpoints=${endpoint}`, ...args], { env, stdio: 'inherit' });
  if (error !== undefined) throw error;
  return status ?? 1;
}

let failures = 0;
try {
  etcdctl('endpoint', 'health', `--command-timeout=${START_SECONDS}s`, `--dial-timeout=${START_SECONDS}s`);
  for (const check of ['perf', 'datascale']) {
    process.stdout.write(`\netcdctl check ${check} --load=${load}\n`);
    if (etcdctl('check', check, `--load=${load}`, '--auto-compact', '--auto-defrag') !== 0) failures++;
  }
} finally {
  const ended = new Promise((resolve) => store.once('exit', resolve));
  if (store.exitCode === null) store.kill('SIGTERM');
  await ended;
  rmSync(directory, { recursive: true });
}
process.exit(failures === 0 ? 0 : 1);
