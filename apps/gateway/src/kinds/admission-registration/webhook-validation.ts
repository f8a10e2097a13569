import {
  type MutatingWebhook,
  type MutatingWebhookConfiguration,
  type RuleWithOperations,
  type ValidatingWebhook,
  type ValidatingWebhookConfiguration,
} from '#api';
import { type DeepReadonly, field, type FieldError, FieldPath, validateLabelSelector } from '#machinery';
import { dnsSubdomain, each, isUnset, type List, oneOf, optionalOneOf, qualifiedName } from '../validation/checks';
import { type Validation } from '../validation/validation';

type Webhook = DeepReadonly<MutatingWebhook | ValidatingWebhook>;

const webhooks = FieldPath.of('webhooks');
const reviewVersions = ['v1', 'v1beta1'];
const operations = ['*', 'CONNECT', 'CREATE', 'DELETE', 'UPDATE'];

export const validatingWebhookValidation: Validation<ValidatingWebhookConfiguration> = {
  validateCreate: (object) => validateWebhooks(object.webhooks),
  validateUpdate: (object) => validateWebhooks(object.webhooks),
};

export const mutatingWebhookValidation: Validation<MutatingWebhookConfiguration> = {
  validateCreate: (object) => validateWebhooks(object.webhooks),
  validateUpdate: (object) => validateWebhooks(object.webhooks),
};

function validateWebhooks(list: List<Webhook>): FieldError[] {
  const names = new Set<string>();
  return each(list, webhooks, (webhook, path) => {
    const errors = validateWebhook(webhook, path);
    if (names.has(webhook.name)) errors.push(field.duplicate(path.child('name'), webhook.name));
    names.add(webhook.name);
    return errors;
  });
}

function validateWebhook(webhook: Webhook, path: FieldPath): FieldError[] {
  const { name = '', timeoutSeconds, sideEffects } = webhook;
  const errors = validateName(name, path.child('name'));
  errors.push(
    ...each(webhook.rules, path.child('rules'), validateRule),
    ...optionalOneOf(webhook.failurePolicy, ['Fail', 'Ignore'], path.child('failurePolicy')),
    ...optionalOneOf(webhook.matchPolicy, ['Equivalent', 'Exact'], path.child('matchPolicy')),
  );
  if ('reinvocationPolicy' in webhook) {
    const policy = path.child('reinvocationPolicy');
    errors.push(...optionalOneOf(webhook.reinvocationPolicy, ['IfNeeded', 'Never'], policy));
  }
  if (isUnset(sideEffects)) {
    errors.push(field.required(path.child('sideEffects'), 'must specify one of None, NoneOnDryRun'));
  } else errors.push(...oneOf(sideEffects, ['None', 'NoneOnDryRun'], path.child('sideEffects')));
  if (timeoutSeconds !== undefined && (timeoutSeconds < 1 || timeoutSeconds > 30)) {
    const text = 'the timeout value must be between 1 and 30 seconds';
    errors.push(field.invalid(path.child('timeoutSeconds'), timeoutSeconds, text));
  }
  errors.push(
    ...validateLabelSelector(webhook.namespaceSelector, path.child('namespaceSelector')),
    ...validateLabelSelector(webhook.objectSelector, path.child('objectSelector')),
    ...validateClient(webhook, path.child('clientConfig')),
    ...validateVersions(webhook.admissionReviewVersions, path.child('admissionReviewVersions')),
    ...each(webhook.matchConditions, path.child('matchConditions'), (condition, place) => [
      ...(isUnset(condition.name)
        ? [field.required(place.child('name'))]
        : qualifiedName(condition.name, place.child('name'))),
      ...(isUnset(condition.expression) ? [field.required(place.child('expression'))] : []),
    ]),
  );
  return errors;
}

/** Webhooks are named as domains are, so that nobody takes another's name. */
function validateName(name: string, path: FieldPath): FieldError[] {
  if (name === '') return [field.required(path)];
  const errors = dnsSubdomain(name, path);
  if (errors.length > 0 || name.split('.').length >= 3) return errors;
  return [field.invalid(path, name, 'should be a domain with at least three segments separated by dots')];
}

function validateVersions(versions: List<string>, path: FieldPath): FieldError[] {
  if (isUnset(versions)) return [field.required(path, `must specify one of ${reviewVersions.join(', ')}`)];
  if ((versions ?? []).some((version) => reviewVersions.includes(version))) return [];
  return [field.invalid(path, versions, `must include at least one of ${reviewVersions.join(', ')}`)];
}

function validateClient({ clientConfig }: Webhook, path: FieldPath): FieldError[] {
  const { url, service } = clientConfig;
  if ((url === undefined) === (service === undefined)) {
    return [field.required(path, 'exactly one of url or service is required')];
  }
  if (url !== undefined) return validateUrl(url, path.child('url'));
  const place = path.child('service');
  const errors: FieldError[] = [];
  if (isUnset(service?.name)) errors.push(field.required(place.child('name'), 'service name is required'));
  if (isUnset(service?.namespace)) {
    errors.push(field.required(place.child('namespace'), 'service namespace is required'));
  }
  const { port = 443, path: urlPath } = service ?? {};
  if (port < 1 || port > 65_535) {
    errors.push(field.invalid(place.child('port'), port, 'port is not valid: must be between 1 and 65535, inclusive'));
  }
  if (urlPath !== undefined && urlPath !== '' && !urlPath.startsWith('/')) {
    errors.push(field.invalid(place.child('path'), urlPath, "must start with a '/'"));
  }
  return errors;
}

const FORM = 'desired format: https://host[/path]';

function validateUrl(text: string, path: FieldPath): FieldError[] {
  if (!URL.canParse(text)) return [field.required(path, `url must be a valid URL: ${FORM}`)];
  const { protocol, host, username, search, hash } = new URL(text);
  const scheme = protocol.replace(/:$/, '');
  const errors: FieldError[] = [];
  if (scheme !== 'https') {
    errors.push(field.invalid(path, scheme, `'https' is the only allowed URL scheme; ${FORM}`));
  }
  if (host === '') errors.push(field.invalid(path, host, `host must be specified; ${FORM}`));
  if (username !== '') errors.push(field.invalid(path, username, 'user information is not permitted in the URL'));
  if (hash !== '') errors.push(field.invalid(path, hash.slice(1), 'fragments are not permitted in the URL'));
  if (search !== '') errors.push(field.invalid(path, search.slice(1), 'query parameters are not permitted in the URL'));
  return errors;
}

type Rule = DeepReadonly<RuleWithOperations>;

/** What a webhook or policy is asked about. */
export function validateRule(rule: Rule, path: FieldPath): FieldError[] {
  const errors: FieldError[] = [];
  if (isUnset(rule.operations)) errors.push(field.required(path.child('operations')));
  else if ((rule.operations?.length ?? 0) > 1 && rule.operations?.includes('*') === true) {
    const text = "if '*' is present, must not specify other operations";
    errors.push(field.invalid(path.child('operations'), rule.operations, text));
  }
  errors.push(
    ...each(rule.operations, path.child('operations'), (operation, place) => oneOf(operation, operations, place)),
  );
  const wildcards = [
    ['apiGroups', '*', 'API groups'],
    ['apiVersions', '*', 'API versions'],
    ['resources', '*/*', 'resources'],
  ] as const;
  for (const [name, wildcard, what] of wildcards) {
    const values = rule[name];
    const place = path.child(name);
    if (isUnset(values)) errors.push(field.required(place));
    else if ((values?.length ?? 0) > 1 && values?.includes(wildcard) === true) {
      errors.push(field.invalid(place, values, `if '${wildcard}' is present, must not specify other ${what}`));
    }
    if (name === 'apiVersions') {
      errors.push(...each(values, place, (value, item) => (value === '' ? [field.required(item)] : [])));
    }
  }
  return [...errors, ...optionalOneOf(rule.scope, ['*', 'Cluster', 'Namespaced'], path.child('scope'))];
}
