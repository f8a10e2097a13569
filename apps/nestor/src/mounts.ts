import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Mount points below a directory, the deepest first, from the text of /proc/self/mountinfo (proc(5)). */
export function mountsBelow(mountInfo: string, directory: string): string[] {
  return mountInfo
    .split('\n')
    .map((line) => unescape(line.split(' ')[4] ?? ''))
    .filter((path) => path.startsWith(`${directory}/`))
    .sort((a, b) => b.length - a.length);
}

/** Unmounts everything below a directory: memory-backed volumes, and bind mounts for subPath. */
export async function unmountBelow(directory: string): Promise<void> {
  if (process.platform !== 'linux') return;
  for (const path of mountsBelow(await readFile('/proc/self/mountinfo', 'utf8'), directory)) {
    await run('umount', ['-l', path]);
  }
}

/** Spaces and the like are written in octal. */
function unescape(path: string): string {
  return path.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(parseInt(octal, 8)));
}
