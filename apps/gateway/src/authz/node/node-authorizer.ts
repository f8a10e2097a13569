import { type PolicyRule } from '#api';
import { type DeepReadonly, goQuote } from '#machinery';
import { type Attributes, type Authorizer, type Verdict } from '../attributes';
import { ruleAllows } from '../rules';
import { type NodeGraph, type VertexKind, vertex } from './node-graph';
import { nodeNameOf } from './node-name';

const allow: Verdict = { allowed: true, reason: '' };
const leaseNamespace = 'kube-node-lease';
const reads = ['get', 'list', 'watch'];

function refuse(reason = ''): Verdict {
  return { allowed: false, reason };
}

type Rule = (node: string, attributes: Attributes) => Verdict;

/**
 * `Node` of upstream's authorisation modes: a node agent may see what its pods need, and write what is its own. What a rule
 * cannot tell here (the object that is being created or changed) is for the admission plugin NodeRestriction to check.
 * Everything that has no rule of its own is decided by the role `system:node`.
 */
export class NodeAuthorizer implements Authorizer {
  private readonly rules: ReadonlyMap<string, Rule>;

  constructor(
    private readonly graph: NodeGraph,
    /** Those of `system:node`. */
    private readonly nodeRules: readonly DeepReadonly<PolicyRule>[],
  ) {
    const get =
      (kind: VertexKind): Rule =>
      (node, attributes) =>
        this.get(kind, node, attributes);
    this.rules = new Map<string, Rule>([
      ['/secrets', (node, attributes) => this.read('secrets', node, attributes)],
      ['/configmaps', (node, attributes) => this.read('configmaps', node, attributes)],
      ['/persistentvolumeclaims', (node, attributes) => this.claim(node, attributes)],
      ['/persistentvolumes', get('persistentvolumes')],
      ['resource.k8s.io/resourceclaims', get('resourceclaims')],
      ['storage.k8s.io/volumeattachments', get('volumeattachments')],
      ['/serviceaccounts', (node, attributes) => this.serviceAccount(node, attributes)],
      ['coordination.k8s.io/leases', lease],
      ['storage.k8s.io/csinodes', csiNode],
      ['resource.k8s.io/resourceslices', (node, attributes) => this.resourceSlice(node, attributes)],
      ['/nodes', nodeObject],
      ['/pods', (node, attributes) => this.pod(node, attributes)],
    ]);
  }

  authorize(attributes: Attributes): Verdict {
    const { user, isResourceRequest, group, resource } = attributes;
    const node = nodeNameOf(user);
    if (node === undefined) return refuse();
    if (node === '') return refuse(`unknown node for user ${goQuote(user.name)}`);
    const rule = isResourceRequest ? this.rules.get(`${group}/${resource}`) : undefined;
    if (rule !== undefined) return rule(node, attributes);
    return this.nodeRules.some((one) => ruleAllows(one, attributes)) ? allow : refuse();
  }

  private related(kind: VertexKind, node: string, { namespace, name }: Attributes): Verdict {
    if (name === '') return refuse('No Object name found');
    return this.graph.isRelated(node, vertex(kind, namespace, name))
      ? allow
      : refuse(`no relationship found between node '${node}' and this object`);
  }

  private get(kind: VertexKind, node: string, attributes: Attributes): Verdict {
    if (attributes.verb !== 'get') return refuse('can only get individual resources of this type');
    if (attributes.subresource !== '') return refuse('cannot get subresource');
    return this.related(kind, node, attributes);
  }

  /** Single objects, also by a list or watch that names one. */
  private read(kind: VertexKind, node: string, attributes: Attributes): Verdict {
    if (!reads.includes(attributes.verb)) return refuse('can only read resources of this type');
    if (attributes.subresource !== '') return refuse('cannot read subresource');
    if (attributes.namespace === '') return refuse('can only read namespaced object of this type');
    return this.related(kind, node, attributes);
  }

  private claim(node: string, attributes: Attributes): Verdict {
    if (attributes.subresource !== 'status') return this.get('persistentvolumeclaims', node, attributes);
    if (!['update', 'patch'].includes(attributes.verb)) return refuse('can only get/update/patch this type');
    return this.related('persistentvolumeclaims', node, attributes);
  }

  private serviceAccount(node: string, attributes: Attributes): Verdict {
    const { verb, subresource, name } = attributes;
    if (verb === 'get' && subresource === '') return this.read('serviceaccounts', node, attributes);
    if (verb !== 'create' || name === '') return refuse('can only create tokens for individual service accounts');
    if (subresource !== 'token') return refuse('can only create token subresource of serviceaccount');
    return this.related('serviceaccounts', node, attributes);
  }

  private resourceSlice(node: string, attributes: Attributes): Verdict {
    if (attributes.subresource !== '') return refuse('cannot authorize ResourceSlice subresources');
    switch (attributes.verb) {
      case 'create':
        return allow;
      case 'get':
      case 'update':
      case 'patch':
      case 'delete':
        return this.related('resourceslices', node, attributes);
      case 'watch':
      case 'list':
      case 'deletecollection':
        return selects(attributes, 'spec.nodeName', node)
          ? allow
          : refuse('can only list/watch/deletecollection resourceslices with nodeName field selector');
      default:
        return refuse(
          'only the following verbs are allowed for a ResourceSlice: get, watch, list, create, update, patch, delete, deletecollection',
        );
    }
  }

  private pod(node: string, attributes: Attributes): Verdict {
    const { verb, subresource, name } = attributes;
    switch (subresource === '' ? verb : `${subresource} ${verb}`) {
      case 'get':
        return this.get('pods', node, attributes);
      case 'list':
      case 'watch':
        if (selects(attributes, 'spec.nodeName', node)) return allow;
        if (name !== '') return this.related('pods', node, attributes);
        return refuse('can only list/watch pods with spec.nodeName field selector');
      case 'create':
      case 'delete':
      case 'status update':
      case 'status patch':
      case 'eviction create':
        return allow;
      default:
        return refuse();
    }
  }
}

function selects({ fieldSelector = [] }: Attributes, field: string, value: string): boolean {
  return fieldSelector.some((one) => one.field === field && !one.negated && one.value === value);
}

/** By name alone, so that a node can look for its object before that exists. */
function nodeObject(node: string, { verb, subresource, name }: Attributes): Verdict {
  if (subresource === 'status') return ['update', 'patch'].includes(verb) ? allow : refuse();
  if (subresource !== '') return refuse();
  if (['create', 'update', 'patch'].includes(verb)) return allow;
  if (!reads.includes(verb)) return refuse();
  if (name === node) return allow;
  const what = name === '' ? 'all nodes' : `'${name}'`;
  return refuse(`node '${node}' cannot read ${what}, only its own Node object`);
}

const ownVerbs = ['get', 'create', 'update', 'patch', 'delete'];

function lease(node: string, { verb, namespace, name }: Attributes): Verdict {
  if (!ownVerbs.includes(verb)) return refuse('can only get, create, update, patch, or delete a node lease');
  if (namespace !== leaseNamespace) return refuse(`can only access leases in the "${leaseNamespace}" system namespace`);
  // Of a new object the name is not known here.
  if (verb !== 'create' && name !== node) {
    return refuse('can only access node lease with the same name as the requesting node');
  }
  return allow;
}

function csiNode(node: string, { verb, subresource, name }: Attributes): Verdict {
  if (!ownVerbs.includes(verb)) return refuse('can only get, create, update, patch, or delete a CSINode');
  if (subresource !== '') return refuse('cannot authorize CSINode subresources');
  if (verb !== 'create' && name !== node) {
    return refuse('can only access CSINode with the same name as the requesting node');
  }
  return allow;
}
