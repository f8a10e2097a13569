import { busSettings, electionSettings, type SettingsTable } from '#process';

/** What the process can be told by its environment. */
export const settings = {
  ...busSettings,
  ...electionSettings,
  CLUSTER_CIDR: {
    kind: 'cidr',
    default: '10.244.0.0/16',
    help: 'addresses of all pods, of which each node gets a part',
  },
  SIGNING_KEY_FILE: {
    kind: 'file',
    optional: true,
    help: 'PEM of the key of the authority in TLS_CA_FILE, to sign certificates of nodes and clients with; absent: nothing is signed',
  },
  NODE_CIDR_MASK_SIZE: { kind: 'integer', default: '24', help: "prefix length of each node's part" },
  NODE_MONITOR_GRACE_PERIOD: {
    kind: 'duration',
    default: '50s',
    help: 'how long a node may be silent before it counts as unreachable',
  },
} as const satisfies SettingsTable;
