import { type ConfigMap, type Secret, resources } from '#api';
import { type ObjectClient } from '#client';
import { type DeepReadonly, formatTime, hasReason } from '#machinery';
import {
  type BootstrapToken,
  bootstrapTokens,
  createBootstrapToken,
  expirationOf,
  formatBootstrapToken,
  parseBootstrapToken,
  publicKeyPin,
  readClusterInfo,
} from '#pki';
import { type AdministratorOptions, asAdministrator } from '../administrator';
import { alignColumns } from '../columns';
import { UserError } from '../user-error';

const { namespace, secretPrefix, secretType, keys, clusterInfo } = bootstrapTokens;
const extraGroup = 'system:bootstrappers:kubeadm:default-node-token';

/** Makes a token with which nodes can join, and prints how. */
export async function createToken(
  given: string | undefined,
  options: AdministratorOptions & { readonly ttl: number; readonly description?: string },
): Promise<void> {
  const token = given === undefined ? createBootstrapToken() : parseBootstrapToken(given);
  if (token === undefined) throw new UserError('a token has the form abcdef.0123456789abcdef');
  await asAdministrator(options, async (client) => {
    const secret = tokenSecret(token, options.ttl, options.description, Date.now());
    try {
      await client.create(resources.secrets, secret);
    } catch (error) {
      if (hasReason(error, 'AlreadyExists')) throw new UserError(`there is a token ${token.id} already`);
      throw error;
    }
    console.log(await joinCommand(client, token));
  });
}

function tokenSecret(token: BootstrapToken, ttlMs: number, description: string | undefined, now: number): Secret {
  const data: Record<string, string> = {
    [keys.id]: token.id,
    [keys.secret]: token.secret,
    [keys.authentication]: 'true',
    [keys.signing]: 'true',
    [keys.extraGroups]: extraGroup,
    ...(ttlMs === 0 ? {} : { [keys.expiration]: formatTime(now + ttlMs) }),
    ...(description === undefined ? {} : { [keys.description]: description }),
  };
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { namespace, name: `${secretPrefix}${token.id}` },
    type: secretType,
    data: Object.fromEntries(Object.entries(data).map(([key, text]) => [key, Buffer.from(text).toString('base64')])),
  };
}

/** As `kubeadm token create --print-join-command`. */
async function joinCommand(client: ObjectClient, token: BootstrapToken): Promise<string> {
  const found: DeepReadonly<ConfigMap> = await client.get(resources.configMaps, clusterInfo);
  const info = readClusterInfo(found.data?.[clusterInfo.kubeconfigKey] ?? '');
  if (info === undefined)
    throw new UserError('the cluster does not tell where it is: kube-public/cluster-info is damaged');
  const pin = publicKeyPin(info.authorityPem);
  return `nestor node join --server ${info.server} --token ${formatBootstrapToken(token)} --ca-hash ${pin}`;
}

/** Prints the tokens of a cluster, as `kubeadm token list`. */
export async function listTokens(options: AdministratorOptions): Promise<void> {
  await asAdministrator(options, async (client) => {
    const { items } = await client.list(resources.secrets, { namespace, fieldSelector: `type=${secretType}` });
    const rows = items.map((secret) => rowOf(secret, Date.now()));
    console.log(alignColumns([['TOKEN', 'TTL', 'EXPIRES', 'USAGES', 'DESCRIPTION', 'EXTRA GROUPS'], ...rows]));
  });
}

function rowOf({ data = {} }: DeepReadonly<Secret>, now: number): string[] {
  const value = (key: string): string => Buffer.from(data[key] ?? '', 'base64').toString('utf8');
  const end = expirationOf(value(keys.expiration));
  const usages = Object.keys(data)
    .filter((key) => key.startsWith(keys.usagePrefix) && value(key) === 'true')
    .map((key) => key.slice(keys.usagePrefix.length));
  return [
    `${value(keys.id)}.${value(keys.secret)}`,
    end === Infinity ? '<forever>' : end <= now ? '<invalid>' : duration(end - now),
    value(keys.expiration) || '<never>',
    usages.sort().join(',') || '<none>',
    value(keys.description) || '<none>',
    value(keys.extraGroups) || '<none>',
  ];
}

function duration(ms: number): string {
  const minutes = Math.floor(ms / 60_000);
  return minutes >= 60 ? `${Math.floor(minutes / 60)}h` : `${minutes}m`;
}

/** Deletes a token, given by its id or whole. Nodes that joined with it stay. */
export async function deleteToken(given: string, options: AdministratorOptions): Promise<void> {
  const id = parseBootstrapToken(given)?.id ?? given;
  if (!/^[a-z0-9]{6}$/.test(id)) throw new UserError('a token is told by its first six characters, or whole');
  await asAdministrator(options, async (client) => {
    try {
      await client.delete(resources.secrets, { namespace, name: `${secretPrefix}${id}` });
    } catch (error) {
      if (hasReason(error, 'NotFound')) throw new UserError(`there is no token ${id}`);
      throw error;
    }
    console.log(`bootstrap token "${id}" deleted`);
  });
}
