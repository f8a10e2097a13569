import { RuntimeError } from '../../container-runtime';

export interface ResolvedUser {
  readonly uid: number;
  readonly gid: number;
  readonly additionalGids: readonly number[];
  readonly home: string;
}

/** Texts of the image's /etc/passwd and /etc/group; empty where it has none. */
export interface UserFiles {
  readonly passwd: string;
  readonly group: string;
}

const numeric = /^\d+$/;
const maxId = 2 ** 32 - 2;

/**
 * Who `user[:group]` is (OCI image specification, "User"): names and numbers are looked up, as Docker does. Without a group it is the user's,
 * and the groups that list the user are added; with one they are not.
 */
export function resolveUser(
  wanted: string,
  { passwd, group }: UserFiles,
  supplemental: readonly number[],
): ResolvedUser {
  const [user = '', groupName = ''] = wanted.split(':');
  const groups = entries(group);
  const entry = entries(passwd).find((fields) => fields[0] === user || (numeric.test(user) && fields[2] === user));
  const found = user === '' ? entries(passwd).find(({ 2: uid }) => uid === '0') : entry;
  if (found === undefined && user !== '' && !numeric.test(user)) {
    throw new RuntimeError('create-failed', `unable to find user ${user}: no matching entries in passwd file`);
  }
  const uid = found === undefined ? idOf(user || '0') : idOf(found[2] ?? '');
  const listed =
    groupName === '' && found !== undefined
      ? groups.filter((fields) => (fields[3] ?? '').split(',').includes(found[0] ?? ''))
      : [];
  const gid = groupName === '' ? idOf(found?.[3] ?? '0') : groupId(groupName, groups);
  const additionalGids = [...new Set([gid, ...listed.map((fields) => idOf(fields[2] ?? '')), ...supplemental])];
  return { uid, gid, additionalGids, home: found?.[5] || '/' };
}

function groupId(name: string, groups: readonly string[][]): number {
  const found = groups.find((fields) => fields[0] === name);
  if (found !== undefined) return idOf(found[2] ?? '');
  if (numeric.test(name)) return idOf(name);
  throw new RuntimeError('create-failed', `unable to find group ${name}: no matching entries in group file`);
}

function idOf(text: string): number {
  const id = numeric.test(text) ? Number(text) : NaN;
  if (!(id <= maxId)) throw new RuntimeError('create-failed', `uids and gids must be in range 0-${maxId}: "${text}"`);
  return id;
}

/** Lines of colon-separated fields (passwd(5), group(5)). */
function entries(text: string): string[][] {
  return text
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => line.split(':'));
}
