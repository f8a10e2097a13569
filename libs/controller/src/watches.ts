import { type Resource } from '#api';
import { type DeepReadonly, type KubernetesObject, controllerOf, formatKey, keyOf } from '#machinery';
import { type Informer, type InformerFactory, type InformerHandler } from './informer';

/** The part of a work queue that watches need. */
export interface KeySink {
  add(key: string): void;
  addAfter(key: string, milliseconds: number): void;
}

type KeyFunction<T> = (object: DeepReadonly<T>, old?: DeepReadonly<T>) => Iterable<string>;

/** Decides whether an update matters. Adds and deletes always do. */
export type UpdateFilter<T> = (object: DeepReadonly<T>, old: DeepReadonly<T>) => boolean;

/**
 * Which objects lead to which keys: controller-runtime's For, Owns and Watches. Every method starts the informer and
 * returns it, for its lister and indexes.
 */
export class Watches {
  private readonly removals: (() => void)[] = [];
  private readonly replays: (() => void)[] = [];

  constructor(
    private readonly informers: InformerFactory,
    /** For keys that come from elsewhere: timers, other events. */
    readonly queue: KeySink,
  ) {}

  /** The reconciler's own kind: every object is its key. */
  primary<T extends KubernetesObject>(resource: Resource<T>, matters?: UpdateFilter<T>): Informer<T> {
    return this.mapped(resource, (object) => [keyOf(object)], matters);
  }

  /**
   * Objects with a controller reference to `owner` lead to their controller; on an update that changes the reference, to
   * the old one too.
   */
  owned<T extends KubernetesObject>(
    resource: Resource<T>,
    owner: { readonly kind: string; readonly group: string },
    matters?: UpdateFilter<T>,
  ): Informer<T> {
    const keyOfOwner = (object: DeepReadonly<T>): string | undefined => {
      const reference = controllerOf(object);
      return reference?.kind === owner.kind && groupOf(reference.apiVersion) === owner.group
        ? formatKey(object.metadata?.namespace ?? '', reference.name)
        : undefined;
    };
    return this.mapped(
      resource,
      (object, old) =>
        [keyOfOwner(object), old === undefined ? undefined : keyOfOwner(old)].filter((key) => key !== undefined),
      matters,
    );
  }

  /** Any other relation. On an update `keys` gets the old state as well. */
  mapped<T extends KubernetesObject>(
    resource: Resource<T>,
    keys: KeyFunction<T>,
    matters: UpdateFilter<T> = () => true,
  ): Informer<T> {
    const informer = this.informers.informer(resource);
    const addAll = (found: Iterable<string>): void => {
      for (const key of found) this.queue.add(key);
    };
    this.replays.push(() => informer.lister.list().forEach((object) => addAll(keys(object))));
    this.removals.push(
      informer.addHandler({
        onAdd: (object) => addAll(keys(object)),
        onUpdate: (object, old) => {
          if (matters(object, old)) addAll(keys(object, old));
        },
        onDelete: (object) => addAll(keys(object)),
      }),
    );
    return informer;
  }

  /** Where it matters what happened, as when only a deletion counts. The handler adds keys to `queue`. */
  handler<T extends KubernetesObject>(resource: Resource<T>, handler: InformerHandler<T>): Informer<T> {
    const informer = this.informers.informer(resource);
    this.replays.push(() => informer.lister.list().forEach((object) => handler.onAdd?.(object)));
    this.removals.push(informer.addHandler(handler));
    return informer;
  }

  /** Every object as if it had just been added: where a new term starts. */
  replay(): void {
    for (const replay of this.replays) replay();
  }

  /** Removes every handler. */
  close(): void {
    for (const remove of this.removals.splice(0)) remove();
  }
}

function groupOf(apiVersion: string): string {
  const slash = apiVersion.indexOf('/');
  return slash < 0 ? '' : apiVersion.slice(0, slash);
}
