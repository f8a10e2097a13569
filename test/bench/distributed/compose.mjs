// The start of `docker-compose.yml` as it stands, on images that are there already.
import { execFileSync, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Api } from './api.mjs';
import { freePorts } from './clusters.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '../../..');
const image = process.env.NESTOR_IMAGE ?? 'nestor:test';

/** Why there is nothing to measure; undefined if there is. */
function obstacle() {
  if (spawnSync('docker-compose', ['version']).status !== 0) return 'no docker-compose';
  if (spawnSync('docker', ['image', 'inspect', image]).status !== 0) {
    return `no image ${image}: test/compose builds it, or name another in NESTOR_IMAGE`;
  }
  if (spawnSync('docker', ['image', 'inspect', natsImage()]).status !== 0)
    return `no image ${natsImage()}: set NATS_IMAGE`;
  return process.getuid() === 0 ? undefined : 'not root';
}

/** What scripts/base-images.mjs has made, unless told. */
function natsImage() {
  if (process.env.NATS_IMAGE !== undefined) return process.env.NATS_IMAGE;
  const list = spawnSync('docker', ['images', '--format', '{{.Repository}}:{{.Tag}}', 'nestor-base/nats'], {
    encoding: 'utf8',
  });
  return list.stdout?.split('\n')[0] || 'nestor-base/nats';
}

/** Seconds from `up` to two nodes that are ready. */
export async function composeStart() {
  const why = obstacle();
  if (why !== undefined) return void process.stdout.write(`SKIPPED: start of docker-compose.yml: ${why}\n`);
  const id = randomBytes(4).toString('hex');
  const directory = mkdtempSync(join(tmpdir(), 'nestor-compose-bench-'));
  const pods = join(directory, 'pods');
  const [apiPort, natsPort] = await freePorts(2);
  const env = {
    ...process.env,
    NESTOR_IMAGE: image,
    NATS_IMAGE: natsImage(),
    NESTOR_HOME: join(directory, 'identities'),
    NESTOR_POD_DIR: pods,
    NESTOR_CLUSTER_NAME: id,
    NESTOR_API_PORT: String(apiPort),
    NESTOR_NATS_PORT: String(natsPort),
    NESTOR_POD_CIDR: '10.63.0.0/16',
    NESTOR_SERVICE_CIDR: '10.64.0.0/16',
    NESTOR_DNS_IP: '10.64.0.10',
  };
  const compose = (...args) =>
    execFileSync('docker-compose', ['--project-name', `nestor-bench-${id}`, ...args], {
      cwd: root,
      env,
      stdio: 'pipe',
    });
  mkdirSync(pods);
  // The engine has to see what is mounted here, also on machines without systemd, which shares all mounts.
  execFileSync('mount', ['--bind', pods, pods]);
  execFileSync('mount', ['--make-shared', pods]);
  let api;
  // The engine would go on without us.
  const onSignal = () => {
    remove();
    process.exit(1);
  };
  const remove = () => {
    api?.close();
    compose('stop');
    compose('run', '--rm', 'purge');
    compose('down', '--volumes');
    execFileSync('umount', ['--recursive', '--lazy', pods]);
    rmSync(directory, { recursive: true, force: true });
  };
  process.once('SIGINT', onSignal).once('SIGTERM', onSignal);
  try {
    const start = performance.now();
    compose('up', '--detach', '--no-build');
    const kubeconfig = readFileSync(join(directory, 'identities/admin/kubeconfig'), 'utf8');
    api = new Api(`https://127.0.0.1:${apiPort}`, kubeconfig);
    await api.until(async () => {
      const { items } = await api.call('GET', '/api/v1/nodes');
      const isReady = ({ status }) =>
        status.conditions.some(({ type, status: is }) => type === 'Ready' && is === 'True');
      return items.filter(isReady).length === 2;
    });
    return (performance.now() - start) / 1000;
  } finally {
    process.off('SIGINT', onSignal).off('SIGTERM', onSignal);
    remove();
  }
}
