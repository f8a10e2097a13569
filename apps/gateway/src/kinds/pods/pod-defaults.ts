import { type Container, type Pod, type PodSpec, type PodTemplateSpec } from '#api';
import { formatQuantity } from '#machinery';
import { containerRequests } from './container-requests';
import { setContainerDefaults } from './container-defaults';
import { requestWhatIsLimited, roundResourceList, roundResources } from './resource-defaults';
import { setVolumeDefaults } from './volume-defaults';

const GRACE_SECONDS = 30;
const HUGE_PAGES = 'hugepages-';

/** Defaults that pods have wherever their spec stands, in a template too. */
export function setPodSpecDefaults(spec: PodSpec): void {
  spec.dnsPolicy ||= 'ClusterFirst';
  spec.restartPolicy ||= 'Always';
  spec.securityContext ??= {};
  spec.terminationGracePeriodSeconds ??= GRACE_SECONDS;
  spec.schedulerName ||= 'default-scheduler';
  mirrorServiceAccount(spec);
  roundResourceList(spec.overhead);
  roundResources(spec.resources);
  for (const volume of spec.volumes ?? []) setVolumeDefaults(volume);
  for (const container of spec.initContainers ?? []) setContainerDefaults(container);
  for (const container of spec.containers ?? []) setContainerDefaults(container);
  for (const container of spec.ephemeralContainers ?? []) setContainerDefaults(container);
}

export function setPodTemplateDefaults(template: PodTemplateSpec | undefined): void {
  if (template?.spec !== undefined) setPodSpecDefaults(template.spec);
}

/** Defaults of pods proper: those that upgrades could not add to templates without rolling everything out anew. */
export function setPodDefaults(pod: Pod): void {
  const spec = (pod.spec ??= { containers: [] });
  setPodSpecDefaults(spec);
  spec.enableServiceLinks ??= true;
  if (spec.hostNetwork === true) setHostPorts([...(spec.containers ?? []), ...(spec.initContainers ?? [])]);
  for (const container of [...(spec.containers ?? []), ...(spec.initContainers ?? [])]) {
    requestWhatIsLimited(container.resources);
  }
  setPodLevelRequests(spec);
}

/** `serviceAccount` is the old name of `serviceAccountName`; both are shown. */
function mirrorServiceAccount(spec: PodSpec): void {
  spec.serviceAccountName ||= spec.serviceAccount;
  if (!spec.serviceAccountName) {
    delete spec.serviceAccountName;
    delete spec.serviceAccount;
  } else {
    spec.serviceAccount = spec.serviceAccountName;
  }
}

/** On the host's network a port of the container is a port of the host. */
function setHostPorts(containers: readonly Container[]): void {
  for (const port of containers.flatMap((container) => container.ports ?? [])) port.hostPort ||= port.containerPort;
}

/**
 * Pod-level resources (KEP-2837): where the pod has limits, what it does not request itself is what its containers request
 * together, and else what it is limited to.
 */
function setPodLevelRequests(spec: PodSpec): void {
  const { resources } = spec;
  if (resources?.limits === undefined || Object.keys(resources.limits).length === 0) return;
  const requests = { ...resources.requests };
  for (const [name, amount] of containerRequests(spec)) {
    if (isPodLevelResource(name) && !name.startsWith(HUGE_PAGES)) requests[name] ??= formatQuantity(amount);
  }
  for (const [name, limit] of Object.entries(resources.limits)) {
    if (isPodLevelResource(name)) requests[name] ??= limit;
  }
  if (Object.keys(requests).length > 0) resources.requests = requests;
}

function isPodLevelResource(name: string): boolean {
  return name === 'cpu' || name === 'memory' || name.startsWith(HUGE_PAGES);
}
