import { type ContainerConfig, type ImageStatus, type Mount, type PodIdentity, type SandboxConfig } from '#runtime';
import { type ContainerSpec, type PodObject } from '../pods/pod-containers';
import { expand } from './expansion';
import { hostPortsOf } from './host-ports';
import { containerAnnotations, containerLabels, sandboxLabels } from './labels';
import { containerResources } from './resources';
import { containerSecurity } from './security';

export interface SandboxFacts {
  readonly attempt: number;
  readonly hostname: string;
  readonly ip?: string;
  readonly cgroupParent?: string;
}

export function identityOf({ metadata }: PodObject, attempt: number): PodIdentity {
  const { namespace = '', name = '', uid = '' } = metadata ?? {};
  return { namespace, name, uid, attempt };
}

export function sandboxConfigOf(pod: PodObject, { attempt, hostname, ip, cgroupParent }: SandboxFacts): SandboxConfig {
  const { spec } = pod;
  const isHostNetwork = spec?.hostNetwork === true;
  return {
    pod: identityOf(pod, attempt),
    hostname,
    labels: sandboxLabels(pod),
    annotations: pod.metadata?.annotations ?? {},
    ...(isHostNetwork || ip === undefined ? {} : { ip }),
    hostNetwork: isHostNetwork,
    hostPid: spec?.hostPID === true,
    hostIpc: spec?.hostIPC === true,
    shareProcessNamespace: spec?.shareProcessNamespace === true,
    portMappings: isHostNetwork ? [] : hostPortsOf(pod),
    sysctls: Object.fromEntries((spec?.securityContext?.sysctls ?? []).map(({ name, value }) => [name, value])),
    ...(cgroupParent === undefined ? {} : { cgroupParent }),
  };
}

export interface ContainerFacts {
  readonly attempt: number;
  readonly image: ImageStatus;
  readonly env: ContainerConfig['env'];
  readonly mounts: readonly Mount[];
  readonly memoryCapacity: number;
  readonly seccompRoot: string;
  /** The container that an ephemeral one targets. */
  readonly targetContainerId?: string;
}

/** Throws `ContainerError` when the spec cannot be run as it demands. */
export function containerConfigOf(pod: PodObject, container: ContainerSpec, facts: ContainerFacts): ContainerConfig {
  const value = (name: string): string | undefined => variables.get(name);
  const variables = new Map(facts.env.map((variable) => [variable.name, variable.value]));
  const expanded = (words: readonly string[] | undefined): readonly string[] | undefined =>
    words?.map((word) => expand(word, value));
  return {
    name: container.name,
    attempt: facts.attempt,
    image: container.image ?? facts.image.id,
    command: expanded(container.command),
    args: expanded(container.args),
    ...(container.workingDir === undefined || container.workingDir === '' ? {} : { workingDir: container.workingDir }),
    env: facts.env,
    mounts: facts.mounts,
    devices: [],
    labels: containerLabels(pod, container),
    annotations: containerAnnotations(pod, container, facts.attempt),
    resources: containerResources(pod, container, facts.memoryCapacity),
    security: containerSecurity(pod, container, facts.image, facts.seccompRoot),
    stdin: container.stdin === true,
    stdinOnce: container.stdinOnce === true,
    tty: container.tty === true,
    ...(facts.targetContainerId === undefined ? {} : { targetContainerId: facts.targetContainerId }),
    ...(container.lifecycle?.stopSignal === undefined ? {} : { stopSignal: container.lifecycle.stopSignal }),
  };
}
