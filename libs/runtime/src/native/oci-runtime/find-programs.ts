import { access, constants, readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { RuntimeError } from '../../container-runtime';
import { exists } from '../host-facts';
import { cgroupHierarchies } from '../launcher/hierarchies';
import { installLauncher } from '../launcher/install';
import { type Layout } from '../layout';
import { ownUserNamespace } from '../rootless/user-namespace';
import { type Steward } from '../steward';
import { maxBytes, maxFiles } from '../log-rotation';
import { crun, launcher, type OciRuntimeName, runc } from './dialects';
import { OciRuntime } from './oci-runtime';
import { Supervisor } from './supervisor';

/** What makes containers, and what watches over them. */
export interface ContainerPrograms {
  readonly runtime: OciRuntime;
  readonly supervisor: Supervisor;
}

/** Which to take, where it is not the best that there is. */
export interface WantedPrograms {
  readonly runtime?: OciRuntimeName;
  /** Even if there is a conmon. */
  readonly hasOwnSupervisor?: boolean;
}

/**
 * What has made the containers that are here goes on with them. Otherwise crun, which takes a third of the time that runc does, then runc, then
 * our own. Whoever watches over containers may change: a running one has its own.
 */
export async function findPrograms(
  layout: Layout,
  steward: Steward,
  wanted: WantedPrograms = {},
): Promise<ContainerPrograms> {
  const own = await installLauncher(layout.programs);
  // In an ordinary user's namespace others have ways of their own, which go by control groups that there are none of.
  if ((await ownUserNamespace()) !== undefined) wanted = { runtime: 'launcher', hasOwnSupervisor: true };
  const name = wanted.runtime ?? (await nameInUse(layout)) ?? (await bestOf());
  const program = name === 'launcher' ? own.launcher : await inPath(name);
  if (program === undefined) {
    throw new RuntimeError('unavailable', `${name} has made the containers of this node, and is not here any more`);
  }
  const dialect = name === 'launcher' ? launcher(await cgroupHierarchies()) : { crun, runc }[name];
  const runner = name === 'crun' && (await isHybrid()) ? own.crun : program;
  const perl = (): Promise<string> => steward.sealedPerl();
  const runtime = new OciRuntime(dialect, runner, layout.runtimeState(name), name === 'launcher' ? perl : undefined);
  const conmon = wanted.hasOwnSupervisor === true ? undefined : await inPath('conmon');
  if (conmon !== undefined) return { runtime, supervisor: new Supervisor(conmon, layout, runtime) };
  // It rotates its log itself, whether or not an agent runs.
  const rotation = ['--log-max-bytes', String(maxBytes), '--log-max-files', String(maxFiles)];
  return { runtime, supervisor: new Supervisor(own.supervisor, layout, runtime, rotation, perl) };
}

const names: readonly OciRuntimeName[] = ['crun', 'runc', 'launcher'];

async function nameInUse(layout: Layout): Promise<OciRuntimeName | undefined> {
  for (const name of names) {
    const state = layout.runtimeState(name);
    if ((await exists(state)) && (await readdir(state)).length > 0) return name;
  }
  return undefined;
}

async function bestOf(): Promise<OciRuntimeName> {
  if ((await inPath('crun')) !== undefined) return 'crun';
  return (await inPath('runc')) === undefined ? 'launcher' : 'runc';
}

/** Control groups of version 1 beside a tree of version 2 that has controllers: crun refuses them, and is run by a program that hides the latter. */
async function isHybrid(): Promise<boolean> {
  const file = '/sys/fs/cgroup/unified/cgroup.controllers';
  return (await exists(file)) && (await readFile(file, 'utf8')).trim() !== '';
}

/** The whole path, which conmon asks for. */
async function inPath(program: string): Promise<string | undefined> {
  for (const directory of (process.env['PATH'] ?? '').split(':').filter((name) => path.isAbsolute(name))) {
    const file = path.join(directory, program);
    if (await isExecutable(file)) return file;
  }
  return undefined;
}

function isExecutable(file: string): Promise<boolean> {
  return access(file, constants.X_OK).then(
    () => true,
    () => false,
  );
}
