import { busSettings, electionSettings, type SettingsTable } from '#process';

/** What the process can be told by its environment. */
export const settings = {
  ...busSettings,
  ...electionSettings,
  TLS_CA_FILE: { kind: 'file', help: "PEM of the cluster's certificate authority, which pods get in kube-root-ca.crt" },
  TERMINATED_POD_THRESHOLD: {
    kind: 'integer',
    default: '12500',
    help: 'finished pods that may lie around before the oldest are removed',
  },
} as const satisfies SettingsTable;
