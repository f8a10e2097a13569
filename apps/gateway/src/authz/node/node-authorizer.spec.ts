import { type PersistentVolume, type Pod, nodeRules } from '#api';
import { type FieldRequirement, parseFieldSelector } from '#machinery';
import { type Attributes } from '../attributes';
import { contributions } from './graph-builder';
import { NodeAuthorizer } from './node-authorizer';
import { NodeGraph } from './node-graph';

const pod = (
  name: string,
  nodeName: string | undefined,
  more: object = {},
  annotations?: Record<string, string>,
): Pod => ({
  metadata: { namespace: 'ns', name, ...(annotations === undefined ? {} : { annotations }) },
  spec: {
    containers: [
      { name: 'c', env: [{ name: 'E', valueFrom: { secretKeyRef: { name: `${name}-env-secret`, key: 'k' } } }] },
    ],
    initContainers: [{ name: 'i', envFrom: [{ configMapRef: { name: `${name}-init-config` } }] }],
    serviceAccountName: `${name}-account`,
    imagePullSecrets: [{ name: `${name}-pull-secret` }],
    volumes: [
      { name: 's', secret: { secretName: `${name}-secret` } },
      { name: 'p', projected: { sources: [{ configMap: { name: `${name}-projected` } }] } },
      { name: 'v', persistentVolumeClaim: { claimName: `${name}-claim` } },
      { name: 'e', ephemeral: {} },
    ],
    resourceClaims: [{ name: 'gpu', resourceClaimTemplateName: 't' }],
    ...(nodeName === undefined ? {} : { nodeName }),
    ...more,
  },
  status: { resourceClaimStatuses: [{ name: 'gpu', resourceClaimName: `${name}-gpu` }] },
});
const volume = (name: string, claim: string): PersistentVolume => ({
  metadata: { name },
  spec: {
    claimRef: { namespace: 'ns', name: claim },
    csi: {
      driver: 'd',
      volumeHandle: 'h',
      nodePublishSecretRef: { namespace: 'vs', name: `${name}-publish` },
      controllerPublishSecretRef: { namespace: 'vs', name: `${name}-controller` },
    },
  },
});

const graph = new NodeGraph();
for (const object of [
  pod('mine', 'a'),
  pod('theirs', 'b'),
  pod('unbound', undefined),
  pod('mirror', 'a', {}, { 'kubernetes.io/config.mirror': '' }),
]) {
  contributions.pods(graph, object);
}
contributions.persistentvolumes(graph, volume('my-volume', 'mine-claim'));
contributions.persistentvolumes(graph, volume('their-volume', 'theirs-claim'));
contributions.volumeattachments(graph, { metadata: { name: 'my-attachment' }, spec: { nodeName: 'a' } } as object);
contributions.resourceslices(graph, { metadata: { name: 'my-slice' }, spec: { nodeName: 'a' } } as object);
contributions.resourceslices(graph, { metadata: { name: 'their-slice' }, spec: { nodeName: 'b' } } as object);
const authorizer = new NodeAuthorizer(graph, nodeRules());

/** `get /secrets ns/name`, `list /pods ns/ spec.nodeName=a`; the group stands before the slash, a subresource after a second. */
function attributes(text: string, user = 'system:node:a', groups = ['system:nodes']): Attributes {
  const [verb = '', what = '', key = '', selector] = text.split(' ');
  const [group = '', resource = '', subresource = ''] = what.split('/');
  const [namespace = '', name = ''] = key.includes('/') ? key.split('/') : ['', key];
  const fieldSelector: readonly FieldRequirement[] | undefined =
    selector === undefined ? undefined : parseFieldSelector(selector);
  return {
    user: { name: user, groups },
    verb,
    isResourceRequest: true,
    group,
    resource,
    subresource,
    namespace,
    name,
    path: '',
    ...(fieldSelector === undefined ? {} : { fieldSelector }),
  };
}

const unrelated = "no relationship found between node 'a' and this object";

describe('a node may', () => {
  it.each([
    'get /secrets ns/mine-secret',
    'get /secrets ns/mine-env-secret',
    'get /secrets ns/mine-pull-secret',
    'list /secrets ns/mine-secret',
    'watch /secrets ns/mine-secret',
    'get /secrets vs/my-volume-publish',
    'get /configmaps ns/mine-init-config',
    'get /configmaps ns/mine-projected',
    'get /serviceaccounts ns/mine-account',
    'create /serviceaccounts/token ns/mine-account',
    'get /persistentvolumeclaims ns/mine-claim',
    'get /persistentvolumeclaims ns/mine-e',
    'patch /persistentvolumeclaims/status ns/mine-claim',
    'get /persistentvolumes my-volume',
    'get storage.k8s.io/volumeattachments my-attachment',
    'get resource.k8s.io/resourceclaims ns/mine-gpu',
    'get resource.k8s.io/resourceslices my-slice',
    'delete resource.k8s.io/resourceslices my-slice',
    'create resource.k8s.io/resourceslices',
    'deletecollection resource.k8s.io/resourceslices / spec.nodeName=a',
    'get /pods ns/mine',
    'get /pods ns/mirror',
    'list /pods / spec.nodeName=a',
    'watch /pods / spec.nodeName=a',
    'watch /pods ns/mine metadata.name=mine',
    'create /pods ns/',
    'delete /pods ns/mine',
    'patch /pods/status ns/mine',
    'create /pods/eviction ns/mine',
    'get /nodes a',
    'watch /nodes a',
    'create /nodes',
    'patch /nodes a',
    'update /nodes/status a',
    'get coordination.k8s.io/leases kube-node-lease/a',
    'create coordination.k8s.io/leases kube-node-lease/',
    'get storage.k8s.io/csinodes a',
    'list /services /',
    'create certificates.k8s.io/certificatesigningrequests',
    'create /events ns/',
    'get node.k8s.io/runtimeclasses r',
    'create authorization.k8s.io/subjectaccessreviews',
  ])('%s', (text) => expect(authorizer.authorize(attributes(text))).toEqual({ allowed: true, reason: '' }));
});

describe('a node may not', () => {
  it.each([
    ['get /secrets ns/theirs-secret', unrelated],
    ['get /secrets ns/unbound-secret', unrelated],
    ['get /secrets ns/mirror-secret', unrelated],
    ['get /secrets other/mine-secret', unrelated],
    ['get /secrets vs/my-volume-controller', unrelated],
    ['get /secrets vs/their-volume-publish', unrelated],
    ['list /secrets ns/', 'No Object name found'],
    ['list /secrets /', 'can only read namespaced object of this type'],
    ['update /secrets ns/mine-secret', 'can only read resources of this type'],
    ['get /configmaps ns/theirs-projected', unrelated],
    ['get /serviceaccounts ns/theirs-account', unrelated],
    ['create /serviceaccounts/token ns/theirs-account', unrelated],
    ['create /serviceaccounts ns/', 'can only create tokens for individual service accounts'],
    ['create /serviceaccounts/other ns/mine-account', 'can only create token subresource of serviceaccount'],
    ['list /persistentvolumeclaims ns/', 'can only get individual resources of this type'],
    ['get /persistentvolumeclaims ns/theirs-claim', unrelated],
    ['get /persistentvolumeclaims/status ns/mine-claim', 'can only get/update/patch this type'],
    ['get /persistentvolumes their-volume', unrelated],
    ['get storage.k8s.io/volumeattachments other', unrelated],
    ['get resource.k8s.io/resourceclaims ns/theirs-gpu', unrelated],
    ['update resource.k8s.io/resourceslices their-slice', unrelated],
    [
      'list resource.k8s.io/resourceslices / spec.nodeName=b',
      'can only list/watch/deletecollection resourceslices with nodeName field selector',
    ],
    ['get /pods ns/theirs', unrelated],
    ['get /pods ns/unbound', unrelated],
    ['list /pods /', 'can only list/watch pods with spec.nodeName field selector'],
    ['list /pods / spec.nodeName=b', 'can only list/watch pods with spec.nodeName field selector'],
    ['list /pods / spec.nodeName!=a', 'can only list/watch pods with spec.nodeName field selector'],
    ['update /pods ns/mine', ''],
    ['create /pods/exec ns/mine', ''],
    ['create /pods/binding ns/mine', ''],
    ['get /nodes b', "node 'a' cannot read 'b', only its own Node object"],
    ['list /nodes', "node 'a' cannot read all nodes, only its own Node object"],
    ['delete /nodes a', ''],
    ['get /nodes/proxy a', ''],
    [
      'get coordination.k8s.io/leases kube-node-lease/b',
      'can only access node lease with the same name as the requesting node',
    ],
    ['get coordination.k8s.io/leases default/a', 'can only access leases in the "kube-node-lease" system namespace'],
    ['list coordination.k8s.io/leases kube-node-lease/', 'can only get, create, update, patch, or delete a node lease'],
    ['get storage.k8s.io/csinodes b', 'can only access CSINode with the same name as the requesting node'],
    ['list storage.k8s.io/csinodes', 'can only get, create, update, patch, or delete a CSINode'],
    ['get /namespaces ns', ''],
    ['get apps/deployments ns/d', ''],
  ])('%s: %s', (text, reason) => expect(authorizer.authorize(attributes(text))).toEqual({ allowed: false, reason }));
});

it('has no opinion about others, nor about nodes without a name or without the group', () => {
  const ask = (user: string, groups: string[]) => authorizer.authorize(attributes('get /nodes a', user, groups));
  expect(ask('jane', ['system:nodes'])).toEqual({ allowed: false, reason: '' });
  expect(ask('system:node:a', [])).toEqual({ allowed: false, reason: '' });
  expect(ask('system:node:', ['system:nodes']).reason).toBe('unknown node for user "system:node:"');
});
