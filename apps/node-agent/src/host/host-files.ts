import fs from 'node:fs/promises';
import os from 'node:os';

/** The parts of /proc/sys and /sys that the proxy reads and sets. Paths are absolute. Replaced in tests. */
export interface HostFiles {
  /** Content without the final newline; rejects if there is no such file. */
  read(path: string): Promise<string>;
  write(path: string, value: string): Promise<void>;
  /** Names in a directory; none if it does not exist. */
  list(path: string): Promise<readonly string[]>;
  /** The host's interfaces that have IPv4 addresses. */
  interfaces(): Promise<readonly { readonly name: string; readonly address: string }[]>;
}

export const hostFiles: HostFiles = {
  read: async (path) => (await fs.readFile(path, 'utf8')).trim(),
  write: (path, value) => fs.writeFile(path, value),
  async list(path) {
    try {
      return await fs.readdir(path);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
      throw error;
    }
  },
  interfaces: async () =>
    Object.entries(os.networkInterfaces()).flatMap(([name, addresses]) =>
      (addresses ?? []).flatMap(({ family, address }) => (family === 'IPv4' ? [{ name, address }] : [])),
    ),
};
