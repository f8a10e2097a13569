import { type EnvVar, type EnvVarSource, type Service } from '#api';
import { type DeepReadonly, isRelaxedEnvVarName } from '#machinery';
import { type ContainerSpec, findContainer, type PodObject } from '../pods/pod-containers';
import { type Allocatable, fieldValue, type PodAddresses, resourceValue } from './downward';
import { configError } from './errors';
import { expand } from './expansion';
import { type ObjectReader } from './object-reader';
import { serviceEnvironment } from './service-env';

export interface EnvironmentSources {
  readonly objects: ObjectReader;
  /** Services of a namespace. */
  services(namespace: string): readonly DeepReadonly<Service>[];
  readonly addresses: PodAddresses;
  readonly allocatable: Allocatable;
}

type Variables = { readonly name: string; readonly value: string }[];

/**
 * A container's environment: `envFrom`, then `env` (which may refer to what came before, and to service variables), then services. Throws
 * `ContainerError` with upstream's text when something that is not optional is missing.
 */
export async function environmentOf(
  pod: PodObject,
  container: ContainerSpec,
  sources: EnvironmentSources,
): Promise<Variables> {
  const namespace = pod.metadata?.namespace ?? '';
  const linked = pod.spec?.enableServiceLinks === false ? [] : sources.services(namespace);
  const master = sources.services('default').filter(({ metadata }) => metadata?.name === 'kubernetes');
  // A service named `kubernetes` in the pod's own namespace does not hide the API server.
  const services = serviceEnvironment([...linked, ...master]);
  const env = await fromSources(namespace, container, sources);
  for (const variable of container.env ?? []) {
    const value = await valueOf(pod, container, variable, sources, (name) => env.get(name) ?? services.get(name));
    if (value !== undefined) env.set(variable.name, value);
  }
  for (const [name, value] of services) if (!env.has(name)) env.set(name, value);
  return [...env].map(([name, value]) => ({ name, value }));
}

async function fromSources(
  namespace: string,
  container: ContainerSpec,
  { objects }: EnvironmentSources,
): Promise<Map<string, string>> {
  const env = new Map<string, string>();
  for (const { prefix = '', configMapRef, secretRef } of container.envFrom ?? []) {
    const reference = configMapRef ?? secretRef;
    const name = reference?.name ?? '';
    const data =
      configMapRef === undefined
        ? decodeAll((await objects.secret(namespace, name))?.data)
        : (await objects.configMap(namespace, name))?.data;
    const exists =
      configMapRef === undefined
        ? (await objects.secret(namespace, name)) !== undefined
        : (await objects.configMap(namespace, name)) !== undefined;
    if (!exists && reference?.optional !== true) {
      throw configError(`${configMapRef === undefined ? 'secret' : 'configmap'} "${name}" not found`);
    }
    for (const [key, value] of Object.entries(data ?? {})) {
      if (isRelaxedEnvVarName(prefix + key).length === 0) env.set(prefix + key, value);
    }
  }
  return env;
}

async function valueOf(
  pod: PodObject,
  container: ContainerSpec,
  variable: DeepReadonly<EnvVar>,
  sources: EnvironmentSources,
  lookup: (name: string) => string | undefined,
): Promise<string | undefined> {
  const { value = '', valueFrom } = variable;
  if (valueFrom === undefined) return expand(value, lookup);
  return fromReference(pod, container, valueFrom, sources);
}

async function fromReference(
  pod: PodObject,
  container: ContainerSpec,
  source: DeepReadonly<EnvVarSource>,
  { objects, addresses, allocatable }: EnvironmentSources,
): Promise<string | undefined> {
  const namespace = pod.metadata?.namespace ?? '';
  const { fieldRef, resourceFieldRef, configMapKeyRef, secretKeyRef } = source;
  if (fieldRef !== undefined) return tryValue(() => fieldValue(pod, fieldRef.fieldPath, addresses));
  if (resourceFieldRef !== undefined) {
    const { containerName, resource, divisor } = resourceFieldRef;
    const target =
      containerName === undefined || containerName === '' ? container : findContainer(pod, containerName)?.spec;
    if (target === undefined) throw configError(`container ${containerName} not found`);
    return tryValue(() => resourceValue(target, resource, divisor, allocatable));
  }
  if (configMapKeyRef !== undefined) {
    const { name = '', key, optional } = configMapKeyRef;
    const map = await objects.configMap(namespace, name);
    if (map === undefined && optional !== true) throw configError(`configmap "${name}" not found`);
    const value = map?.data?.[key] ?? decode(map?.binaryData?.[key]);
    if (value === undefined && optional !== true) {
      throw configError(`couldn't find key ${key} in ConfigMap ${namespace}/${name}`);
    }
    return value;
  }
  if (secretKeyRef !== undefined) {
    const { name = '', key, optional } = secretKeyRef;
    const secret = await objects.secret(namespace, name);
    if (secret === undefined && optional !== true) throw configError(`secret "${name}" not found`);
    const value = decode(secret?.data?.[key]);
    if (value === undefined && optional !== true) {
      throw configError(`couldn't find key ${key} in Secret ${namespace}/${name}`);
    }
    return value;
  }
  throw configError('environment variable has no source that this node knows');
}

function tryValue(value: () => string): string {
  try {
    return value();
  } catch (error) {
    throw configError(error instanceof Error ? error.message : String(error));
  }
}

function decode(base64: string | undefined): string | undefined {
  return base64 === undefined ? undefined : Buffer.from(base64, 'base64').toString('utf8');
}

function decodeAll(data: Readonly<Record<string, string>> | undefined): Record<string, string> {
  return Object.fromEntries(Object.entries(data ?? {}).map(([key, value]) => [key, decode(value) ?? '']));
}
