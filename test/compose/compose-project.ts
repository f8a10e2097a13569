import { execFile, execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { freePorts } from '../tools/free-ports';
import { kubectlPath } from '../tools/kubernetes-clients';

const run = promisify(execFile);
const root = join(__dirname, '../..');
const MAX_OUTPUT = 64 << 20;

/** What the engine says of one container. */
export interface ContainerState {
  readonly pid: number;
  readonly restarts: number;
  /** `healthy`, `unhealthy` or `starting`; absent: nobody asks. */
  readonly health?: string;
  readonly isRunning: boolean;
}

/** `docker-compose.yml` as a project of its own, beside others on the same machine: with addresses, ports and folders of its own. */
export class ComposeProject {
  readonly id = randomBytes(4).toString('hex');
  readonly name = `nestor-test-${this.id}`;
  readonly directory = mkdtempSync(join(tmpdir(), 'nestor-compose-'));
  readonly podDirectory = join(this.directory, 'pods');
  private env: NodeJS.ProcessEnv = process.env;

  /** Base images, then the image: takes minutes the first time. */
  async build(): Promise<void> {
    const [api, nats] = await freePorts(2);
    const given = process.env['NODE_IMAGE'] !== undefined && process.env['NATS_IMAGE'] !== undefined;
    const bases = given ? {} : await baseImages();
    this.env = {
      ...process.env,
      ...bases,
      // The engine's own builder, which is in Debian's command line; the older one takes twice as long.
      PATH: `/usr/bin:${process.env['PATH']}`,
      DOCKER_BUILDKIT: '1',
      COMPOSE_DOCKER_CLI_BUILD: '1',
      NESTOR_BUILD_NETWORK: 'host',
      NESTOR_IMAGE: 'nestor:test',
      NESTOR_HOME: join(this.directory, 'identities'),
      NESTOR_POD_DIR: this.podDirectory,
      NESTOR_CLUSTER_NAME: this.id,
      NESTOR_API_PORT: String(api),
      NESTOR_NATS_PORT: String(nats),
      NESTOR_POD_CIDR: '10.61.0.0/16',
      NESTOR_SERVICE_CIDR: '10.62.0.0/16',
      NESTOR_DNS_IP: '10.62.0.10',
    };
    // The engine has to see what is mounted here, also on machines without systemd, which shares all mounts.
    mkdirSync(this.podDirectory);
    await run('mount', ['--bind', this.podDirectory, this.podDirectory]);
    await run('mount', ['--make-shared', this.podDirectory]);
    await this.compose('build', 'pki');
  }

  get kubeconfig(): string {
    return join(this.directory, 'identities/admin/kubeconfig');
  }

  /** A file of the test's own, in its directory. */
  write(name: string, text: string): void {
    writeFileSync(join(this.directory, name), text);
  }

  /** Runs docker-compose to its end; rejects with what it said if it fails. */
  async compose(...args: string[]): Promise<string> {
    const options = { cwd: root, env: this.env, maxBuffer: MAX_OUTPUT };
    const { stdout } = await run('docker-compose', ['--project-name', this.name, ...args], options);
    return stdout;
  }

  async kubectl(...args: string[]): Promise<string> {
    const env = { ...process.env, KUBECONFIG: this.kubeconfig, HOME: this.directory };
    const { stdout } = await run(await kubectlPath('v35'), args, { env, maxBuffer: MAX_OUTPUT });
    return stdout;
  }

  /** Names of the services that should run. */
  async services(): Promise<string[]> {
    return words(await this.compose('config', '--services')).filter((name) => name !== 'pki' && name !== 'purge');
  }

  async state(service: string): Promise<ContainerState> {
    const state = (await this.states()).get(service);
    if (state === undefined) throw new Error(`${service} has no container`);
    return state;
  }

  /** By service, in one question to the engine: docker-compose takes seconds for it. */
  async states(): Promise<Map<string, ContainerState>> {
    const format = [
      '{{index .Config.Labels "com.docker.compose.service"}}',
      '{{.State.Pid}} {{.RestartCount}} {{.State.Running}}',
      '{{if .State.Health}}{{.State.Health.Status}}{{end}}',
    ].join(' ');
    const { stdout } = await run('docker', ['inspect', '--format', format, ...(await this.containers())]);
    const lines = stdout.split('\n').filter((line) => line !== '');
    return new Map(
      lines.map((line) => {
        const [service = '', pid, restarts, running, health] = line.trim().split(' ');
        const state = { pid: Number(pid), restarts: Number(restarts), isRunning: running === 'true' };
        return [service, health === undefined ? state : { ...state, health }];
      }),
    );
  }

  /** As the kernel ends a process that has no memory left: the engine is not asked, and starts it again. `docker kill` counts as a stop. */
  async kill(service: string): Promise<void> {
    const { pid } = await this.state(service);
    if (pid === 0) throw new Error(`${service} does not run`);
    process.kill(pid, 'SIGKILL');
  }

  /** `nestor store …`, as a gateway may. */
  async store(...args: string[]): Promise<string> {
    const endpoints = ['0', '1', '2'].map((n) => `https://store-${n}:2379`).join(',');
    const files = ['--ca-file=ca.crt', '--cert-file=client.crt', '--key-file=client.key'];
    const options = [`--endpoints=${endpoints}`, ...files.map((file) => file.replace('=', '=/run/identity/'))];
    const command = ['node', 'bin/nestor', 'store', ...args, ...options];
    return this.compose('exec', '-T', 'gateway-0', ...command);
  }

  /** The service that leads the store. */
  async storeLeader(): Promise<string> {
    // A member that is down makes it fail, and is a row as any other.
    const table = await this.store('status').catch((error: { stdout: string }) => error.stdout);
    const leader = /^https:\/\/(store-\d)\S*\s+\S+\s+\S+\s+\S+ \S+\s+true/m.exec(table)?.[1];
    if (leader === undefined) throw new Error(`no leader:\n${table}`);
    return leader;
  }

  /** Memory in use by service, as the engine shows it. */
  async memory(): Promise<string[]> {
    const format = '{{.Name}} {{.MemUsage}}';
    const { stdout } = await run('docker', ['stats', '--no-stream', '--format', format, ...(await this.containers())]);
    return stdout
      .split('\n')
      .filter((line) => line !== '' && !line.includes('_pki_'))
      .map((line) => line.replace(`${this.name}_`, '').replace(/_1 /, ' '))
      .sort();
  }

  private async containers(): Promise<string[]> {
    const label = `label=com.docker.compose.project=${this.name}`;
    return words((await run('docker', ['ps', '--all', '--quiet', '--filter', label])).stdout);
  }

  /** What is left of the project and of the cluster's pods on this machine; empty is as it should be. */
  leftovers(): string[] {
    const docker = (...args: string[]): string[] => words(execFileSync('docker', args, { encoding: 'utf8' }));
    const project = `label=com.docker.compose.project=${this.name}`;
    const labels = [project, `label=nestor.dev/cluster=${this.id}`];
    return [
      ...labels.flatMap((label) => docker('ps', '--all', '--quiet', '--filter', label)).map((id) => `container ${id}`),
      ...docker('network', 'ls', '--format', '{{.Name}}', '--filter', `name=${this.id}`).map(
        (name) => `network ${name}`,
      ),
      ...docker('volume', 'ls', '--quiet', '--filter', `name=${this.id}`).map((name) => `volume ${name}`),
      ...readdirSync(this.podDirectory).map((name) => `file ${name}`),
      ...words(execFileSync('nft', ['list', 'tables'], { encoding: 'utf8' }))
        .filter((word) => word.includes(this.id))
        .map((table) => `packet filter rules ${table}`),
    ];
  }

  /** Ends and removes everything, pods included: as docs/production.md says. */
  async remove(): Promise<void> {
    await this.compose('stop');
    await this.compose('run', '--rm', 'purge');
    await this.compose('down', '--volumes');
  }

  /** Removes what the test itself has made. */
  async dispose(): Promise<void> {
    await run('umount', ['--recursive', '--lazy', this.podDirectory]);
    rmSync(this.directory, { recursive: true, force: true });
  }
}

async function baseImages(): Promise<Record<string, string>> {
  const { stdout } = await run(process.execPath, [join(root, 'scripts/base-images.mjs')], { maxBuffer: MAX_OUTPUT });
  return Object.fromEntries(words(stdout).map((line) => line.split('=') as [string, string]));
}

function words(text: string): string[] {
  return text.split(/\s+/).filter((word) => word !== '');
}
