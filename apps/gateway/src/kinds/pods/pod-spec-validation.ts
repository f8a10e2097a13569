import { type PodResourceClaim, type PodSpec } from '#api';
import {
  type DeepReadonly,
  field,
  type FieldError,
  type FieldPath,
  isDns1123Subdomain,
  validateLabels,
} from '#machinery';
import { dnsLabel, dnsSubdomain, each, inRange, isUnset, type List, oneOf, requiredOneOf } from '../validation/checks';
import { goStruct } from '../validation/go-struct';
import { resourceRequirements } from '../validation/resources';
import { validateAffinity } from './affinity-validation';
import {
  type ContainerContext,
  validateContainers,
  validateEphemeralContainers,
  validateInitContainers,
} from './container-validation';
import { validateDnsConfig, validateDnsPolicy, validateHostAliases } from './dns-validation';
import { validatePodOs } from './pod-os-validation';
import { validatePodResources } from './pod-resources-validation';
import {
  validateReadinessGates,
  validateSchedulingGates,
  validateSpread,
  validateTolerations,
} from './scheduling-validation';
import { validatePodSecurity } from './security-validation';
import { type PodContext } from './volume-parts-validation';
import { validateVolumes } from './volume-validation';

const MAXIMUM_INT32 = 2 ** 31 - 1;

/** `ValidatePodSpec`: the rules for the spec of a pod and of a pod template. */
export function validatePodSpec(spec: DeepReadonly<PodSpec>, pod: PodContext, path: FieldPath): FieldError[] {
  const claims = new Set((spec.resourceClaims ?? []).map(({ name }) => name));
  const { errors, valid: volumes } = validateVolumes(spec.volumes, pod, path.child('volumes'));
  const context: ContainerContext = {
    volumes,
    claims,
    restartPolicy: spec.restartPolicy ?? '',
    gracePeriod: spec.terminationGracePeriodSeconds,
    hostUsers: spec.hostUsers !== false,
    os: spec.os?.name,
    isTemplate: pod.isTemplate,
  };
  const all = [...(spec.containers ?? []), ...(spec.initContainers ?? [])];
  return [
    ...errors,
    ...validateClaims(spec.resourceClaims, path.child('resourceClaims')),
    ...validateContainers(spec.containers, context, path.child('containers')),
    ...validateInitContainers(spec.initContainers, spec.containers, context, path.child('initContainers')),
    ...validateEphemeralContainers(spec.ephemeralContainers, all, context, path.child('ephemeralContainers')),
    ...validatePodResources(spec, path.child('resources')),
    ...validateHostPorts(spec, path),
    ...requiredOneOf(spec.restartPolicy, ['Always', 'OnFailure', 'Never'], path.child('restartPolicy')),
    ...validateDnsPolicy(spec.dnsPolicy, path.child('dnsPolicy')),
    ...validateLabels(spec.nodeSelector, path.child('nodeSelector')),
    ...validatePodSecurity(spec.securityContext, spec, path.child('securityContext')),
    ...validateAffinity(spec.affinity, path.child('affinity')),
    ...validateDnsConfig(spec.dnsConfig, spec.dnsPolicy, path.child('dnsConfig')),
    ...validateReadinessGates(spec.readinessGates, path.child('readinessGates')),
    ...validateSchedulingGates(spec.schedulingGates, path.child('schedulingGates')),
    ...validateSpread(spec.topologySpreadConstraints, path.child('topologySpreadConstraints')),
    ...validateHostUsers(spec, path),
    ...validateNames(spec, path),
    ...validateTolerations(spec.tolerations, path.child('tolerations')),
    ...validateHostAliases(spec.hostAliases, path.child('hostAliases')),
    ...validateScheduling(spec, path),
    ...validatePodOs(spec, path),
  ];
}

function validateClaims(claims: List<DeepReadonly<PodResourceClaim>>, path: FieldPath): FieldError[] {
  const names = new Set<string>();
  return each(claims, path, (claim, place) => {
    const { name, resourceClaimName, resourceClaimTemplateName } = claim;
    const errors: FieldError[] = [];
    if (isUnset(name)) errors.push(field.required(place.child('name')));
    else if (names.has(name)) errors.push(field.duplicate(place.child('name'), name));
    else errors.push(...dnsLabel(name, place.child('name')));
    names.add(name);
    if (resourceClaimName !== undefined && resourceClaimTemplateName !== undefined) {
      const text = 'at most one of `resourceClaimName` or `resourceClaimTemplateName` may be specified';
      errors.push(field.invalid(place, goStruct(claim, 'PodResourceClaim'), text));
    }
    if (resourceClaimName === undefined && resourceClaimTemplateName === undefined) {
      const text = 'must specify one of: `resourceClaimName`, `resourceClaimTemplateName`';
      errors.push(field.invalid(place, goStruct(claim, 'PodResourceClaim'), text));
    }
    if (resourceClaimName !== undefined)
      errors.push(...dnsSubdomain(resourceClaimName, place.child('resourceClaimName')));
    if (resourceClaimTemplateName !== undefined) {
      errors.push(...dnsSubdomain(resourceClaimTemplateName, place.child('resourceClaimTemplateName')));
    }
    return errors;
  });
}

/** On the host's network a port is the host's. */
function validateHostPorts(spec: DeepReadonly<PodSpec>, path: FieldPath): FieldError[] {
  if (spec.hostNetwork !== true) return [];
  return (['containers', 'initContainers'] as const).flatMap((list) =>
    each(spec[list], path.child(list), ({ ports }, place) =>
      each(ports, place.child('ports'), ({ hostPort = 0, containerPort }, port) =>
        // Templates may leave it out: their pods get it.
        hostPort === 0 || hostPort === containerPort
          ? []
          : [field.invalid(port.child('hostPort'), hostPort, 'must match `containerPort` when `hostNetwork` is true')],
      ),
    ),
  );
}

/** A pod with users of its own (KEP-127) shares no other namespace with its host. */
function validateHostUsers(spec: DeepReadonly<PodSpec>, path: FieldPath): FieldError[] {
  if (spec.hostUsers !== false) return [];
  return (['hostNetwork', 'hostPID', 'hostIPC'] as const)
    .filter((name) => spec[name] === true)
    .map((name) => field.forbidden(path.child(name), 'when `hostUsers` is false'));
}

function validateNames(spec: DeepReadonly<PodSpec>, path: FieldPath): FieldError[] {
  const errors: FieldError[] = [];
  if (!isUnset(spec.serviceAccountName)) {
    errors.push(...dnsSubdomain(spec.serviceAccountName ?? '', path.child('serviceAccountName')));
  }
  if (!isUnset(spec.nodeName)) errors.push(...dnsSubdomain(spec.nodeName ?? '', path.child('nodeName')));
  const deadline = spec.activeDeadlineSeconds;
  if (deadline !== undefined) errors.push(...inRange(deadline, 1, MAXIMUM_INT32, path.child('activeDeadlineSeconds')));
  if (!isUnset(spec.hostname)) errors.push(...dnsLabel(spec.hostname ?? '', path.child('hostname')));
  if (!isUnset(spec.subdomain)) errors.push(...dnsLabel(spec.subdomain ?? '', path.child('subdomain')));
  return [...errors, ...validateHostnameOverride(spec, path)];
}

/** KEP-4762. Linux takes host names of 64 bytes. */
function validateHostnameOverride(spec: DeepReadonly<PodSpec>, path: FieldPath): FieldError[] {
  const name = spec.hostnameOverride;
  if (name === undefined || name === '') return [];
  const place = path.child('hostnameOverride');
  const errors = [...isDns1123Subdomain(name)].map((message) => field.invalid(place, name, message));
  if (name.length > 64) errors.push(field.tooLong(place, 64));
  if (spec.hostNetwork === true) {
    errors.push(field.forbidden(place, 'may not be specified when hostNetwork is true'));
  }
  if (spec.setHostnameAsFQDN === true) {
    errors.push(field.forbidden(place, 'may not be specified when setHostnameAsFQDN is true'));
  }
  return errors;
}

function validateScheduling(spec: DeepReadonly<PodSpec>, path: FieldPath): FieldError[] {
  const { priorityClassName, runtimeClassName, preemptionPolicy, overhead } = spec;
  const errors: FieldError[] = [];
  if (!isUnset(priorityClassName)) {
    errors.push(...dnsSubdomain(priorityClassName ?? '', path.child('priorityClassName')));
  }
  if (runtimeClassName !== undefined) errors.push(...dnsSubdomain(runtimeClassName, path.child('runtimeClassName')));
  if (preemptionPolicy !== undefined) {
    errors.push(
      ...(preemptionPolicy === ''
        ? [field.required(path.child('preemptionPolicy'))]
        : oneOf(preemptionPolicy, ['Never', 'PreemptLowerPriority'], path.child('preemptionPolicy'))),
    );
  }
  if (overhead !== undefined) errors.push(...resourceRequirements({ limits: overhead }, path.child('overhead')));
  return errors;
}
