import { type SettingsTable } from '#process';

/** What the process can be told by its environment. */
export const settings = {
  LISTEN_ADDRESS: { kind: 'address', default: '0.0.0.0:6443', help: 'the one address of all gateways' },
  BACKENDS: { kind: 'addresses', help: 'the gateways, host:port; names are looked up for every connection' },
  CHECK_INTERVAL: { kind: 'duration', default: '1s', help: "between two questions for a gateway's /readyz" },
  CHECK_TIMEOUT: { kind: 'duration', default: '3s', help: 'after which a gateway that does not answer counts as dead' },
  CONNECT_TIMEOUT: { kind: 'duration', default: '2s', help: 'how long connecting may take before the next is tried' },
} as const satisfies SettingsTable;
