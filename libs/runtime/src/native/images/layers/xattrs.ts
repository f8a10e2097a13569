import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';

/**
 * Attributes that images may bring: capabilities of programs, and users' own. Those of the overlay would change how layers are laid upon each other, and those of
 * security modules and integrity measurement are the host's.
 */
export function isWanted(name: string): boolean {
  if (!/^[\x21-\x7e]{1,255}$/.test(name) || /[=\\]/.test(name)) return false;
  return name === 'security.capability' || (name.startsWith('user.') && !name.startsWith('user.overlay.'));
}

/** Path relative to the root, bytes as characters (latin1), to its attributes. */
export type XattrsByPath = ReadonlyMap<string, ReadonlyMap<string, Buffer>>;

/**
 * Sets them with one run of `setfattr` (Debian: `attr`), which Node has no call for. Resolves with undefined, or with why it could not be done; what has no such
 * program or file system runs all the same, as containerd has it.
 */
export async function setXattrs(root: string, wanted: XattrsByPath): Promise<string | undefined> {
  const child = spawn('setfattr', ['--no-dereference', '--restore=-'], {
    cwd: root,
    stdio: ['pipe', 'ignore', 'pipe'],
  });
  // What cannot be started, or ends early, is told by its end.
  child.stdin.on('error', () => undefined);
  const ended = once(child, 'close') as Promise<[number | null]>;
  try {
    child.stdin.end(dumpOf(wanted));
    const [said, [code]] = await Promise.all([text(child.stderr), ended]);
    return code === 0 ? undefined : said.trim().slice(0, 500) || `setfattr ended with ${code}`;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return 'there is no program setfattr (Debian: attr)';
    throw error;
  }
}

/** The format of `getfattr --dump`: everything unusual in a path is a backslash and three octal digits. */
function dumpOf(wanted: XattrsByPath): string {
  return [...wanted]
    .map(([path, attributes]) => {
      const shown = path.replace(/[^\w./-]/g, (byte) => `\\${byte.charCodeAt(0).toString(8).padStart(3, '0')}`);
      const lines = [...attributes].map(([name, value]) => `${name}=0x${value.toString('hex')}`);
      return [`# file: ./${shown}`, ...lines, ''].join('\n');
    })
    .join('\n');
}
