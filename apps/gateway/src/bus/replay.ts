import { type EventMessage, type ObjectEvent } from '#bus';
import { ApiError, type Status, badRequest } from '#machinery';
import { type WatchEvent, type WatchResult } from '../request/api-result';
import { VersionedObject } from '../storage/versioned-object';
import { publishedObject } from './published-object';

/** Longest answer; what is left is asked for again. */
const maximumEvents = 1000;
const maximumBytes = 512 << 10;

/**
 * What has happened since `from`, as one interval. On the bus a watch from a revision is this, a replay: what comes later comes
 * by the event stream. A long history is cut between two revisions, and the answer says that there is more.
 * @param current the revision that the caches have reached
 * @throws Expired when that history is gone; BadRequest without a revision to start from
 */
export function replay(watch: WatchResult, from: number, current: () => number): EventMessage {
  if (!(from > 0)) throw badRequest('watches are not served on the bus: name a resourceVersion for a replay');
  const events: ObjectEvent[] = [];
  let bytes = 0;
  let cutAt: number | undefined;
  let failure: Status | undefined;
  const stop = watch.start({
    send({ type, object }: WatchEvent) {
      if (type === 'ERROR') failure = object as unknown as Status;
      if (type === 'BOOKMARK' || type === 'ERROR' || !(object instanceof VersionedObject)) return true;
      const { revision } = object;
      const isFull = events.length >= maximumEvents || bytes >= maximumBytes;
      if (isFull && revision !== events.at(-1)?.revision) {
        cutAt = revision;
        return false;
      }
      events.push({ type, revision, object: publishedObject(watch.resource, object.object) });
      bytes += object.value.byteLength;
      return true;
    },
    end: () => undefined,
  });
  stop();
  if (failure !== undefined) throw new ApiError(failure);
  if (cutAt !== undefined) return { prev: from, rev: cutAt - 1, events, more: true };
  return { prev: from, rev: Math.max(from, current()), events };
}
