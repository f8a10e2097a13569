import { type Pod, type PodSpec, type RuntimeClass, type Toleration } from '#api';
import { compareQuantities, type DeepReadonly, jsonEquals, parseQuantity } from '#machinery';
import { type AdmissionPlugin, type AdmissionRequest, type LookUp, refusal } from './admission';

type Class = DeepReadonly<RuntimeClass>;

/** A pod's runtime class exists, and says what the runtime itself costs and on which nodes it is (KEP-585, KEP-688). */
export function runtimeClassAdmission(lookUp: LookUp<RuntimeClass>): AdmissionPlugin {
  return {
    name: 'RuntimeClass',
    async mutate(request) {
      const spec = newPodSpec(request);
      const chosen = spec === undefined ? undefined : await classOf(request, spec, lookUp);
      if (spec === undefined || chosen === undefined) return;
      const overhead = chosen.overhead?.podFixed;
      if (overhead !== undefined && spec.overhead === undefined) spec.overhead = { ...overhead };
      if (chosen.scheduling !== undefined) setScheduling(request, spec, chosen.scheduling);
    },
    async validate(request) {
      const spec = newPodSpec(request);
      if (spec !== undefined) checkOverhead(request, spec, await classOf(request, spec, lookUp));
    },
  };
}

function newPodSpec({ operation, subresource, resource, object }: AdmissionRequest): PodSpec | undefined {
  const isNewPod = operation === 'CREATE' && subresource === '' && resource.groupResource.resource === 'pods';
  return isNewPod ? (object as Pod).spec : undefined;
}

async function classOf(
  request: AdmissionRequest,
  { runtimeClassName }: PodSpec,
  lookUp: LookUp<RuntimeClass>,
): Promise<Class | undefined> {
  if (runtimeClassName === undefined || runtimeClassName === '') return undefined;
  const found = await lookUp('', runtimeClassName);
  if (found === undefined) throw refuse(request, `RuntimeClass "${runtimeClassName}" not found`);
  return found;
}

function checkOverhead(request: AdmissionRequest, { overhead }: PodSpec, chosen: Class | undefined): void {
  if (overhead === undefined) return;
  const wanted = chosen?.overhead?.podFixed;
  if (wanted === undefined)
    throw refuse(request, 'Pod Overhead set without corresponding RuntimeClass defined Overhead');
  if (!isSameList(overhead, wanted)) {
    throw refuse(request, "Pod's Overhead doesn't match RuntimeClass's defined Overhead");
  }
}

function isSameList(one: Readonly<Record<string, string>>, other: Readonly<Record<string, string>>): boolean {
  const names = Object.keys(one);
  return (
    names.length === Object.keys(other).length &&
    names.every(
      (name) =>
        other[name] !== undefined &&
        compareQuantities(parseQuantity(one[name] as string), parseQuantity(other[name])) === 0,
    )
  );
}

function setScheduling(request: AdmissionRequest, spec: PodSpec, scheduling: NonNullable<Class['scheduling']>): void {
  for (const [key, value] of Object.entries(scheduling.nodeSelector ?? {})) {
    const own = spec.nodeSelector?.[key];
    if (own !== undefined && own !== value) {
      const text = `conflict: runtimeClass.scheduling.nodeSelector[${key}] = ${value}; pod.spec.nodeSelector[${key}] = ${own}`;
      throw refuse(request, text);
    }
    (spec.nodeSelector ??= {})[key] = value;
  }
  for (const toleration of scheduling.tolerations ?? []) {
    const tolerations = (spec.tolerations ??= []);
    if (!tolerations.some((own) => jsonEquals(own, toleration))) tolerations.push({ ...(toleration as Toleration) });
  }
}

function refuse(request: AdmissionRequest, cause: string): Error {
  return refusal(request, `pod rejected: ${cause}`);
}
