import {
  type DownwardAPIVolumeFile,
  type KeyToPath,
  type ServiceAccountTokenProjection,
  type VolumeProjection,
} from '#api';
import { resources, type AuthenticationTokenRequest } from '#api';
import { type DeepReadonly } from '#machinery';
import { fieldValue, resourceValue } from '../containers/downward';
import { findContainer } from '../pods/pod-containers';
import { type PayloadFile } from './atomic-writer';
import { type VolumeContext, type VolumeServices } from './volume';

export type Files = Map<string, PayloadFile>;

/** Files of a ConfigMap or Secret: all keys, or those that `items` names, under the paths it gives. */
export function keyedFiles(
  what: string,
  data: ReadonlyMap<string, Buffer> | undefined,
  { items, mode, optional }: { items?: readonly DeepReadonly<KeyToPath>[]; mode: number; optional?: boolean },
): Files {
  const files: Files = new Map();
  if (data === undefined) {
    if (optional === true) return files;
    throw new Error(`${what} not found`);
  }
  if (items === undefined || items.length === 0) {
    for (const [key, value] of data) files.set(key, { data: value, mode });
    return files;
  }
  for (const item of items) {
    const value = data.get(item.key);
    if (value !== undefined) files.set(item.path, { data: value, mode: item.mode ?? mode });
    else if (optional !== true) throw new Error('references non-existent config key: ' + item.key);
  }
  return files;
}

interface Reference {
  readonly name?: string;
  readonly items?: readonly DeepReadonly<KeyToPath>[];
  readonly optional?: boolean;
}

export async function configMapFiles(
  { pod }: VolumeContext,
  { objects }: VolumeServices,
  { name = '', items, optional }: Reference,
  mode: number,
): Promise<Files> {
  const map = await objects.configMap(pod.metadata?.namespace ?? '', name);
  const data =
    map === undefined
      ? undefined
      : new Map([
          ...Object.entries(map.data ?? {}).map(([key, text]) => [key, Buffer.from(text)] as const),
          ...Object.entries(map.binaryData ?? {}).map(([key, text]) => [key, Buffer.from(text, 'base64')] as const),
        ]);
  return keyedFiles(`configmap "${name}"`, data, { items, mode, optional });
}

export async function secretFiles(
  { pod }: VolumeContext,
  { objects }: VolumeServices,
  { name = '', items, optional }: Reference,
  mode: number,
): Promise<Files> {
  const secret = await objects.secret(pod.metadata?.namespace ?? '', name);
  const data =
    secret === undefined
      ? undefined
      : new Map(Object.entries(secret.data ?? {}).map(([key, text]) => [key, Buffer.from(text, 'base64')] as const));
  return keyedFiles(`secret "${name}"`, data, { items, mode, optional });
}

export function downwardFiles(
  { pod, addresses }: VolumeContext,
  { allocatable }: VolumeServices,
  items: readonly DeepReadonly<DownwardAPIVolumeFile>[],
  mode: number,
): Files {
  const files: Files = new Map();
  for (const { path, fieldRef, resourceFieldRef, mode: own } of items) {
    let text = '';
    if (fieldRef !== undefined) text = fieldValue(pod, fieldRef.fieldPath, addresses);
    else if (resourceFieldRef !== undefined) {
      const container = findContainer(pod, resourceFieldRef.containerName ?? '');
      if (container === undefined) throw new Error(`container ${resourceFieldRef.containerName} not found`);
      text = resourceValue(container.spec, resourceFieldRef.resource, resourceFieldRef.divisor, allocatable());
    }
    files.set(path, { data: Buffer.from(text), mode: own ?? mode });
  }
  return files;
}

/** A bound token of the pod's service account. @returns when it is to be replaced: at 80 % of its life, as upstream */
export async function tokenFile(
  { pod }: VolumeContext,
  { client, clock }: VolumeServices,
  { audience, expirationSeconds = 3600 }: DeepReadonly<ServiceAccountTokenProjection>,
): Promise<{ readonly token: string; readonly refreshAt: number }> {
  const { namespace = '', name, uid } = pod.metadata ?? {};
  const account = pod.spec?.serviceAccountName ?? 'default';
  const request: AuthenticationTokenRequest = {
    apiVersion: 'authentication.k8s.io/v1',
    kind: 'TokenRequest',
    spec: {
      audiences: audience === undefined || audience === '' ? [] : [audience],
      expirationSeconds,
      boundObjectRef: { apiVersion: 'v1', kind: 'Pod', name, uid },
    },
  };
  const now = clock.now();
  const answer = await client.createSubresource<AuthenticationTokenRequest, AuthenticationTokenRequest>(
    resources.serviceAccounts,
    { namespace, name: account },
    'token',
    request,
  );
  const token = answer.status?.token;
  if (token === undefined) throw new Error(`failed to fetch token: the answer for ${namespace}/${account} has none`);
  const expires = Date.parse(answer.status?.expirationTimestamp ?? '') || now + expirationSeconds * 1000;
  return { token, refreshAt: now + (expires - now) * 0.8 };
}

/** Files of one source of a projected volume, but for tokens. */
export async function projectionFiles(
  context: VolumeContext,
  services: VolumeServices,
  source: DeepReadonly<VolumeProjection>,
  mode: number,
): Promise<Files> {
  if (source.configMap !== undefined) return configMapFiles(context, services, source.configMap, mode);
  if (source.secret !== undefined) return secretFiles(context, services, source.secret, mode);
  if (source.downwardAPI !== undefined) return downwardFiles(context, services, source.downwardAPI.items ?? [], mode);
  if (source.clusterTrustBundle?.optional === true) return new Map();
  throw new Error('projected volume source is not supported by this node');
}
