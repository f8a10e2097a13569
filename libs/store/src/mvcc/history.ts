import { type Version } from './version';

/** Revisions a piece has. */
const PIECE = 1_024;

/** The change of a revision, or its changes; undefined: none that is known. */
export type Changes = Version | Version[] | undefined;

/**
 * Versions by revision and, within one, in order of the transaction's steps. Each revision has its place in one of many short arrays:
 * nothing is searched, sorted or moved, however much there is.
 */
export class History {
  private readonly pieces: (Changes[] | undefined)[] = [];
  /** Number of the first piece, which begins with a revision `PIECE` times as high. */
  private first = 0;
  /** Changes of one revision that came in another order than theirs. */
  private readonly unsorted = new WeakSet<Version[]>();

  /** In any order, as a snapshot has them; none that is older than what was trimmed. */
  add(version: Version): void {
    const number = Math.floor(version.modRevision / PIECE);
    const piece = (this.pieces[number - this.first] ??= new Array<Changes>(PIECE));
    const place = version.modRevision % PIECE;
    const there = piece[place];
    if (there === undefined) piece[place] = version;
    else if (Array.isArray(there)) this.insert(there, version);
    else piece[place] = this.insert([there], version);
  }

  /** The changes of the first revision at or after `revision`. */
  nextFrom(revision: number): readonly Version[] {
    let place = revision % PIECE;
    for (let at = Math.max(0, Math.floor(revision / PIECE) - this.first); at < this.pieces.length; at++) {
      const piece = this.pieces[at];
      for (; piece !== undefined && place < PIECE; place++) {
        const changes = piece[place];
        if (changes !== undefined) return this.inOrder(changes);
      }
      place = 0;
    }
    return [];
  }

  /** The changes of one revision. */
  at(revision: number): readonly Version[] {
    const changes = this.pieces[Math.floor(revision / PIECE) - this.first]?.[revision % PIECE];
    return changes === undefined ? [] : this.inOrder(changes);
  }

  /** Removes everything older than `revision`. @returns it, in pieces */
  trimBefore(revision: number): Changes[][] {
    const number = Math.floor(revision / PIECE);
    if (number < this.first) return [];
    const removed = this.pieces.splice(0, number - this.first);
    this.first = number;
    const [piece] = this.pieces;
    if (piece !== undefined) {
      const end = revision % PIECE;
      removed.push(piece.slice(0, end));
      piece.fill(undefined, 0, end);
    }
    return removed.filter((each) => each !== undefined);
  }

  private insert(changes: Version[], version: Version): Version[] {
    if (changes.at(-1)!.sub > version.sub) this.unsorted.add(changes);
    changes.push(version);
    return changes;
  }

  /** What `trimBefore` removed. */
  static *newestFirst(piece: Changes[]): Generator<Version> {
    for (let at = piece.length - 1; at >= 0; at--) {
      const changes = piece[at];
      if (Array.isArray(changes)) yield* changes.sort((a, b) => b.sub - a.sub);
      else if (changes !== undefined) yield changes;
    }
  }

  private inOrder(changes: Version | Version[]): readonly Version[] {
    if (!Array.isArray(changes)) return [changes];
    if (this.unsorted.delete(changes)) changes.sort((a, b) => a.sub - b.sub);
    return changes;
  }
}
