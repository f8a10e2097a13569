import { type DeepReadonly, type ObjectMeta } from '#machinery';

/** In the order in which they are shown. */
const shortNames: readonly (readonly [string, string])[] = [
  ['ReadWriteOnce', 'RWO'],
  ['ReadOnlyMany', 'ROX'],
  ['ReadWriteMany', 'RWX'],
  ['ReadWriteOncePod', 'RWOP'],
];

export function accessModesText(modes: readonly string[] = []): string {
  return shortNames
    .filter(([mode]) => modes.includes(mode))
    .map(([, short]) => short)
    .join(',');
}

/** The class of a claim or volume; the annotation is older than the field and wins. */
export function storageClassOf(metadata: DeepReadonly<ObjectMeta> | undefined, name: string | undefined): string {
  return metadata?.annotations?.['volume.beta.kubernetes.io/storage-class'] ?? name ?? '';
}
