import { readFile } from 'node:fs/promises';
import { arch, release } from 'node:os';
import { type RuntimeInfo } from '../container-runtime';
import { limitsOf } from './rootless/limits';
import { type HostFacts } from './oci/oci-spec';

/** The kernel's names of architectures, as Docker tells them. */
const architectures: Readonly<Record<string, string>> = { x64: 'x86_64', arm64: 'aarch64' };

/** @param problem of the way out of the node's own network */
export async function runtimeInfo(
  version: string,
  { cgroupVersion, userNamespace }: HostFacts,
  problem?: string,
): Promise<RuntimeInfo> {
  return {
    name: 'native',
    version,
    apiVersion: 'v1',
    cgroupVersion,
    cgroupDriver: 'cgroupfs',
    operatingSystem: await operatingSystem(),
    kernelVersion: release(),
    architecture: architectures[arch()] ?? arch(),
    ...(userNamespace === undefined ? {} : { limits: limitsOf(userNamespace, problem) }),
  };
}

/** os-release(5). */
async function operatingSystem(): Promise<string> {
  try {
    return /^PRETTY_NAME="?([^"\n]*)"?$/m.exec(await readFile('/etc/os-release', 'utf8'))?.[1] ?? 'Linux';
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return 'Linux';
    throw error;
  }
}
