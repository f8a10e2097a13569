import { ApiError, formatGroupResource, goQuote } from '#machinery';
import { type Attributes } from './attributes';

/** `responsewriters.Forbidden`: 403 with upstream's text. */
export function forbiddenBy(attributes: Attributes, reason: string): ApiError {
  const text = forbiddenMessage(attributes) + (reason === '' ? '' : `: ${reason}`);
  const { group, resource, name, isResourceRequest } = attributes;
  const subject = isResourceRequest
    ? `${formatGroupResource({ group, resource })}${name === '' ? '' : ` ${goQuote(name)}`} is forbidden`
    : 'forbidden';
  return new ApiError({
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    message: `${subject}: ${text}`,
    reason: 'Forbidden',
    details: isResourceRequest
      ? {
          ...(name === '' ? {} : { name }),
          ...(group === '' ? {} : { group }),
          kind: resource,
        }
      : {},
    code: 403,
  });
}

function forbiddenMessage(attributes: Attributes): string {
  const { user, verb, group, resource, subresource, namespace, path, isResourceRequest } = attributes;
  const who = `User ${goQuote(user.name)} cannot ${verb}`;
  if (!isResourceRequest) return `${who} path ${goQuote(path)}`;
  const what = subresource === '' ? resource : `${resource}/${subresource}`;
  const where = namespace === '' ? 'at the cluster scope' : `in the namespace ${goQuote(namespace)}`;
  return `${who} resource ${goQuote(what)} in API group ${goQuote(group)} ${where}`;
}
