import { type PersistentVolumeClaimSpec } from '#api';
import { roundResources } from '../pods/resource-defaults';

/** Defaults of a claim's spec, which also stands in pods (ephemeral volumes) and StatefulSets. */
export function setClaimSpecDefaults(spec: PersistentVolumeClaimSpec): void {
  spec.volumeMode ??= 'Filesystem';
  roundResources(spec.resources);
  // Go has no way to leave this pointer out.
  if (spec.dataSource !== undefined) spec.dataSource.apiGroup ??= null as unknown as string;
  if (spec.dataSourceRef !== undefined) spec.dataSourceRef.apiGroup ??= null as unknown as string;
}
