import { type HostAlias, type PodDNSConfig } from '#api';
import { type DeepReadonly } from '#machinery';
import { type PodObject } from '../pods/pod-containers';

/** What the node itself resolves names with. */
export interface HostResolver {
  readonly nameservers: readonly string[];
  readonly searches: readonly string[];
  readonly options: readonly string[];
}

export interface ClusterDns {
  /** Address of the DNS Service; absent: pods use the node's resolver. */
  readonly clusterDns?: string;
  readonly clusterDomain: string;
}

/** A pod's /etc/resolv.conf, from its dnsPolicy and dnsConfig. */
export function resolvConf(pod: PodObject, { clusterDns, clusterDomain }: ClusterDns, host: HostResolver): string {
  const namespace = pod.metadata?.namespace ?? '';
  const isCluster = usesClusterDns(pod) && clusterDns !== undefined;
  const base = isCluster
    ? {
        nameservers: [clusterDns],
        searches: [`${namespace}.svc.${clusterDomain}`, `svc.${clusterDomain}`, clusterDomain, ...host.searches],
        options: ['ndots:5'],
      }
    : pod.spec?.dnsPolicy === 'None'
      ? { nameservers: [], searches: [], options: [] }
      : host;
  const { nameservers, searches, options } = merge(base, pod.spec?.dnsConfig);
  const lines = [
    ...(searches.length === 0 ? [] : [`search ${searches.join(' ')}`]),
    ...nameservers.map((server) => `nameserver ${server}`),
    ...(options.length === 0 ? [] : [`options ${options.join(' ')}`]),
  ];
  return `${lines.join('\n')}\n`;
}

function usesClusterDns({ spec }: PodObject): boolean {
  const policy = spec?.dnsPolicy ?? 'ClusterFirst';
  return policy === 'ClusterFirstWithHostNet' || (policy === 'ClusterFirst' && spec?.hostNetwork !== true);
}

function merge(base: HostResolver, config: DeepReadonly<PodDNSConfig> | undefined): HostResolver {
  const unique = (values: readonly string[]): string[] => [...new Set(values)];
  const options = new Map(base.options.map((option) => [option.split(':')[0]!, option]));
  for (const { name = '', value } of config?.options ?? []) {
    options.set(name, value === undefined || value === '' ? name : `${name}:${value}`);
  }
  return {
    nameservers: unique([...base.nameservers, ...(config?.nameservers ?? [])]),
    searches: unique([...base.searches, ...(config?.searches ?? [])]),
    options: [...options.values()],
  };
}

export function parseResolvConf(text: string): HostResolver {
  const nameservers: string[] = [];
  let searches: string[] = [];
  let options: string[] = [];
  for (const line of text.split('\n')) {
    const [keyword, ...values] = line.trim().split(/\s+/);
    if (keyword === 'nameserver' && values[0] !== undefined) nameservers.push(values[0]);
    else if (keyword === 'search' || keyword === 'domain') searches = values;
    else if (keyword === 'options') options = values;
  }
  return { nameservers, searches, options };
}

/** A pod's /etc/hosts. With `hostNetwork` the node's own file, extended. */
export function etcHosts(
  pod: PodObject,
  { ip, hostname, domain, hostFile }: { ip?: string; hostname: string; domain: string; hostFile: string },
): string {
  const aliases = pod.spec?.hostAliases ?? [];
  if (pod.spec?.hostNetwork === true) {
    return `# Kubernetes-managed hosts file (host network).\n${hostFile}${aliasLines(aliases)}`;
  }
  const own = ip === undefined ? '' : `${ip}\t${domain === '' ? '' : `${hostname}.${domain}\t`}${hostname}\n`;
  return [
    '# Kubernetes-managed hosts file.\n',
    '127.0.0.1\tlocalhost\n',
    '::1\tlocalhost ip6-localhost ip6-loopback\n',
    'fe00::0\tip6-localnet\n',
    'fe00::0\tip6-mcastprefix\n',
    'fe00::1\tip6-allnodes\n',
    'fe00::2\tip6-allrouters\n',
    own,
    aliasLines(aliases),
  ].join('');
}

function aliasLines(aliases: readonly DeepReadonly<HostAlias>[]): string {
  if (aliases.length === 0) return '';
  const lines = aliases.map(({ ip, hostnames }) => `${ip}\t${(hostnames ?? []).join('\t')}\n`);
  return `\n# Entries added by HostAliases.\n${lines.join('')}`;
}
