import { type Node, type Pod, type ResourceDefinition, resources } from '#api';
import { type KubernetesObject } from '#machinery';
import { createCertificateRequest } from '#pki';
import { type ServedResource } from '../../registry/served-resource';
import { type AdmissionRequest, type Operation } from '../admission';
import { nodeRestriction } from './node-restriction';

const mirror = { 'kubernetes.io/config.mirror': 'x' };
const owner = { apiVersion: 'v1', kind: 'Node', name: 'a', uid: 'node-uid', controller: true };

function pod(nodeName: string, spec: object = {}, metadata: object = {}): Pod {
  return {
    metadata: { namespace: 'ns', name: 'p', uid: 'pod-uid', ...metadata },
    spec: { containers: [{ name: 'c' }], nodeName, ...spec },
  };
}
const mirrorPod = (spec: object = {}, ownerReferences: object[] = [owner]): Pod =>
  pod('a', spec, { annotations: mirror, ownerReferences });
const tokenVolume = (audience?: string) => ({
  name: 't',
  projected: { sources: [{ serviceAccountToken: { path: 'token', ...(audience === undefined ? {} : { audience }) } }] },
});
const known: Record<string, Pod> = {
  mine: pod('a', { volumes: [tokenVolume(), tokenVolume('vault')] }, { name: 'mine' }),
  csi: pod('a', { volumes: [{ name: 'v', persistentVolumeClaim: { claimName: 'claim' } }] }, { name: 'csi' }),
  theirs: pod('b', { volumes: [tokenVolume()] }, { name: 'theirs' }),
};

const plugin = nodeRestriction({
  pod: (_namespace, name) => known[name],
  node: (name) => (name === 'a' ? { metadata: { name, uid: 'node-uid' } } : undefined),
  claim: () => ({ spec: { volumeName: 'volume' } }),
  volume: () => ({ spec: { csi: { driver: 'driver', volumeHandle: 'h' } } }),
  csiDriver: () => ({ spec: { tokenRequests: [{ audience: 'storage' }] } }),
  authorizer: {
    authorize: ({ verb, resource }) => ({
      allowed: verb === 'request-serviceaccounts-token-audience' && resource === 'registry',
      reason: '',
    }),
  },
});

interface Given {
  readonly resource: ResourceDefinition;
  readonly operation: Operation;
  readonly subresource?: string;
  readonly namespace?: string;
  readonly name?: string;
  readonly object?: object;
  readonly old?: object;
  readonly user?: { readonly name: string; readonly groups: readonly string[] };
}

/** What is said against a request; undefined if nothing is. */
function refusalOf(given: Given): string | undefined {
  const { resource: definition, operation, object, old } = given;
  const request: AdmissionRequest = {
    operation,
    resource: { definition, groupResource: { group: definition.group, resource: definition.plural } } as ServedResource,
    subresource: given.subresource ?? '',
    namespace: given.namespace ?? 'ns',
    name: given.name ?? (object as KubernetesObject | undefined)?.metadata?.name ?? '',
    user: given.user ?? { name: 'system:node:a', groups: ['system:nodes'] },
    dryRun: false,
    object: object,
    old: old,
    warn: () => undefined,
  };
  try {
    if (operation === 'DELETE') void plugin.validate?.(request);
    else void plugin.mutate?.(request);
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

const pods = { resource: resources.pods, name: 'p' };
const podRefusal = (cause: string) => `pods "p" is forbidden: ${cause}`;

describe('a pod', () => {
  it.each<[string, Given, string | undefined]>([
    ['of its own may be deleted', { ...pods, operation: 'DELETE', old: pod('a') }, undefined],
    [
      'of another node may not',
      { ...pods, operation: 'DELETE', old: pod('b') },
      'node "a" can only delete pods with spec.nodeName set to itself',
    ],
    [
      'may not be changed',
      { ...pods, operation: 'UPDATE', object: pod('a'), old: pod('a') },
      'unexpected operation "UPDATE", node "a" can only create and delete mirror pods',
    ],
    ['may be created as a mirror', { ...pods, operation: 'CREATE', object: mirrorPod() }, undefined],
    [
      'may not be created otherwise',
      { ...pods, operation: 'CREATE', object: pod('a') },
      'pod does not have "kubernetes.io/config.mirror" annotation, node "a" can only create mirror pods',
    ],
    [
      'may not be created elsewhere',
      { ...pods, operation: 'CREATE', object: pod('b', {}, { annotations: mirror }) },
      'node "a" can only create pods with spec.nodeName set to itself',
    ],
    [
      'needs an owner',
      { ...pods, operation: 'CREATE', object: mirrorPod({}, []) },
      'node "a" can only create pods with an owner reference set to itself',
    ],
    [
      'needs one owner',
      { ...pods, operation: 'CREATE', object: mirrorPod({}, [owner, owner]) },
      'node "a" can only create pods with a single owner reference set to itself',
    ],
    [
      'needs itself as the owner',
      { ...pods, operation: 'CREATE', object: mirrorPod({}, [{ ...owner, name: 'b' }]) },
      'node "a" can only create pods with an owner reference set to itself',
    ],
    [
      'needs a controlling owner',
      { ...pods, operation: 'CREATE', object: mirrorPod({}, [{ ...owner, controller: false }]) },
      'node "a" can only create pods with a controller owner reference set to itself',
    ],
    [
      'blocks nothing',
      { ...pods, operation: 'CREATE', object: mirrorPod({}, [{ ...owner, blockOwnerDeletion: true }]) },
      'node "a" must not set blockOwnerDeletion on an owner reference',
    ],
    [
      'knows its node',
      { ...pods, operation: 'CREATE', object: mirrorPod({}, [{ ...owner, uid: 'old' }]) },
      'node a UID mismatch: expected old got node-uid',
    ],
    [
      'has no service account',
      { ...pods, operation: 'CREATE', object: mirrorPod({ serviceAccountName: 's' }) },
      'node "a" can not create pods that reference a service account',
    ],
    [
      'has no secrets',
      { ...pods, operation: 'CREATE', object: mirrorPod({ imagePullSecrets: [{ name: 's' }] }) },
      'node "a" can not create pods that reference secrets',
    ],
    [
      'has no config maps',
      { ...pods, operation: 'CREATE', object: mirrorPod({ volumes: [{ name: 'v', configMap: { name: 'c' } }] }) },
      'node "a" can not create pods that reference configmaps',
    ],
    [
      'has no claims',
      {
        ...pods,
        operation: 'CREATE',
        object: mirrorPod({ volumes: [{ name: 'v', persistentVolumeClaim: { claimName: 'c' } }] }),
      },
      'node "a" can not create pods that reference persistentvolumeclaims',
    ],
    [
      'has no resource claims',
      { ...pods, operation: 'CREATE', object: mirrorPod({ resourceClaims: [{ name: 'g' }] }) },
      'node "a" can not create pods that reference resourceclaims',
    ],
    [
      'of its own gets a status',
      { ...pods, operation: 'UPDATE', subresource: 'status', object: pod('a'), old: pod('a') },
      undefined,
    ],
    [
      'of another node gets none',
      { ...pods, operation: 'UPDATE', subresource: 'status', object: pod('b'), old: pod('b') },
      'node "a" can only update pod status for pods with spec.nodeName set to itself',
    ],
    [
      'keeps its labels',
      {
        ...pods,
        operation: 'UPDATE',
        subresource: 'status',
        object: pod('a', {}, { labels: { x: 'y' } }),
        old: pod('a'),
      },
      'node "a" cannot update labels through pod status',
    ],
    [
      'keeps its resource claims',
      {
        ...pods,
        operation: 'UPDATE',
        subresource: 'status',
        object: { ...pod('a'), status: { resourceClaimStatuses: [{ name: 'g', resourceClaimName: 'c' }] } },
        old: pod('a'),
      },
      'node "a" cannot update resource claim statues',
    ],
    [
      'has no other subresources for nodes',
      { ...pods, operation: 'CREATE', subresource: 'binding', object: {} },
      "unexpected pod subresource \"binding\", only 'status' and 'eviction' are allowed",
    ],
  ])('%s', (_what, given, cause) => {
    expect(refusalOf(given)).toBe(cause === undefined ? undefined : podRefusal(cause));
  });

  it.each([
    ['mine', undefined],
    ['theirs', 'pods "theirs" is forbidden: node a can only evict pods with spec.nodeName set to itself'],
    ['none', 'pods "none" not found'],
  ])('%s is evicted: %s', (name, refusal) => {
    const given = { resource: resources.pods, operation: 'CREATE', subresource: 'eviction', name, object: {} } as const;
    expect(refusalOf(given)).toBe(refusal);
  });
});

const node = (metadata: object = {}, spec: object = {}): Node => ({ metadata: { name: 'a', ...metadata }, spec });
const nodes = { resource: resources.nodes, name: 'a', namespace: '' };
const label = (key: string) => node({ labels: { [key]: 'v' } });

describe('a node', () => {
  it.each<[string, Given, string | undefined]>([
    [
      'registers itself',
      { ...nodes, operation: 'CREATE', object: node({}, { taints: [{ key: 't', effect: 'NoSchedule' }] }) },
      undefined,
    ],
    [
      'does not register another',
      { ...nodes, operation: 'CREATE', name: 'b', object: {} },
      'nodes "b" is forbidden: node "a" is not allowed to modify node "b"',
    ],
    [
      'does not change another',
      { ...nodes, operation: 'UPDATE', subresource: 'status', name: 'b', object: {}, old: {} },
      'nodes "b" is forbidden: node "a" is not allowed to modify node "b"',
    ],
    [
      'does not delete another',
      { ...nodes, operation: 'DELETE', name: 'b', old: {} },
      'nodes "b" is forbidden: node "a" is not allowed to modify node "b"',
    ],
    [
      'keeps its taints',
      {
        ...nodes,
        operation: 'UPDATE',
        object: node(),
        old: node({}, { taints: [{ key: 't', effect: 'NoSchedule' }] }),
      },
      'nodes "a" is forbidden: node "a" is not allowed to modify taints',
    ],
    [
      'may send no taints as an empty list',
      { ...nodes, operation: 'UPDATE', object: node({}, { taints: [] }), old: node() },
      undefined,
    ],
    [
      'gets no owners',
      { ...nodes, operation: 'UPDATE', object: node({ ownerReferences: [owner] }), old: node() },
      'nodes "a" is forbidden: node "a" is not allowed to modify ownerReferences',
    ],
    [
      'has no config source',
      { ...nodes, operation: 'CREATE', object: node({}, { configSource: {} }) },
      'nodes "a" is forbidden: node "a" is not allowed to create pods with a non-nil configSource',
    ],
    [
      'gets no config source',
      { ...nodes, operation: 'UPDATE', object: node({}, { configSource: {} }), old: node() },
      'nodes "a" is forbidden: node "a" is not allowed to update configSource to a new non-nil configSource',
    ],
    [
      'drops no restricted label',
      { ...nodes, operation: 'UPDATE', object: node(), old: label('x.node-restriction.kubernetes.io/y') },
      'nodes "a" is forbidden: is not allowed to modify labels: x.node-restriction.kubernetes.io/y',
    ],
  ])('%s', (_what, given, expected) => expect(refusalOf(given)).toBe(expected));

  it.each([
    ['kubernetes.io/hostname', true],
    ['node.kubernetes.io/anything', true],
    ['kubelet.kubernetes.io/anything', true],
    ['topology.kubernetes.io/zone', true],
    ['example.com/anything', true],
    ['anything', true],
    ['node-restriction.kubernetes.io/x', false],
    ['node-role.kubernetes.io/control-plane', false],
    ['kubernetes.io/role', false],
    ['k8s.io/x', false],
    ['x.k8s.io/y', false],
    ['notkubernetes.io/x', true],
  ])('registers with the label %s: %s', (key, isAllowed) => {
    const text = `nodes "a" is forbidden: node "a" is not allowed to set the following labels: ${key}`;
    expect(refusalOf({ ...nodes, operation: 'CREATE', object: label(key) })).toBe(isAllowed ? undefined : text);
  });
});

describe('a token', () => {
  const ask = (bound: object | undefined, audiences: string[] = []) =>
    refusalOf({
      resource: resources.serviceAccounts,
      operation: 'CREATE',
      subresource: 'token',
      name: 's',
      object: { spec: { audiences, ...(bound === undefined ? {} : { boundObjectRef: bound }) } },
    });
  const to = (name: string, more: object = {}) => ({ apiVersion: 'v1', kind: 'Pod', name, uid: 'pod-uid', ...more });
  const refused = (cause: string) => `serviceaccounts "s" is forbidden: ${cause}`;

  it.each<[string, object | undefined, string[], string | undefined]>([
    ['for its own pod', to('mine'), [], undefined],
    ['for an audience that the pod names', to('mine'), ['vault'], undefined],
    ['for an audience of a CSI driver', to('csi'), ['storage'], undefined],
    ['for an audience that it was given', to('mine'), ['registry'], undefined],
    ['for nothing', undefined, [], refused('node requested token not bound to a pod')],
    ['for a Secret', to('mine', { kind: 'Secret' }), [], refused('node requested token not bound to a pod')],
    ['without a UID', to('mine', { uid: '' }), [], refused('node requested token with a pod binding without a uid')],
    [
      'for an earlier pod',
      to('mine', { uid: 'old' }),
      [],
      refused(
        'the UID in the bound object reference (old) does not match the UID in record. The object might have been deleted and then recreated',
      ),
    ],
    [
      'for the pod of another node',
      to('theirs'),
      [],
      refused('node requested token bound to a pod scheduled on a different node'),
    ],
    ['for no pod at all', to('none'), [], 'pods "none" not found'],
    ['for two audiences', to('mine'), ['a', 'b'], refused('node may only request 0 or 1 audiences')],
    [
      'for any audience',
      to('mine'),
      ['other'],
      refused(
        'audience "other" not found in pod spec volume, system:node:a is not authorized to request tokens for this audience',
      ),
    ],
    [
      'for the API, which the pod does not use',
      to('csi'),
      [],
      refused(
        'audience "" not found in pod spec volume, system:node:a is not authorized to request tokens for this audience',
      ),
    ],
  ])('%s', (_what, bound, audiences, expected) => expect(ask(bound, audiences)).toBe(expected));
});

describe('what has the name of a node', () => {
  const lease = { resource: resources.leases, namespace: 'kube-node-lease' };
  const slice = { resource: resources.resourceSlices, namespace: '', name: 's' };
  it.each<[string, Given, string | undefined]>([
    ['its lease', { ...lease, operation: 'CREATE', name: 'a', object: {} }, undefined],
    [
      'another lease',
      { ...lease, operation: 'UPDATE', name: 'b', object: {} },
      'leases.coordination.k8s.io "b" is forbidden: can only access node lease with the same name as the requesting node',
    ],
    [
      'a lease elsewhere',
      { ...lease, operation: 'CREATE', namespace: 'ns', name: 'a', object: {} },
      'leases.coordination.k8s.io "a" is forbidden: can only access leases in the "kube-node-lease" system namespace',
    ],
    ['its CSINode', { resource: resources.csiNodes, operation: 'CREATE', name: 'a', object: {} }, undefined],
    [
      'another CSINode',
      { resource: resources.csiNodes, operation: 'DELETE', name: 'b', old: {} },
      'csinodes.storage.k8s.io "b" is forbidden: can only access CSINode with the same name as the requesting node',
    ],
    ['its slice', { ...slice, operation: 'CREATE', object: { spec: { nodeName: 'a' } } }, undefined],
    [
      'a slice for another',
      { ...slice, operation: 'CREATE', object: { spec: { nodeName: 'b' } } },
      'resourceslices.resource.k8s.io "s" is forbidden: can only create ResourceSlice with the same NodeName as the requesting node',
    ],
    [
      "another's slice",
      { ...slice, operation: 'DELETE', old: { spec: { nodeName: 'b' } } },
      'resourceslices.resource.k8s.io "s" is forbidden: can only delete ResourceSlice with the same NodeName as the requesting node',
    ],
    [
      'the report of a claim',
      {
        resource: resources.persistentVolumeClaims,
        operation: 'UPDATE',
        subresource: 'status',
        name: 'c',
        object: { spec: {}, status: { phase: 'Bound', capacity: { storage: '2' } } },
        old: { spec: {}, status: { phase: 'Bound' } },
      },
      undefined,
    ],
    [
      'the phase of a claim',
      {
        resource: resources.persistentVolumeClaims,
        operation: 'UPDATE',
        subresource: 'status',
        name: 'c',
        object: { spec: {}, status: { phase: 'Lost' } },
        old: { spec: {}, status: { phase: 'Bound' } },
      },
      'persistentvolumeclaims "c" is forbidden: node "a" is not allowed to update fields other than status.capacity and status.conditions',
    ],
    [
      'a claim',
      { resource: resources.persistentVolumeClaims, operation: 'CREATE', name: 'c', object: {} },
      'persistentvolumeclaims "c" is forbidden: may only update PVC status',
    ],
  ])('%s', (_what, given, expected) => expect(refusalOf(given)).toBe(expected));

  it('its certificate, and no other', async () => {
    const csr = async (commonName: string, signerName: string) => {
      const { requestPem } = await createCertificateRequest({ commonName });
      const spec = { request: Buffer.from(requestPem).toString('base64'), signerName };
      const resource = resources.certificateSigningRequests;
      return refusalOf({ resource, operation: 'CREATE', name: 'r', object: { spec } });
    };
    expect(await csr('system:node:a', 'kubernetes.io/kubelet-serving')).toBeUndefined();
    expect(await csr('anybody', 'example.com/s')).toBeUndefined();
    expect(await csr('system:node:b', 'kubernetes.io/kube-apiserver-client-kubelet')).toBe(
      'certificatesigningrequests.certificates.k8s.io "r" is forbidden: can only create a node CSR with CN=system:node:a',
    );
  });
});

it('leaves others alone, and refuses nodes without a name', () => {
  const given = { ...nodes, operation: 'CREATE', name: 'b', object: {} } as const;
  expect(refusalOf({ ...given, user: { name: 'jane', groups: ['system:nodes'] } })).toBeUndefined();
  expect(refusalOf({ ...given, user: { name: 'system:node:', groups: ['system:nodes'] } })).toBe(
    'nodes "b" is forbidden: could not determine node from user "system:node:"',
  );
});
