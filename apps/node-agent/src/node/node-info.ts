import fs from 'node:fs/promises';
import os from 'node:os';

/** What the host is and has, measured once at start. */
export interface HostInfo {
  readonly machineId: string;
  readonly systemUuid: string;
  readonly bootId: string;
  readonly osImage: string;
  readonly cpus: number;
  readonly memoryBytes: number;
  readonly storageBytes: number;
}

/** @param dataDir the file system that pods write to */
export async function measureHost(dataDir: string | undefined): Promise<HostInfo> {
  const read = (file: string): Promise<string> =>
    fs.readFile(file, 'utf8').then(
      (text) => text.trim(),
      // These files are the distribution's business; what is not there is left empty.
      () => '',
    );
  const release = await read('/etc/os-release');
  const [, pretty] = /^PRETTY_NAME="?([^"\n]*)/m.exec(release) ?? [];
  const storage = dataDir === undefined ? undefined : await fs.statfs(dataDir);
  return {
    machineId: await read('/etc/machine-id'),
    systemUuid: await read('/sys/class/dmi/id/product_uuid'),
    bootId: await read('/proc/sys/kernel/random/boot_id'),
    osImage: pretty ?? os.type(),
    cpus: os.availableParallelism(),
    memoryBytes: os.totalmem(),
    storageBytes: storage === undefined ? 100 * 2 ** 30 : storage.blocks * storage.bsize,
  };
}

const architectures: Readonly<Record<string, string>> = { x64: 'amd64', arm64: 'arm64', ia32: '386', arm: 'arm' };

/** Go's name of this machine's architecture. */
export function goArchitecture(): string {
  return architectures[os.arch()] ?? os.arch();
}
