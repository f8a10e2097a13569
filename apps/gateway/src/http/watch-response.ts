import { type Writable } from 'node:stream';
import { type Representation } from '../request/accept';
import { type WatchResult, type WatchSink } from '../request/api-result';
import { type RenderOptions, renderWatchEvent } from './render';

/** Bytes that may wait for a client that does not read. */
const maximumBacklog = 8 * 1024 * 1024;

/** Plain JSON of an event, shared by all watchers that get it. */
const encoded = new WeakMap<object, Buffer>();

/** Streams a watch to a client, an event a write. `onEnd` is called once, however it ends. Returns a function that ends it. */
export function streamWatch(
  response: Writable,
  result: WatchResult,
  form: Representation,
  options: RenderOptions,
  onEnd: () => void,
): () => void {
  let isFirst = true;
  let isOver = false;
  /** What the client asked for when it began is not held against it: it may be more than may wait later. */
  let initialBacklog = Infinity;
  let stop: () => void = () => undefined;
  const over = (): void => {
    if (isOver) return;
    isOver = true;
    stop();
    onEnd();
  };
  const sink: WatchSink = {
    send: (event) => {
      if (isOver) return false;
      let line = form.as === '' && event.shared !== undefined ? encoded.get(event.shared) : undefined;
      if (line === undefined) {
        line = renderWatchEvent(event, result.resource, form, options, isFirst);
        if (form.as === '' && event.shared !== undefined) encoded.set(event.shared, line);
      }
      isFirst = false;
      response.write(line);
      if (response.writableLength <= initialBacklog + maximumBacklog) return true;
      // It does not keep up: better that it starts over than that we hold its events.
      response.destroy();
      over();
      return false;
    },
    end: () => {
      response.end();
      over();
    },
  };
  response.on('close', over);
  response.on('error', over);
  stop = result.start(sink);
  initialBacklog = response.writableLength;
  response.once('drain', () => (initialBacklog = 0));
  if (isOver) stop();
  return () => {
    response.end();
    over();
  };
}
