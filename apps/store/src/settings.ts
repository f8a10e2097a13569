import { type SettingsTable } from '#process';

/** What the process can be told by its environment. */
export const settings = {
  STORE_DATA_DIR: { kind: 'string', help: 'where the state is, on a disk of this machine; made if it is missing' },
  STORE_QUOTA_BYTES: {
    kind: 'integer',
    default: '2147483648',
    help: 'bytes of keys and values at which an alarm is raised and writes that grow are refused',
  },
  LISTEN_ADDRESS: { kind: 'address', default: '127.0.0.1:2379', help: "where etcd v3's API is served, gRPC and JSON" },
  SERVING_CERT_FILE: {
    kind: 'file',
    optional: true,
    help: 'PEM of the certificate to serve with; absent: no TLS, and loopback addresses only',
  },
  SERVING_KEY_FILE: { kind: 'file', optional: true, help: 'PEM of its key' },
  CLIENT_CA_FILE: { kind: 'file', optional: true, help: 'PEM of the authority whose clients may connect' },
} as const satisfies SettingsTable;
