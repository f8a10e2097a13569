import { type SettingsTable } from '#process';

/** What the process can be told by its environment. */
export const settings = {
  STORE_DATA_DIR: { kind: 'string', help: 'where the state is, on a disk of this machine; made if it is missing' },
  STORE_QUOTA_BYTES: {
    kind: 'integer',
    default: '2147483648',
    help: 'bytes of keys and values at which an alarm is raised and writes that grow are refused',
  },
  STORE_SNAPSHOT_BYTES: {
    kind: 'integer',
    default: '33554432',
    help: 'bytes of log after which a snapshot takes its place; half as much is kept for members that have fallen behind',
  },
  STORE_MAX_REQUEST_BYTES: {
    kind: 'integer',
    default: '1572864',
    help: 'what keys and values of one request may take together; 4194304 for the largest objects of the API',
  },
  LISTEN_ADDRESS: { kind: 'address', default: '127.0.0.1:2379', help: "where etcd v3's API is served, gRPC and JSON" },
  SERVING_CERT_FILE: {
    kind: 'file',
    optional: true,
    help: 'PEM of the certificate to serve with; absent: no TLS, and loopback addresses only',
  },
  SERVING_KEY_FILE: { kind: 'file', optional: true, help: 'PEM of its key' },
  CLIENT_CA_FILE: { kind: 'file', optional: true, help: 'PEM of the authority whose clients may connect' },
  CLIENT_ALLOWED_NAMES: {
    kind: 'list',
    optional: true,
    help: 'common names that certificates of clients have; absent: whatever CLIENT_CA_FILE has signed',
  },
  STORE_NAME: { kind: 'string', default: 'store', help: 'the name of this member in STORE_INITIAL_CLUSTER' },
  STORE_INITIAL_CLUSTER: {
    kind: 'list',
    optional: true,
    help: 'all members, this one too, as name=peer URL; absent: the only member, which nobody can join',
  },
  STORE_INITIAL_CLUSTER_STATE: {
    kind: 'choice',
    choices: ['new', 'existing'],
    default: 'new',
    help: 'whether the members begin a cluster, or this one was added to one; counts at its first start only',
  },
  STORE_INITIAL_CLUSTER_TOKEN: {
    kind: 'string',
    default: 'nestor',
    help: 'tells clusters apart that are begun with the same peer URLs',
  },
  STORE_PEER_LISTEN_ADDRESS: { kind: 'address', default: '127.0.0.1:2380', help: 'where the other members connect' },
  STORE_PEER_URLS: {
    kind: 'urls',
    optional: true,
    help: "under which the other members reach this one; absent: those that STORE_INITIAL_CLUSTER has by this one's name",
  },
  STORE_CLIENT_URLS: {
    kind: 'urls',
    optional: true,
    help: 'under which clients reach this member, told to whoever asks for the members; absent: LISTEN_ADDRESS',
  },
  STORE_HEARTBEAT_INTERVAL: { kind: 'duration', default: '100ms', help: 'between two signs of life of a leader' },
  STORE_ELECTION_TIMEOUT: {
    kind: 'duration',
    default: '1s',
    help: 'how long a leader may be silent before another is elected',
  },
  PEER_CERT_FILE: {
    kind: 'file',
    optional: true,
    help: 'PEM of the certificate for other members, as a server and as a client; absent: no TLS, and loopback addresses only',
  },
  PEER_KEY_FILE: { kind: 'file', optional: true, help: 'PEM of its key' },
  PEER_CA_FILE: { kind: 'file', optional: true, help: "PEM of the authority of the members' certificates" },
  PEER_ALLOWED_NAMES: {
    kind: 'list',
    optional: true,
    help: 'common names that certificates of members have; absent: whatever PEER_CA_FILE has signed',
  },
} as const satisfies SettingsTable;
