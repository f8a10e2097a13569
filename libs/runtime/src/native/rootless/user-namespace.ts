import { readFile } from 'node:fs/promises';
import { type IdMaps, parseIdMap } from './id-maps';

/** What a process is told that is root in a user namespace of an ordinary user. */
export interface UserNamespace extends IdMaps {
  /** False: groups beside the own one are nobody's to give. */
  readonly maySetGroups: boolean;
}

/** The first user namespace of a machine has all numbers. */
const allIds = 2 ** 32 - 1;

/** Undefined: this process is in the machine's own. */
export async function ownUserNamespace(): Promise<UserNamespace | undefined> {
  const read = (name: string): Promise<string> => readFile(`/proc/self/${name}`, 'utf8');
  const users = parseIdMap(await read('uid_map'));
  if (users[0]?.inside === 0 && users[0].outside === 0 && users[0].count === allIds) return undefined;
  const [groups, setgroups] = await Promise.all([read('gid_map'), read('setgroups')]);
  return { users, groups: parseIdMap(groups), maySetGroups: setgroups.trim() === 'allow' };
}

/** Settings of the kernel that keep ordinary users from user namespaces, and what to do about each. */
const obstacles: readonly {
  readonly setting: string;
  readonly isObstacle: (value: number) => boolean;
  readonly remedy: string;
}[] = [
  {
    setting: 'user.max_user_namespaces',
    isObstacle: (value) => value === 0,
    remedy: 'sysctl user.max_user_namespaces=15000',
  },
  {
    setting: 'kernel.unprivileged_userns_clone',
    isObstacle: (value) => value === 0,
    remedy: 'sysctl kernel.unprivileged_userns_clone=1',
  },
  {
    setting: 'kernel.apparmor_restrict_unprivileged_userns',
    isObstacle: (value) => value !== 0,
    remedy: 'sysctl kernel.apparmor_restrict_unprivileged_userns=0',
  },
];

type ReadSetting = (setting: string) => Promise<string | undefined>;

/** What keeps an ordinary user of this machine from making user namespaces, with what its administrator can do. Empty: nothing that is known. */
export async function userNamespaceObstacles(read: ReadSetting = readSysctl): Promise<string[]> {
  const found = await Promise.all(
    obstacles.map(async ({ setting, isObstacle, remedy }) => {
      const value = await read(setting);
      if (value === undefined || !isObstacle(Number(value))) return [];
      return [
        `${setting} is ${value.trim()}, as root: ${remedy} (and the same in a file of /etc/sysctl.d, to keep it)`,
      ];
    }),
  );
  return found.flat();
}

async function readSysctl(setting: string): Promise<string | undefined> {
  try {
    return await readFile(`/proc/sys/${setting.replaceAll('.', '/')}`, 'utf8');
  } catch (error) {
    // A kernel without it; or one that lets only root look, which is not known to forbid anything.
    if (['ENOENT', 'EACCES'].includes((error as NodeJS.ErrnoException).code ?? '')) return undefined;
    throw error;
  }
}
