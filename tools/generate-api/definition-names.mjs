// Upstream names a definition after its Go package (`io.k8s.api.core.v1.Pod`); the models have lost the package
// (`V1Pod`). It is found again by reachability: what the kinds of a group version refer to lives in its package, unless a
// package that it builds upon (meta, then core) already claimed it.
import { mentionedModels } from './models.mjs';

const META = 'io.k8s.apimachinery.pkg.apis.meta.v1';

/** Group version to Go package, in OpenAPI's notation. */
export const packages = {
  v1: 'io.k8s.api.core.v1',
  'admissionregistration.k8s.io/v1': 'io.k8s.api.admissionregistration.v1',
  'apiextensions.k8s.io/v1': 'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1',
  'apiregistration.k8s.io/v1': 'io.k8s.kube-aggregator.pkg.apis.apiregistration.v1',
  'apps/v1': 'io.k8s.api.apps.v1',
  'authentication.k8s.io/v1': 'io.k8s.api.authentication.v1',
  'authorization.k8s.io/v1': 'io.k8s.api.authorization.v1',
  'autoscaling/v1': 'io.k8s.api.autoscaling.v1',
  'autoscaling/v2': 'io.k8s.api.autoscaling.v2',
  'batch/v1': 'io.k8s.api.batch.v1',
  'certificates.k8s.io/v1': 'io.k8s.api.certificates.v1',
  'coordination.k8s.io/v1': 'io.k8s.api.coordination.v1',
  'discovery.k8s.io/v1': 'io.k8s.api.discovery.v1',
  'events.k8s.io/v1': 'io.k8s.api.events.v1',
  'flowcontrol.apiserver.k8s.io/v1': 'io.k8s.api.flowcontrol.v1',
  'networking.k8s.io/v1': 'io.k8s.api.networking.v1',
  'node.k8s.io/v1': 'io.k8s.api.node.v1',
  'policy/v1': 'io.k8s.api.policy.v1',
  'rbac.authorization.k8s.io/v1': 'io.k8s.api.rbac.v1',
  'resource.k8s.io/v1': 'io.k8s.api.resource.v1',
  'scheduling.k8s.io/v1': 'io.k8s.api.scheduling.v1',
  'storage.k8s.io/v1': 'io.k8s.api.storage.v1',
};

/** API classes are named after the first part of their group (`RbacAuthorizationV1Api`), models after the Go package. */
const packageOfClass = (group, version) =>
  Object.values(packages).find((name) => {
    const [goGroup, goVersion] = name.split('.').slice(-2);
    return goVersion === version && group.toLowerCase().startsWith(goGroup);
  });

/** Kinds that no request creates in their own group, and what other packages build upon. Claimed in this order. */
const pinned = [
  [META, ['APIGroupList', 'APIResourceList', 'APIVersions', 'Condition', 'DeleteOptions', 'LabelSelector', 'ListMeta']],
  [META, ['FieldSelectorRequirement', 'ObjectMeta', 'Status', 'WatchEvent']],
  ['io.k8s.api.policy.v1', ['Eviction']],
  ['io.k8s.api.autoscaling.v1', ['Scale']],
  ['io.k8s.api.core.v1', ['ComponentStatusList', 'TopologySelectorTerm']],
];

/**
 * Decides which models are part of the API and what each is called.
 * @returns {{ model: string, definition: string, typeName: string }[]} sorted by definition name
 */
export function nameDefinitions(models) {
  const claimed = new Map();

  function claim(model, inherited) {
    if (claimed.has(model)) return;
    const goPackage = prefixedPackage(model) ?? inherited;
    claimed.set(model, `${goPackage}.${model.replace(/^(?:[A-Z]\w*?)?V\d+(?=[A-Z])/, '')}`);
    for (const field of models.get(model).fields) {
      for (const mentioned of mentionedModels(field.type)) claim(mentioned, goPackage);
    }
  }

  for (const [goPackage, kinds] of pinned) for (const kind of kinds) claim(`V1${kind}`, goPackage);
  // Core comes first: all the others build upon it.
  const roots = models.roots().sort((a, b) => Number(b.group === 'Core') - Number(a.group === 'Core'));
  for (const { group, version, model } of roots) {
    const goPackage = packageOfClass(group, version);
    if (goPackage === undefined) continue;
    claim(model, goPackage);
    // `ResourceV1ResourceClaim` has a prefix because of another ResourceClaim; its list needs none.
    for (const list of [`${model}List`, `${model.replace(/^[A-Z]\w*?(?=V\d)/, '')}List`]) {
      if (models.has(list)) claim(list, goPackage);
    }
  }
  claimed.set('VersionInfo', 'io.k8s.apimachinery.pkg.version.Info');

  return [...claimed]
    .map(([model, definition]) => ({ model, definition, typeName: typeNameOf(model) }))
    .sort((a, b) => (a.definition < b.definition ? -1 : 1));
}

/** `RbacV1Subject` says itself where it lives. */
function prefixedPackage(model) {
  const match = /^([A-Z]\w*?)(V\d+)[A-Z]/.exec(model);
  return match === null ? undefined : packageOfClass(match[1], match[2].toLowerCase());
}

/** `V1Pod` is `Pod`, `CoreV1Event` is `CoreEvent`, `V2MetricSpec` stays. */
export function typeNameOf(model) {
  return model.replace(/^((?:[A-Z]\w*?)?)V1(?=[A-Z])/, '$1');
}
