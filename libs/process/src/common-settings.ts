import { type SettingsTable } from './settings';

/** Of every process. */
export const processSettings = {
  LOG_LEVEL: {
    kind: 'choice',
    choices: ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'],
    default: 'info',
    help: 'what is logged, as JSON lines on standard error',
  },
  HEALTH_ADDRESS: {
    kind: 'address',
    default: '127.0.0.1:0',
    help: 'where /livez, /readyz, /healthz, /metrics and /debug are served over HTTP; the port is logged',
  },
  SHUTDOWN_TIMEOUT: {
    kind: 'duration',
    default: '30s',
    help: 'how long a stop may take before the process ends with an error',
  },
} as const satisfies SettingsTable;

/** Of every process on the bus. */
export const natsSettings = {
  NATS_URL: {
    kind: 'urls',
    optional: true,
    help: 'servers of the NATS cluster; absent: those that the gateways name, else nats://127.0.0.1:4222',
  },
  TLS_CA_FILE: { kind: 'file', optional: true, help: "PEM of the cluster's certificate authority" },
  TLS_CERT_FILE: { kind: 'file', optional: true, help: "PEM of this component's client certificate" },
  TLS_KEY_FILE: { kind: 'file', optional: true, help: 'PEM of its key' },
} as const satisfies SettingsTable;

/** Of every process that talks to the gateways. */
export const busSettings = {
  ...natsSettings,
  API_SERVERS: {
    kind: 'urls',
    optional: true,
    help: 'gateways that hand out credentials for NATS to whoever shows a certificate, https://host:port; absent: a NATS on loopback that asks for none',
  },
} as const satisfies SettingsTable;

/** Of every component of which one replica at a time acts; upstream's `--leader-elect-*`. */
export const electionSettings = {
  LEASE_DURATION: {
    kind: 'duration',
    default: '15s',
    help: 'how long replicas wait before they take over from a leader that is silent',
  },
  RENEW_DEADLINE: {
    kind: 'duration',
    default: '10s',
    help: 'how long a leader goes on without having renewed its lease; less than LEASE_DURATION',
  },
  RETRY_PERIOD: { kind: 'duration', default: '2s', help: 'between attempts to acquire or renew the lease' },
} as const satisfies SettingsTable;
