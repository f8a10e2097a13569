import { type Bus, type EventMessage, type Message, type Payload, unbase32 } from '#bus';
import { type Clock, type JsonValue, type Timer, badRequest, tooManyRequests } from '#machinery';
import { type ApiServer, statusOf } from '../api/api-server';
import { type CacheFeed } from '../cache/cache-feed';
import { authenticated } from '../authn/authenticator';
import { type UserInfo } from '../kinds/strategy';
import { type ApiRequest } from '../request/api-request';
import { type ApiResult, type WatchResult } from '../request/api-result';
import { type RequestObserver } from '../request/request-metrics';
import { readBusRequest } from './bus-request';
import { replay } from './replay';

/** Groups of a component's identity, beside `system:authenticated`. */
export type GroupsOf = (user: string) => readonly string[];

const subject = 'nestor.api.>';
const queue = 'gateway';
/** Requests of one sender that are answered at a time. Twice what any component sends at once: a controller's largest burst is 500 pods. */
const mostOfOneSender = 1000;
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
  const bySender = new Map<string, number>();
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
    const [, , sender = '', user = ''] = message.subject.split('.');
    const count = (change: number): number => {
      const now = (bySender.get(sender) ?? 0) + change;
      if (now > 0) bySender.set(sender, now);
      else bySender.delete(sender);
      return now;
    };
    const own = count(1);
    let request: ApiRequest | undefined;
    let status = 500;
    try {
      if (own > mostOfOneSender) throw tooManyRequests('too many requests, please try again later', 1);
      request = readBusRequest(message.payload, userOf(user));
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
      count(-1);
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
