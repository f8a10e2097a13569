import { readFileSync } from 'node:fs';
import { hasId, type IdRange, parseIdMap } from '../../rootless/id-maps';

const users = idsOf('uid_map');
const groups = idsOf('gid_map');

/** Owners can be given by root alone, and in an ordinary user's namespace only those that it has. What has not the owner it should have must not have his set-id bits either. */
export function mayGive({ uid, gid }: { readonly uid: number; readonly gid: number }): boolean {
  return process.getuid?.() === 0 && hasId(users, uid) && hasId(groups, gid);
}

function idsOf(map: 'uid_map' | 'gid_map'): readonly IdRange[] {
  try {
    return parseIdMap(readFileSync(`/proc/self/${map}`, 'utf8'));
  } catch (error) {
    // Not Linux: there are no namespaces.
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [{ inside: 0, outside: 0, count: 2 ** 32 }];
    throw error;
  }
}
