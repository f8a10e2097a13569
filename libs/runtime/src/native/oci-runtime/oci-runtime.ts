import { spawn } from 'node:child_process';
import { readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { RuntimeError } from '../../container-runtime';
import { exists } from '../host-facts';
import { type OciProcess, type OciResources, type OciSpec } from '../oci/spec-types';
import { commandOf, type SealedPerl } from '../launcher/sealed-perl';
import { type ProgramResult, tryProgram } from '../run-program';
import { type Dialect } from './dialects';

/** A program that makes containers, with runc's command line. What is done with them later has to be done by the same one. */
export class OciRuntime {
  constructor(
    private readonly dialect: Dialect,
    /** Its whole path. */
    readonly program: string,
    /** Where it keeps what it knows of containers. */
    readonly state: string,
    /** What runs it for a sandbox, if it is our own. */
    private readonly perl?: SealedPerl,
  ) {}

  get name(): string {
    return this.dialect.name;
  }

  args(...args: readonly string[]): string[] {
    return ['--root', this.state, ...args];
  }

  async version(): Promise<string> {
    const { stdout } = await this.call('--version');
    return /version (\S+)/.exec(stdout)?.[1] ?? '';
  }

  /** Whether it knows a container, running or not. */
  knows(id: string): Promise<boolean> {
    return exists(path.join(this.state, id));
  }

  /** Whether a container has been created and not started. */
  waitsForStart(id: string): Promise<boolean> {
    return exists(path.join(this.state, id, this.dialect.gate));
  }

  /** Writes what a container is made from. */
  async writeBundle(bundle: string, spec: OciSpec): Promise<void> {
    for (const [name, content] of Object.entries(this.dialect.bundle(spec))) {
      await writeFile(path.join(bundle, name), content, { mode: 0o600 });
    }
  }

  /** Writes what `exec` is told of a command. */
  async writeProcess(file: string, process: OciProcess, spec: OciSpec): Promise<void> {
    await writeFile(file, this.dialect.process(process, spec), { mode: 0o600 });
  }

  /** Starts a pause process, which nobody watches over. @returns its process id */
  async runDetached(id: string, bundle: string): Promise<number> {
    const pidFile = path.join(bundle, 'pid');
    const log = path.join(bundle, 'oci.log');
    const args = this.args('--log', log, 'run', '--detach', '--pid-file', pidFile, '--bundle', bundle, id);
    const command = await commandOf(this.program, args, this.perl);
    await new Promise<void>((resolve, reject) => {
      // The pause process inherits these streams: with pipes they would never end.
      const env = { PATH: process.env['PATH'], LC_ALL: 'C' };
      const child = spawn(command.file, command.args, { argv0: command.argv0, stdio: 'ignore', env });
      child.once('error', (error) =>
        reject(new RuntimeError('unavailable', `cannot run ${this.name}: ${error.message}`)),
      );
      child.once('close', (code) => (code === 0 ? resolve() : reject(new Error(`exit code ${code}`))));
    }).catch(async (error: Error) => {
      if (error instanceof RuntimeError) throw error;
      const said = (await exists(log)) ? await readFile(log, 'utf8') : '';
      throw new RuntimeError('create-failed', `failed to create the pod's sandbox: ${said.trim() || error.message}`);
    });
    await rm(log, { force: true });
    return Number(await readFile(pidFile, 'utf8'));
  }

  async start(id: string): Promise<void> {
    const said = await (this.dialect.start?.(path.join(this.state, id)) ?? this.runStart(id));
    if (said !== '') throw new RuntimeError('start-failed', `OCI runtime start failed: ${this.dialect.message(said)}`);
  }

  /** What it said of a container that it does not create, in runc's words, which exit codes and messages are made from. */
  async message(said: string, bundle: string): Promise<string> {
    const { process } = await readSpec(bundle);
    return this.dialect.message(said, process.args[0]);
  }

  /** Kills what runs and removes what is known of it; succeeds if that is nothing. */
  async delete(id: string): Promise<void> {
    const { code, stderr } = await this.call('delete', '--force', id);
    if (code !== 0 && !/does not exist|No such file/.test(stderr)) {
      throw new RuntimeError('unavailable', `cannot remove container ${id}: ${stderr.trim()}`);
    }
  }

  /** Changes the limits of a container that runs. */
  async update(id: string, bundle: string, resources: OciResources): Promise<void> {
    const file = path.join(bundle, 'resources');
    const spec = await readSpec(bundle);
    await writeFile(file, this.dialect.resources(resources, spec), { mode: 0o600 });
    const { code, stderr } = await this.call('update', '--resources', file, id);
    await rm(file, { force: true });
    if (code !== 0) throw new RuntimeError('invalid-argument', `cannot update container: ${stderr.trim()}`);
  }

  private async runStart(id: string): Promise<string> {
    const { code, stderr } = await this.call('start', id);
    return code === 0 ? '' : stderr || `exit code ${code}`;
  }

  private call(...args: readonly string[]): Promise<ProgramResult> {
    return tryProgram(this.program, this.args(...args));
  }
}

/** What a bundle was written from. */
export async function readSpec(bundle: string): Promise<OciSpec> {
  return JSON.parse(await readFile(path.join(bundle, 'config.json'), 'utf8')) as OciSpec;
}
