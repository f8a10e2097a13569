import { type JsonValue, type KubernetesObject, genericServerResponse } from '#machinery';
import { decodeObject } from '../codec/decode-body';
import { recordUpdate } from '../registry/ownership';
import { type ServedResource } from '../registry/served-resource';
import { type WriteContext } from '../registry/write-context';
import { type UpdateSource } from '../registry/writer';
import { type ApiRequest } from '../request/api-request';
import { checkName, checkNamespace, expectedOf } from './resource-handlers';

/** PATCH in its four forms, each as a source for `Writer.update`. */
export class Patcher {
  constructor(private readonly now: () => number) {}

  async source(
    request: ApiRequest,
    resource: ServedResource,
    context: WriteContext,
    mediaType: string,
  ): Promise<UpdateSource> {
    if (mediaType !== 'application/merge-patch+json') throw genericServerResponse(415);
    const patch = request.body.value ?? (JSON.parse(((await request.body.bytes()) ?? '{}').toString()) as object);
    return {
      next: (old) => {
        const merged = mergeInto(old as unknown as JsonValue, patch as JsonValue);
        return this.finish(resource, merged, old as KubernetesObject, context);
      },
    };
  }

  private finish(
    resource: ServedResource,
    patched: JsonValue,
    old: KubernetesObject,
    context: WriteContext,
  ): KubernetesObject {
    const object = decodeObject(patched, expectedOf(resource), context.options.fieldValidation, (message) =>
      context.warn(message),
    );
    resource.strategy.setDefaults?.(object);
    checkName(object, context.name);
    checkNamespace(object, resource, context.namespace);
    recordUpdate(resource, object, old, context, this.now());
    return object;
  }
}

function mergeInto(target: JsonValue | undefined, patch: JsonValue): JsonValue {
  if (typeof patch !== 'object' || patch === null || Array.isArray(patch)) return patch;
  const base: Record<string, JsonValue> =
    typeof target === 'object' && target !== null && !Array.isArray(target) ? { ...target } : {};
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete base[key];
    else base[key] = mergeInto(base[key], value);
  }
  return base;
}
