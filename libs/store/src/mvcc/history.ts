import { type Version } from './version';

/** Versions in order of revision and, within one, of the transaction's steps. */
export class History {
  private versions: Version[] = [];
  private unsorted = false;

  push(version: Version): void {
    this.versions.push(version);
  }

  /** As `push`, in any order; `sort` has to follow. */
  load(version: Version): void {
    this.versions.push(version);
    this.unsorted = true;
  }

  sort(): void {
    if (this.unsorted) this.versions.sort((a, b) => a.kv.modRevision - b.kv.modRevision || a.sub - b.sub);
    this.unsorted = false;
  }

  /** The changes of the first revision at or after `revision`. */
  nextFrom(revision: number): Version[] {
    const start = this.indexOf(revision);
    const first = this.versions[start];
    if (first === undefined) return [];
    let end = start + 1;
    while (this.versions[end]?.kv.modRevision === first.kv.modRevision) end++;
    return this.versions.slice(start, end);
  }

  /** The changes of one revision. */
  at(revision: number): Version[] {
    const changes = this.nextFrom(revision);
    return changes[0]?.kv.modRevision === revision ? changes : [];
  }

  /** Removes, and returns, everything older than `revision`. */
  trimBefore(revision: number): Version[] {
    const end = this.indexOf(revision);
    const removed = this.versions.slice(0, end);
    this.versions = this.versions.slice(end);
    return removed;
  }

  private indexOf(revision: number): number {
    let low = 0;
    let high = this.versions.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.versions[middle]!.kv.modRevision < revision) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
