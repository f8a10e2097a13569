import { type ContainerStatus, type PodCondition } from '#api';
import { type DeepReadonly, formatTime, goQuote } from '#machinery';
import { containersOf, type PodObject } from './pod-containers';

interface Facts {
  readonly pod: PodObject;
  readonly phase: string;
  readonly init: readonly ContainerStatus[];
  readonly main: readonly ContainerStatus[];
  readonly hasSandbox: boolean;
}

type Verdict = Pick<PodCondition, 'status' | 'reason' | 'message'>;

const isTrue: Verdict = { status: 'True' };

/** The conditions that the node owns, with upstream's reasons and messages; times stay while the status does. */
export function conditionsOf(facts: Facts, now: number): PodCondition[] {
  const containersReady = containersReadyVerdict(facts);
  const verdicts: Record<string, Verdict> = {
    PodReadyToStartContainers: { status: facts.hasSandbox ? 'True' : 'False' },
    Initialized: initializedVerdict(facts),
    Ready: readyVerdict(facts, containersReady),
    ContainersReady: containersReady,
    PodScheduled: isTrue,
  };
  const { pod } = facts;
  return Object.entries(verdicts).map(([type, verdict]) => {
    const before = pod.status?.conditions?.find((condition) => condition.type === type);
    const isSame = before?.status === verdict.status && before.lastTransitionTime !== undefined;
    return {
      type,
      ...verdict,
      lastTransitionTime: isSame ? before.lastTransitionTime : formatTime(now),
      ...(pod.metadata?.generation === undefined ? {} : { observedGeneration: pod.metadata.generation }),
    };
  });
}

/** Whether all init containers have done their work, and sidecars have started. */
export function initializedVerdict({ pod, phase, init }: Pick<Facts, 'pod' | 'phase' | 'init'>): Verdict {
  const names = containersOf(pod).filter(({ kind }) => kind === 'init' || kind === 'sidecar');
  const unknown: string[] = [];
  const incomplete: string[] = [];
  for (const { spec, kind } of names) {
    const status = init.find(({ name }) => name === spec.name);
    if (status === undefined) unknown.push(spec.name);
    else if (kind === 'sidecar' ? status.started !== true : !status.ready) incomplete.push(spec.name);
  }
  if (phase === 'Succeeded' && unknown.length === 0) return { status: 'True', reason: 'PodCompleted' };
  const message = [
    ...(unknown.length === 0 ? [] : [`containers with unknown status: [${unknown.join(' ')}]`]),
    ...(incomplete.length === 0 ? [] : [`containers with incomplete status: [${incomplete.join(' ')}]`]),
  ].join(', ');
  return message === '' ? isTrue : { status: 'False', reason: 'ContainersNotInitialized', message };
}

function containersReadyVerdict({ pod, phase, init, main }: Facts): Verdict {
  const unknown: string[] = [];
  const unready: string[] = [];
  for (const { spec, kind } of containersOf(pod)) {
    if (kind !== 'main' && kind !== 'sidecar') continue;
    const status = (kind === 'main' ? main : init).find(({ name }) => name === spec.name);
    if (status === undefined) unknown.push(spec.name);
    else if (!status.ready) unready.push(spec.name);
  }
  if (phase === 'Succeeded' && unknown.length === 0) return { status: 'False', reason: 'PodCompleted' };
  if (phase === 'Failed') return { status: 'False', reason: 'PodFailed' };
  const message = [
    ...(unknown.length === 0 ? [] : [`containers with unknown status: [${unknown.join(' ')}]`]),
    ...(unready.length === 0 ? [] : [`containers with unready status: [${unready.join(' ')}]`]),
  ].join(', ');
  return message === '' ? isTrue : { status: 'False', reason: 'ContainersNotReady', message };
}

/** KEP-580: readiness gates are conditions that others set. */
function readyVerdict({ pod }: Facts, containersReady: Verdict): Verdict {
  if (containersReady.status !== 'True') return containersReady;
  const messages: string[] = [];
  for (const { conditionType } of pod.spec?.readinessGates ?? []) {
    const condition: DeepReadonly<PodCondition> | undefined = pod.status?.conditions?.find(
      ({ type }) => type === conditionType,
    );
    if (condition === undefined) {
      messages.push(`corresponding condition of pod readiness gate ${goQuote(conditionType)} does not exist.`);
    } else if (condition.status !== 'True') {
      messages.push(
        `the status of pod readiness gate ${goQuote(conditionType)} is not "True", but ${condition.status}`,
      );
    }
  }
  return messages.length === 0
    ? isTrue
    : { status: 'False', reason: 'ReadinessGatesNotReady', message: messages.join(', ') };
}
