import { type Readable } from 'node:stream';
import { type DeepReadonly, type KubernetesObject } from '#machinery';
import { type ServedResource } from '../registry/served-resource';
import { type VersionedObject } from '../storage/versioned-object';

/** What a handler answers, before it is encoded for the transport. Errors are thrown as `ApiError`. */
export type ApiResult = ObjectResult | ListResult | WatchResult | RawResult | StreamResult;

interface Warned {
  /** Sent as `Warning: 299` headers. */
  readonly warnings?: readonly string[];
}

/** One object: of a served resource, or of a kind that is never stored (Status, reviews). */
export interface ObjectResult extends Warned {
  readonly type: 'object';
  readonly status: number;
  readonly object: DeepReadonly<KubernetesObject>;
  /** The same with its bytes at hand, if it came from the store. */
  readonly stored?: VersionedObject;
  /** Enables Table and PartialObjectMetadata. */
  readonly resource?: ServedResource;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface ListMetadata {
  readonly resourceVersion: string;
  readonly continue?: string;
  readonly remainingItemCount?: number;
}

export interface ListResult extends Warned {
  readonly type: 'list';
  readonly resource: ServedResource;
  readonly metadata: ListMetadata;
  readonly items: readonly VersionedObject[];
}

export type WatchEventType = 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK' | 'ERROR';

/** What goes to one watcher. */
export interface WatchEvent {
  readonly type: WatchEventType;
  readonly object: VersionedObject | DeepReadonly<KubernetesObject>;
  /** Identity shared by all watchers that get the same event, so that it is encoded once. */
  readonly shared?: object;
}

export interface WatchSink {
  /** Synchronous; must not throw. Returns false if the watcher does not keep up and must be closed. */
  send(event: WatchEvent): boolean;
  /** The watch is over, in good order. */
  end(): void;
}

export interface WatchResult extends Warned {
  readonly type: 'watch';
  readonly resource: ServedResource;
  /** Starts delivery. The returned function ends it without calling `sink.end`. */
  start(sink: WatchSink): () => void;
}

/** Bytes of another content type: health, metrics, OpenAPI, discovery. */
export interface RawResult extends Warned {
  readonly type: 'raw';
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

/** Bytes that come as they come: logs, what a backend answers. */
export interface StreamResult extends Warned {
  readonly type: 'stream';
  readonly status: number;
  readonly headers: Readonly<Record<string, string | readonly string[]>>;
  readonly body: Readable;
}

export function textResult(status: number, text: string, contentType = 'text/plain; charset=utf-8'): RawResult {
  return { type: 'raw', status, headers: { 'content-type': contentType }, body: Buffer.from(text) };
}

export function jsonResult(status: number, value: unknown): RawResult {
  return {
    type: 'raw',
    status,
    headers: { 'content-type': 'application/json' },
    body: Buffer.from(JSON.stringify(value)),
  };
}
