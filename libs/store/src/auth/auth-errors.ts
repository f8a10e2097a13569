import { StoreError, type StoreErrorCode } from '../key-value-store';

const error = (code: StoreErrorCode, text: string) => (): StoreError => new StoreError(code, `etcdserver: ${text}`);

/** Every refusal that has to do with users and roles, with etcd's own wording (`api/v3rpc/rpctypes`). */
export const authErrors = {
  rootUserNotExist: error('failed-precondition', 'root user does not exist'),
  rootRoleNotExist: error('failed-precondition', 'root user does not have root role'),
  userAlreadyExists: error('failed-precondition', 'user name already exists'),
  userEmpty: error('invalid-argument', 'user name is empty'),
  userNotFound: error('failed-precondition', 'user name not found'),
  roleAlreadyExists: error('failed-precondition', 'role name already exists'),
  roleNotFound: error('failed-precondition', 'role name not found'),
  roleEmpty: error('invalid-argument', 'role name is empty'),
  authFailed: error('invalid-argument', 'authentication failed, invalid user ID or password'),
  permissionNotGiven: error('invalid-argument', 'permission not given'),
  permissionDenied: error('permission-denied', 'permission denied'),
  roleNotGranted: error('failed-precondition', 'role is not granted to the user'),
  permissionNotGranted: error('failed-precondition', 'permission is not granted to the role'),
  authNotEnabled: error('failed-precondition', 'authentication is not enabled'),
  invalidAuthToken: error('unauthenticated', 'invalid auth token'),
  invalidAuthManagement: error('invalid-argument', 'invalid auth management'),
  oldRevision: error('invalid-argument', 'revision of auth store is old'),
};
