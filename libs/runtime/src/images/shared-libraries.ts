import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Where every loader looks without being told. */
const searched = [/^\/lib(64)?$/, /^\/usr\/lib(64)?$/, /^\/(usr\/)?lib\/[a-z0-9_]+-linux-[a-z]+$/];

/**
 * Shared libraries, the loader among them, that executables need: the paths by which they are found, sorted. Rejects when one is missing.
 */
export async function librariesOf(executables: readonly string[]): Promise<string[]> {
  const found = new Set<string>();
  for (const text of await Promise.all(executables.map(ldd))) {
    for (const library of parseLdd(text)) found.add(library);
  }
  return [...found].sort();
}

/** Directories for `LD_LIBRARY_PATH`: those of libraries that the loader would not find. */
export function unusualDirectories(libraries: readonly string[]): string[] {
  const directories = libraries.map((library) => library.slice(0, library.lastIndexOf('/')));
  return [...new Set(directories)].filter((directory) => !searched.some((pattern) => pattern.test(directory)));
}

/** glibc's and musl's `ldd`: `name => path (address)`, or `path (address)` for the loader. */
export function parseLdd(text: string): string[] {
  const missing = /^\s*(\S+) => not found/m.exec(text);
  if (missing !== null) throw new Error(`the shared library ${missing[1]} is missing on this machine`);
  return [...text.matchAll(/^\s*(?:\S+ => )?(\/\S+)(?: \(0x[0-9a-f]+\))?$/gm)].flatMap(([, path]) => path ?? []);
}

async function ldd(executable: string): Promise<string> {
  try {
    const { stdout } = await run('ldd', [executable], { env: { ...process.env, LC_ALL: 'C' } });
    return stdout;
  } catch (error) {
    const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string };
    if (/not a (dynamic|valid dynamic)|statically linked/i.test(stdout + stderr)) return '';
    throw error;
  }
}
