import { createHash } from 'node:crypto';
import { type NftChain, type NftSet, type NftTable } from './nft-table';
import { type Backend, type Decision, type RuleSet, type ServicePortRule } from './service-rules';

export interface NftOptions {
  /** Name of the table; see `nftTableName`. */
  readonly table: string;
  /** Addresses of pods: traffic from elsewhere to a cluster IP is masqueraded, so that answers come back this way. */
  readonly clusterCidr: string;
  /**
   * Addresses of services. Packets for one that no service has, or whose rules are not here yet, are dropped, as upstream does
   * it: they must not leave the host, and a client that came too early succeeds when it repeats its SYN.
   */
  readonly serviceCidr?: string;
  /** The bit of the packet mark that says "masquerade". */
  readonly masqueradeMark: number;
  /**
   * Masquerade also from pod to pod. For hosts whose bridges do not hand frames to the firewall
   * (`bridge-nf-call-iptables` is 0 or missing): there the answer would not be translated back.
   */
  readonly masqueradesPods: boolean;
  /**
   * The address of the pods' bridge, the same on every host. Given, the table masquerades what leaves the cluster, in place of the
   * container engine, whose rule would hide pods from those of other hosts, too; and what this host itself sends to pods of
   * others under the bridge's address, since their answers would stay on their host.
   */
  readonly gateway?: string;
}

/** nft's identifiers are letters, digits, `_`, `-`, `.` and `/`; anything else in a cluster's name becomes `_`. */
export function nftTableName(cluster: string): string {
  return `nestor-${cluster.replace(/[^A-Za-z0-9_.-]/g, '_')}`;
}

/** Hooks, and what each does. Priorities are nft's own `dstnat` (-100), `filter` (0), `srcnat` (100). */
const hooks = {
  'nat-prerouting': 'type nat hook prerouting priority -100; policy accept;',
  'nat-output': 'type nat hook output priority -100; policy accept;',
  'nat-postrouting': 'type nat hook postrouting priority 100; policy accept;',
  // Before translation: which client may use a load balancer's address.
  'filter-prerouting': 'type filter hook prerouting priority -110; policy accept;',
  // After translation: what still names a service has nobody to serve it. Before other firewalls (Docker's drops what it
  // does not know), so that the client is told at once.
  'filter-input': 'type filter hook input priority -10; policy accept;',
  'filter-forward': 'type filter hook forward priority -10; policy accept;',
  'filter-output': 'type filter hook output priority -10; policy accept;',
} as const;

const SERVICE_KEY = 'ip daddr . meta l4proto . th dport';
/** Loopback has the userspace forwarder: translated packets from 127.0.0.1 would need route_localnet, on every interface. */
const TO_NODE = 'ip daddr != 127.0.0.0/8 fib daddr type local';

/**
 * The table that carries out a rule set. Rules for a service are found by one lookup of address, protocol and port in a
 * verdict map, so that their number does not matter (as in KEP-3866); connections in progress are not looked up at all.
 */
export function compileNft({ rules }: RuleSet, options: NftOptions): NftTable {
  const mark = `0x${options.masqueradeMark.toString(16).padStart(8, '0')}`;
  const table = new TableBuilder(options);
  const { clusterCidr, serviceCidr } = options;

  table.map('service-ips', 'type ipv4_addr . inet_proto . inet_service : verdict;');
  table.map('service-nodeports', 'type inet_proto . inet_service : verdict;');
  table.map('no-endpoint-services', 'type ipv4_addr . inet_proto . inet_service : verdict;');
  table.map('no-endpoint-nodeports', 'type inet_proto . inet_service : verdict;');
  table.map('firewall-ips', 'type ipv4_addr . inet_proto . inet_service : verdict;');
  table.set('cluster-ips', 'type ipv4_addr;');
  table.set('hairpins', 'type ipv4_addr . ipv4_addr;');

  table.chain('nat-prerouting', ['jump services']);
  table.chain('nat-output', ['jump services']);
  table.chain('nat-postrouting', [
    `meta mark & ${mark} != 0 meta mark set meta mark xor ${mark} masquerade fully-random`,
    // A pod that reached itself through a service: it would take the answer for its own packet.
    'ct status dnat ip saddr . ip daddr @hairpins masquerade fully-random',
    ...(options.masqueradesPods
      ? [`ct status dnat ip saddr ${clusterCidr} ip daddr ${clusterCidr} masquerade fully-random`]
      : []),
    ...(options.gateway === undefined ? [] : egress(clusterCidr, options.gateway)),
  ]);
  table.chain('services', [
    `${SERVICE_KEY} vmap @service-ips`,
    `${TO_NODE} meta l4proto . th dport vmap @service-nodeports`,
  ]);
  table.chain('mark-masquerade', [`meta mark set meta mark or ${mark}`]);
  table.chain('filter-prerouting', [`ct state new ${SERVICE_KEY} vmap @firewall-ips`]);
  table.chain('filter-input', ['ct state new jump unserved', `ct state new jump unserved-nodeports`]);
  table.chain('filter-forward', ['ct state new jump unserved']);
  table.chain('filter-output', ['ct state new jump unserved', `ct state new jump unserved-nodeports`]);
  table.chain('unserved', [
    `${SERVICE_KEY} vmap @no-endpoint-services`,
    // Ports that the service does not have.
    'ip daddr @cluster-ips goto refuse',
    ...(serviceCidr === undefined ? [] : [`ip daddr ${serviceCidr} drop`]),
  ]);
  table.chain('unserved-nodeports', [`${TO_NODE} meta l4proto . th dport vmap @no-endpoint-nodeports`]);
  // The kernel sends a client one ICMP error a second (`icmp_ratelimit`); resets have no such limit.
  table.chain('refuse', ['meta l4proto tcp reject with tcp reset', 'reject']);

  for (const rule of rules) addService(table, rule, clusterCidr);
  return table.build();
}

/** Unicast: neither to this host, which is not left, nor to groups. */
function egress(clusterCidr: string, gateway: string): string[] {
  return [
    `ip saddr ${clusterCidr} ip daddr != ${clusterCidr} fib daddr type unicast masquerade fully-random`,
    // By another interface than the bridge, whose address it is: under that interface's.
    `ip saddr ${gateway} ip daddr ${clusterCidr} fib daddr type unicast fib saddr . oif type != local masquerade fully-random`,
  ];
}

function addService(table: TableBuilder, rule: ServicePortRule, clusterCidr: string): void {
  const id = identifier(rule.name);
  const keyOf = (ip: string): string => `${ip} . ${rule.protocol} . ${rule.port}`;
  table.element('cluster-ips', rule.clusterIp);

  if (rule.internal.kind === 'balance') {
    table.element('service-ips', keyOf(rule.clusterIp), `goto service-${id}`);
    table.chain(`service-${id}`, [
      `ip daddr ${rule.clusterIp} ip saddr != ${clusterCidr} jump mark-masquerade`,
      ...balance(table, rule, rule.internal.backends),
    ]);
  } else {
    table.element('no-endpoint-services', keyOf(rule.clusterIp), refusal(rule.internal));
  }

  if (rule.externalIps.length > 0 || rule.nodePort !== undefined) addExternal(table, rule, id, clusterCidr);

  if (rule.firewall !== undefined && rule.firewall.addresses.length > 0) {
    table.chain(`firewall-${id}`, [`ip saddr != { ${[...new Set(rule.firewall.sources)].join(', ')} } drop`]);
    for (const ip of rule.firewall.addresses) table.element('firewall-ips', keyOf(ip), `goto firewall-${id}`);
  }
}

/** External addresses and the node port. */
function addExternal(table: TableBuilder, rule: ServicePortRule, id: string, clusterCidr: string): void {
  const { cluster, external, internal, nodePort, protocol } = rule;
  if (cluster.kind === 'balance') {
    let everywhere = `service-${id}`;
    if (internal !== cluster) {
      everywhere = `cluster-${id}`;
      table.chain(everywhere, balance(table, rule, cluster.backends));
    }
    const local = external.kind === 'balance' ? balance(table, rule, external.backends) : [];
    table.chain(
      `external-${id}`,
      rule.keepsExternalSource
        ? [
            // Who is in the cluster already need not care where the endpoints are.
            `ip saddr ${clusterCidr} goto ${everywhere}`,
            'fib saddr type local jump mark-masquerade',
            `fib saddr type local goto ${everywhere}`,
            ...local,
          ]
        : ['jump mark-masquerade', `goto ${everywhere}`],
    );
  }
  const target = cluster.kind === 'balance' ? `goto external-${id}` : undefined;
  for (const ip of rule.externalIps) {
    const key = `${ip} . ${protocol} . ${rule.port}`;
    if (target !== undefined) table.element('service-ips', key, target);
    if (external.kind !== 'balance') table.element('no-endpoint-services', key, refusal(external));
  }
  if (nodePort === undefined) return;
  const key = `${protocol} . ${nodePort}`;
  if (target !== undefined) table.element('service-nodeports', key, target);
  if (external.kind !== 'balance') table.element('no-endpoint-nodeports', key, refusal(external));
}

/** Rules that send the packet to one of the backends, each with the same probability or as the client's last time. */
function balance(table: TableBuilder, rule: ServicePortRule, backends: readonly Backend[]): string[] {
  for (const { ip } of backends) table.element('hairpins', `${ip} . ${ip}`);
  const { protocol, affinitySeconds } = rule;
  if (affinitySeconds === undefined) {
    const [only] = backends;
    if (backends.length === 1 && only !== undefined) {
      return [`meta l4proto ${protocol} dnat ip to ${only.ip}:${only.port}`];
    }
    const targets = backends.map(({ ip, port }, i) => `${i} : ${ip} . ${port}`).join(', ');
    return [`meta l4proto ${protocol} dnat ip addr . port to numgen random mod ${backends.length} map { ${targets} }`];
  }
  const chains = backends.map((backend) => {
    const id = digest(`${rule.name} ${affinitySeconds} ${backend.ip}:${backend.port}`);
    table.set(`affinity-${id}`, `type ipv4_addr; flags dynamic,timeout; timeout ${affinitySeconds}s;`);
    table.chain(`endpoint-${id}`, [
      `update @affinity-${id} { ip saddr }`,
      `meta l4proto ${protocol} dnat ip to ${backend.ip}:${backend.port}`,
    ]);
    return id;
  });
  const choices = chains.map((id, i) => `${i} : goto endpoint-${id}`).join(', ');
  return [
    ...chains.map((id) => `ip saddr @affinity-${id} goto endpoint-${id}`),
    `numgen random mod ${chains.length} vmap { ${choices} }`,
  ];
}

function refusal(decision: Decision): string {
  return decision.kind === 'drop' ? 'drop' : 'goto refuse';
}

/** Readable where possible: names of services fit, unless they are very long or strange. */
function identifier(name: string): string {
  return /^[a-z0-9./-]{1,90}$/.test(name) ? name : `${name.replace(/[^a-z0-9./-]/g, '_').slice(0, 70)}-${digest(name)}`;
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 16);
}

class TableBuilder {
  private readonly chains = new Map<string, NftChain>();
  private readonly sets = new Map<string, NftSet & { readonly elements: Map<string, string> }>();

  constructor(private readonly options: NftOptions) {}

  build(): NftTable {
    return { family: 'ip', name: this.options.table, chains: this.chains, sets: this.sets };
  }

  chain(name: string, rules: readonly string[]): void {
    const hook: string | undefined = (hooks as Readonly<Record<string, string>>)[name];
    this.chains.set(name, hook === undefined ? { rules } : { hook, rules });
  }

  set(name: string, declaration: string): void {
    if (!this.sets.has(name)) this.sets.set(name, { kind: 'set', declaration, elements: new Map() });
  }

  map(name: string, declaration: string): void {
    this.sets.set(name, { kind: 'map', declaration, elements: new Map() });
  }

  element(set: string, key: string, value = ''): void {
    this.sets.get(set)?.elements.set(key, value);
  }
}
