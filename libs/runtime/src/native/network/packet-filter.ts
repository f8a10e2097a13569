import { type PortMapping } from '../../container-runtime';

export interface FilterFacts {
  /** Name of the table; it is replaced as a whole. */
  readonly table: string;
  readonly bridge: string;
  readonly clusterCidr: string;
  readonly isMasqueraded: boolean;
  readonly ports: readonly (PortMapping & { readonly podIp: string })[];
}

/** A ruleset for `nft -f`: host ports lead to their pods, and what leaves the cluster has this machine's address where nobody else sees to it. */
export function podRules({ table, bridge, clusterCidr, isMasqueraded, ports }: FilterFacts): string {
  const forwards = ports.map(({ podIp, containerPort, hostPort, hostIp, protocol }) => {
    const address =
      hostIp === undefined || hostIp === '' || hostIp === '0.0.0.0' ? 'fib daddr type local' : `ip daddr ${hostIp}`;
    const transport = protocol.toLowerCase();
    return `    ${address} ${transport} dport ${hostPort} dnat to ${podIp}:${containerPort}`;
  });
  const hairpins = [...new Set(ports.map(({ podIp }) => podIp))].map(
    (podIp) => `    ip saddr ${podIp} ip daddr ${podIp} masquerade`,
  );
  return [
    // Declared before it is deleted: what is not there cannot be deleted.
    `table ip ${table} {}`,
    `delete table ip ${table}`,
    `table ip ${table} {`,
    '  chain ports {',
    ...forwards,
    '  }',
    '  chain prerouting {',
    '    type nat hook prerouting priority dstnat; policy accept;',
    '    jump ports',
    '  }',
    '  chain output {',
    '    type nat hook output priority -100; policy accept;',
    '    jump ports',
    '  }',
    '  chain postrouting {',
    '    type nat hook postrouting priority srcnat; policy accept;',
    ...hairpins,
    // A connection to 127.0.0.1 would be answered to the pod's own loopback.
    `    oifname "${bridge}" ip saddr 127.0.0.0/8 masquerade`,
    ...(isMasqueraded ? [`    ip saddr ${clusterCidr} oifname != "${bridge}" masquerade`] : []),
    '  }',
    // The bridge routes loopback addresses so that host ports are there on 127.0.0.1; pods must not get at the host's by that.
    '  chain guard {',
    '    type filter hook prerouting priority raw; policy accept;',
    `    iifname "${bridge}" ip daddr 127.0.0.0/8 drop`,
    '  }',
    '}',
    '',
  ].join('\n');
}
