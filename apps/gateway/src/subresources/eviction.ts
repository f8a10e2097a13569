import { type Eviction, type Pod, resources, schemaFor } from '#api';
import {
  ApiError,
  type DeepReadonly,
  type KubernetesObject,
  badRequest,
  formatTime,
  tooManyRequests,
} from '#machinery';
import { decodeBody } from '../codec/decode-body';
import { type SubresourceDependencies } from '../api/subresource-list';
import { type SubresourceHandler } from '../api/subresources';
import { budgetOf, takeFromBudget } from './disruption-budget';
import { parseWriteOptions } from '../request/options';
import { type DeleteOptions, checkPreconditions, validateDeleteOptions } from '../registry/deletion';
import { createdStatus } from './success';

/** `pods/eviction`: a deletion that disruption budgets may refuse (429). */
export function evictionHandler(deps: SubresourceDependencies): SubresourceHandler {
  const { table, writer, reader, handlers, admission, clock } = deps;
  const pods = table.require(resources.pods);
  const budgets = table.require(resources.podDisruptionBudgets);
  const schema = schemaFor('policy', 'v1', 'Eviction');
  // Clients older than v1.22 send v1beta1, which is the same.
  const expected = { group: 'policy', version: 'v1', alsoVersions: ['v1beta1'], kind: 'Eviction', schema };
  return {
    async create(request, info) {
      const options = parseWriteOptions(request.query, 'CreateOptions');
      const { context, warnings } = handlers.context(request, info, options, info.name);
      const eviction = (await decodeBody(request, expected, options.fieldValidation, (text) =>
        context.warn(text),
      )) as Eviction;
      if ((eviction.metadata?.name ?? '') !== info.name) {
        throw badRequest('name in URL does not match name in Eviction object');
      }
      const deleteOptions = (eviction.deleteOptions ?? {}) as DeleteOptions;
      validateDeleteOptions(deleteOptions);
      const admitted = writer.admissionRequest('CREATE', pods, context, eviction, undefined);
      await admission.mutate(admitted);
      await admission.validate(admitted);
      const found = await reader.get(pods, info.namespace, info.name, '');
      const pod = found.object as DeepReadonly<Pod>;
      const dryRun = options.dryRun || (deleteOptions.dryRun ?? []).length > 0;
      const deletion = { ...context, subresource: '', options: { ...options, dryRun } };
      if (needsBudget(pod)) {
        const covering = budgetOf(budgets, pod);
        if (covering.length > 1) {
          throw new ApiError({
            ...badRequest('').status,
            message: 'This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.',
            reason: 'InternalError',
            code: 500,
          });
        }
        const [budget] = covering;
        if (
          budget !== undefined &&
          !(await takeFromBudget(writer, budgets, budget, info.name, deletion, clock.now()))
        ) {
          throw disrupted(budget.metadata?.name ?? '');
        }
      }
      // Workload controllers tell disruptions from failures by this condition (KEP-3329).
      const now = formatTime(clock.now());
      checkPreconditions(pods, pod, deleteOptions);
      if (pod.metadata?.deletionTimestamp === undefined) {
        await writer.modify(pods, info.name, deletion, (old) => withDisruption(old, now));
      }
      await writer.delete(pods, info.name, deleteOptions, deletion);
      return createdStatus(warnings);
    },
  };
}

function withDisruption(old: DeepReadonly<Pod>, now: string): KubernetesObject {
  const pod = old as Pod;
  const condition = {
    type: 'DisruptionTarget',
    status: 'True',
    lastProbeTime: null,
    lastTransitionTime: now,
    reason: 'EvictionByEvictionAPI',
    message: 'Eviction API: evicting',
  };
  const others = (pod.status?.conditions ?? []).filter(({ type }) => type !== condition.type);
  return { ...pod, status: { ...pod.status, conditions: [...others, condition] } } as KubernetesObject;
}

/** Pods that do not run, or are going away anyway, cost no budget. */
function needsBudget(pod: DeepReadonly<Pod>): boolean {
  const phase = pod.status?.phase ?? '';
  return pod.metadata?.deletionTimestamp === undefined && !['Succeeded', 'Failed', 'Pending'].includes(phase);
}

function disrupted(budget: string): ApiError {
  const { status } = tooManyRequests("Cannot evict pod as it would violate the pod's disruption budget.");
  return new ApiError({
    ...status,
    details: {
      causes: [
        {
          reason: 'DisruptionBudget',
          message: `The disruption budget ${budget} does not allow evicting pods currently`,
        },
      ],
    },
  });
}
