import { type Binding, type Pod, type PodCondition, resources, schemaFor } from '#api';
import {
  type DeepReadonly,
  type KubernetesObject,
  badRequest,
  conflict,
  field,
  formatFieldError,
  formatTime,
  notFound,
  unknownError,
} from '#machinery';
import { decodeBody } from '../codec/decode-body';
import { checkNamespace } from '../api/request-checks';
import { type SubresourceDependencies } from '../api/subresource-list';
import { type SubresourceHandler } from '../api/subresources';
import { uidMismatch } from '../registry/preconditions';
import { type ServedResource } from '../registry/served-resource';
import { parseWriteOptions } from '../request/options';
import { createdStatus } from './success';

/** `pods/binding`, and the older `bindings` that names the pod in the body: the scheduler's verdict. */
export function bindingHandler({
  table,
  writer,
  handlers,
  admission,
  clock,
}: SubresourceDependencies): SubresourceHandler {
  const pods = table.require(resources.pods);
  const bindings = table.require(resources.bindings);
  const schema = schemaFor('', 'v1', 'Binding');
  return {
    async create(request, info) {
      const options = parseWriteOptions(request.query, 'CreateOptions');
      const { context, warnings } = handlers.context(request, info, options, info.name);
      const expected = { group: '', version: 'v1', kind: 'Binding', schema };
      const binding = (await decodeBody(request, expected, options.fieldValidation, (text) =>
        context.warn(text),
      )) as Binding;
      checkNamespace(binding, bindings, info.namespace);
      const name = binding.metadata?.name ?? '';
      if (info.name !== '' && name !== info.name) throw badRequest('name in URL does not match name in Binding object');
      const admitted = writer.admissionRequest(
        'CREATE',
        pods,
        { ...context, subresource: 'binding' },
        binding,
        undefined,
      );
      await admission.mutate(admitted);
      requireNode(binding);
      await admission.validate(admitted);
      await writer.modify(pods, name, context, (old) => bind(pods, old, binding, clock.now()));
      return createdStatus(warnings);
    },
  };
}

function requireNode({ target }: Binding): void {
  if (target.kind !== undefined && target.kind !== '' && target.kind !== 'Node') {
    throw unknownError(formatFieldError(field.notSupported('target.kind', target.kind, ['Node', '<empty>'])));
  }
  if ((target.name ?? '') === '') throw unknownError(formatFieldError(field.required('target.name')));
}

function bind(pods: ServedResource, old: DeepReadonly<Pod>, binding: Binding, nowMs: number): KubernetesObject {
  const name = old.metadata?.name ?? '';
  const { uid } = binding.metadata ?? {};
  if (uid !== undefined && uid !== old.metadata?.uid) throw uidMismatch(pods, old, uid);
  const refuse = (cause: string): Error => conflict({ group: '', resource: 'pods/binding' }, name, cause);
  if (old.metadata?.deletionTimestamp !== undefined) {
    throw refuse(`pod ${name} is being deleted, cannot be assigned to a host`);
  }
  const node = old.spec?.nodeName ?? '';
  if (node !== '') throw refuse(`pod ${name} is already assigned to node "${node}"`);
  if ((old.spec?.schedulingGates ?? []).length > 0) throw refuse(`pod ${name} has non-empty .spec.schedulingGates`);
  if (old.spec === undefined) throw notFound(pods.groupResource, name);
  const pod = old as Pod;
  const { labels, annotations } = binding.metadata ?? {};
  const scheduled: PodCondition = {
    type: 'PodScheduled',
    status: 'True',
    lastProbeTime: null as unknown as undefined,
    lastTransitionTime: formatTime(nowMs),
  };
  const others = (pod.status?.conditions ?? []).filter(({ type }) => type !== 'PodScheduled');
  return {
    ...pod,
    metadata: {
      ...pod.metadata,
      ...(labels === undefined ? {} : { labels: { ...pod.metadata?.labels, ...labels } }),
      ...(annotations === undefined ? {} : { annotations: { ...pod.metadata?.annotations, ...annotations } }),
    },
    spec: { ...pod.spec, nodeName: binding.target.name },
    status: { ...pod.status, conditions: [...others, scheduled] },
  } as KubernetesObject;
}
