import { type Container, type Pod, type PodSpec, type PodTemplateSpec, type Volume } from '#api';
import { type DeepReadonly, FieldPath, goQuote } from '#machinery';
import {
  fractionWarnings,
  hostNameWarnings,
  nodeLabelWarnings,
  nodeSelectorTermWarnings,
  warnAt,
} from '../common/warnings';
import { isUnset } from '../validation/checks';

const oldAnnotations: readonly (readonly [RegExp, string])[] = [
  [
    /^seccomp\.security\.alpha\.kubernetes\.io\/pod$/,
    'non-functional in v1.27+; use the "seccompProfile" field instead',
  ],
  [
    /^container\.seccomp\.security\.alpha\.kubernetes\.io\//,
    'non-functional in v1.27+; use the "seccompProfile" field instead',
  ],
  [
    /^container\.apparmor\.security\.beta\.kubernetes\.io\//,
    'deprecated since v1.30; use the "appArmorProfile" field instead',
  ],
  [/^security\.alpha\.kubernetes\.io\/sysctls$/, 'non-functional in v1.11+; use the "sysctls" field instead'],
  [/^security\.alpha\.kubernetes\.io\/unsafe-sysctls$/, 'non-functional in v1.11+; use the "sysctls" field instead'],
];

const oldVolumes: readonly (readonly [keyof Volume, string])[] = [
  ['gitRepo', 'deprecated in v1.11, and disabled by default in v1.33+'],
  ['photonPersistentDisk', 'deprecated in v1.11, non-functional in v1.16+'],
  ['scaleIO', 'deprecated in v1.16, non-functional in v1.22+'],
  ['storageos', 'deprecated in v1.22, non-functional in v1.25+'],
  ['glusterfs', 'deprecated in v1.25, non-functional in v1.26+'],
  ['cephfs', 'deprecated in v1.28, non-functional in v1.31+'],
  ['rbd', 'deprecated in v1.28, non-functional in v1.31+'],
];

const NULL_SELECTOR = 'a null labelSelector results in matching no pod';

/** `GetWarningsForPod`. */
export function podWarnings(pod: DeepReadonly<Pod>): string[] {
  if (pod.spec === undefined) return [];
  return [
    ...hostNameWarnings(pod.metadata, "the Pod's hostname"),
    ...warnings(pod.metadata?.annotations, pod.spec, FieldPath.root),
  ];
}

/** `GetWarningsForPodTemplate`. */
export function podTemplateWarnings(template: DeepReadonly<PodTemplateSpec> | undefined, path: FieldPath): string[] {
  return template?.spec === undefined ? [] : warnings(template.metadata?.annotations, template.spec, path);
}

function warnings(
  annotations: Readonly<Record<string, string>> | undefined,
  own: DeepReadonly<PodSpec>,
  path: FieldPath,
): string[] {
  const spec = path.child('spec');
  return [
    ...annotationWarnings(annotations, path.child('metadata', 'annotations')),
    ...Object.keys(own.nodeSelector ?? {}).flatMap((key) =>
      nodeLabelWarnings(key, spec.child('nodeSelector').key(key)),
    ),
    ...nodeAffinityWarnings(own, spec.child('affinity', 'nodeAffinity')),
    ...spreadWarnings(own, spec.child('topologySpreadConstraints')),
    ...(own.imagePullSecrets ?? []).flatMap(({ name = '' }, index) =>
      name === '' ? [warnAt(spec.child('imagePullSecrets').index(index).child('name'), 'invalid empty name ""')] : [],
    ),
    ...(own.volumes ?? []).flatMap((volume, index) => volumeWarnings(volume, spec.child('volumes').index(index))),
    ...(['initContainers', 'containers'] as const).flatMap((list) =>
      (own[list] ?? []).flatMap((container, index) => containerWarnings(container, spec.child(list).index(index))),
    ),
    ...portNameWarnings(own, spec),
    ...affinityWarnings(own, spec.child('affinity')),
  ];
}

function annotationWarnings(annotations: Readonly<Record<string, string>> = {}, path: FieldPath): string[] {
  return Object.keys(annotations)
    .sort()
    .flatMap((key) =>
      oldAnnotations.filter(([pattern]) => pattern.test(key)).map(([, text]) => warnAt(path.key(key), text)),
    );
}

function nodeAffinityWarnings({ affinity }: DeepReadonly<PodSpec>, path: FieldPath): string[] {
  const required = 'requiredDuringSchedulingIgnoredDuringExecution';
  const preferred = 'preferredDuringSchedulingIgnoredDuringExecution';
  const { nodeAffinity } = affinity ?? {};
  const terms = path.child(required, 'nodeSelectorTerms');
  return [
    ...(nodeAffinity?.[required]?.nodeSelectorTerms ?? []).flatMap((term, index) =>
      nodeSelectorTermWarnings(term, terms.index(index), false),
    ),
    ...(nodeAffinity?.[preferred] ?? []).flatMap(({ preference }, index) =>
      nodeSelectorTermWarnings(preference, path.child(preferred).index(index).child('preference'), true),
    ),
  ];
}

function spreadWarnings({ topologySpreadConstraints = [] }: DeepReadonly<PodSpec>, path: FieldPath): string[] {
  return topologySpreadConstraints.flatMap(({ topologyKey, labelSelector }, index) => [
    ...nodeLabelWarnings(topologyKey, path.index(index).child('topologyKey')),
    ...(labelSelector === undefined ? [warnAt(path.index(index).child('labelSelector'), NULL_SELECTOR)] : []),
  ]);
}

function volumeWarnings(volume: DeepReadonly<Volume>, path: FieldPath): string[] {
  const old = oldVolumes
    .filter(([name]) => volume[name] !== undefined)
    .map(([name, text]) => warnAt(path.child(name === 'storageos' ? 'storageOS' : name), text));
  const { projected } = volume;
  const empty =
    projected !== undefined &&
    (isUnset(projected.sources) || projected.sources?.some((source) => Object.keys(source).length === 0));
  return empty ? [...old, `volume "${volume.name}" (Projected) has no sources provided`] : old;
}

function containerWarnings(container: DeepReadonly<Container>, path: FieldPath): string[] {
  const { resources, env = [], ports = [] } = container;
  const result: string[] = [];
  for (const kind of ['requests', 'limits'] as const) {
    for (const name of ['ephemeral-storage', 'memory']) {
      result.push(...fractionWarnings(resources?.[kind]?.[name], path.child('resources', kind).key(name)));
    }
  }
  const variables = new Map<string, DeepReadonly<NonNullable<Container['env']>[number]>>();
  env.forEach((variable, index) => {
    const before = variables.get(variable.name);
    // Extending a variable by itself is a habit that does no harm.
    if (before !== undefined && !(variable.value ?? '').includes(`$(${variable.name})`)) {
      const place = path.child('env').index(index);
      result.push(
        warnAt(place, `hides previous definition of ${goQuote(variable.name)}, which may be dropped when using apply`),
      );
    }
    variables.set(variable.name, variable);
  });
  const seen = new Map<string, number>();
  ports.forEach(({ containerPort, protocol, hostPort = 0, hostIP = '' }, index) => {
    const key = `${containerPort}/${protocol}/${hostPort}/${hostIP}`;
    const place = path.child('ports');
    const first = seen.get(key);
    if (first === undefined) return void seen.set(key, index);
    result.push(warnAt(place.index(index), `duplicate port definition with ${place.index(first).toString()}`));
  });
  return result;
}

/** Services pick ports by name: the first one wins. */
function portNameWarnings({ containers }: DeepReadonly<PodSpec>, spec: FieldPath): string[] {
  const first = new Map<string, FieldPath>();
  const result: string[] = [];
  (containers ?? []).forEach(({ ports = [] }, container) => {
    ports.forEach(({ name = '' }, index) => {
      if (name === '') return;
      const place = spec.child('containers').index(container).child('ports').index(index);
      const before = first.get(name);
      if (before === undefined) return void first.set(name, place);
      result.push(
        warnAt(
          place,
          `duplicate port name ${goQuote(name)} with ${before.toString()}, services and probes that select ports by name will use ${before.toString()}`,
        ),
      );
    });
  });
  return result;
}

function affinityWarnings({ affinity }: DeepReadonly<PodSpec>, path: FieldPath): string[] {
  return (['podAffinity', 'podAntiAffinity'] as const).flatMap((kind) => {
    const place = path.child(kind);
    const required = 'requiredDuringSchedulingIgnoredDuringExecution';
    const preferred = 'preferredDuringSchedulingIgnoredDuringExecution';
    return [
      ...(affinity?.[kind]?.[required] ?? []).flatMap(({ labelSelector }, index) =>
        labelSelector === undefined
          ? [warnAt(place.child(required).index(index).child('labelSelector'), NULL_SELECTOR)]
          : [],
      ),
      ...(affinity?.[kind]?.[preferred] ?? []).flatMap(({ podAffinityTerm }, index) =>
        podAffinityTerm?.labelSelector === undefined
          ? [warnAt(place.child(preferred).index(index).child('podAffinityTerm', 'labelSelector'), NULL_SELECTOR)]
          : [],
      ),
    ];
  });
}
