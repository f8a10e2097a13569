import { readFile, stat } from 'node:fs/promises';
import { type HostFacts } from './oci/oci-spec';
import { ownUserNamespace } from './rootless/user-namespace';

/** What this process may do, and how the kernel counts. */
export async function hostFacts(): Promise<HostFacts> {
  const [status, limits, oomScore, userNamespace] = await Promise.all([
    readFile('/proc/self/status', 'utf8'),
    readFile('/proc/self/limits', 'utf8'),
    readFile('/proc/self/oom_score_adj', 'utf8'),
    ownUserNamespace(),
  ]);
  const capabilities = BigInt(`0x${/^CapEff:\s+([0-9a-f]+)$/m.exec(status)?.[1] ?? '0'}`);
  const openFiles = /^Max open files\s+\S+\s+(\d+)/m.exec(limits)?.[1];
  const cgroupVersion = (await exists('/sys/fs/cgroup/cgroup.controllers')) ? 2 : 1;
  return {
    capabilities,
    cgroupVersion,
    openFiles: openFiles === undefined ? Infinity : Number(openFiles),
    oomScore: Number(oomScore),
    ...(userNamespace === undefined ? {} : { userNamespace }),
  };
}

export async function exists(name: string): Promise<boolean> {
  try {
    await stat(name);
    return true;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return false;
    throw error;
  }
}
