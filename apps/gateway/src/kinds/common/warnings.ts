import { type NodeSelectorTerm } from '#api';
import {
  type DeepReadonly,
  type FieldPath,
  type ObjectMeta,
  goQuote,
  isDns1123Label,
  isValidLabelValue,
  milliValue,
  parseQuantity,
} from '#machinery';

/** Labels of nodes that have had another name for long. */
const oldNodeLabels: Readonly<Record<string, string>> = {
  'beta.kubernetes.io/arch': 'deprecated since v1.14; use "kubernetes.io/arch" instead',
  'beta.kubernetes.io/os': 'deprecated since v1.14; use "kubernetes.io/os" instead',
  'failure-domain.beta.kubernetes.io/region': 'deprecated since v1.17; use "topology.kubernetes.io/region" instead',
  'failure-domain.beta.kubernetes.io/zone': 'deprecated since v1.17; use "topology.kubernetes.io/zone" instead',
  'beta.kubernetes.io/instance-type': 'deprecated since v1.17; use "node.kubernetes.io/instance-type" instead',
};

export function warnAt(path: FieldPath, text: string): string {
  return `${path.toString()}: ${text}`;
}

/** @param path where the label is named */
export function nodeLabelWarnings(key: string, path: FieldPath): string[] {
  const text = oldNodeLabels[key];
  return text === undefined ? [] : [warnAt(path, text)];
}

/** `GetWarningsForNodeSelectorTerm`. Only what is preferred may hold values that no label can have. */
export function nodeSelectorTermWarnings(
  { matchExpressions = [] }: DeepReadonly<NodeSelectorTerm>,
  path: FieldPath,
  checksValues: boolean,
): string[] {
  return matchExpressions.flatMap(({ key, values = [] }, index) => {
    const place = path.child('matchExpressions').index(index);
    const text = oldNodeLabels[key];
    const invalid = (value: string, at: number): string[] =>
      isValidLabelValue(value).map((message) =>
        warnAt(place.child('values').index(at), `${value} is invalid, ${message}`),
      );
    return [
      ...(text === undefined ? [] : [warnAt(place.child('key'), `${key} is ${text}`)]),
      ...(checksValues ? values.flatMap(invalid) : []),
    ];
  });
}

/** Names that become part of host names should be fit for them. */
export function hostNameWarnings(
  metadata: DeepReadonly<ObjectMeta> | undefined,
  use = 'Pod names and hostnames',
): string[] {
  const messages = isDns1123Label(metadata?.name ?? '');
  if (messages.length === 0) return [];
  return [
    `metadata.name: this is used in ${use}, which can result in surprising behavior; a DNS label is recommended: [${messages.join(' ')}]`,
  ];
}

const oldVolumeAnnotations: Readonly<Record<string, string>> = {
  'volume.beta.kubernetes.io/storage-class': 'deprecated since v1.8; use "storageClassName" attribute instead',
  'volume.beta.kubernetes.io/mount-options': 'deprecated since v1.31; use "mountOptions" attribute instead',
};

/** Annotations of volumes and claims that have become fields, those of `names`. */
export function volumeAnnotationWarnings(
  metadata: DeepReadonly<ObjectMeta> | undefined,
  names: readonly string[] = Object.keys(oldVolumeAnnotations),
): string[] {
  return names
    .filter((name) => metadata?.annotations?.[name] !== undefined)
    .map((name) => `metadata.annotations[${name}]: ${oldVolumeAnnotations[name] ?? ''}`);
}

/** Memory and disks have no parts of bytes. */
export function fractionWarnings(value: string | undefined, path: FieldPath): string[] {
  if (value === undefined || milliValue(parseQuantity(value)) % 1000n === 0n) return [];
  return [warnAt(path, `fractional byte value ${goQuote(value)} is invalid, must be an integer`)];
}
