// How long an image takes from a registry on this machine to layers that can be mounted, beside Docker with the same image in the same run. Needs
// docker-registry and a Docker engine; makes an image of the files of another, so that no layer is known.
//
//   node test/bench/images.bench.mjs [image] [rounds]
import { execFileSync, spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';

const require = createRequire(import.meta.url);
const { ImageStore } = require('../../dist/libs/runtime/index.js');
const { systemClock } = require('../../dist/libs/machinery/index.js');
const { withHostMutex } = require('../../dist/libs/process/index.js');
const { silentLogger } = require('../../dist/libs/telemetry/index.js');

const image = process.argv[2] ?? 'nestor.local/node:latest';
const rounds = Number(process.argv[3] ?? 3);
const home = mkdtempSync(join(tmpdir(), 'nestor-bench-'));
const docker = (...args) => execFileSync('docker', args, { maxBuffer: 2 ** 31 - 1, stdio: ['ignore', 'pipe', 'pipe'] });
const digestOf = (content) => `sha256:${createHash('sha256').update(content).digest('hex')}`;

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}

async function startRegistry() {
  const host = `127.0.0.1:${await freePort()}`;
  const config = {
    version: '0.1',
    log: { level: 'error', accesslog: { disabled: true } },
    storage: { filesystem: { rootdirectory: join(home, 'registry') } },
    http: { addr: host },
  };
  writeFileSync(join(home, 'registry.yml'), JSON.stringify(config));
  const child = spawn('docker-registry', ['serve', join(home, 'registry.yml')], { stdio: 'ignore' });
  for (;;) {
    try {
      await fetch(`http://${host}/v2/`);
      return { host, child };
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}

/** The files of the image, as one archive. */
function files() {
  const id = docker('create', image, 'none').toString().trim();
  const path = join(home, 'rootfs.tar');
  docker('export', '--output', path, id);
  docker('rm', id);
  return path;
}

/** An image that nobody has seen: the files in one layer, random bytes in another. */
async function push(host, rootfs, round) {
  const extra = join(home, 'extra');
  writeFileSync(extra, randomBytes(20 * 2 ** 20));
  const second = execFileSync('tar', ['-C', home, '-cf', '-', 'extra'], { maxBuffer: 2 ** 31 - 1 });
  const first = join(home, `layer-${round}.tar`);
  execFileSync('cp', [rootfs, first]);
  execFileSync('tar', ['-C', home, '--append', '-f', first, 'extra']);
  const tars = [readFileSync(first), second];
  rmSync(first);
  const config = Buffer.from(
    JSON.stringify({
      os: 'linux',
      architecture: process.arch === 'x64' ? 'amd64' : process.arch,
      config: {},
      rootfs: { type: 'layers', diff_ids: tars.map(digestOf) },
    }),
  );
  const layers = tars.map((tar) => gzipSync(tar, { level: 1 }));
  const descriptor = (mediaType, content) => ({ mediaType, digest: digestOf(content), size: content.length });
  for (const blob of [config, ...layers]) {
    const { headers } = await fetch(`http://${host}/v2/bench/blobs/uploads/`, { method: 'POST' });
    const url = new URL(headers.get('location'), `http://${host}`);
    url.searchParams.set('digest', digestOf(blob));
    const answer = await fetch(url, {
      method: 'PUT',
      body: blob,
      headers: { 'content-type': 'application/octet-stream' },
    });
    if (!answer.ok) throw new Error(await answer.text());
  }
  const type = 'application/vnd.docker.distribution.manifest.v2+json';
  const manifest = JSON.stringify({
    schemaVersion: 2,
    mediaType: type,
    config: descriptor('application/vnd.docker.container.image.v1+json', config),
    layers: layers.map((layer) => descriptor('application/vnd.docker.image.rootfs.diff.tar.gzip', layer)),
  });
  const url = `http://${host}/v2/bench/manifests/${round}`;
  const answer = await fetch(url, { method: 'PUT', body: manifest, headers: { 'content-type': type } });
  if (!answer.ok) throw new Error(await answer.text());
  const bytes = (list) => (list.reduce((sum, one) => sum + one.length, 0) / 1e6).toFixed(0);
  return `${bytes(tars)} MB, ${bytes(layers)} MB packed`;
}

async function timed(work) {
  const start = performance.now();
  await work();
  return performance.now() - start;
}

const median = (times) => [...times].sort((a, b) => a - b)[Math.floor(times.length / 2)];

const { host, child } = await startRegistry();
const store = await ImageStore.open({
  directory: join(home, 'images'),
  clock: systemClock,
  random: Math.random,
  logger: silentLogger(),
  mutex: withHostMutex,
});
try {
  const rootfs = files();
  const ours = [];
  const theirs = [];
  for (let round = 0; round < rounds; round++) {
    const what = await push(host, rootfs, round);
    const name = `${host}/bench:${round}`;
    const pullOurs = async () => ours.push(await timed(() => store.pull(name)));
    const pullTheirs = async () => theirs.push(await timed(async () => docker('pull', '--quiet', name)));
    // Each goes first in turn: the second finds the registry's files in the cache.
    for (const pull of round % 2 === 0 ? [pullOurs, pullTheirs] : [pullTheirs, pullOurs]) await pull();
    docker('image', 'rm', name);
    await store.remove(name);
    process.stdout.write(`${what}: ours ${ours.at(-1).toFixed(0)} ms, Docker ${theirs.at(-1).toFixed(0)} ms\n`);
  }
  process.stdout.write(
    `image of ${image}: ours/Docker ${(median(ours) / median(theirs)).toFixed(2)} (median of ${rounds}), `,
  );
  process.stdout.write(`${(process.resourceUsage().maxRSS / 1024).toFixed(0)} MB at most, with the pushing\n`);
} finally {
  await store.close();
  child.kill();
  rmSync(home, { recursive: true, force: true });
}
