import {
  type DeviceClass,
  type ResourceClaimSpec,
  type ResourceClaimTemplate,
  type ResourceResourceClaim,
  type ResourceSlice,
  resources,
} from '#api';
import { type DeepReadonly } from '#machinery';
import { keepMetadata } from '../common/status';
import { ageColumn, nameColumn, tableOf } from '../common/table';
import { UNSET } from '../common/text';
import { type ResourceStrategy } from '../strategy';
import { resourceClaimTemplateValidation, resourceClaimValidation } from './claim-validation';
import { deviceClassValidation } from './device-class-validation';
import { resourceSliceValidation } from './resource-slice-validation';

interface Request {
  allocationMode?: string;
  count?: number;
  tolerations?: { operator?: string }[];
}

/** Devices for pods (dynamic resource allocation, KEP-4381). */
function setClaimDefaults(spec: ResourceClaimSpec | undefined): void {
  for (const { exactly, firstAvailable = [] } of spec?.devices?.requests ?? []) {
    for (const request of exactly === undefined ? firstAvailable : [exactly, ...firstAvailable]) {
      setRequestDefaults(request);
    }
  }
}

function setRequestDefaults(request: Request): void {
  request.allocationMode ||= 'ExactCount';
  if (request.allocationMode === 'ExactCount') request.count ||= 1;
  for (const toleration of request.tolerations ?? []) toleration.operator ||= 'Equal';
}

export const deviceClasses: ResourceStrategy<DeviceClass> = {
  resource: resources.deviceClasses,
  ...deviceClassValidation,
  generation: 'spec',
  returnsDeletedObject: true,
  table: tableOf(resources.deviceClasses, [nameColumn, ageColumn]),
};

export const resourceClaims: ResourceStrategy<ResourceResourceClaim> = {
  resource: resources.resourceClaims,
  ...resourceClaimValidation,
  setDefaults: ({ spec }) => setClaimDefaults(spec),
  subresources: { status: { prepareForUpdate: keepMetadata } },
  resetFields: { '': ['status'], status: ['metadata', 'spec'] },
  generation: 'none',
  returnsDeletedObject: true,
  table: tableOf(resources.resourceClaims, [
    nameColumn,
    { name: 'State', about: 'Whether devices are allocated and in use.', cell: stateOf },
    ageColumn,
  ]),
};

export const resourceClaimTemplates: ResourceStrategy<ResourceClaimTemplate> = {
  resource: resources.resourceClaimTemplates,
  ...resourceClaimTemplateValidation,
  setDefaults: ({ spec }) => setClaimDefaults(spec.spec),
  returnsDeletedObject: true,
  table: tableOf(resources.resourceClaimTemplates, [nameColumn, ageColumn]),
};

export const resourceSlices: ResourceStrategy<ResourceSlice> = {
  resource: resources.resourceSlices,
  ...resourceSliceValidation,
  prepareForCreate: (slice, { now }) => stampTaints(slice, now),
  prepareForUpdate: (slice, _old, { now }) => stampTaints(slice, now),
  fieldSelectors: {
    'spec.driver': ({ spec }) => spec.driver,
    'spec.nodeName': ({ spec }) => spec.nodeName ?? '',
  },
  unknownFieldMessage: (field) => `field label not supported for resource.k8s.io/v1, Kind=ResourceSlice: ${field}`,
  generation: 'spec',
  returnsDeletedObject: true,
  table: tableOf(resources.resourceSlices, [
    nameColumn,
    { name: 'Node', about: '.spec.nodeName', cell: ({ spec }) => spec.nodeName ?? UNSET },
    { name: 'Driver', about: '.spec.driver', cell: ({ spec }) => spec.driver },
    { name: 'Pool', about: '.spec.pool.name', cell: ({ spec }) => spec.pool.name },
    ageColumn,
  ]),
};

function stampTaints({ spec }: ResourceSlice, now: string): void {
  for (const { taints = [] } of spec.devices ?? []) for (const taint of taints) taint.timeAdded ??= now;
}

function stateOf({ metadata, status }: DeepReadonly<ResourceResourceClaim>): string {
  const states: string[] = [];
  if (metadata?.deletionTimestamp !== undefined) states.push('deleted');
  if (status?.allocation === undefined) {
    if (states.length === 0) states.push('pending');
  } else {
    states.push('allocated', ...((status.reservedFor ?? []).length > 0 ? ['reserved'] : []));
  }
  return states.join(',');
}
