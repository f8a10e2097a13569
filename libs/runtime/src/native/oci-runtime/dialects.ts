import { RuntimeError } from '../../container-runtime';
import { type CgroupHierarchies, limitSteps } from '../launcher/cgroup-steps';
import { compileFilter, encodeFilter } from '../seccomp/compile-filter';
import { syscallArchitectures } from '../seccomp/syscall-numbers';
import { thisArchitecture } from '../../local-image';
import { encodeSteps } from '../launcher/encode-steps';
import { startLaunched, startSocket } from '../launcher/start';
import { confined, containerSteps, processSteps } from '../launcher/launcher-steps';
import { type OciProcess, type OciResources, type OciSpec } from '../oci/spec-types';

export type OciRuntimeName = 'crun' | 'runc' | 'launcher';

type Content = string | Uint8Array;

/** What differs between programs that have runc's command line. */
export interface Dialect {
  readonly name: OciRuntimeName;
  /** What is in its state of a container from `create` to `start`. */
  readonly gate: string;
  /** Files of a bundle. */
  bundle(spec: OciSpec): Readonly<Record<string, Content>>;
  /** The file of `exec --process`. @param spec the container's */
  process(process: OciProcess, spec: OciSpec): Content;
  /** The file of `update --resources`. */
  resources(resources: OciResources, spec: OciSpec): Content;
  /** Its words in runc's. @param command the container's, as far as it is known */
  message(said: string, command?: string): string;
  /**
   * Starts a created container without a run of the program.
   * @param state the container's
   * @returns what went wrong, empty: nothing
   */
  readonly start?: (state: string) => Promise<string>;
}

function inJson(name: 'crun' | 'runc', message: Dialect['message']): Dialect {
  return {
    name,
    gate: 'exec.fifo',
    bundle: (spec) => ({ 'config.json': JSON.stringify(spec) }),
    process: (process) => JSON.stringify(process),
    resources: (resources) => JSON.stringify(resources),
    message,
  };
}

export const runc = inJson('runc', (said) => said.trim());

export const crun = inJson('crun', (said, command = '') =>
  said
    .trim()
    .replace(/executable file [`'"](.*?)['"`] not found in \$PATH.*/, 'exec: "$1": executable file not found in $PATH')
    // What is not a file it calls not permitted; execve(2) says that permission is denied.
    .replace(/open executable: Operation not permitted/, 'open executable: permission denied')
    .replace(/open executable: (.*)/, (_, reason: string) => `exec: "${command}": ${reason.toLowerCase()}`),
);

/** Our own is told steps instead of a configuration, which is there for `exec`, and for who wants to look. */
export function launcher(hierarchies: CgroupHierarchies): Dialect {
  return {
    name: 'launcher',
    gate: startSocket,
    bundle: (spec) => ({
      'config.json': JSON.stringify(spec),
      launch: encodeSteps(containerSteps(spec, hierarchies, filterOf(spec))),
    }),
    process: (process, spec) => encodeSteps(processSteps(confined(process, spec, hierarchies), filterOf(spec))),
    resources: (resources, { linux }) => encodeSteps(limitSteps(hierarchies, linux.cgroupsPath, resources)),
    message: (said) => said.trim(),
    start: startLaunched,
  };
}

/** A container's filter of system calls for the kernel. */
function filterOf({ linux: { seccomp } }: OciSpec): Uint8Array | undefined {
  if (seccomp === undefined) return undefined;
  try {
    return encodeFilter(compileFilter(seccomp, syscallArchitectures[thisArchitecture()]));
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    throw new RuntimeError('create-failed', `cannot load seccomp profile: ${message}`);
  }
}
