import { chownSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';

/** What a small machine does not have, or what would need root. */
const missing = /^(nft|ip6?tables.*|ebtables.*|arptables.*|ip|bridge|crun|runc|conmon|docker.*|new[ug]idmap)$/;

/** Somebody who is not root, whom no list of users names, on a machine with no more than it has to have. */
export class OrdinaryUser {
  readonly uid = 50_000 + (process.pid % 10_000);
  /** A directory of theirs. */
  readonly home = mkdtempSync(join(tmpdir(), 'nestor-user-'));

  constructor() {
    mkdirSync(this.programs);
    for (const [name, file] of programs()) if (!missing.test(name)) symlinkSync(file, join(this.programs, name));
    chownSync(this.home, this.uid, this.uid);
  }

  /** Words before a command line: it is run by them. */
  get command(): readonly string[] {
    return ['setpriv', '--reuid', String(this.uid), '--regid', String(this.uid), '--clear-groups'];
  }

  get environment(): Readonly<Record<string, string>> {
    return { HOME: this.home, PATH: this.programs };
  }

  /** Process ids with their command lines; who has ended and waits for a parent is none. */
  processes(): string[] {
    return readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .flatMap((pid) => {
        const status = read(`/proc/${pid}/status`);
        const [, uid] = /^Uid:\s+(\d+)/m.exec(status) ?? [];
        if (Number(uid) !== this.uid || /^State:\s+[ZX]/m.test(status)) return [];
        return [`${pid} ${read(`/proc/${pid}/cmdline`).replaceAll('\0', ' ')}`];
      });
  }

  private get programs(): string {
    return join(this.home, 'bin');
  }
}

/** The first of each name that PATH leads to; node is the one that runs this. */
function programs(): ReadonlyMap<string, string> {
  const found = new Map([['node', process.execPath]]);
  for (const directory of (process.env['PATH'] ?? '').split(':').filter((name) => name.startsWith('/'))) {
    for (const file of entries(directory)) if (!found.has(basename(file))) found.set(basename(file), file);
  }
  return found;
}

function entries(directory: string): string[] {
  try {
    return readdirSync(directory).map((name) => join(directory, name));
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) return [];
    throw error;
  }
}

/** Empty for a process that has ended meanwhile. */
function read(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if (['ENOENT', 'ESRCH'].includes((error as NodeJS.ErrnoException).code ?? '')) return '';
    throw error;
  }
}
