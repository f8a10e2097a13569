import { busSettings, type SettingsTable } from '#process';

/** What the process can be told by its environment. */
export const settings = {
  ...busSettings,
  LISTEN_ADDRESS: { kind: 'addresses', default: '0.0.0.0:53', help: 'where to answer, on UDP and TCP' },
  CLUSTER_DOMAIN: { kind: 'string', default: 'cluster.local', help: 'the zone of Services and pods' },
  CLUSTER_DNS: {
    kind: 'ip',
    optional: true,
    help: 'cluster IP of the Service kube-system/kube-dns, which is made to lead here; absent: nothing is published',
  },
  ADVERTISE_ADDRESS: {
    kind: 'ip',
    optional: true,
    help: 'where pods reach this server; absent: the address that it listens on, else the first of this machine',
  },
  REPLICA: {
    kind: 'string',
    optional: true,
    help: "this replica's name among all name servers, the same after a restart; absent: the machine's",
  },
  DNS_TTL: { kind: 'integer', default: '5', help: 'seconds for which clients may keep records of the zone' },
  DNS_UPSTREAMS: {
    kind: 'addresses',
    optional: true,
    help: 'servers for all other names; absent: those of /etc/resolv.conf',
  },
} as const satisfies SettingsTable;
