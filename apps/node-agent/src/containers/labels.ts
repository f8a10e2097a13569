import { type PodObject, type ContainerSpec } from '../pods/pod-containers';
import { containerHash } from '../pods/container-hash';
import { hashAnnotation } from '../pods/pod-action';

type Strings = Readonly<Record<string, string>>;

/** Labels by which a restarted agent finds its sandboxes (the kubelet's names). */
export function sandboxLabels(pod: PodObject): Strings {
  return { ...pod.metadata?.labels, ...podLabels(pod) };
}

export function containerLabels(pod: PodObject, container: ContainerSpec): Strings {
  return { ...podLabels(pod), 'io.kubernetes.container.name': container.name };
}

export function containerAnnotations(pod: PodObject, container: ContainerSpec, attempt: number): Strings {
  const grace = pod.spec?.terminationGracePeriodSeconds;
  return {
    [hashAnnotation]: containerHash(container),
    'io.kubernetes.container.restartCount': String(attempt),
    'io.kubernetes.container.terminationMessagePath': container.terminationMessagePath ?? '/dev/termination-log',
    'io.kubernetes.container.terminationMessagePolicy': container.terminationMessagePolicy ?? 'File',
    ...(grace === undefined ? {} : { 'io.kubernetes.pod.terminationGracePeriod': String(grace) }),
  };
}

function podLabels({ metadata }: PodObject): Strings {
  return {
    'io.kubernetes.pod.name': metadata?.name ?? '',
    'io.kubernetes.pod.namespace': metadata?.namespace ?? '',
    'io.kubernetes.pod.uid': metadata?.uid ?? '',
  };
}
