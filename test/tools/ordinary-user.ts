import { chownSync, mkdtempSync, readdirSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { linkPrograms } from './programs';

/** What a small machine does not have, or what would need root. */
const missing = /^(nft|ip6?tables.*|ebtables.*|arptables.*|ip|bridge|crun|runc|conmon|docker.*|new[ug]idmap)$/;

/** Somebody who is not root, whom no list of users names, on a machine with no more than it has to have. */
export class OrdinaryUser {
  readonly uid = 50_000 + (process.pid % 10_000);
  /** A directory of theirs. */
  readonly home = mkdtempSync(join(tmpdir(), 'nestor-user-'));

  constructor() {
    linkPrograms(this.programs, missing);
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

/** Empty for a process that has ended meanwhile. */
function read(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if (['ENOENT', 'ESRCH'].includes((error as NodeJS.ErrnoException).code ?? '')) return '';
    throw error;
  }
}
