import fs from 'node:fs/promises';
import path from 'node:path';

/**
 * Writes a file so that readers see the old contents or the new, never a part, also across a crash. Only the owner may read
 * it (0600).
 */
export async function writeFileAtomically(file: string, contents: string): Promise<void> {
  const temporary = `${file}.${process.pid}.tmp`;
  const handle = await fs.open(temporary, 'w', 0o600);
  try {
    await handle.writeFile(contents);
    // An older temporary file may have been created with other rights.
    await handle.chmod(0o600);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await fs.rename(temporary, file);
  const directory = await fs.open(path.dirname(file), 'r');
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}

/** The file's text, or undefined if there is none. Takes away the rights of others, should it have any. */
export async function readPrivateFile(file: string): Promise<string | undefined> {
  try {
    const { mode } = await fs.stat(file);
    if ((mode & 0o077) !== 0) await fs.chmod(file, 0o600);
    return await fs.readFile(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** Makes the directory and its parents; only the owner may enter it (0700). */
export async function makePrivateDirectory(directory: string): Promise<void> {
  await fs.mkdir(directory, { recursive: true, mode: 0o700 });
  const { mode } = await fs.stat(directory);
  if ((mode & 0o077) !== 0) await fs.chmod(directory, 0o700);
}
