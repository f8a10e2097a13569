import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import path from 'node:path';

/** What a test may need of the machine. */
const checks = {
  docker: () => execFileSync('docker', ['version', '--format', '{{.Server.Version}}'], { stdio: 'pipe' }),
  compose: () => execFileSync('docker-compose', ['version'], { stdio: 'pipe' }),
  debootstrap: () => execFileSync('which', ['debootstrap'], { stdio: 'pipe' }),
  runc: () => execFileSync('runc', ['--version'], { stdio: 'pipe' }),
  crun: () => execFileSync('crun', ['--version'], { stdio: 'pipe' }),
  conmon: () => execFileSync('conmon', ['--version'], { stdio: 'pipe' }),
  registry: () => execFileSync('docker-registry', ['--version'], { stdio: 'pipe' }),
  nats: () => execFileSync('nats-server', ['--version'], { stdio: 'pipe' }),
  etcd: () => {
    execFileSync('etcd', ['--version'], { stdio: 'pipe' });
    execFileSync('etcdctl', ['version'], { stdio: 'pipe' });
  },
  root: () => {
    if (process.getuid?.() !== 0) throw new Error('not root');
  },
  nft: () => execFileSync('nft', ['--version'], { stdio: 'pipe' }),
  ip: () => execFileSync('ip', ['-V'], { stdio: 'pipe' }),
  faketime: () => fakeTimeLibrary(),
} as const;

export type Requirement = keyof typeof checks;

/**
 * `describe` if the machine has everything, otherwise a loud `describe.skip`. In CI nothing is skipped: the tests run, and fail.
 */
export function describeWith(requirements: readonly Requirement[], name: string, body: () => void): void {
  const missing = requirements.filter((requirement) => !has(requirement));
  if (missing.length === 0 || process.env['CI']) return describe(name, body);
  process.stderr.write(`SKIPPED: ${name}: needs ${missing.join(', ')}\n`);
  describe.skip(name, body);
}

function has(requirement: Requirement): boolean {
  try {
    checks[requirement]();
    return true;
  } catch {
    // Whatever the reason, it is not usable.
    return false;
  }
}

/** The file of libfaketime, wherever this machine's architecture has it. @throws Error */
export function fakeTimeLibrary(): string {
  const directory = '/usr/lib';
  const library = readdirSync(directory)
    .map((architecture) => path.join(directory, architecture, 'faketime/libfaketime.so.1'))
    .find((file) => existsSync(file));
  if (library === undefined) throw new Error('libfaketime is not installed');
  return library;
}
