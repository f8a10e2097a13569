import { spawn } from 'node:child_process';
import { open } from 'node:fs/promises';
import path from 'node:path';
import { type Readable } from 'node:stream';
import { RuntimeError } from '../container-runtime';
import { exists } from './host-facts';
import { type Layout } from './layout';
import { type ProgramResult, tryProgram } from './run-program';

const conmon = 'conmon';

const control = { resize: 1, reopenLogs: 2 } as const;

/** runc, and conmon that watches over what it starts: it outlives this process, writes the log in CRI's format and the exit code. */
export class Runc {
  private constructor(
    private readonly layout: Layout,
    readonly program: string,
  ) {}

  /** Looks in PATH, since conmon asks for the whole path of what it runs. */
  static async find(layout: Layout): Promise<Runc> {
    for (const directory of (process.env['PATH'] ?? '').split(':').filter((name) => path.isAbsolute(name))) {
      const program = path.join(directory, 'runc');
      if (await exists(program)) return new Runc(layout, program);
    }
    throw new RuntimeError('unavailable', 'there is no runc on this machine');
  }

  args(...args: readonly string[]): string[] {
    return ['--root', this.layout.runc, ...args];
  }

  async version(): Promise<string> {
    const { stdout } = await this.call('--version');
    return /version (\S+)/.exec(stdout)?.[1] ?? '';
  }

  call(...args: readonly string[]): Promise<ProgramResult> {
    return tryProgram(this.program, this.args(...args));
  }

  /** Starts a pause process, which nobody watches over. @returns its process id */
  async runDetached(id: string, bundle: string): Promise<number> {
    const pidFile = path.join(bundle, 'pid');
    await new Promise<void>((resolve, reject) => {
      const args = this.args('--log', path.join(bundle, 'runc.log'), 'run', '--detach', '--pid-file', pidFile);
      // The pause process inherits these streams: with pipes they would never end.
      const child = spawn(this.program, [...args, '--bundle', bundle, id], { stdio: 'ignore' });
      child.once('error', (error) => reject(new RuntimeError('unavailable', `cannot run runc: ${error.message}`)));
      child.once('close', (code) => (code === 0 ? resolve() : reject(new Error(`exit code ${code}`))));
    }).catch(async (error: Error) => {
      if (error instanceof RuntimeError) throw error;
      const said = await readText(path.join(bundle, 'runc.log'));
      throw new RuntimeError('create-failed', `failed to create the pod's sandbox: ${said.trim() || error.message}`);
    });
    return Number(await readText(pidFile));
  }

  /** Creates a container under a supervisor of its own. Rejects with what runc says. @returns its first process, and conmon */
  async create(
    id: string,
    {
      name,
      tty,
      stdin,
      stdinOnce,
    }: Readonly<Record<'tty' | 'stdin' | 'stdinOnce', boolean>> & { readonly name: string },
  ): Promise<{ readonly pid: number; readonly supervisor: number }> {
    const bundle = this.layout.container(id);
    const supervisorFile = path.join(bundle, 'conmon.pid');
    const args = [
      ...['--cid', id, '--cuuid', id, '--name', name, '--runtime', this.program, '--bundle', bundle],
      ...['--persist-dir', bundle, '--container-pidfile', path.join(bundle, 'pid'), '--conmon-pidfile', supervisorFile],
      ...['--exit-dir', this.layout.exits, '--log-path', `k8s-file:${this.layout.log(id)}`, '--full-attach'],
      ...['--runtime-arg', '--root', '--runtime-arg', this.layout.runc, '--no-sync-log'],
      // What the container leaves in a shared process namespace, and its cgroup, go with it, whether or not an agent runs.
      ...['--exit-command', this.program],
      ...this.args('delete', '--force', id).flatMap((arg) => ['--exit-command-arg', arg]),
      ...(tty ? ['--terminal'] : []),
      ...(stdin ? ['--stdin', ...(stdinOnce ? [] : ['--leave-stdin-open'])] : []),
    ];
    const child = spawn(conmon, args, {
      cwd: bundle,
      // Its timestamps are local.
      env: { PATH: process.env['PATH'], TZ: 'UTC', _OCI_SYNCPIPE: '3' },
      stdio: ['ignore', 'ignore', 'pipe', 'pipe'],
      detached: true,
    });
    let problem = '';
    child.stderr?.setEncoding('utf8').on('data', (text: string) => (problem += text));
    const answer = await new Promise<string>((resolve, reject) => {
      let text = '';
      child.once('error', (error) => reject(new RuntimeError('unavailable', `cannot run conmon: ${error.message}`)));
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
    if (answer === '')
      throw new RuntimeError('start-failed', `the supervisor of the container did not start: ${problem}`);
    const { pid = -1, message = '' } = JSON.parse(answer) as { pid?: number; message?: string };
    if (pid <= 0) {
      throw new RuntimeError(
        'start-failed',
        `failed to create containerd task: OCI runtime create failed: ${message.trim()}`,
      );
    }
    return { pid, supervisor: Number(await readText(supervisorFile)) };
  }

  async start(id: string): Promise<void> {
    const { code, stderr } = await this.call('start', id);
    if (code !== 0) throw new RuntimeError('start-failed', `OCI runtime start failed: ${stderr.trim()}`);
  }

  /** Kills what runs and removes what runc knows of it; succeeds if that is nothing. */
  async delete(id: string): Promise<void> {
    const { code, stderr } = await this.call('delete', '--force', id);
    if (code !== 0 && !/does not exist/.test(stderr)) {
      throw new RuntimeError('unavailable', `cannot remove container ${id}: ${stderr.trim()}`);
    }
  }

  resize(id: string, { width, height }: { readonly width: number; readonly height: number }): Promise<void> {
    return this.control(id, `${control.resize} ${height} ${width}\n`);
  }

  /** The supervisor goes on in a new file under the log's name. */
  reopenLog(id: string): Promise<void> {
    return this.control(id, `${control.reopenLogs} 0 0\n`);
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

async function readText(file: string): Promise<string> {
  const handle = await open(file);
  try {
    return await handle.readFile('utf8');
  } finally {
    await handle.close();
  }
}
