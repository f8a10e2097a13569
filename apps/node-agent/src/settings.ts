import { hostname } from 'node:os';
import { nodeNameOf } from '#machinery';
import { busSettings, type SettingsTable } from '#process';

/** What the process can be told by its environment. */
export const settings = {
  ...busSettings,
  NODE_NAME: { kind: 'string', optional: true, help: "the node's name; absent: the machine's" },
  NODE_IP: { kind: 'ip', optional: true, help: "the node's address; absent: the first of this machine" },
  NODES: {
    kind: 'integer',
    default: '1',
    help: 'how many nodes to be; further ones are named NODE_NAME-1, NODE_NAME-2 …',
  },
  RUNTIME: {
    kind: 'choice',
    choices: ['docker', 'native', 'fake'],
    default: 'docker',
    help: 'what runs containers: native needs no engine; fake simulates them',
  },
  DATA_DIR: {
    kind: 'string',
    default: '/var/lib/nestor',
    help: 'where the files of pods are; must have the same path on the host of the container engine',
  },
  CLUSTER_NAME: {
    kind: 'string',
    default: 'nestor',
    help: 'tells networks, containers and packet filter rules of several clusters on one machine apart',
  },
  CLUSTER_CIDR: { kind: 'cidr', default: '10.244.0.0/16', help: 'addresses of all pods' },
  SERVICE_CIDR: { kind: 'cidr', default: '10.96.0.0/16', help: 'addresses of all Services' },
  CLUSTER_DNS: {
    kind: 'ip',
    optional: true,
    help: 'address of the DNS Service; absent: pods resolve as the node does',
  },
  CLUSTER_DOMAIN: { kind: 'string', default: 'cluster.local', help: 'the zone of Services and pods' },
  LISTEN_ADDRESS: {
    kind: 'address',
    default: '0.0.0.0:10250',
    help: 'where logs, exec, port-forward and statistics are served; port 0 for several nodes',
  },
  BOOTSTRAP_TOKEN_FILE: {
    kind: 'file',
    optional: true,
    help: 'the token to join with at API_SERVERS; not needed once the node has a certificate, in DATA_DIR/identity',
  },
  CA_HASH: {
    kind: 'string',
    optional: true,
    help: "sha256:… of the key of the cluster's authority, where TLS_CA_FILE does not name it",
  },
  SERVING_CERT_FILE: {
    kind: 'file',
    optional: true,
    help: 'PEM of the certificate to serve with; absent: the cluster is asked for one',
  },
  SERVING_KEY_FILE: { kind: 'file', optional: true, help: 'PEM of its key' },
  CLIENT_CA_FILE: {
    kind: 'file',
    optional: true,
    help: 'PEM of the authority whose clients may connect; absent: TLS_CA_FILE, or what the node has joined by',
  },
  SERVICE_PROXY: {
    kind: 'bool',
    default: 'true',
    help: 'whether to make Services reachable from this machine and its pods',
  },
  IMAGE_GC_HIGH_THRESHOLD: {
    kind: 'integer',
    default: '85',
    help: 'percent of the disk in use from which on images that nobody uses are removed, with RUNTIME native; 100: never',
  },
  IMAGE_GC_LOW_THRESHOLD: { kind: 'integer', default: '80', help: 'percent of the disk in use down to which they are' },
  MINIMUM_IMAGE_TTL_DURATION: {
    kind: 'duration',
    default: '2m',
    help: 'how long an image stays at least, though nobody uses it',
  },
  OVERLAY: {
    kind: 'choice',
    choices: ['vxlan', 'host-gw', 'none'],
    default: 'vxlan',
    help: 'how packets get to pods of other machines: in UDP, or by routes, for which all have to be on one network; the same on all',
  },
} as const satisfies SettingsTable;

/** The machine's name as nodes are named. */
export const machineName = (): string => nodeNameOf(hostname());
