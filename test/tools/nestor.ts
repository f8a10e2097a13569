import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { kubectlPath, type KubectlVersion } from './kubernetes-clients';

const run = promisify(execFile);
/** Another build than this checkout's, for development. */
const nestor = process.env['NESTOR_BIN'] ?? join(__dirname, '../../bin/nestor');

export interface NestorOptions {
  readonly runtime?: 'auto' | 'docker' | 'native' | 'fake';
  readonly nodes?: number;
  readonly bus?: string;
  /** On three members of the store. */
  readonly ha?: boolean;
  /** Where the cluster lives; a temporary directory by default. */
  readonly home?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** What the cluster sees as /etc/resolv.conf, in a mount namespace of its own. */
  readonly resolvConf?: string;
  /** Words before its command line: what it is run by. */
  readonly within?: readonly string[];
}

interface Result {
  readonly stdout: string;
  readonly stderr: string;
}

/** A cluster of its own, started by the command line as a person would, with kubectl. */
export class NestorCluster {
  readonly home: string;

  constructor(
    private readonly options: NestorOptions = {},
    private readonly version: KubectlVersion = 'v32',
  ) {
    this.home = options.home ?? mkdtempSync(join(tmpdir(), 'nestor-e2e-'));
  }

  get kubeconfig(): string {
    return join(this.home, 'kubeconfig');
  }

  get pid(): number {
    return Number(readFileSync(join(this.home, 'nestor.pid'), 'utf8'));
  }

  /** `nestor up --detach` on a free port. */
  async up(): Promise<Result> {
    const { runtime = 'docker', nodes = 1, bus, ha = false } = this.options;
    const more = [...(bus === undefined ? [] : ['--bus', bus]), ...(ha ? ['--ha'] : [])];
    return this.nestor('up', '--detach', '--port', '0', '--runtime', runtime, '--nodes', String(nodes), ...more);
  }

  /** Removes everything that `up` made. */
  async purge(): Promise<void> {
    await this.nestor('down', '--purge');
  }

  nestor(...args: string[]): Promise<Result> {
    const [program, ...rest] = [...this.prefix(), process.execPath, nestor, ...args] as [string, ...string[]];
    return run(program, rest, { env: { ...process.env, ...this.options.env, NESTOR_HOME: this.home } });
  }

  /** Runs kubectl to its end; rejects with what it said if it fails. */
  async kubectl(...args: string[]): Promise<string> {
    const { stdout } = await run(await kubectlPath(this.version), args, {
      env: this.environment(),
      maxBuffer: 64 << 20,
    });
    return stdout;
  }

  /** Gives kubectl a text on its standard input (`apply -f -`). */
  async kubectlWith(input: string, ...args: string[]): Promise<string> {
    const child = execFile(await kubectlPath(this.version), args, { env: this.environment() });
    child.stdin?.end(input);
    return collect(child);
  }

  /** Starts a kubectl that goes on (`logs -f`, `get -w`); the caller ends it. */
  async kubectlStream(...args: string[]): Promise<ChildProcess> {
    return spawn(await kubectlPath(this.version), args, { env: this.environment(), stdio: ['ignore', 'pipe', 'pipe'] });
  }

  private prefix(): string[] {
    const { resolvConf, within = [] } = this.options;
    if (resolvConf === undefined) return [...within];
    const mount = 'mount --bind "$0" /etc/resolv.conf && exec "$@"';
    return ['unshare', '--mount', '--propagation', 'slave', 'sh', '-c', mount, resolvConf, ...within];
  }

  private environment(): NodeJS.ProcessEnv {
    return { ...process.env, KUBECONFIG: this.kubeconfig, HOME: this.options.env?.['HOME'] ?? this.home };
  }
}

function collect(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let stdout = '';
    let stderr = '';
    child.stdout?.on('data', (chunk) => (stdout += String(chunk)));
    child.stderr?.on('data', (chunk) => (stderr += String(chunk)));
    child.once('error', reject);
    child.once('exit', (code) =>
      code === 0 ? resolve(stdout) : reject(new Error(`kubectl: exit code ${code}: ${stderr}`)),
    );
  });
}
