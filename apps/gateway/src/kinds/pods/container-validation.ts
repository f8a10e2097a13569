import { type Container, type ContainerPort, type ContainerResizePolicy, type EphemeralContainer } from '#api';
import {
  type DeepReadonly,
  field,
  type FieldError,
  type FieldPath,
  isValidPortName,
  isValidPortNumber,
} from '#machinery';
import {
  count,
  dnsLabel,
  each,
  invalids,
  isUnset,
  type List,
  oneOf,
  optionalOneOf,
  required,
  requiredOneOf,
} from '../validation/checks';
import { resourceRequirements } from '../validation/resources';
import { validateEnvironment, validateEnvironmentSources } from './environment-validation';
import { type Volumes, validateDevices, validateMounts } from './mount-validation';
import { validateLifecycle, validateProbes } from './probe-validation';
import { validateContainerSecurity } from './security-validation';

type AnyContainer = DeepReadonly<Container>;

/** What a container must know of its pod. */
export interface ContainerContext {
  readonly volumes: Volumes;
  /** Names of the pod's resource claims. */
  readonly claims: ReadonlySet<string>;
  readonly restartPolicy: string;
  readonly gracePeriod: number | undefined;
  readonly hostUsers: boolean;
  readonly os: string | undefined;
  readonly isTemplate: boolean;
}

export const protocols = ['SCTP', 'TCP', 'UDP'];
const restartPolicies = ['Always', 'Never', 'OnFailure'];

export function validateContainers(
  containers: List<AnyContainer>,
  context: ContainerContext,
  path: FieldPath,
): FieldError[] {
  if (count(containers) === 0) return [field.required(path)];
  const names = new Set<string>();
  const ports = new Set<string>();
  const errors = each(containers, path, (container, place) => [
    ...validateCommon(container, context, place),
    ...claimName(container.name, names, place),
    ...validateRunning(container, context, place),
    ...validateRestart(container, place),
  ]);
  return [...errors, ...each(containers, path, (container, place) => hostPortConflicts(container, ports, place))];
}

/** Init containers run one after another, unless they restart always: those are sidecars (KEP-753). */
export function validateInitContainers(
  containers: List<AnyContainer>,
  regular: List<AnyContainer>,
  context: ContainerContext,
  path: FieldPath,
): FieldError[] {
  const names = new Set((regular ?? []).map(({ name }) => name));
  return each(containers, path, (container, place) => {
    const errors = [
      ...validateCommon(container, context, place),
      ...claimName(container.name, names, place),
      ...hostPortConflicts(container, new Set(), place),
    ];
    if (container.restartPolicy === 'Always') errors.push(...validateRunning(container, context, place));
    else {
      for (const name of ['lifecycle', 'livenessProbe', 'readinessProbe', 'startupProbe'] as const) {
        if (container[name] === undefined) continue;
        errors.push(
          field.forbidden(place.child(name), 'may not be set for init containers without restartPolicy=Always'),
        );
      }
    }
    return [...errors, ...validateRestart(container, place)];
  });
}

/** What a container that is only there for debugging cannot have (KEP-277), in the order of the struct. */
const notEphemeral = [
  'ports',
  'resources',
  'resizePolicy',
  'restartPolicy',
  'restartPolicyRules',
  'livenessProbe',
  'readinessProbe',
  'startupProbe',
  'lifecycle',
] as const;

export function validateEphemeralContainers(
  containers: List<DeepReadonly<EphemeralContainer>>,
  others: readonly AnyContainer[],
  context: ContainerContext,
  path: FieldPath,
): FieldError[] {
  const otherNames = new Set(others.map(({ name }) => name));
  const names = new Set(otherNames);
  return each(containers, path, (container, place) => {
    const { targetContainerName: target = '' } = container;
    const errors = [
      ...validateCommon(container, context, place),
      ...validateImageSpaces(container, place),
      ...claimName(container.name, names, place),
    ];
    if (target !== '' && !otherNames.has(target)) {
      errors.push(field.notFound(place.child('targetContainerName'), target));
    }
    for (const name of notEphemeral) {
      if (!isEmpty(container[name])) {
        errors.push(field.forbidden(place.child(name), 'cannot be set for an Ephemeral Container'));
      }
    }
    return [
      ...errors,
      ...each(container.volumeMounts, place.child('volumeMounts'), (mount, mountPath) =>
        (['subPath', 'subPathExpr'] as const)
          .filter((name) => !isUnset(mount[name]))
          .map((name) => field.forbidden(mountPath.child(name), 'cannot be set for an Ephemeral Container')),
      ),
    ];
  });
}

function isEmpty(value: unknown): boolean {
  return isUnset(value) || (typeof value === 'object' && Object.keys(value as object).length === 0);
}

function claimName(name: string, names: Set<string>, path: FieldPath): FieldError[] {
  if (isUnset(name)) return [];
  const taken = names.has(name);
  names.add(name);
  return taken ? [field.duplicate(path.child('name'), name)] : [];
}

/** Only of pods: templates may carry a blank image for something that fills it in. */
export function validateImageSpaces({ image = '' }: { readonly image?: string }, path: FieldPath): FieldError[] {
  return image.trim() === image
    ? []
    : [field.invalid(path.child('image'), image, 'must not have leading or trailing whitespace')];
}

function validateCommon(container: AnyContainer, context: ContainerContext, path: FieldPath): FieldError[] {
  const { name = '' } = container;
  return [
    ...(isUnset(name) ? [field.required(path.child('name'))] : dnsLabel(name, path.child('name'))),
    ...required(container.image, path.child('image')),
    ...requiredOneOf(
      container.terminationMessagePolicy,
      ['File', 'FallbackToLogsOnError'],
      path.child('terminationMessagePolicy'),
    ),
    ...validatePorts(container.ports, path.child('ports')),
    ...validateEnvironment(container.env, path.child('env')),
    ...validateEnvironmentSources(container.envFrom, path.child('envFrom')),
    ...validateMounts(container, context.volumes, path.child('volumeMounts')),
    ...validateDevices(container, context.volumes, path.child('volumeDevices')),
    ...requiredOneOf(container.imagePullPolicy, ['Always', 'IfNotPresent', 'Never'], path.child('imagePullPolicy')),
    ...resourceRequirements(container.resources ?? {}, path.child('resources'), context.claims),
    ...validateResizePolicies(container.resizePolicy, context.restartPolicy, path.child('resizePolicy')),
    ...validateContainerSecurity(container.securityContext, context.hostUsers, path.child('securityContext')),
  ];
}

/** What only containers that keep running have. */
function validateRunning(container: AnyContainer, context: ContainerContext, path: FieldPath): FieldError[] {
  const { lifecycle } = container;
  return [
    ...(lifecycle === undefined
      ? []
      : validateLifecycle(lifecycle, context.gracePeriod, context.os, path.child('lifecycle'))),
    ...validateProbes(container, path),
  ];
}

function validatePorts(ports: List<DeepReadonly<ContainerPort>>, path: FieldPath): FieldError[] {
  const names = new Set<string>();
  return each(ports, path, ({ name = '', containerPort = 0, hostPort = 0, protocol }, place) => {
    const errors: FieldError[] = [];
    if (name !== '') {
      const messages = isValidPortName(name);
      errors.push(...invalids(messages, place.child('name'), name));
      if (messages.length === 0 && names.has(name)) errors.push(field.duplicate(place.child('name'), name));
      names.add(name);
    }
    if (containerPort === 0) errors.push(field.required(place.child('containerPort')));
    else errors.push(...invalids(isValidPortNumber(containerPort), place.child('containerPort'), containerPort));
    if (hostPort !== 0) errors.push(...invalids(isValidPortNumber(hostPort), place.child('hostPort'), hostPort));
    return [...errors, ...requiredOneOf(protocol, protocols, place.child('protocol'))];
  });
}

function hostPortConflicts(container: AnyContainer, taken: Set<string>, path: FieldPath): FieldError[] {
  return each(container.ports, path.child('ports'), ({ protocol = '', hostIP = '', hostPort = 0 }, place) => {
    if (hostPort === 0) return [];
    const key = `${protocol}/${hostIP}/${hostPort}`;
    const isTaken = taken.has(key);
    taken.add(key);
    return isTaken ? [field.duplicate(place.child('hostPort'), key)] : [];
  });
}

function validateResizePolicies(
  policies: List<DeepReadonly<ContainerResizePolicy>>,
  podRestartPolicy: string,
  path: FieldPath,
): FieldError[] {
  const seen = new Set<string>();
  return each(policies, path, ({ resourceName, restartPolicy }, place) => {
    const errors = seen.has(resourceName) ? [field.duplicate(place, resourceName)] : [];
    seen.add(resourceName);
    errors.push(...requiredOneOf(resourceName, ['cpu', 'memory'], path));
    errors.push(...requiredOneOf(restartPolicy, ['NotRequired', 'RestartContainer'], path));
    if (podRestartPolicy === 'Never' && restartPolicy !== 'NotRequired') {
      errors.push(field.invalid(path, restartPolicy, "must be 'NotRequired' when `restartPolicy` is 'Never'"));
    }
    return errors;
  });
}

const MAXIMUM_RESTART_RULES = 20;
const MAXIMUM_EXIT_CODES = 255;

/** A container's own restart policy and its rules by exit code (KEP-5307). */
function validateRestart({ restartPolicy, restartPolicyRules = [] }: AnyContainer, path: FieldPath): FieldError[] {
  const errors = optionalOneOf(restartPolicy, restartPolicies, path.child('restartPolicy'));
  if (restartPolicyRules.length === 0) return errors;
  if (restartPolicy === undefined) {
    const text = 'must specify restartPolicy when restart rules are used';
    errors.push(field.required(path.child('restartPolicy'), text));
  }
  const rules = path.child('restartPolicyRules');
  if (restartPolicyRules.length > MAXIMUM_RESTART_RULES) {
    errors.push(field.tooMany(rules, restartPolicyRules.length, MAXIMUM_RESTART_RULES));
  }
  return [
    ...errors,
    ...each(restartPolicyRules, rules, ({ action, exitCodes }, place) => {
      const problems = oneOf(action, ['Restart', 'RestartAllContainers'], place.child('action'));
      const codes = place.child('exitCodes');
      if (exitCodes === undefined) return [...problems, field.required(codes, 'must be specified')];
      problems.push(...oneOf(exitCodes.operator, ['In', 'NotIn'], codes.child('operator')));
      if (count(exitCodes.values) === 0) problems.push(field.required(codes.child('values')));
      if (count(exitCodes.values) > MAXIMUM_EXIT_CODES) {
        problems.push(field.tooMany(codes.child('values'), count(exitCodes.values), MAXIMUM_EXIT_CODES));
      }
      return problems;
    }),
  ];
}
