import { type ByteReader } from '../byte-reader';
import { type ByteWriter } from '../byte-writer';
import { type AuthChange, type Author, type Permission } from './auth-change';
import { AuthState } from './auth-state';
import { type IssuedToken } from './tokens';

/** Users and roles as bytes. The positions in these lists are the format: append, never reorder. */
const KINDS = [
  'enable',
  'disable',
  'user-add',
  'user-delete',
  'user-change-password',
  'user-grant-role',
  'user-revoke-role',
  'role-add',
  'role-delete',
  'role-grant-permission',
  'role-revoke-permission',
] as const;
const ACCESSES = ['read', 'write', 'readwrite'] as const;

export function writeAuthor(writer: ByteWriter, { user, revision }: Author): void {
  writeText(writer, user);
  writer.varint(revision);
}

export function readAuthor(reader: ByteReader): Author {
  return { user: readText(reader), revision: reader.varint() };
}

export function writeAuthChange(writer: ByteWriter, change: AuthChange): void {
  writer.u8(KINDS.indexOf(change.kind));
  if ('name' in change) writeText(writer, change.name);
  switch (change.kind) {
    case 'user-add':
    case 'user-change-password':
      return writePassword(writer, change.password);
    case 'user-grant-role':
    case 'user-revoke-role':
      return writeText(writer, change.role);
    case 'role-grant-permission':
      return writePermission(writer, change.permission);
    case 'role-revoke-permission':
      writer.key(change.key);
      writer.key(change.rangeEnd);
  }
}

export function readAuthChange(reader: ByteReader): AuthChange {
  const code = reader.u8();
  const kind = KINDS[code];
  if (kind === undefined) throw new RangeError(`unknown code ${code} of a change of users and roles`);
  switch (kind) {
    case 'enable':
    case 'disable':
      return { kind };
    case 'user-delete':
    case 'role-add':
    case 'role-delete':
      return { kind, name: readText(reader) };
    case 'user-add':
      return { kind, name: readText(reader), password: readPassword(reader) };
    case 'user-change-password':
      return { kind, name: readText(reader), password: readPassword(reader) ?? '' };
    case 'user-grant-role':
    case 'user-revoke-role':
      return { kind, name: readText(reader), role: readText(reader) };
    case 'role-grant-permission':
      return { kind, name: readText(reader), permission: readPermission(reader) };
    case 'role-revoke-permission':
      return { kind, name: readText(reader), key: reader.key(), rangeEnd: reader.key() };
  }
}

export function writeToken(writer: ByteWriter, { user, since, digest }: IssuedToken): void {
  writeText(writer, user);
  writer.varint(since);
  writer.bytes(digest);
}

export function readToken(reader: ByteReader): IssuedToken {
  return { user: readText(reader), since: reader.varint(), digest: reader.bytes() };
}

export function writeAuthState(writer: ByteWriter, auth: AuthState): void {
  writer.u8(auth.isEnabled ? 1 : 0);
  writer.varint(auth.revision);
  const users = auth.users();
  writer.varint(users.length);
  for (const { name, password, roles, since } of users) {
    writeText(writer, name);
    writePassword(writer, password);
    writer.varint(since);
    writer.varint(roles.length);
    for (const role of roles) writeText(writer, role);
  }
  const roles = auth.roles();
  writer.varint(roles.length);
  for (const name of roles) {
    const permissions = auth.granted(name);
    writeText(writer, name);
    writer.varint(permissions.length);
    for (const permission of permissions) writePermission(writer, permission);
  }
}

export function readAuthState(reader: ByteReader): AuthState {
  const auth = new AuthState(reader.u8() === 1, reader.varint());
  for (let left = reader.varint(); left > 0; left--) {
    const name = readText(reader);
    const password = readPassword(reader);
    const since = reader.varint();
    const roles: string[] = [];
    for (let more = reader.varint(); more > 0; more--) roles.push(readText(reader));
    auth.loadUser({ name, password, roles, since });
  }
  for (let left = reader.varint(); left > 0; left--) {
    const name = readText(reader);
    const permissions: Permission[] = [];
    for (let more = reader.varint(); more > 0; more--) permissions.push(readPermission(reader));
    auth.loadRole(name, permissions);
  }
  return auth;
}

function writePermission(writer: ByteWriter, { access, key, rangeEnd }: Permission): void {
  writer.u8(ACCESSES.indexOf(access));
  writer.key(key);
  writer.key(rangeEnd);
}

function readPermission(reader: ByteReader): Permission {
  const code = reader.u8();
  const access = ACCESSES[code];
  if (access === undefined) throw new RangeError(`unknown code ${code} of a permission`);
  return { access, key: reader.key(), rangeEnd: reader.key() };
}

function writePassword(writer: ByteWriter, password: string | undefined): void {
  writer.u8(password === undefined ? 0 : 1);
  if (password !== undefined) writeText(writer, password);
}

function readPassword(reader: ByteReader): string | undefined {
  return reader.u8() === 1 ? readText(reader) : undefined;
}

function writeText(writer: ByteWriter, text: string): void {
  writer.bytes(Buffer.from(text, 'utf8'));
}

function readText(reader: ByteReader): string {
  return reader.bytes().toString('utf8');
}
