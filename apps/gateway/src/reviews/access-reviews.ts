import { type FieldSelectorAttributes, type SubjectAccessReview, type SubjectAccessReviewSpec } from '#api';
import {
  type FieldError,
  type FieldRequirement,
  type KubernetesObject,
  SelectorError,
  badRequest,
  field,
  invalid,
  parseFieldSelector,
} from '#machinery';
import { type Attributes, type Authorizer } from '../authz/attributes';
import { nodeNameOf } from '../authz/node/node-name';
import { type RbacAuthorizer } from '../authz/rbac-authorizer';
import { decodeBody } from '../codec/decode-body';
import { expectedOf } from '../api/request-checks';
import { recordCreation } from '../registry/ownership';
import { managerFromUserAgent } from '../registry/write-context';
import { type SubresourceHandler } from '../api/subresources';
import { type UserInfo } from '../kinds/strategy';
import { type ServedResource } from '../registry/served-resource';
import { type ApiRequest } from '../request/api-request';
import { type ObjectResult } from '../request/api-result';

const group = 'authorization.k8s.io';

/** SubjectAccessReview, LocalSubjectAccessReview and SelfSubjectAccessReview: may somebody do something? */
export function accessReviewHandler(
  authorizer: Authorizer,
  about: 'subject' | 'self',
  now: () => number,
): SubresourceHandler {
  return {
    async create(request, info, resource) {
      const review = (await decodeReview(request, resource, now)) as SubjectAccessReview;
      const { spec } = review;
      validate(spec, about === 'self', resource.definition.namespaced ? info.namespace : undefined);
      const user: UserInfo =
        about === 'self'
          ? request.user
          : {
              name: spec.user ?? '',
              groups: spec.groups ?? [],
              ...(spec.uid === undefined ? {} : { uid: spec.uid }),
              ...(spec.extra === undefined ? {} : { extra: spec.extra }),
            };
      const { allowed, reason } = authorizer.authorize(attributesOf(spec, user));
      if (resource.definition.namespaced) review.metadata = { ...review.metadata, namespace: info.namespace };
      const status = { allowed, ...(reason === '' ? {} : { reason }) };
      return answer({ ...review, status } as KubernetesObject);
    },
  };
}

/** SelfSubjectRulesReview: what may the caller do in a namespace? */
export function rulesReviewHandler(rbac: RbacAuthorizer): SubresourceHandler {
  return {
    async create(request, _info, resource) {
      const review = (await decodeBody(
        request,
        expectedOf(resource),
        'Ignore',
        () => undefined,
      )) as KubernetesObject & { spec?: { namespace?: string } };
      const namespace = review.spec?.namespace ?? '';
      if (namespace === '') throw badRequest('no namespace on request');
      const rules = rbac.rulesFor(request.user, namespace);
      const status = {
        resourceRules: rules
          .filter(({ resources = [] }) => resources.length > 0)
          .map(({ verbs, apiGroups, resources, resourceNames }) => ({
            verbs,
            apiGroups,
            resources,
            ...(resourceNames === undefined || resourceNames.length === 0 ? {} : { resourceNames }),
          })),
        nonResourceRules: rules
          .filter(({ nonResourceURLs = [] }) => nonResourceURLs.length > 0)
          .map(({ verbs, nonResourceURLs }) => ({ verbs, nonResourceURLs })),
        // What a node may do depends on its pods, and cannot be told as rules.
        ...(nodeNameOf(request.user) === undefined
          ? { incomplete: false }
          : { incomplete: true, evaluationError: 'node authorizer does not support user rule resolution' }),
      };
      return answer({ ...review, spec: {}, status } as KubernetesObject);
    },
  };
}

/** The review as it was sent, with its owner. */
export async function decodeReview(
  request: ApiRequest,
  resource: ServedResource,
  now: () => number,
): Promise<KubernetesObject> {
  const review = await decodeBody(request, expectedOf(resource), 'Ignore', () => undefined);
  const named = request.query.get('fieldManager') ?? '';
  const manager = named === '' ? managerFromUserAgent(request.header('user-agent') ?? '') : named;
  recordCreation(review, resource.schema, manager, '', now());
  return review;
}

export function answer(object: KubernetesObject): ObjectResult {
  return { type: 'object', status: 201, object };
}

function validate(spec: SubjectAccessReviewSpec, isSelf: boolean, namespace: string | undefined): void {
  const { resourceAttributes, nonResourceAttributes } = spec;
  const errors: FieldError[] = [];
  if (resourceAttributes !== undefined && nonResourceAttributes !== undefined) {
    const value = { Path: nonResourceAttributes.path ?? '', Verb: nonResourceAttributes.verb ?? '' };
    const detail = 'cannot be specified in combination with resourceAttributes';
    errors.push(field.invalid('spec.nonResourceAttributes', value, detail));
  }
  if (resourceAttributes === undefined && nonResourceAttributes === undefined) {
    const detail = 'exactly one of nonResourceAttributes or resourceAttributes must be specified';
    errors.push(field.invalid('spec.resourceAttributes', null, detail));
  }
  if (!isSelf && (spec.user ?? '') === '' && (spec.groups ?? []).length === 0) {
    errors.push(field.invalid('spec.user', '', 'at least one of user or group must be specified'));
  }
  if (namespace !== undefined) {
    if (nonResourceAttributes !== undefined) {
      const detail = 'disallowed on this kind of request';
      errors.push(field.invalid('spec.nonResourceAttributes', nonResourceAttributes, detail));
    } else if (resourceAttributes !== undefined && resourceAttributes.namespace !== namespace) {
      const path = 'spec.resourceAttributes.namespace';
      errors.push(field.invalid(path, resourceAttributes.namespace ?? '', 'must match metadata.namespace'));
    }
  }
  if (errors.length > 0) throw invalid({ group, kind: '' }, '', errors);
}

function attributesOf(
  { resourceAttributes, nonResourceAttributes }: SubjectAccessReviewSpec,
  user: UserInfo,
): Attributes {
  const {
    verb = '',
    group: apiGroup = '',
    resource = '',
    subresource = '',
    namespace = '',
    name = '',
    fieldSelector,
  } = resourceAttributes ?? {};
  return {
    user,
    verb: resourceAttributes === undefined ? (nonResourceAttributes?.verb ?? '') : verb,
    isResourceRequest: resourceAttributes !== undefined,
    group: apiGroup,
    resource,
    subresource,
    namespace,
    name,
    path: nonResourceAttributes?.path ?? '',
    ...(fieldSelector === undefined ? {} : { fieldSelector: requirementsOf(fieldSelector) }),
  };
}

/** What can be told as equality; the rest restricts nothing, which is the safe side. */
function requirementsOf({ rawSelector = '', requirements = [] }: FieldSelectorAttributes): FieldRequirement[] {
  try {
    if (rawSelector !== '') return parseFieldSelector(rawSelector);
  } catch (error) {
    if (error instanceof SelectorError) return [];
    throw error;
  }
  return requirements.flatMap(({ key, operator, values = [] }) =>
    values.length === 1 && (operator === 'In' || operator === 'NotIn')
      ? [{ field: key, negated: operator === 'NotIn', value: values[0] ?? '' }]
      : [],
  );
}
