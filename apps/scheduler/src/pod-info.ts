import { type Pod, type PodAffinityTerm } from '#api';
import { type DeepReadonly, type LabelMatcher, labelSelectorMatcher } from '#machinery';
import { deepEqualSemantic } from '#controller';
import { hostPortsOf, type HostPort } from './host-ports';
import { podRequests, type PodRequests } from './resources';

/** A pod (anti-)affinity term with its selectors compiled. */
export interface AffinityTerm {
  readonly topologyKey: string;
  readonly namespaces: ReadonlySet<string>;
  /** Undefined: no selector on namespaces. */
  readonly namespaceSelector?: LabelMatcher;
  readonly selector: LabelMatcher;
}

export interface WeightedAffinityTerm extends AffinityTerm {
  readonly weight: number;
}

/** A pod with what the plugins want to know of it, computed once. */
export interface PodInfo {
  readonly pod: DeepReadonly<Pod>;
  readonly uid: string;
  readonly namespace: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly requests: PodRequests;
  readonly hostPorts: readonly HostPort[];
  readonly requiredAffinity: readonly AffinityTerm[];
  readonly requiredAntiAffinity: readonly AffinityTerm[];
  readonly preferredAffinity: readonly WeightedAffinityTerm[];
  readonly preferredAntiAffinity: readonly WeightedAffinityTerm[];
}

const NONE: readonly never[] = [];

export function podInfo(pod: DeepReadonly<Pod>): PodInfo {
  const affinity = pod.spec?.affinity;
  const term = (source: DeepReadonly<PodAffinityTerm>): AffinityTerm => compile(source, pod);
  const weighted = (
    source: DeepReadonly<{ weight: number; podAffinityTerm: PodAffinityTerm }>,
  ): WeightedAffinityTerm => ({
    ...compile(source.podAffinityTerm, pod),
    weight: source.weight,
  });
  const near = affinity?.podAffinity;
  const apart = affinity?.podAntiAffinity;
  return {
    pod,
    uid: pod.metadata?.uid ?? '',
    namespace: pod.metadata?.namespace ?? '',
    labels: pod.metadata?.labels ?? {},
    requests: podRequests(pod),
    hostPorts: hostPortsOf(pod),
    requiredAffinity: near?.requiredDuringSchedulingIgnoredDuringExecution?.map(term) ?? NONE,
    requiredAntiAffinity: apart?.requiredDuringSchedulingIgnoredDuringExecution?.map(term) ?? NONE,
    preferredAffinity: near?.preferredDuringSchedulingIgnoredDuringExecution?.map(weighted) ?? NONE,
    preferredAntiAffinity: apart?.preferredDuringSchedulingIgnoredDuringExecution?.map(weighted) ?? NONE,
  };
}

function compile(term: DeepReadonly<PodAffinityTerm>, pod: DeepReadonly<Pod>): AffinityTerm {
  const names = term.namespaces ?? [];
  const own = names.length === 0 && term.namespaceSelector === undefined;
  return {
    topologyKey: term.topologyKey,
    namespaces: new Set(own ? [pod.metadata?.namespace ?? ''] : names),
    ...(term.namespaceSelector === undefined
      ? {}
      : { namespaceSelector: labelSelectorMatcher(term.namespaceSelector) }),
    selector: labelSelectorMatcher(withMatchLabelKeys(term, pod)),
  };
}

/** `matchLabelKeys` and `mismatchLabelKeys` (KEP-3633): the incoming pod's own values become requirements. */
function withMatchLabelKeys(
  term: DeepReadonly<PodAffinityTerm>,
  pod: DeepReadonly<Pod>,
): DeepReadonly<PodAffinityTerm>['labelSelector'] {
  const labels = pod.metadata?.labels ?? {};
  const requirement = (operator: string) => (key: string) =>
    labels[key] === undefined ? [] : [{ key, operator, values: [labels[key]] }];
  const extra = [
    ...(term.matchLabelKeys ?? []).flatMap(requirement('In')),
    ...(term.mismatchLabelKeys ?? []).flatMap(requirement('NotIn')),
  ];
  if (extra.length === 0 || term.labelSelector === undefined) return term.labelSelector;
  return { ...term.labelSelector, matchExpressions: [...(term.labelSelector.matchExpressions ?? []), ...extra] };
}

/** Whether the term speaks of this pod. */
export function termMatches(
  term: AffinityTerm,
  pod: PodInfo,
  namespaceLabels: (namespace: string) => Readonly<Record<string, string>>,
): boolean {
  const inNamespace =
    term.namespaces.has(pod.namespace) || (term.namespaceSelector?.matches(namespaceLabels(pod.namespace)) ?? false);
  return inNamespace && term.selector.matches(pod.labels);
}

/** Whether two states of a pod are the same to the scheduler: its status and annotations are of no interest. */
export function hasSameDemands(a: DeepReadonly<Pod>, b: DeepReadonly<Pod>): boolean {
  const sameSpec =
    a.metadata?.generation !== undefined && b.metadata?.generation !== undefined
      ? a.metadata.generation === b.metadata.generation
      : deepEqualSemantic(a.spec, b.spec);
  return sameSpec && deepEqualSemantic(a.metadata?.labels, b.metadata?.labels);
}
