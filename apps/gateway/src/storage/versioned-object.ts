import { type DeepReadonly, type KubernetesObject, deepFreeze } from '#machinery';

/**
 * An object at one revision: frozen, with the bytes that the store holds. Every answer and watch event is assembled from
 * those bytes, so an object is serialised once in its life.
 *
 * The stored form is `{"kind":…,"apiVersion":…,"metadata":{…},…}` without a resourceVersion, which the store's own revision is;
 * it is spliced in right after `"metadata":{`.
 */
export class VersionedObject {
  constructor(
    readonly key: string,
    readonly object: DeepReadonly<KubernetesObject>,
    /** The resourceVersion: revision of the last change, or of the deletion; 0 for what was never stored. */
    readonly revision: number,
    /** The store's value. */
    readonly value: Uint8Array,
    /** Where in `value` the fields of metadata start. */
    private readonly metadataStart: number,
  ) {}

  /** `{"kind":…}` in full, as GET answers. */
  get head(): string {
    const prefix = Buffer.from(this.value.buffer, this.value.byteOffset, this.metadataStart).toString('latin1');
    return this.revision === 0 ? prefix : `${prefix}"resourceVersion":"${this.revision}",`;
  }

  /** The same as an element of a list: without kind and apiVersion. */
  get itemHead(): string {
    return `{"metadata":{"resourceVersion":"${this.revision}",`;
  }

  /** What follows either head. Shares memory with the store. */
  get tail(): Buffer {
    return Buffer.from(
      this.value.buffer,
      this.value.byteOffset + this.metadataStart,
      this.value.byteLength - this.metadataStart,
    );
  }

  get bytes(): Buffer {
    return Buffer.concat([Buffer.from(this.head, 'latin1'), this.tail]);
  }

  /** The same state at another revision: what a watcher sees last of a deleted object. */
  at(revision: number): VersionedObject {
    if (revision === this.revision) return this;
    const object = deepFreeze({
      ...this.object,
      metadata: { ...this.object.metadata, resourceVersion: String(revision) },
    });
    return new VersionedObject(this.key, object, revision, this.value, this.metadataStart);
  }
}

const metadataField = Buffer.from('"metadata":{');

/** Encodes an object for the store. */
export function encodeForStore(object: KubernetesObject): Buffer {
  const { kind, apiVersion, metadata = {}, ...rest } = object;
  const { resourceVersion: _dropped, ...storedMetadata } = metadata;
  const head = `{"kind":${JSON.stringify(kind)},"apiVersion":${JSON.stringify(apiVersion)},"metadata":`;
  const tail = JSON.stringify(rest);
  return Buffer.from(`${head}${JSON.stringify(storedMetadata)}${tail === '{}' ? '}' : `,${tail.slice(1)}`}`, 'utf8');
}

/** Decodes a value of the store. Throws `SyntaxError` if it is not an object that `encodeForStore` wrote. */
export function decodeStored(key: string, value: Uint8Array, revision: number): VersionedObject {
  const buffer = Buffer.from(value.buffer, value.byteOffset, value.byteLength);
  const field = buffer.indexOf(metadataField);
  if (field < 0) throw new SyntaxError(`no metadata in the value of ${key}`);
  const object = JSON.parse(buffer.toString('utf8')) as KubernetesObject;
  (object.metadata ??= {}).resourceVersion = String(revision);
  return new VersionedObject(key, deepFreeze(object), revision, value, field + metadataField.length);
}

/** An object that is not (or not in this form) in the store: a converted or dry-run one. */
export function versioned(key: string, object: KubernetesObject, revision: number): VersionedObject {
  const value = encodeForStore(object);
  const { resourceVersion: _dropped, ...metadata } = object.metadata ?? {};
  const own = { ...object, metadata: revision > 0 ? { ...metadata, resourceVersion: String(revision) } : metadata };
  return new VersionedObject(
    key,
    deepFreeze(own),
    revision,
    value,
    value.indexOf(metadataField) + metadataField.length,
  );
}
