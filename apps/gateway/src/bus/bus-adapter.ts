import { type Bus, type BusSubscription, unbase32 } from '#bus';
import { type JsonValue, badRequest } from '#machinery';
import { type ApiServer, statusOf } from '../api/api-server';
import { authenticated } from '../authn/authenticator';
import { type UserInfo } from '../kinds/strategy';
import { type ApiRequest, noBody } from '../request/api-request';
import { type ApiResult, type WatchResult } from '../request/api-result';
import { type RequestObserver } from '../request/request-metrics';
import { replay } from './replay';

/** What a component sends to `nestor.api.<base32(sender)>.<base32(user)>`. */
interface BusRequest {
  readonly method: string;
  /** Path and query. */
  readonly path: string;
  readonly contentType?: string;
  readonly accept?: string;
  readonly body?: object;
  readonly userAgent?: string;
}

/** Groups of a component's identity, beside `system:authenticated`. */
export type GroupsOf = (user: string) => readonly string[];

const subject = 'nestor.api.>';
const queue = 'gateway';

/** The API on the bus. The identity is the subject's user: who may publish on it is for the bus to enforce. */
export function serveBus(
  bus: Bus,
  api: ApiServer,
  groupsOf: GroupsOf,
  observer: RequestObserver,
  /** The revision that the caches have reached. */
  revision: () => number,
): BusSubscription {
  const users = new Map<string, UserInfo>();
  const userOf = (token: string): UserInfo => {
    let user = users.get(token);
    if (user === undefined) {
      const name = unbase32(token);
      user = authenticated({ name, groups: groupsOf(name) });
      users.set(token, user);
    }
    return user;
  };
  return bus.serve(subject, queue, async (message) => {
    const finish = observer.begin();
    let request: ApiRequest | undefined;
    let status = 500;
    try {
      request = toRequest(message.payload as BusRequest, userOf(message.subject.split('.')[3] ?? ''));
      const result = await api.handle(request);
      const answer =
        result.type === 'watch'
          ? { status: 200, body: replay(result, Number(request.query.get('resourceVersion')), revision) }
          : toPayload(result);
      status = answer.status;
      return answer;
    } catch (error) {
      const { code, body } = statusOf(error);
      status = code;
      return { status: code, body };
    } finally {
      finish(request, request?.method ?? '', status);
    }
  });
}

function toRequest(message: BusRequest, user: UserInfo): ApiRequest {
  const question = message.path.indexOf('?');
  const headers: Readonly<Record<string, string | undefined>> = {
    'content-type': message.contentType,
    accept: message.accept,
    'user-agent': message.userAgent,
  };
  return {
    method: message.method,
    path: decodeURIComponent(question < 0 ? message.path : message.path.slice(0, question)),
    query: new URLSearchParams(question < 0 ? '' : message.path.slice(question + 1)),
    header: (name) => headers[name],
    body: message.body === undefined ? noBody : { ...noBody, value: message.body },
    user,
    signal: new AbortController().signal,
  };
}

/** Objects go out as they are: frozen, and shared with the cache where caller and gateway share a process. */
function toPayload(result: Exclude<ApiResult, WatchResult>): { status: number; body: unknown } {
  switch (result.type) {
    case 'object':
      return { status: result.status, body: result.object };
    case 'list': {
      const { resource, metadata, items } = result;
      const { apiVersion, definition } = resource;
      const body = { kind: definition.listKind, apiVersion, metadata, items: items.map(({ object }) => object) };
      return { status: 200, body };
    }
    case 'raw':
      return {
        status: result.status,
        body: (result.headers['content-type'] ?? '').includes('json')
          ? (JSON.parse(result.body.toString('utf8')) as JsonValue)
          : result.body.toString('utf8'),
      };
    case 'stream':
      result.body.destroy();
      throw badRequest('streams are not served on the bus');
  }
}
