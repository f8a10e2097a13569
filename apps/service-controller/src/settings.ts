import { busSettings, electionSettings, type SettingsTable } from '#process';

/** What the process can be told by its environment. */
export const settings = {
  ...busSettings,
  ...electionSettings,
  MAX_ENDPOINTS_PER_SLICE: { kind: 'integer', default: '100', help: 'endpoints in one EndpointSlice' },
} as const satisfies SettingsTable;
