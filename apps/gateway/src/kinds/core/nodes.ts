import { type Node, resources } from '#api';
import { type DeepReadonly } from '#machinery';
import { ageColumn, nameColumn, tableOf } from '../common/table';
import { NONE } from '../common/text';
import { roundResourceList } from '../pods/resource-defaults';
import { type ResourceStrategy } from '../strategy';
import { nodeValidation } from './namespace-validation';

const ROLE_PREFIX = 'node-role.kubernetes.io/';
const OLD_ROLE_LABEL = 'kubernetes.io/role';
const UNKNOWN = '<unknown>';

export const nodes: ResourceStrategy<Node> = {
  resource: resources.nodes,
  ...nodeValidation,

  setDefaults({ spec, status }) {
    if (spec !== undefined) {
      // The older field holds one address range, the younger one for each family; they agree.
      const first = spec.podCIDRs?.[0];
      if (spec.podCIDR && first === undefined) spec.podCIDRs = [spec.podCIDR];
      else if (!spec.podCIDR && first !== undefined) spec.podCIDR = first;
    }
    if (status === undefined) return;
    if (status.capacity !== undefined) status.allocatable ??= { ...status.capacity };
    roundResourceList(status.capacity);
    roundResourceList(status.allocatable);
  },

  keepsStatusOnCreate: true,
  fieldSelectors: { 'spec.unschedulable': ({ spec }) => String(spec?.unschedulable ?? false) },
  generation: 'none',

  table: tableOf(resources.nodes, [
    nameColumn,
    { name: 'Status', about: 'The status of the node', cell: statusOf },
    { name: 'Roles', about: 'The roles of the node', cell: rolesOf },
    ageColumn,
    {
      name: 'Version',
      about: '.status.nodeInfo.kubeletVersion',
      cell: ({ status }) => status?.nodeInfo?.kubeletVersion ?? '',
    },
    { name: 'Internal-IP', wide: true, about: '.status.addresses', cell: (node) => addressOf(node, 'InternalIP') },
    { name: 'External-IP', wide: true, about: '.status.addresses', cell: (node) => addressOf(node, 'ExternalIP') },
    {
      name: 'OS-Image',
      wide: true,
      about: '.status.nodeInfo.osImage',
      cell: ({ status }) => status?.nodeInfo?.osImage || UNKNOWN,
    },
    {
      name: 'Kernel-Version',
      wide: true,
      about: '.status.nodeInfo.kernelVersion',
      cell: ({ status }) => status?.nodeInfo?.kernelVersion || UNKNOWN,
    },
    {
      name: 'Container-Runtime',
      wide: true,
      about: '.status.nodeInfo.containerRuntimeVersion',
      cell: ({ status }) => status?.nodeInfo?.containerRuntimeVersion || UNKNOWN,
    },
  ]),
};

function statusOf({ spec, status }: DeepReadonly<Node>): string {
  const ready = (status?.conditions ?? []).find(({ type }) => type === 'Ready');
  const text = ready === undefined ? 'Unknown' : ready.status === 'True' ? 'Ready' : 'NotReady';
  return spec?.unschedulable === true ? `${text},SchedulingDisabled` : text;
}

function rolesOf({ metadata }: DeepReadonly<Node>): string {
  const roles = new Set<string>();
  for (const [label, value] of Object.entries(metadata?.labels ?? {})) {
    if (label.startsWith(ROLE_PREFIX)) roles.add(label.slice(ROLE_PREFIX.length));
    else if (label === OLD_ROLE_LABEL) roles.add(value);
  }
  roles.delete('');
  return roles.size === 0 ? NONE : [...roles].sort().join(',');
}

function addressOf({ status }: DeepReadonly<Node>, wanted: string): string {
  return (status?.addresses ?? []).find(({ type }) => type === wanted)?.address ?? NONE;
}
