import { type DownwardAPIVolumeFile, type Volume, type VolumeProjection } from '#api';
import { setClaimSpecDefaults } from '../storage/claim-defaults';
import { pullPolicy } from './container-defaults';

const READABLE = 0o644;
const TOKEN_SECONDS = 3600;

/** Defaults of one kind of volume source, by the field that holds it. */
type SourceDefaults = { readonly [K in keyof Volume]?: (source: NonNullable<Volume[K]>) => void };

const sourceDefaults: SourceDefaults = {
  secret: (source) => (source.defaultMode ??= READABLE),
  configMap: (source) => (source.defaultMode ??= READABLE),
  downwardAPI: (source) => {
    source.defaultMode ??= READABLE;
    setFileDefaults(source.items);
  },
  projected: (source) => {
    source.defaultMode ??= READABLE;
    for (const projection of source.sources ?? []) setProjectionDefaults(projection);
  },
  hostPath: (source) => (source.type ??= ''),
  iscsi: (source) => (source.iscsiInterface ||= 'default'),
  rbd: (source) => {
    source.pool ||= 'rbd';
    source.user ||= 'admin';
    source.keyring ||= '/etc/ceph/keyring';
  },
  azureDisk: (source) => {
    source.cachingMode ??= 'ReadWrite';
    source.kind ??= 'Shared';
    source.fsType ??= 'ext4';
    source.readOnly ??= false;
  },
  scaleIO: (source) => {
    source.storageMode ||= 'ThinProvisioned';
    source.fsType ||= 'xfs';
  },
  image: (source) => (source.pullPolicy ||= pullPolicy(source.reference ?? '')),
  ephemeral: (source) => {
    if (source.volumeClaimTemplate?.spec !== undefined) setClaimSpecDefaults(source.volumeClaimTemplate.spec);
  },
};

/** A volume without a source is an empty directory. */
export function setVolumeDefaults(volume: Volume): void {
  let hasSource = false;
  for (const field in volume) hasSource ||= field !== 'name';
  if (!hasSource) volume.emptyDir = {};
  setSourceDefaults(volume);
}

/** Defaults of whatever sources are there. */
export function setSourceDefaults(volume: Volume): void {
  for (const field in volume) {
    const source = volume[field as keyof Volume];
    if (source !== undefined)
      (sourceDefaults[field as keyof Volume] as ((source: unknown) => void) | undefined)?.(source);
  }
}

function setProjectionDefaults(projection: VolumeProjection): void {
  if (projection.serviceAccountToken !== undefined) projection.serviceAccountToken.expirationSeconds ??= TOKEN_SECONDS;
  setFileDefaults(projection.downwardAPI?.items);
}

function setFileDefaults(files: DownwardAPIVolumeFile[] | undefined): void {
  for (const { fieldRef, resourceFieldRef } of files ?? []) {
    if (fieldRef !== undefined) fieldRef.apiVersion ||= 'v1';
    if (resourceFieldRef !== undefined) resourceFieldRef.divisor ??= '0';
  }
}
