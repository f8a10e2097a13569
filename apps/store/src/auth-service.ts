import { authpb, type authService, type etcdserverpb } from '#etcd';
import { authErrors, type AuthRequest, type Permission, type StoreAdministration, StoreError } from '#store';
import { type Call } from './call';
import { type Member } from './member';
import { keyOf } from './requests';
import { keyBytes } from './responses';
import { type UnaryMethods } from './served-method';

export function authMethods(member: Member, administration: StoreAdministration): UnaryMethods<typeof authService> {
  const { auth } = administration;
  const change = async (call: Call, request: AuthRequest): Promise<{ header: etcdserverpb.ResponseHeader }> => {
    await administration.changeAuth(request, call.caller().author);
    return { header: await member.currentHeader() };
  };
  return {
    authEnable: (_request, call) => change(call, { kind: 'enable' }),
    authDisable: (_request, call) => change(call, { kind: 'disable' }),
    async authStatus(_request, call) {
      await administration.settle();
      call.caller().checkAdmin();
      const { isEnabled: enabled, revision } = administration.auth;
      return { header: await member.currentHeader(), enabled, authRevision: BigInt(revision) };
    },
    async authenticate({ name, password }) {
      const token = await administration.authenticate(name, password);
      return { header: await member.currentHeader(), token };
    },

    async userAdd({ name, password, options, hashedPassword }, call) {
      checkPlain(hashedPassword);
      const isWithout = options?.noPassword === true;
      return change(call, { kind: 'user-add', name, password: isWithout ? undefined : password });
    },
    async userGet({ name }, call) {
      await administration.settle();
      const caller = call.caller();
      if (name !== caller.author.user) caller.checkAdmin();
      const user = auth.user(name);
      if (user === undefined) throw authErrors.userNotFound();
      return { header: await member.currentHeader(), roles: [...user.roles] };
    },
    async userList(_request, call) {
      await administration.settle();
      call.caller().checkAdmin();
      return { header: await member.currentHeader(), users: auth.users().map(({ name }) => name) };
    },
    userDelete: ({ name }, call) => change(call, { kind: 'user-delete', name }),
    async userChangePassword({ name, password, hashedPassword }, call) {
      checkPlain(hashedPassword);
      return change(call, { kind: 'user-change-password', name, password });
    },
    userGrantRole: ({ user: name, role }, call) => change(call, { kind: 'user-grant-role', name, role }),
    userRevokeRole: ({ name, role }, call) => change(call, { kind: 'user-revoke-role', name, role }),

    roleAdd: ({ name }, call) => change(call, { kind: 'role-add', name }),
    async roleGet({ role }, call) {
      await administration.settle();
      const caller = call.caller();
      if (!auth.hasRole(caller.author.user, role)) caller.checkAdmin();
      const permissions = auth.role(role);
      if (permissions === undefined) throw authErrors.roleNotFound();
      return { header: await member.currentHeader(), perm: permissions.map(toPermission) };
    },
    async roleList(_request, call) {
      await administration.settle();
      call.caller().checkAdmin();
      return { header: await member.currentHeader(), roles: [...auth.roles()] };
    },
    roleDelete: ({ role: name }, call) => change(call, { kind: 'role-delete', name }),
    async roleGrantPermission({ name, perm }, call) {
      if (perm === undefined) throw authErrors.permissionNotGiven();
      return change(call, { kind: 'role-grant-permission', name, permission: fromPermission(perm) });
    },
    roleRevokePermission: ({ role: name, key, rangeEnd }, call) =>
      change(call, { kind: 'role-revoke-permission', name, key: keyOf(key), rangeEnd: keyOf(rangeEnd) }),
  };
}

/** etcd fills this in itself, with a hash of another kind than ours. */
function checkPlain(hashedPassword: string): void {
  if (hashedPassword !== '') throw new StoreError('invalid-argument', 'a hashed password is not accepted');
}

const { Permission_Type } = authpb;

function toPermission({ access, key, rangeEnd }: Permission): authpb.Permission {
  const types = { read: Permission_Type.READ, write: Permission_Type.WRITE, readwrite: Permission_Type.READWRITE };
  return { permType: types[access], key: keyBytes(key), rangeEnd: keyBytes(rangeEnd) };
}

function fromPermission({ permType, key, rangeEnd }: authpb.Permission): Permission {
  return { access: accessOf(permType), key: keyOf(key), rangeEnd: keyOf(rangeEnd) };
}

function accessOf(type: authpb.Permission_Type): Permission['access'] {
  switch (type) {
    case Permission_Type.READ:
      return 'read';
    case Permission_Type.WRITE:
      return 'write';
    case Permission_Type.READWRITE:
      return 'readwrite';
    default:
      throw authErrors.invalidAuthManagement();
  }
}
