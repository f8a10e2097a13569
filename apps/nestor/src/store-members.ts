import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { UserError } from './user-error';

/** A member of a store on this machine. */
export interface LocalMember {
  readonly name: string;
  readonly directory: string;
  readonly clientPort: number;
  readonly peerPort: number;
}

export interface StoreMembersOptions {
  /** All of them: together they begin a store, or go on with it. */
  readonly members: readonly LocalMember[];
  /** Files with which clients and members know each other; absent: no TLS, which is for trying things out. */
  readonly tls?: { readonly caFile: string; readonly certFile: string; readonly keyFile: string };
  /** More environment for each. */
  readonly environment?: Readonly<Record<string, string>>;
  /** Where their logs go: a file descriptor, or this process's own. */
  readonly output?: number | 'inherit';
  /** Hears of members that end and come back. */
  readonly say: (line: string) => void;
}

/** A member that ends by itself is started again after so long; twice as long each time it ends within a minute. */
const RESTART_MS = 1_000;
const LONGEST_RESTART_MS = 30_000;
const LASTING_MS = 60_000;
/** How long members have to stop. */
const STOP_MS = 20_000;

/** The members of one store as processes of their own, which are started again when they end, and end with this one. */
export class StoreMembers {
  private readonly keepers: readonly Keeper[];

  /** @throws UserError if this build has no store */
  constructor(private readonly options: StoreMembersOptions) {
    const program = join(__dirname, '../../store/main.js');
    if (!existsSync(program)) throw new UserError('this build has no store of its own');
    this.keepers = options.members.map(
      (member) => new Keeper(member.name, program, this.environment(member), options.output ?? 'inherit', options.say),
    );
  }

  /** Where clients find each member. */
  get endpoints(): readonly string[] {
    return this.options.members.map(({ clientPort }) => `${this.scheme}://127.0.0.1:${clientPort}`);
  }

  start(): void {
    for (const keeper of this.keepers) keeper.start();
  }

  async stop(): Promise<void> {
    await Promise.all(this.keepers.map((keeper) => keeper.stop()));
  }

  private get scheme(): 'http' | 'https' {
    return this.options.tls === undefined ? 'http' : 'https';
  }

  private environment({ name, directory, clientPort, peerPort }: LocalMember): Record<string, string> {
    const { members, tls, environment } = this.options;
    const peerUrl = (member: LocalMember): string => `${this.scheme}://127.0.0.1:${member.peerPort}`;
    return {
      STORE_NAME: name,
      STORE_DATA_DIR: directory,
      LISTEN_ADDRESS: `127.0.0.1:${clientPort}`,
      STORE_CLIENT_URLS: `${this.scheme}://127.0.0.1:${clientPort}`,
      STORE_PEER_LISTEN_ADDRESS: `127.0.0.1:${peerPort}`,
      STORE_INITIAL_CLUSTER: members.map((member) => `${member.name}=${peerUrl(member)}`).join(','),
      ...(tls === undefined
        ? {}
        : {
            SERVING_CERT_FILE: tls.certFile,
            SERVING_KEY_FILE: tls.keyFile,
            CLIENT_CA_FILE: tls.caFile,
            PEER_CERT_FILE: tls.certFile,
            PEER_KEY_FILE: tls.keyFile,
            PEER_CA_FILE: tls.caFile,
          }),
      ...environment,
    };
  }
}

/** Keeps one process running. */
class Keeper {
  private child: ChildProcess | undefined;
  private startedAt = 0;
  private pauseMs = RESTART_MS;
  private restart: NodeJS.Timeout | undefined;
  private isStopping = false;

  constructor(
    private readonly name: string,
    private readonly program: string,
    private readonly environment: Record<string, string>,
    private readonly output: number | 'inherit',
    private readonly say: (line: string) => void,
  ) {}

  start(): void {
    this.startedAt = Date.now();
    const { output } = this;
    this.child = spawn(process.execPath, [this.program], {
      env: { ...process.env, ...this.environment },
      // The channel ends with this process, and the member with the channel.
      stdio: ['ignore', output, output, 'ipc'],
    });
    this.child.once('error', (error) => this.say(`${this.name}: ${error.message}`));
    this.child.once('exit', (code, signal) => this.ended(signal ?? `exit code ${code}`));
  }

  async stop(): Promise<void> {
    this.isStopping = true;
    clearTimeout(this.restart);
    const { child } = this;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const exit = once(child, 'exit');
    const limit = setTimeout(() => child.kill('SIGKILL'), STOP_MS);
    child.kill('SIGTERM');
    await exit;
    clearTimeout(limit);
  }

  private ended(how: string): void {
    if (this.isStopping) return;
    if (Date.now() - this.startedAt > LASTING_MS) this.pauseMs = RESTART_MS;
    this.say(`${this.name} has ended (${how}); starting it again in ${this.pauseMs / 1_000} s`);
    this.restart = setTimeout(() => this.start(), this.pauseMs);
    this.pauseMs = Math.min(LONGEST_RESTART_MS, this.pauseMs * 2);
  }
}
