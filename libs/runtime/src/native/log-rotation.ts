import { rename, stat } from 'node:fs/promises';

/** As the kubelet rotates: 10 MiB, five files. */
export const maxBytes = 10 * 2 ** 20;
export const maxFiles = 5;

/** The older files of a log that there may be, the oldest first. */
export function olderLogs(file: string): string[] {
  return Array.from({ length: maxFiles - 1 }, (_, index) => `${file}.${maxFiles - 1 - index}`);
}

/**
 * Moves a log that is too large out of the way; whoever writes it has to be told to begin anew.
 * @returns whether it did, or somebody had
 */
export async function rotate(file: string, limit = maxBytes): Promise<boolean> {
  const names = [...olderLogs(file), file];
  const size = await sizeOf(file);
  // Whoever moved it did not get as far as telling.
  if (size === undefined) return (await sizeOf(names.at(-2) ?? '')) !== undefined;
  if (size < limit) return false;
  for (const [index, name] of names.slice(1).entries()) {
    if ((await sizeOf(name)) !== undefined) await rename(name, names[index] ?? name);
  }
  return true;
}

async function sizeOf(file: string): Promise<number | undefined> {
  try {
    return (await stat(file)).size;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
