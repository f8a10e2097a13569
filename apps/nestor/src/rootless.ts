import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type DataDirectory } from './data-directory';

/** Tells a process that it is in the namespace of the directory that this names. Set by this program for itself. */
export const namespaceVariable = 'NESTOR_NODE_NAMESPACE';

/** A command that went on in another process has ended so. */
export class EndedWith extends Error {
  override readonly name = 'EndedWith';

  constructor(readonly exitCode: number) {
    super(`exit code ${exitCode}`);
  }
}

/** Where the namespace is that this process is in; undefined: in none that is ours. */
export function ownNamespace(env: NodeJS.ProcessEnv = process.env): string | undefined {
  return env[namespaceVariable];
}

/** Whether this is an ordinary user, and not inside already. */
export function isOrdinaryUser(): boolean {
  return process.platform === 'linux' && process.getuid?.() !== 0 && ownNamespace() === undefined;
}

/** Whether there is a namespace that commands about a data directory have to be run in. */
export function hasNamespace(directory: DataDirectory): boolean {
  return isOrdinaryUser() && existsSync(namespaceOf(directory));
}

/** Its own place in the data directory. Purging from inside leaves it. */
export const namespaceFolder = 'namespace';

export function namespaceOf({ root }: DataDirectory): string {
  return join(root, namespaceFolder);
}
