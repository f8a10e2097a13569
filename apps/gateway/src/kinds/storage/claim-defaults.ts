import { type PersistentVolumeClaimSpec } from '#api';
import { roundResources } from '../pods/resource-defaults';

/** Defaults of a claim's spec, which also stands in pods (ephemeral volumes) and StatefulSets. */
export function setClaimSpecDefaults(spec: PersistentVolumeClaimSpec): void {
  spec.volumeMode ??= 'Filesystem';
  roundResources(spec.resources);
}
