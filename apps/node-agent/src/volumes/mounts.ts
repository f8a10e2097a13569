import { execFile } from 'node:child_process';
import fs from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** mount(8); needs root. */
export async function mount(
  source: string,
  target: string,
  { type, options = [] }: { readonly type?: string; readonly options?: readonly string[] },
): Promise<void> {
  if (process.getuid?.() !== 0) throw new Error(`mounting ${type ?? options.join(',')} at ${target} needs root`);
  await run('mount', [
    ...(type === undefined ? [] : ['-t', type]),
    ...(options.length === 0 ? [] : ['-o', options.join(',')]),
    source,
    target,
  ]);
}

/** Mount points below (or at) a directory, deepest first. */
export async function mountsBelow(directory: string): Promise<string[]> {
  const table = await fs.readFile('/proc/self/mountinfo', 'utf8').catch((error: NodeJS.ErrnoException) => {
    // Not Linux: nothing was mounted.
    if (error.code === 'ENOENT') return '';
    throw error;
  });
  const unescape = (text: string): string =>
    text.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(parseInt(octal, 8)));
  return table
    .split('\n')
    .map((line) => unescape(line.split(' ')[4] ?? ''))
    .filter((point) => point === directory || point.startsWith(`${directory}/`))
    .sort((a, b) => b.length - a.length);
}

export async function isMountPoint(directory: string): Promise<boolean> {
  return (await mountsBelow(directory)).includes(path.resolve(directory));
}

/** Unmounts everything below a directory and removes it. Never follows a mount that could not be undone. */
export async function removeTree(directory: string): Promise<void> {
  for (const point of await mountsBelow(directory)) await run('umount', ['--lazy', point]);
  if ((await mountsBelow(directory)).length > 0) throw new Error(`still mounted below ${directory}`);
  await fs.rm(directory, { recursive: true, force: true });
}
