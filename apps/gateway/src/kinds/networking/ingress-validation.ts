import { type HTTPIngressPath, type Ingress, type IngressBackend, type IngressClass, type IngressRule } from '#api';
import {
  type DeepReadonly,
  field,
  type FieldError,
  FieldPath,
  isDns1123Subdomain,
  isValidPortName,
  isValidPortNumber,
  isWildcardDns1123Subdomain,
} from '#machinery';
import { isAddress } from '../validation/addresses';
import { dnsLabel, dnsSubdomain, each, immutable, invalids, isUnset, oneOf, required } from '../validation/checks';
import { type Validation } from '../validation/validation';

const spec = FieldPath.of('spec');

const classAnnotation = 'kubernetes.io/ingress.class';

export const ingressValidation: Validation<Ingress> = {
  validateCreate: validateIngress,
  validateUpdate: validateIngress,
  warningsOnCreate: ({ metadata }) =>
    metadata?.annotations?.[classAnnotation] === undefined
      ? []
      : [`annotation "${classAnnotation}" is deprecated, please use 'spec.ingressClassName' instead`],
};

function validateIngress({ spec: own = {} }: DeepReadonly<Ingress>): FieldError[] {
  const errors: FieldError[] = [];
  if (isUnset(own.rules) && own.defaultBackend === undefined) {
    errors.push(field.invalid(spec, own.rules, 'either `defaultBackend` or `rules` must be specified'));
  }
  if (own.defaultBackend !== undefined)
    errors.push(...validateBackend(own.defaultBackend, spec.child('defaultBackend')));
  errors.push(...each(own.rules, spec.child('rules'), validateRule));
  errors.push(
    ...each(own.tls, spec.child('tls'), ({ hosts }, place) =>
      each(hosts, place.child('hosts'), (host, hostPath) =>
        invalids(host.includes('*') ? isWildcardDns1123Subdomain(host) : isDns1123Subdomain(host), hostPath, host),
      ),
    ),
  );
  if (own.ingressClassName !== undefined)
    errors.push(...dnsSubdomain(own.ingressClassName, spec.child('ingressClassName')));
  return errors;
}

function validateRule({ host = '', http }: DeepReadonly<IngressRule>, path: FieldPath): FieldError[] {
  const errors: FieldError[] = [];
  const place = path.child('host');
  if (host !== '') {
    if (isAddress(host)) errors.push(field.invalid(place, host, 'must be a DNS name, not an IP address'));
    else if (host.includes('*')) errors.push(...invalids(isWildcardDns1123Subdomain(host), place, host));
    else errors.push(...dnsSubdomain(host, place));
  }
  if (http === undefined) return errors;
  const paths = path.child('http', 'paths');
  return isUnset(http.paths)
    ? [...errors, field.required(paths)]
    : [...errors, ...each(http.paths, paths, validatePath)];
}

const sequences = ['//', '/./', '/../', '%2f', '%2F'];
const suffixes = ['/..', '/.'];

function validatePath({ path = '', pathType, backend }: DeepReadonly<HTTPIngressPath>, place: FieldPath): FieldError[] {
  if (isUnset(pathType)) return [field.required(place.child('pathType'), 'pathType must be specified')];
  const at = place.child('path');
  const errors: FieldError[] = [];
  switch (pathType) {
    case 'Exact':
    case 'Prefix':
      if (!path.startsWith('/')) errors.push(field.invalid(at, path, 'must be an absolute path'));
      else {
        for (const text of sequences.filter((sequence) => path.includes(sequence))) {
          errors.push(field.invalid(at, path, `must not contain '${text}'`));
        }
        for (const text of suffixes.filter((suffix) => path.endsWith(suffix))) {
          errors.push(field.invalid(at, path, `cannot end with '${text}'`));
        }
      }
      break;
    case 'ImplementationSpecific':
      if (path !== '' && !path.startsWith('/')) errors.push(field.invalid(at, path, 'must be an absolute path'));
      break;
    default:
      errors.push(field.notSupported(place.child('pathType'), pathType, ['Exact', 'ImplementationSpecific', 'Prefix']));
  }
  return [...errors, ...validateBackend(backend, place.child('backend'))];
}

function validateBackend({ service, resource }: DeepReadonly<IngressBackend>, path: FieldPath): FieldError[] {
  if (resource !== undefined && service !== undefined) {
    return [field.invalid(path, '', 'cannot set both resource and service backends')];
  }
  if (resource !== undefined) {
    const place = path.child('resource');
    return [...required(resource.kind, place.child('kind')), ...required(resource.name, place.child('name'))];
  }
  if (service === undefined) return [field.invalid(path, '', 'resource or service backend is required')];
  const place = path.child('service');
  const { name = '', number = 0 } = service.port ?? {};
  const errors = isUnset(service.name)
    ? [field.required(place.child('name'))]
    : dnsLabel(service.name, place.child('name'));
  if (name !== '' && number !== 0) {
    errors.push(field.invalid(path, '', 'cannot set both port name & port number'));
  } else if (name !== '') {
    errors.push(...invalids(isValidPortName(name), place.child('port', 'name'), name));
  } else if (number !== 0) {
    errors.push(...invalids(isValidPortNumber(number), place.child('port', 'number'), number));
  } else {
    errors.push(field.required(path, 'port name or number is required'));
  }
  return errors;
}

export const ingressClassValidation: Validation<IngressClass> = {
  validateCreate: validateIngressClass,
  validateUpdate: (object, old) => [
    ...immutable(object.spec?.controller, old.spec?.controller, spec.child('controller')),
    ...validateIngressClass(object),
  ],
};

const MAXIMUM_CONTROLLER = 250;
const controllerPattern =
  /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*\/[A-Za-z0-9/\-._~%!$&'()*+,;=:]+$/;

function validateIngressClass({ spec: own }: DeepReadonly<IngressClass>): FieldError[] {
  const { controller = '', parameters } = own ?? {};
  const at = spec.child('controller');
  const errors: FieldError[] = [];
  if (controller === '') errors.push(field.required(at));
  else {
    if (controller.length > MAXIMUM_CONTROLLER) errors.push(field.tooLong(at, MAXIMUM_CONTROLLER));
    if (!controllerPattern.test(controller)) {
      errors.push(field.invalid(at, controller, 'must be a domain-prefixed path (such as "acme.io/foo")'));
    }
  }
  if (parameters === undefined) return errors;
  const place = spec.child('parameters');
  const { apiGroup, kind, name, namespace, scope } = parameters;
  if (apiGroup !== undefined) errors.push(...dnsSubdomain(apiGroup, place.child('apiGroup')));
  errors.push(...required(kind, place.child('kind')), ...required(name, place.child('name')));
  if (scope === undefined) return [...errors, field.required(place.child('scope'))];
  errors.push(...oneOf(scope, ['Cluster', 'Namespace'], place.child('scope')));
  if (scope === 'Namespace') {
    if (isUnset(namespace)) {
      errors.push(field.required(place.child('namespace'), "`parameters.scope` is set to 'Namespace'"));
    } else errors.push(...dnsLabel(namespace ?? '', place.child('namespace')));
  }
  if (scope === 'Cluster' && namespace !== undefined) {
    errors.push(field.forbidden(place.child('namespace'), "`parameters.scope` is set to 'Cluster'"));
  }
  return errors;
}
