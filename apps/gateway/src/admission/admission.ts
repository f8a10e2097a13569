import { type ApiError, type DeepReadonly, type KubernetesObject, forbidden } from '#machinery';
import { type UserInfo } from '../kinds/strategy';
import { type ServedResource } from '../registry/served-resource';

export type Operation = 'CREATE' | 'UPDATE' | 'DELETE' | 'CONNECT';

/** What a plugin judges. */
export interface AdmissionRequest {
  readonly operation: Operation;
  readonly resource: ServedResource;
  /** '' for the object itself. */
  readonly subresource: string;
  readonly namespace: string;
  /** '' when a name is still to be generated. */
  readonly name: string;
  readonly user: UserInfo;
  readonly dryRun: boolean;
  /** The new state; in `mutate` the plugin may change it. Absent for DELETE. The body's kind for subresources such as `binding`. */
  readonly object: KubernetesObject | undefined;
  /** The state before; absent for CREATE. */
  readonly old: DeepReadonly<KubernetesObject> | undefined;
  warn(message: string): void;
}

/**
 * One admission controller. `mutate` runs before validation, in the order of the list; `validate` after everything has been
 * defaulted. Either refuses by throwing an `ApiError`, usually Forbidden.
 */
export interface AdmissionPlugin {
  readonly name: string;
  mutate?(request: AdmissionRequest): void | Promise<void>;
  validate?(request: AdmissionRequest): void | Promise<void>;
}

/** Finds what a request depends on. At once if the cache has it; otherwise by a look into the store, where another gateway may just have written it. */
export type LookUp<T> = (
  namespace: string,
  name: string,
) => DeepReadonly<T> | undefined | Promise<DeepReadonly<T> | undefined>;

/** `admission.NewForbidden`: 403, named after the object, or after what its name will begin with. */
export function refusal({ resource, name, object }: AdmissionRequest, cause: string): ApiError {
  const { name: given = '', generateName = '' } = object?.metadata ?? {};
  return forbidden(resource.groupResource, name || given || generateName || 'Unknown', cause);
}

/** The plugins in their order. */
export class AdmissionChain {
  private readonly mutating: readonly AdmissionPlugin[];
  private readonly validating: readonly AdmissionPlugin[];

  constructor(plugins: readonly AdmissionPlugin[]) {
    this.mutating = plugins.filter((plugin) => plugin.mutate !== undefined);
    this.validating = plugins.filter((plugin) => plugin.validate !== undefined);
  }

  async mutate(request: AdmissionRequest): Promise<void> {
    for (const plugin of this.mutating) {
      const pending = plugin.mutate?.(request);
      if (pending !== undefined) await pending;
    }
  }

  async validate(request: AdmissionRequest): Promise<void> {
    for (const plugin of this.validating) {
      const pending = plugin.validate?.(request);
      if (pending !== undefined) await pending;
    }
  }
}
