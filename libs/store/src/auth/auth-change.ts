import { type Key } from '../key-value-store';

/** What a role may do to a key, or to `[key, rangeEnd)`. `rangeEnd` of '' means the one key, '\0' all keys from `key` on. */
export interface Permission {
  readonly access: 'read' | 'write' | 'readwrite';
  readonly key: Key;
  readonly rangeEnd: Key;
}

/** A change of users, roles or of whether they count, as the log carries it: passwords are hashed (`password.ts`). */
export type AuthChange =
  | { readonly kind: 'enable' }
  | { readonly kind: 'disable' }
  /** `password` undefined: a user known by a client certificate alone. */
  | { readonly kind: 'user-add'; readonly name: string; readonly password: string | undefined }
  | { readonly kind: 'user-delete'; readonly name: string }
  | { readonly kind: 'user-change-password'; readonly name: string; readonly password: string }
  | { readonly kind: 'user-grant-role'; readonly name: string; readonly role: string }
  | { readonly kind: 'user-revoke-role'; readonly name: string; readonly role: string }
  | { readonly kind: 'role-add'; readonly name: string }
  | { readonly kind: 'role-delete'; readonly name: string }
  | { readonly kind: 'role-grant-permission'; readonly name: string; readonly permission: Permission }
  | { readonly kind: 'role-revoke-permission'; readonly name: string; readonly key: Key; readonly rangeEnd: Key };

/** Who asks, and the revision of users and roles by which they were recognised. Checked again when a command is applied. */
export interface Author {
  /** '': nobody in particular, which is enough until authentication is enabled. */
  readonly user: string;
  readonly revision: number;
}
