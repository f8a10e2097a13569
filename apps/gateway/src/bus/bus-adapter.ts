import { type Bus, type EventMessage, type Message, type Payload, unbase32 } from '#bus';
import { type Fence } from '#client';
import { type Clock, type JsonValue, type Timer, badRequest } from '#machinery';
import { type ApiServer, statusOf } from '../api/api-server';
import { type CacheFeed } from '../cache/cache-feed';
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
  readonly fence?: Fence;
}

/** Groups of a component's identity, beside `system:authenticated`. */
export type GroupsOf = (user: string) => readonly string[];

const subject = 'nestor.api.>';
const queue = 'gateway';
/** Less than callers wait for the answer. */
const replayPatienceMs = 3000;

/** The API on the bus while it is served. */
export interface BusServer {
  /** Takes no more requests, and resolves when those that were on their way have been answered, after `graceMs` in any case. */
  drain(clock: Clock, graceMs: number): Promise<void>;
}

/** The API on the bus. The identity is the subject's user: who may publish on it is for the bus to enforce. */
export function serveBus(
  bus: Bus,
  api: ApiServer,
  groupsOf: GroupsOf,
  observer: RequestObserver,
  feed: Pick<CacheFeed, 'revision' | 'waitFor'>,
): BusServer {
  const pending = new Set<Promise<unknown>>();
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
  const answer = async (message: Message): Promise<Payload> => {
    const finish = observer.begin();
    let request: ApiRequest | undefined;
    let status = 500;
    try {
      request = toRequest(message.payload as BusRequest, userOf(message.subject.split('.')[3] ?? ''));
      const result = await api.handle(request);
      const reply =
        result.type === 'watch'
          ? { status: 200, body: await replayWhenReached(result, request, feed) }
          : toPayload(result);
      status = reply.status;
      return reply;
    } catch (error) {
      const { code, body } = statusOf(error);
      status = code;
      return { status: code, body };
    } finally {
      finish(request, request?.method ?? '', status);
    }
  };
  const subscription = bus.serve(subject, queue, (message) => {
    const answering = answer(message);
    pending.add(answering);
    void answering.finally(() => pending.delete(answering));
    return answering;
  });
  return {
    async drain(clock, graceMs) {
      subscription.close();
      let timer: Timer | undefined;
      const late = new Promise<void>((resolve) => (timer = clock.setTimer(graceMs, resolve)));
      // Once the broker has answered the flush, everything that it had handed to us before is here.
      const answered = bus.flush().then(async () => {
        while (pending.size > 0) await Promise.allSettled(pending);
      });
      await Promise.race([answered, late]).finally(() => timer?.cancel());
    },
  };
}

/** Once the caches have reached what the caller knows, so that the answer can hold something new. */
async function replayWhenReached(
  watch: WatchResult,
  request: ApiRequest,
  feed: Pick<CacheFeed, 'revision' | 'waitFor'>,
): Promise<EventMessage> {
  const from = Number(request.query.get('resourceVersion'));
  if (from > 0) await feed.waitFor(from, replayPatienceMs);
  return replay(watch, from, () => feed.revision);
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
    ...(message.fence === undefined ? {} : { fence: message.fence }),
    // Callers on the bus cannot hang up. Made when asked for, which is seldom: it costs more than the rest of this.
    get signal() {
      return new AbortController().signal;
    },
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
