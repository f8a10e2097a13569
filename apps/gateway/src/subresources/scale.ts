import { type ResourceDefinition, type Scale, schemaFor } from '#api';
import {
  type DeepReadonly,
  type JsonObject,
  type KubernetesObject,
  type ObjectMeta,
  applyConfiguration,
  badRequest,
  copyJson,
  field,
  formatKind,
  formatTime,
  kindOf,
  invalid,
  labelSelectorMatcher,
  labelsMatcher,
  type LabelSelector,
} from '#machinery';
import { decodeBody, decodeObject, mediaTypeOf } from '../codec/decode-body';
import { applyMediaType, applyPatch, readConfiguration, readPatch } from '../api/patcher';
import { checkName, checkNamespace } from '../api/request-checks';
import { type SubresourceDependencies } from '../api/subresource-list';
import { type SubresourceHandler } from '../api/subresources';
import { recordUpdate } from '../registry/ownership';
import { uidMismatch } from '../registry/preconditions';
import { type ServedResource } from '../registry/served-resource';
import { ownersOfScale, ownersOfWorkload } from './scale-ownership';
import { type WriteContext } from '../registry/write-context';
import { type ObjectResult } from '../request/api-result';
import { parseWriteOptions } from '../request/options';

interface Scalable extends KubernetesObject {
  spec?: { replicas?: number; selector?: unknown };
  status?: { replicas?: number };
}

/** `scale`: replicas and selector of a workload, in the shape that autoscalers know. */
export function scaleHandler({ reader, writer, handlers, clock }: SubresourceDependencies): SubresourceHandler {
  const expected = {
    group: 'autoscaling',
    version: 'v1',
    kind: 'Scale',
    schema: schemaFor('autoscaling', 'v1', 'Scale'),
  };
  const write = async (
    resource: ServedResource,
    context: WriteContext,
    warnings: readonly string[],
    next: (current: Scale, live: DeepReadonly<Scalable>) => Scale | Promise<Scale>,
    /** The outcome of `next` says who owns the replicas. */
    isApplied = false,
  ): Promise<ObjectResult> => {
    const outcome = await writer.update(
      resource,
      context.name,
      {
        next: async (live) => {
          const old = live as DeepReadonly<Scalable>;
          const scale = await next(scaleOf(resource.definition, old), old);
          checkName(scale, context.name);
          checkNamespace(scale, resource, context.namespace);
          const replicas = scale.spec?.replicas ?? 0;
          if (replicas < 0) {
            const error = field.invalid('spec.replicas', replicas, 'must be greater than or equal to 0');
            throw invalid({ group: 'autoscaling', kind: 'Scale' }, context.name, [error]);
          }
          const { uid, resourceVersion } = scale.metadata ?? {};
          if (uid !== undefined && uid !== '' && uid !== old.metadata?.uid) throw uidMismatch(resource, old, uid);
          const metadata = { ...(old.metadata as ObjectMeta), resourceVersion };
          const object = { ...old, metadata, spec: { ...old.spec, replicas } } as KubernetesObject;
          if (isApplied) metadata.managedFields = ownersOfWorkload(old, scale.metadata?.managedFields);
          else recordUpdate(resource, object, old, context, clock.now());
          return object;
        },
      },
      context,
    );
    const object = scaleOf(resource.definition, outcome.object.object);
    return { type: 'object', status: 200, object: object, warnings };
  };
  const apply = (current: Scale, live: DeepReadonly<Scalable>, config: JsonObject, context: WriteContext): Scale => {
    const managedFields = ownersOfScale(live.metadata?.managedFields);
    // Its status is computed, so nobody has a say in it.
    const { status: _status, ...configured } = config;
    const applied = applyConfiguration({ ...current, metadata: { ...current.metadata, managedFields } }, configured, {
      schema: expected.schema,
      apiVersion: 'autoscaling/v1',
      subresource: 'scale',
      now: formatTime(clock.now()),
      manager: context.manager,
      force: context.options.force === true,
      normalize: (merged) => decodeObject(merged, expected, 'Ignore', () => undefined),
    });
    return copyJson(applied as unknown as JsonObject);
  };
  return {
    async get(request, info, resource) {
      const found = await reader.get(resource, info.namespace, info.name, request.query.get('resourceVersion') ?? '');
      const object = scaleOf(resource.definition, found.object);
      return { type: 'object', status: 200, object: object };
    },
    async update(request, info, resource) {
      const options = parseWriteOptions(request.query, 'UpdateOptions');
      const { context, warnings } = handlers.context(request, info, options, info.name);
      const scale = (await decodeBody(request, expected, options.fieldValidation, (text) =>
        context.warn(text),
      )) as Scale;
      checkName(scale, info.name);
      return write(resource, context, warnings, () => scale);
    },
    async patch(request, info, resource) {
      const mediaType = mediaTypeOf(request);
      const options = parseWriteOptions(request.query, 'PatchOptions', mediaType === applyMediaType);
      const { context, warnings } = handlers.context(request, info, options, info.name);
      if (mediaType === applyMediaType) {
        const config = await readConfiguration(request, context);
        const kind = kindOf(config);
        if (kind.group !== 'autoscaling' || kind.version !== 'v1' || kind.kind !== 'Scale') {
          throw badRequest(`invalid object type: ${formatKind(kind)}`);
        }
        return write(resource, context, warnings, (current, live) => apply(current, live, config, context), true);
      }
      const { value: patch } = await readPatch(request);
      return write(resource, context, warnings, (current) => {
        const patched = applyPatch(mediaType, current as unknown as JsonObject, patch, expected.schema, context);
        return decodeObject(patched, expected, options.fieldValidation, (text) => context.warn(text));
      });
    },
  };
}

function scaleOf({ kind }: ResourceDefinition, object: DeepReadonly<Scalable>): Scale {
  const { name, namespace, uid, resourceVersion, creationTimestamp } = object.metadata ?? {};
  const replicas = object.spec?.replicas ?? 0;
  const selector = selectorText(kind, object.spec?.selector);
  return {
    kind: 'Scale',
    apiVersion: 'autoscaling/v1',
    metadata: { name, namespace, uid, resourceVersion, creationTimestamp },
    spec: replicas === 0 ? {} : { replicas },
    status: { replicas: object.status?.replicas ?? 0, ...(selector === '' ? {} : { selector }) },
  };
}

function selectorText(kind: string, selector: unknown): string {
  if (selector === undefined) return '';
  // ReplicationControllers have the labels themselves.
  if (kind === 'ReplicationController') return labelsMatcher(selector as Record<string, string>).toString();
  return labelSelectorMatcher(selector as LabelSelector).toString();
}
