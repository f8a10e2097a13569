const SERVICE_ACCOUNT_GROUPS = ['system:serviceaccounts', 'system:serviceaccounts:kube-system'];

/** Components act as upstream's do, so that upstream's bootstrap roles fit: each under a user name of its own. */
export const users = {
  scheduler: 'system:kube-scheduler',
  /** May list and watch everything: the caches that all controllers of a process share. */
  informers: 'system:kube-controller-manager',
  /** Serves names: reads Services and their endpoints, and says in `kube-system` where it is. */
  dns: 'system:dns',
  /** Installs what belongs to every cluster (`kube-dns`), as an administrator would. */
  addons: 'system:addon-manager',
  controller: (name: string): string => `system:serviceaccount:kube-system:${name}`,
  node: (name: string): string => `system:node:${name}`,
} as const;

/** The groups of a component's user. */
export function groupsOf(user: string): readonly string[] {
  if (user === users.addons) return ['system:masters'];
  if (user.startsWith('system:serviceaccount:')) return SERVICE_ACCOUNT_GROUPS;
  if (user.startsWith('system:node:')) return ['system:nodes'];
  return [];
}
