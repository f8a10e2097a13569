import { type Pod, type PriorityClass } from '#api';
import { type DeepReadonly, forbidden, goQuote } from '#machinery';
import { type ServedResource } from '../registry/served-resource';
import { type AdmissionPlugin, type AdmissionRequest } from './admission';

type Class = DeepReadonly<PriorityClass>;

/** Pods get the number that their priority class stands for; there is one default class at most. */
export function priorityAdmission(classes: ServedResource): AdmissionPlugin {
  const find = (name: string): Class | undefined => classes.cache.get(classes.key('', name))?.object;
  const defaultClass = (): Class | undefined => {
    let best: Class | undefined;
    for (const { object } of classes.cache.range(classes.cache.prefix)) {
      const candidate = object as Class;
      if (candidate.globalDefault === true && (best === undefined || (candidate.value ?? 0) < (best.value ?? 0)))
        best = candidate;
    }
    return best;
  };
  const admitPod = (request: AdmissionRequest): void => {
    const pod = request.object as Pod;
    const { spec } = pod;
    if (spec === undefined) return;
    const refuse = (cause: string): Error =>
      forbidden(
        request.resource.groupResource,
        request.name === '' ? (pod.metadata?.generateName ?? '') : request.name,
        cause,
      );
    if (request.operation === 'UPDATE') {
      const old = request.old as DeepReadonly<Pod>;
      if ((spec.priorityClassName ?? '') === (old.spec?.priorityClassName ?? '')) {
        // Clients that do not know the field send it empty.
        spec.priority ??= old.spec?.priority;
        spec.preemptionPolicy ??= old.spec?.preemptionPolicy;
        if (spec.priority === undefined) delete spec.priority;
        if (spec.preemptionPolicy === undefined) delete spec.preemptionPolicy;
      }
      return;
    }
    let chosen: Class | undefined;
    if ((spec.priorityClassName ?? '') === '') {
      chosen = defaultClass();
      if (chosen !== undefined) spec.priorityClassName = chosen.metadata?.name ?? '';
    } else {
      chosen = find(spec.priorityClassName ?? '');
      if (chosen === undefined) throw refuse(`no PriorityClass with name ${spec.priorityClassName ?? ''} was found`);
    }
    const value = chosen?.value ?? 0;
    const policy = chosen?.preemptionPolicy ?? 'PreemptLowerPriority';
    if (spec.priority !== undefined && spec.priority !== value) {
      throw refuse(
        `the integer value of priority (${spec.priority}) must not be provided in pod spec; priority admission controller computed ${value} from the given PriorityClass name`,
      );
    }
    if (spec.preemptionPolicy !== undefined && spec.preemptionPolicy !== policy) {
      throw refuse(
        `the string value of PreemptionPolicy (${spec.preemptionPolicy}) must not be provided in pod spec; priority admission controller computed ${policy} from the given PriorityClass name`,
      );
    }
    spec.priority = value;
    spec.preemptionPolicy = policy;
  };
  return {
    name: 'Priority',
    mutate(request) {
      const { group, plural } = request.resource.definition;
      if (request.operation === 'DELETE' || group !== '' || plural !== 'pods' || request.subresource !== '') return;
      admitPod(request);
    },
    validate(request) {
      const { group, plural } = request.resource.definition;
      if (group !== 'scheduling.k8s.io' || plural !== 'priorityclasses' || request.object === undefined) return;
      const wanted = request.object as PriorityClass;
      if (wanted.globalDefault !== true) return;
      const existing = defaultClass();
      const name = existing?.metadata?.name;
      if (name === undefined || name === wanted.metadata?.name) return;
      throw forbidden(
        request.resource.groupResource,
        request.name,
        `PriorityClass ${goQuote(name).slice(1, -1)} is already marked as default. Only one default can exist`,
      );
    },
  };
}
