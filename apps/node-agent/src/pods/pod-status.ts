import { type PodStatus } from '#api';
import { type DeepReadonly, formatTime } from '#machinery';
import { conditionsOf, initializedVerdict } from './conditions';
import { containerStatusOf, endedStatuses } from './container-status';
import { phaseOf } from './phase';
import { containersOf } from './pod-containers';
import { activeSandbox, type PodView } from './pod-view';
import { qosClassOf } from './qos';

export interface NodeFacts {
  readonly hostIp: string;
  /** Prefix of container ids: `docker`. */
  readonly runtimeName: string;
}

/** A pod that the node ended, or refused. */
export interface Verdict {
  readonly reason: string;
  readonly message: string;
}

/**
 * The status of a pod, from what its containers do. `previous` is the status last written; what it says about things that are gone
 * (lost containers, the address of a stopped sandbox, the start time) is carried over.
 *
 * @param isTerminal nothing of it will run again: its phase is Succeeded or Failed
 */
export function computeStatus(
  view: PodView,
  previous: DeepReadonly<PodStatus> | undefined,
  node: NodeFacts,
  isTerminal: boolean,
  verdict?: Verdict,
): PodStatus {
  const pod = previous === undefined ? view.pod : { ...view.pod, status: previous };
  const statuses = (kinds: readonly string[], known: PodStatus['initContainerStatuses'] | undefined) =>
    containersOf(pod)
      .filter(({ kind }) => kinds.includes(kind))
      .map((container) =>
        containerStatusOf(
          view,
          container,
          known?.find(({ name }) => name === container.spec.name),
          { runtimeName: node.runtimeName, isTerminal },
        ),
      );
  const found = {
    init: statuses(['init', 'sidecar'], previous?.initContainerStatuses as PodStatus['initContainerStatuses']),
    main: statuses(['main'], previous?.containerStatuses as PodStatus['containerStatuses']),
  };
  const { init, main } = isTerminal
    ? endedStatuses(found.init, found.main, initializedVerdict({ pod, phase: '', ...found }).status === 'True')
    : found;
  const ephemeral = statuses(['ephemeral'], previous?.ephemeralContainerStatuses as PodStatus['containerStatuses']);

  const isFinal = previous?.phase === 'Succeeded' || previous?.phase === 'Failed';
  const computed = verdict !== undefined ? 'Failed' : phaseOf(pod, { init, main }, isTerminal);
  const phase = isFinal ? previous.phase : computed;
  const sandbox = activeSandbox(view);
  const isHostNetwork = pod.spec?.hostNetwork === true;
  const ip = isHostNetwork ? (sandbox === undefined ? previous?.podIP : node.hostIp) : (sandbox?.ip ?? previous?.podIP);
  const hasSandbox = sandbox !== undefined && (isHostNetwork || sandbox.ip !== undefined);

  return {
    ...(pod.metadata?.generation === undefined ? {} : { observedGeneration: pod.metadata.generation }),
    phase,
    conditions: conditionsOf({ pod, phase, init, main, hasSandbox }, view.now),
    ...(verdict === undefined ? keep(previous) : { reason: verdict.reason, message: verdict.message }),
    hostIP: node.hostIp,
    hostIPs: [{ ip: node.hostIp }],
    ...(ip === undefined ? {} : { podIP: ip, podIPs: [{ ip }] }),
    startTime: previous?.startTime ?? formatTime(view.now),
    ...(init.length === 0 ? {} : { initContainerStatuses: init }),
    containerStatuses: main,
    ...(ephemeral.length === 0 ? {} : { ephemeralContainerStatuses: ephemeral }),
    qosClass: qosClassOf(pod),
  };
}

function keep(previous: DeepReadonly<PodStatus> | undefined): Partial<PodStatus> {
  const { reason, message } = previous ?? {};
  return { ...(reason === undefined ? {} : { reason }), ...(message === undefined ? {} : { message }) };
}

/** The status of a pod that this node does not admit: nothing ran. */
export function rejectedStatus(pod: PodView['pod'], now: number, { reason, message }: Verdict): PodStatus {
  return {
    ...(pod.metadata?.generation === undefined ? {} : { observedGeneration: pod.metadata.generation }),
    phase: 'Failed',
    reason,
    message,
    startTime: formatTime(now),
    qosClass: qosClassOf(pod),
  };
}
