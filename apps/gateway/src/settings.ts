import { natsSettings, type SettingsTable } from '#process';

/** What the process can be told by its environment. */
export const settings = {
  ...natsSettings,
  STORE_ENDPOINTS: { kind: 'urls', help: 'members of the store, all https://host:port or all http://host:port' },
  STORE_CA_FILE: {
    kind: 'file',
    optional: true,
    help: "PEM of the authority of the store's members; absent: TLS_CA_FILE",
  },
  LISTEN_ADDRESS: { kind: 'address', default: '0.0.0.0:6443', help: 'where the API is served, over HTTPS' },
  ADVERTISE_ADDRESS: {
    kind: 'ip',
    optional: true,
    help: 'where pods reach this gateway; absent: the address that it listens on, else the first of this machine',
  },
  SERVING_CERT_FILE: { kind: 'file', help: 'PEM of the certificate to serve with' },
  SERVING_KEY_FILE: { kind: 'file', help: 'PEM of its key' },
  CLIENT_CA_FILE: { kind: 'file', help: 'PEM of the authority whose clients are who their certificates say' },
  SERVICE_CIDR: {
    kind: 'cidr',
    default: '10.96.0.0/16',
    help: 'addresses of Services; the first is default/kubernetes',
  },
  NODE_PORT_RANGE: { kind: 'range', default: '30000-32767', help: 'ports of Services on nodes' },
  SERVICE_ACCOUNT_KEY_FILE: { kind: 'file', help: 'PEM of the key that signs service account tokens' },
  SERVICE_ACCOUNT_ISSUER: {
    kind: 'string',
    default: 'https://kubernetes.default.svc.cluster.local',
    help: 'who issues service account tokens, and their audience',
  },
  NATS_ADVERTISE_URL: {
    kind: 'urls',
    optional: true,
    help: 'servers of NATS as other machines reach them, told to components that ask for credentials; absent: NATS_URL',
  },
  NATS_ACCOUNT_SEED_FILE: {
    kind: 'file',
    optional: true,
    help: 'seed of the account that vouches for users of NATS; absent: a NATS on loopback that asks for no credentials',
  },
  KUBELET_CA_FILE: { kind: 'file', optional: true, help: "PEM of the authority of node agents' certificates" },
  KUBELET_CLIENT_CERT_FILE: {
    kind: 'file',
    optional: true,
    help: 'PEM of the certificate to show to node agents; absent: no logs, exec or port-forward',
  },
  KUBELET_CLIENT_KEY_FILE: { kind: 'file', optional: true, help: 'PEM of its key' },
  SHUTDOWN_DELAY: {
    kind: 'duration',
    default: '0s',
    help: 'how long /readyz fails before connections are closed, so that load balancers look elsewhere first',
  },
  LEASE_DURATION: {
    kind: 'duration',
    default: '5s',
    help: 'how long gateways wait before they take over from a publisher of events that is silent',
  },
} as const satisfies SettingsTable;
