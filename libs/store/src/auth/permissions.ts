import { type Key, type KeyRange } from '../key-value-store';
import { endOf, keyAfter } from '../mvcc/key-range';
import { type Permission } from './auth-change';

export type Access = 'read' | 'write';

interface Interval {
  readonly start: Key;
  end: Key;
}

/** What the permissions of some roles come to, as sorted intervals that neither overlap nor touch. */
export class Permissions {
  private readonly granted: Readonly<Record<Access, readonly Interval[]>>;

  constructor(permissions: readonly Permission[]) {
    this.granted = { read: union(permissions, 'read'), write: union(permissions, 'write') };
  }

  /** Whether every key of the range is granted, be it by several permissions together. A range of none has to begin in what is granted, as in etcd. */
  cover(access: Access, range: KeyRange): boolean {
    const { start, end } = intervalOf(range);
    return this.granted[access].some(
      (interval) => interval.start <= start && start < interval.end && end <= interval.end,
    );
  }
}

function union(permissions: readonly Permission[], access: Access): Interval[] {
  const intervals = permissions
    .filter((permission) => permission.access === access || permission.access === 'readwrite')
    .map(intervalOf)
    .filter(({ start, end }) => start < end)
    .sort((a, b) => (a.start < b.start ? -1 : 1));
  const merged: Interval[] = [];
  for (const interval of intervals) {
    const last = merged.at(-1);
    if (last === undefined || interval.start > last.end) merged.push({ ...interval });
    else if (interval.end > last.end) last.end = interval.end;
  }
  return merged;
}

function intervalOf(range: KeyRange): Interval {
  return { start: range.key, end: endOf(range) ?? keyAfter(range.key) };
}
