import { type StoreEvent } from '#store';

export interface Part {
  readonly events: readonly StoreEvent[];
  /** The last event's revision goes on in the next part. */
  readonly isFragment: boolean;
}

/**
 * Cuts events into parts of about `maxBytes`: between revisions if possible. Inside a revision it cuts only for a client that
 * asked for fragments; others get it whole, however large it is.
 */
export function* splitEvents(events: readonly StoreEvent[], maxBytes: number, mayFragment: boolean): Generator<Part> {
  let start = 0;
  let bytes = 0;
  for (let position = 0; position < events.length; position++) {
    const event = events[position]!;
    const size = sizeOf(event);
    const isInside = position > 0 && events[position - 1]!.kv.modRevision === event.kv.modRevision;
    if (bytes > 0 && bytes + size > maxBytes && (mayFragment || !isInside)) {
      yield { events: events.slice(start, position), isFragment: isInside };
      start = position;
      bytes = 0;
    }
    bytes += size;
  }
  if (start < events.length) yield { events: events.slice(start), isFragment: false };
}

/** What an event takes on the wire, roughly. */
export function sizeOf({ kv, prevKv }: StoreEvent): number {
  const previous = prevKv === undefined ? 0 : prevKv.key.length + prevKv.value.length + 32;
  return kv.key.length + kv.value.length + previous + 40;
}
