import { base32, eventSubject, inboxPrefix, requestSubjects } from '#bus';
import { ApiError, type Clock, badRequest, genericServerResponse } from '#machinery';
import { type BusPermissions, issueBusToken } from '#pki';
import { type ResourceTable } from '../api/resource-table';
import { type PathRoute } from '../api/paths';
import { type Authorizer } from '../authz/attributes';
import { authenticated } from '../authn/authenticator';
import { type UserInfo } from '../kinds/strategy';
import { jsonResult } from '../request/api-result';
import { type ApiRequest } from '../request/api-request';
import { type GroupsOf } from './bus-adapter';

/** Where components get what they show the broker. Whoever is known may ask; what it gets is decided here. */
export const busCredentialsPath = '/nestor/v1/bus-credentials';

const lifetimeMs = 24 * 3600_000;
const nodePrefix = 'system:node:';
const longestBody = 64 << 10;

export interface BusCredentialsOptions {
  readonly accountSeed: string;
  readonly servers?: readonly string[];
  /** Users that a component may act as, besides itself; undefined if the user is no component. */
  readonly actsAs: (user: string) => readonly string[] | undefined;
  readonly groupsOf: GroupsOf;
  readonly authorizer: Authorizer;
  readonly table: ResourceTable;
  readonly clock: Clock;
}

/**
 * `POST {"publicKey": "U…"}` answers `{"token": …, "expiresAt": …, "servers": […]}`: a credential for the sender, good for a day. It may send
 * requests as itself and as those whom it acts for, and hears the event streams of what it may watch.
 */
export function busCredentialsRoute(options: BusCredentialsOptions): PathRoute {
  return async (request) => {
    if (request.path !== busCredentialsPath) return undefined;
    if (request.method !== 'POST') throw genericServerResponse(405);
    const { user } = request;
    const actsAs = options.actsAs(user.name) ?? (isNode(user) ? [] : undefined);
    if (actsAs === undefined) throw notForYou(user);
    const publicKey = await publicKeyOf(request);
    const expiresAt = options.clock.now() + lifetimeMs;
    const token = await issueBusToken(options.accountSeed, {
      user: user.name,
      publicKey,
      permissions: permissionsOf(user, actsAs, options),
      expiresAt,
    }).catch((error: unknown) => {
      throw error instanceof RangeError ? badRequest(`publicKey: ${error.message}`) : error;
    });
    return jsonResult(201, { token, expiresAt, servers: options.servers });
  };
}

/** What a gateway may do: it answers requests, and publishes events. */
export function gatewayPermissions(user: string): BusPermissions {
  return {
    publish: ['nestor.event.>'],
    subscribe: ['nestor.api.> gateway', 'nestor.event.>', `${inboxPrefix(user)}.>`],
    answersWithinMs: 60_000,
  };
}

function permissionsOf(user: UserInfo, actsAs: readonly string[], options: BusCredentialsOptions): BusPermissions {
  const users = [user, ...actsAs.map((name) => authenticated({ name, groups: options.groupsOf(name) }))];
  const streams = options.table.all
    .filter(({ definition: { verbs } }) => verbs.includes('watch'))
    .filter(({ definition: { group, plural } }) =>
      users.some((who) => mayWatch(options.authorizer, who, group, plural)),
    )
    .map(({ definition: { group, plural } }) => eventSubject(group, plural));
  if (isNode(user)) {
    streams.push(`${eventSubject('', 'pods')}.node.${base32(user.name.slice(nodePrefix.length))}`);
  }
  return {
    publish: requestSubjects(user.name, actsAs),
    subscribe: [`${inboxPrefix(user.name)}.>`, ...new Set(streams)],
  };
}

function mayWatch(authorizer: Authorizer, user: UserInfo, group: string, resource: string): boolean {
  return authorizer.authorize({
    user,
    verb: 'watch',
    isResourceRequest: true,
    group,
    resource,
    subresource: '',
    namespace: '',
    name: '',
    path: '',
  }).allowed;
}

function isNode({ name, groups }: UserInfo): boolean {
  return name.startsWith(nodePrefix) && groups.includes('system:nodes');
}

async function publicKeyOf({ body }: ApiRequest): Promise<string> {
  const bytes = await body.bytes();
  if (bytes === undefined || bytes.length > longestBody) throw badRequest('send {"publicKey": "U…"}');
  let value: unknown;
  try {
    value = JSON.parse(bytes.toString('utf8'));
  } catch {
    throw badRequest('the body is not JSON');
  }
  const { publicKey } = (value ?? {}) as { publicKey?: unknown };
  if (typeof publicKey !== 'string') throw badRequest('publicKey: Required value');
  return publicKey;
}

function notForYou({ name }: UserInfo): ApiError {
  return new ApiError({
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    message: `user ${JSON.stringify(name)} is no component of this cluster and gets no credentials for its bus`,
    reason: 'Forbidden',
    code: 403,
  });
}
