/** Numbers inside of a user namespace, those outside that they are, and how many (user_namespaces(7)). */
export interface IdRange {
  readonly inside: number;
  readonly outside: number;
  readonly count: number;
}

export interface IdMaps {
  readonly users: readonly IdRange[];
  readonly groups: readonly IdRange[];
}

export interface User {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
}

/** One's own number becomes root's, which everybody may have. */
export function ownIds({ uid, gid }: User): IdMaps {
  return { users: [{ inside: 0, outside: uid, count: 1 }], groups: [{ inside: 0, outside: gid, count: 1 }] };
}

/**
 * With the numbers that a person was given besides: the texts of /etc/subuid and /etc/subgid (subuid(5)). Undefined: none.
 */
export function withSubordinateIds(user: User, subuid: string, subgid: string): IdMaps | undefined {
  const own = ownIds(user);
  const users = rangesOf(user, subuid);
  const groups = rangesOf(user, subgid);
  if (users.length === 0 || groups.length === 0) return undefined;
  return { users: [...own.users, ...users], groups: [...own.groups, ...groups] };
}

/** One after the other, from 1 on. */
function rangesOf({ name, uid }: User, text: string): IdRange[] {
  const ranges: IdRange[] = [];
  let inside = 1;
  for (const line of text.split('\n')) {
    const [, owner, start, count] = /^([^:#]+):(\d+):(\d+)\s*$/.exec(line) ?? [];
    if (owner !== name && owner !== String(uid)) continue;
    if (Number(count) === 0) continue;
    ranges.push({ inside, outside: Number(start), count: Number(count) });
    inside += Number(count);
  }
  return ranges;
}

/** As newuidmap(1) takes them. */
export function idWords(ranges: readonly IdRange[]): string {
  return ranges.map(({ inside, outside, count }) => `${inside} ${outside} ${count}`).join(' ');
}

/** The kernel's table, /proc/pid/uid_map. */
export function parseIdMap(text: string): IdRange[] {
  return [...text.matchAll(/^\s*(\d+)\s+(\d+)\s+(\d+)\s*$/gm)].map(([, inside, outside, count]) => ({
    inside: Number(inside),
    outside: Number(outside),
    count: Number(count),
  }));
}

/** Whether a number means anybody. */
export function hasId(ranges: readonly IdRange[], id: number): boolean {
  return ranges.some(({ inside, count }) => id >= inside && id < inside + count);
}
