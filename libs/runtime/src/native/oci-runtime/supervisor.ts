import { spawn } from 'node:child_process';
import { open, readFile } from 'node:fs/promises';
import path from 'node:path';
import { type Readable } from 'node:stream';
import { RuntimeError } from '../../container-runtime';
import { type Layout } from '../layout';
import { commandOf, type SealedPerl } from '../launcher/sealed-perl';
import { type OciRuntime } from './oci-runtime';

const control = { resize: 1, reopenLogs: 2 } as const;

export interface SupervisedContainer {
  readonly name: string;
  readonly tty: boolean;
  readonly stdin: boolean;
  readonly stdinOnce: boolean;
}

/**
 * conmon, or our own that has its command line: one watches over each container, outlives this process, and writes the log in CRI's format and
 * the exit code.
 */
export class Supervisor {
  constructor(
    readonly program: string,
    private readonly layout: Layout,
    private readonly runtime: OciRuntime,
    private readonly moreArgs: readonly string[] = [],
    /** What runs it, if it is our own. */
    private readonly perl?: SealedPerl,
  ) {}

  /** Has the runtime create a container. Rejects with what that says. @returns its first process, and the supervisor */
  async create(
    id: string,
    { name, tty, stdin, stdinOnce }: SupervisedContainer,
  ): Promise<{ readonly pid: number; readonly supervisor: number }> {
    const bundle = this.layout.container(id);
    const supervisorFile = path.join(bundle, 'conmon.pid');
    const args = [
      ...['--cid', id, '--cuuid', id, '--name', name, '--runtime', this.runtime.program, '--bundle', bundle],
      ...['--persist-dir', bundle, '--container-pidfile', path.join(bundle, 'pid'), '--conmon-pidfile', supervisorFile],
      ...['--exit-dir', this.layout.exits, '--log-path', `k8s-file:${this.layout.log(id)}`, '--full-attach'],
      // What crun warns of goes to its log: the container's own would have it otherwise.
      ...this.runtime.args('--log', path.join(bundle, 'oci.log')).flatMap((arg) => ['--runtime-arg', arg]),
      '--no-sync-log',
      // What the container leaves in a shared process namespace, and its cgroup, go with it, whether or not an agent runs.
      ...['--exit-command', this.runtime.program],
      ...this.runtime.args('delete', '--force', id).flatMap((arg) => ['--exit-command-arg', arg]),
      ...(tty ? ['--terminal'] : []),
      ...(stdin ? ['--stdin', ...(stdinOnce ? [] : ['--leave-stdin-open'])] : []),
      ...this.moreArgs,
    ];
    const answer = await this.ask(args, bundle);
    const { pid = -1, message = '' } = JSON.parse(answer) as { pid?: number; message?: string };
    if (pid <= 0) {
      throw new RuntimeError(
        'start-failed',
        `failed to create containerd task: OCI runtime create failed: ${await this.runtime.message(message, bundle)}`,
      );
    }
    return { pid, supervisor: Number(await readFile(supervisorFile, 'utf8')) };
  }

  resize(id: string, { width, height }: { readonly width: number; readonly height: number }): Promise<void> {
    return this.control(id, `${control.resize} ${height} ${width}\n`);
  }

  /** It goes on in a new file under the log's name. */
  reopenLog(id: string): Promise<void> {
    return this.control(id, `${control.reopenLogs} 0 0\n`);
  }

  /** @returns a line that it writes once the container is created, or is not */
  private async ask(args: readonly string[], cwd: string): Promise<string> {
    const command = await commandOf(this.program, args, this.perl);
    const child = spawn(command.file, command.args, {
      argv0: command.argv0,
      cwd,
      // Timestamps of conmon are local.
      env: { PATH: process.env['PATH'], TZ: 'UTC', LC_ALL: 'C', _OCI_SYNCPIPE: '3' },
      stdio: ['ignore', 'ignore', 'pipe', 'pipe'],
      detached: true,
    });
    let problem = '';
    child.stderr?.setEncoding('utf8').on('data', (text: string) => (problem += text));
    const answer = await new Promise<string>((resolve, reject) => {
      let text = '';
      child.once('error', (error) =>
        reject(new RuntimeError('unavailable', `cannot run ${this.program}: ${error.message}`)),
      );
      const pipe = child.stdio[3] as Readable;
      const finish = (): void => {
        pipe.destroy();
        child.stderr?.destroy();
        resolve(text);
      };
      pipe.setEncoding('utf8');
      pipe.on('data', (chunk: string) => {
        text += chunk;
        if (text.includes('\n')) finish();
      });
      pipe.once('close', finish);
    });
    if (answer !== '') return answer;
    throw new RuntimeError('start-failed', `the supervisor of the container did not start: ${problem}`);
  }

  private async control(id: string, message: string): Promise<void> {
    const fifo = await open(path.join(this.layout.container(id), 'ctl'), 'r+');
    try {
      await fifo.write(message);
    } finally {
      await fifo.close();
    }
  }
}
