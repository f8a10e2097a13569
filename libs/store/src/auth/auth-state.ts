import { type Key, type KeyRange } from '../key-value-store';
import { type AuthChange, type Author, type Permission } from './auth-change';
import { authErrors } from './auth-errors';
import { type Access, Permissions } from './permissions';
import { type Bearer } from './tokens';

export interface User {
  readonly name: string;
  /** A hash (`password.ts`); undefined: this user has none. */
  readonly password: string | undefined;
  /** In order. */
  readonly roles: readonly string[];
  /** The revision that gave the user this password: tokens that were got with an older one are worth nothing. */
  readonly since: number;
}

/** The user who may do everything while it has the role of the same name, and that role. */
const ROOT = 'root';
const ROOT_PERMISSION: Permission = { access: 'readwrite', key: '', rangeEnd: '\0' };

/**
 * Users, roles, and whether they count: part of the replicated state. Every change gives it the next revision, so that who was recognised
 * by an older one is asked to come again.
 */
export class AuthState {
  private readonly usersByName = new Map<string, User>();
  private readonly rolesByName = new Map<string, readonly Permission[]>();
  private readonly permissionsOf = new Map<string, Permissions>();

  constructor(
    public isEnabled = false,
    public revision = 1,
  ) {}

  user(name: string): User | undefined {
    return this.usersByName.get(name);
  }

  /** By name, in order. */
  users(): User[] {
    return inOrder(this.usersByName).map(([, user]) => user);
  }

  /** By key, in order; undefined if there is no such role. */
  role(name: string): readonly Permission[] | undefined {
    const permissions = this.rolesByName.get(name);
    return name === ROOT && permissions !== undefined ? [ROOT_PERMISSION] : permissions;
  }

  /** What was granted to a role, be it to root, which needs nothing. */
  granted(name: string): readonly Permission[] {
    return this.rolesByName.get(name) ?? [];
  }

  /** In order. */
  roles(): string[] {
    return inOrder(this.rolesByName).map(([name]) => name);
  }

  hasRole(user: string, role: string): boolean {
    return this.user(user)?.roles.includes(role) === true;
  }

  /** @throws StoreError if the author may not, is nobody, or was recognised by an older revision */
  check(author: Author, access: Access, range: KeyRange): void {
    if (!this.isEnabled) return;
    this.checkUser(author);
    if (this.hasRole(author.user, ROOT)) return;
    if (!this.permissions(author.user).cover(access, range)) throw authErrors.permissionDenied();
  }

  /** @throws StoreError unless the author is somebody */
  checkUser({ user, revision }: Author): void {
    if (!this.isEnabled) return;
    if (user === '') throw authErrors.userEmpty();
    if (revision < this.revision) throw authErrors.oldRevision();
    if (this.user(user) === undefined) throw authErrors.permissionDenied();
  }

  /** @throws StoreError unless the author has the role of root */
  checkAdmin({ user }: Author): void {
    if (!this.isEnabled) return;
    if (user === '') throw authErrors.userEmpty();
    if (this.user(user) === undefined || !this.hasRole(user, ROOT)) throw authErrors.permissionDenied();
  }

  /** @throws StoreError if the user has lost this password since it was looked at */
  checkBearer({ user, since }: Bearer): void {
    if (!this.isEnabled) throw authErrors.authNotEnabled();
    if (this.user(user)?.since !== since) throw authErrors.authFailed();
  }

  /** @throws StoreError before anything is changed */
  apply(change: AuthChange): void {
    if (this.execute(change)) this.revision++;
    this.permissionsOf.clear();
  }

  /** Takes a user, or a role, from a snapshot. */
  loadUser(user: User): void {
    this.usersByName.set(user.name, user);
  }

  loadRole(name: string, permissions: readonly Permission[]): void {
    this.rolesByName.set(name, permissions);
  }

  /** @returns whether there is a new revision */
  private execute(change: AuthChange): boolean {
    switch (change.kind) {
      case 'enable':
        return this.enable();
      case 'disable': {
        const wasEnabled = this.isEnabled;
        this.isEnabled = false;
        return wasEnabled;
      }
      case 'user-add':
        if (change.name === '') throw authErrors.userEmpty();
        if (this.user(change.name) !== undefined) throw authErrors.userAlreadyExists();
        this.loadUser({ name: change.name, password: change.password, roles: [], since: this.revision + 1 });
        return true;
      case 'user-delete':
        if (this.isEnabled && change.name === ROOT) throw authErrors.invalidAuthManagement();
        this.knownUser(change.name);
        return this.usersByName.delete(change.name);
      case 'user-change-password': {
        const user = this.knownUser(change.name);
        const password = user.password === undefined ? undefined : change.password;
        this.loadUser({ ...user, password, since: this.revision + 1 });
        return true;
      }
      case 'user-grant-role':
        return this.grantRole(change.name, change.role);
      case 'user-revoke-role':
        return this.revokeRole(change.name, change.role);
      case 'role-add':
        if (change.name === '') throw authErrors.roleEmpty();
        if (this.rolesByName.has(change.name)) throw authErrors.roleAlreadyExists();
        this.loadRole(change.name, []);
        return true;
      case 'role-delete':
        return this.deleteRole(change.name);
      case 'role-grant-permission':
        return this.grantPermission(change.name, change.permission);
      case 'role-revoke-permission':
        return this.revokePermission(change.name, change.key, change.rangeEnd);
    }
  }

  private enable(): boolean {
    if (this.isEnabled) return false;
    if (this.user(ROOT) === undefined) throw authErrors.rootUserNotExist();
    if (!this.hasRole(ROOT, ROOT)) throw authErrors.rootRoleNotExist();
    this.isEnabled = true;
    // As etcd: who was nobody before is nobody still, and nobody else has been recognised.
    return false;
  }

  private grantRole(name: string, role: string): boolean {
    const user = this.knownUser(name);
    if (role !== ROOT) this.knownRole(role);
    if (user.roles.includes(role)) return false;
    this.loadUser({ ...user, roles: [...user.roles, role].sort(byBytes) });
    return true;
  }

  private revokeRole(name: string, role: string): boolean {
    if (this.isEnabled && name === ROOT && role === ROOT) throw authErrors.invalidAuthManagement();
    const user = this.knownUser(name);
    if (!user.roles.includes(role)) throw authErrors.roleNotGranted();
    this.loadUser({ ...user, roles: user.roles.filter((each) => each !== role) });
    return true;
  }

  private deleteRole(name: string): boolean {
    if (this.isEnabled && name === ROOT) throw authErrors.invalidAuthManagement();
    this.knownRole(name);
    this.rolesByName.delete(name);
    for (const user of this.users()) this.loadUser({ ...user, roles: user.roles.filter((role) => role !== name) });
    return true;
  }

  private grantPermission(name: string, permission: Permission): boolean {
    const before = this.knownRole(name);
    const position = before.findIndex((each) => isSameRange(each, permission));
    // Those that begin with the same key stay in the order in which they came.
    if (position !== -1) this.loadRole(name, before.with(position, permission));
    else
      this.loadRole(
        name,
        [...before, permission].sort((a, b) => byBytes(a.key, b.key)),
      );
    return true;
  }

  private revokePermission(name: string, key: Key, rangeEnd: Key): boolean {
    const permissions = this.knownRole(name);
    const others = permissions.filter((each) => !isSameRange(each, { key, rangeEnd }));
    if (others.length === permissions.length) throw authErrors.permissionNotGranted();
    this.loadRole(name, others);
    return true;
  }

  private knownUser(name: string): User {
    const user = this.user(name);
    if (user === undefined) throw authErrors.userNotFound();
    return user;
  }

  private knownRole(name: string): readonly Permission[] {
    const permissions = this.rolesByName.get(name);
    if (permissions === undefined) throw authErrors.roleNotFound();
    return permissions;
  }

  private permissions(user: string): Permissions {
    let permissions = this.permissionsOf.get(user);
    if (permissions === undefined) {
      permissions = new Permissions(this.user(user)?.roles.flatMap((role) => this.granted(role)) ?? []);
      this.permissionsOf.set(user, permissions);
    }
    return permissions;
  }
}

function isSameRange(a: { key: Key; rangeEnd: Key }, b: { key: Key; rangeEnd: Key }): boolean {
  return a.key === b.key && a.rangeEnd === b.rangeEnd;
}

/** By code units, on every member and in every locale. */
function byBytes(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function inOrder<T>(map: ReadonlyMap<string, T>): [string, T][] {
  return [...map].sort(([a], [b]) => byBytes(a, b));
}
